// The desk: one item after the other without waiting, and nothing lost on the way. Everything also works without this.

import { listen, typing } from "./keys.js";
import { draftHere, drop, flush, openOutbox, post, put, remind, waiting } from "./outbox.js";
import { startReading } from "./reading.js";
import { closeMarks, openMarks, readMarks, startMarks } from "./spans.js";

const BEAT = 240;
const NO_KEYS = { find: "", raw: "", next: "", previous: "", back: "" };
const $ = (id) => document.getElementById(id);
const work = $("workplace").dataset;
const keymap = JSON.parse(work.keys);
const tabs = new BroadcastChannel("desk");
const say = (text, values = {}) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name]);
const announce = (text) => ($("announce").textContent = text);
const visible = () => document.visibilityState === "visible";
const painted = (then) => requestAnimationFrame(() => requestAnimationFrame(then));

// The item on the desk.
let desk, form, token, questions, current, began, dirty, saveTimer, sent, original;
// Its clock: seconds in sight, those of earlier visits included.
let before, seen, since;
// The desk that comes next, until its short lease ends.
let staged, stageTimer;
let beaten, beatPause, letGo, ticking, wantsUndo;
let byKey = false;
let pointer = -Infinity;

function begin() {
  document.documentElement.classList.add("keyed");
  sit($("desk"));
  listen(keymap, actions);
  for (const type of ["input", "change"]) document.addEventListener(type, (event) => event.target.form === form && changed(event));
  document.addEventListener("submit", submitted);
  document.addEventListener("click", clicked);
  document.addEventListener("pointerup", () => (pointer = performance.now()));
  document.addEventListener("focusin", (event) => {
    const place = questions.indexOf(event.target.closest(".question"));
    if (place >= 0) mark(place);
  });
  document.addEventListener("visibilitychange", () => {
    if (visible()) {
      since = performance.now();
      save();
      beat();
      if (!staged) ahead();
    } else {
      pauseClock();
      save(true);
    }
  });
  addEventListener("pagehide", () => save(true));
  addEventListener("online", () => save());
  addEventListener("popstate", () => location.reload());
  tabs.onmessage = heard;
  setInterval(beat, 15_000);
}

// An item is sat down to: on the page as it was loaded, or as it was put in the last one's place.
function sit(root) {
  desk = root;
  form = desk.querySelector("form.answer");
  // What is missing is said at its place, in our words.
  form.noValidate = true;
  token = desk.dataset.token;
  questions = [...form.querySelectorAll(".question")];
  const texts = desk.querySelectorAll(".response [data-part]");
  original = texts.length === 1 ? lines(texts[0].textContent) : "";
  [before, seen, since] = [Number(form.elements.client_seconds.value) || 0, 0, null];
  [dirty, sent] = [false, false];
  clearTimeout(saveTimer);
  for (const hidden of desk.querySelectorAll(".scripted:not(#marking)")) hidden.hidden = false;
  startReading(desk.querySelector(".task"), keymap.single ? { find: keymap.keys.find, raw: keymap.keys.raw } : NO_KEYS);
  startMarks(desk, changed);
  const stored = draftHere(token);
  if (stored) restore(stored);
  began = complete();
  refresh();
  mark(Math.max(0, questions.findIndex((question) => !question.querySelector(":checked"))));
  for (const name of ["lease", "tab", "elsewhere"]) notice(name, false);
  takeLock();
  $("faults")?.focus();
  const left = Number(desk.dataset.leaseSeconds);
  beatPause = Math.max(15, Math.min(BEAT, left > 0 ? left / 3 : BEAT)) * 1000;
  beaten = left < BEAT ? -Infinity : performance.now();
  painted(() => {
    if (root !== desk) return;
    if (visible()) since = performance.now();
    if (stored) save();
    if ($("correction")?.open) form.elements.correction.dispatchEvent(new Event("refresh"));
    if (desk.dataset.unopened !== undefined) open();
    else beat();
    flush();
    ahead();
  });
}

function show(root, words) {
  save();
  desk.replaceWith(root);
  globalThis.htmx?.process(root);
  history.pushState(null, "", `/review/${root.dataset.token}/`);
  sit(root);
  scrollTo(0, 0);
  if (!$("faults")) desk.querySelector(".task").focus({ preventScroll: true });
  announce(words);
}

const parsed = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html;
  return document.importNode(template.content, true);
};

// The next item ---------------------------------------------------------------------------------------

async function ahead() {
  if (staged || sent || waiting() || !visible()) return;
  const here = token;
  const { status, html } = await post(work.ahead, `showing=${here}`, "next");
  if (here !== token || sent || staged) return;
  clearTimeout(stageTimer);
  // Nothing to be had, or nobody answered: perhaps later.
  let again = 20_000;
  if (status === 200) {
    const root = parsed(html).firstElementChild;
    const left = Number(root.dataset.leaseSeconds) * 1000;
    staged = { root, until: performance.now() + left - 2000 };
    again = left + 500;
  }
  stageTimer = setTimeout(() => ((staged = null), ahead()), again);
}

async function open() {
  const here = token;
  const { status } = await post(api("open"), {});
  if (here !== token) return;
  if (status === 409) notice("lease");
  else if (status !== 200) trouble(status);
  beaten = performance.now();
}

async function beat() {
  if (!visible() || sent || performance.now() - beaten < beatPause) return;
  beaten = performance.now();
  const here = token;
  const { status } = await post(api("heartbeat"), {});
  if (here !== token || sent) return;
  trouble(status);
  notice("lease", status === 409);
}

const api = (what) => `/api/v1/assignments/${token}/${what}/`;

// Handing in --------------------------------------------------------------------------------------------

function submitted(event) {
  if (event.target.id === "undo") {
    event.preventDefault();
    undo();
  } else if (event.target === form) {
    event.preventDefault();
    const button = event.submitter?.hasAttribute("formaction") ? event.submitter : null;
    if (button || answerable()) handIn(button);
  }
}

function handIn(button) {
  if (sent || form.inert) return;
  const reason = form.elements.reason;
  if (button && !reason.value.trim() && !form.querySelector("[name=preset]:checked")) return lack(reason, reason.dataset.missing);
  form.elements.client_seconds.value = seconds();
  draftHere(token, draft());
  put(form, button ? button.formAction : form.action, token);
  clearTimeout(saveTimer);
  dirty = false;
  clearInterval(ticking);
  $("line").textContent = work.saving;
  wantsUndo = false;
  const next = staged && performance.now() < staged.until && staged.root;
  staged = null;
  if (next) return show(next, work.next);
  sent = form.inert = true;
  flush();
}

// Whether the answer can go: what is open or off its scale is told where it is, and the first of it gets the focus.
function answerable() {
  for (const told of form.querySelectorAll(".fault.here")) told.remove();
  const lacking = groups().map((group) => group.querySelector("input:invalid")).filter(Boolean);
  const verdict = form.querySelector("[name=verdict]");
  for (const field of [...lacking].reverse()) {
    const { min, max } = field;
    lack(field, field.validity.valueMissing && !field.validity.badInput ? work.missing : say(work.range, { minimum: min, maximum: max }));
  }
  if (!lacking.length && verdict?.validationMessage) lack(verdict, verdict.validationMessage);
  return !form.querySelector(".fault.here");
}

function lack(field, words) {
  const group = field.closest(".question, .preference, fieldset") ?? field;
  const place = group === field ? field : (group.querySelector("legend") ?? field);
  const told = place.nextElementSibling?.matches(".fault.here") ? place.nextElementSibling : document.createElement("p");
  told.className = "fault here";
  told.role = "alert";
  told.textContent = words;
  place.after(told);
  if (questions.includes(group)) mark(questions.indexOf(group));
  field.focus({ preventScroll: true });
  group.scrollIntoView({ block: "center" });
}

function answered(entry, status, html) {
  const answer = parsed(html);
  const root = answer.querySelector("#desk");
  const refused = answer.querySelector(".refused");
  const here = sent && entry.token === token;
  if (status === 200) {
    draftHere(entry.token, null);
    tabs.postMessage({ type: "done", token: entry.token });
    for (const old of document.querySelectorAll(`.refused[data-token="${entry.token}"]`)) old.remove();
  }
  receive(answer);
  // On the desk again, it speaks for itself.
  if (refused && entry.token === token) drop(entry);
  else if (refused) {
    refused.querySelector("[data-dismiss]").onclick = () => (refused.remove(), drop(entry));
    $("notices").append(refused);
    if (status && !$("receipt")) $("line").textContent = "";
  }
  if (here && root) {
    sent = false;
    show(root, status === 200 ? work.next : "");
  } else if (here && answer.querySelector("#onward")) {
    letGo?.();
    location.assign(answer.querySelector("#onward").href);
  } else if (status === 200 && desk) ahead();
  if (wantsUndo && $("undo")) undo();
}

// The line that tells what became of the last item, and the day's progress.
function receive(answer) {
  // Of several that waited for the network each has its receipt; the last one is the one to undo.
  const earlier = answer !== document && answer.querySelector("#receipt") ? receipts(answer.querySelector("#receipt").dataset.token) : [];
  for (const id of ["line", "progress"]) {
    const fresh = answer.querySelector(`#${id}`);
    if (fresh && answer !== document) $(id).replaceWith(fresh);
  }
  $("line").append(...earlier);
  clearInterval(ticking);
  if (!$("receipt")) return;
  draftHere($("receipt").dataset.token, null);
  const left = $("undo")?.querySelector(".left");
  if (!left) return;
  const until = performance.now() + Number($("receipt").dataset.undoSeconds) * 1000;
  const tick = () => {
    const rest = Math.ceil((until - performance.now()) / 1000);
    left.textContent = ` (${rest} s)`;
    if (rest <= 0) $("undo")?.remove(), clearInterval(ticking);
  };
  left.hidden = false;
  tick();
  ticking = setInterval(tick, 250);
}

// The receipts on the line but that of `token`, without what can be done with them.
function receipts(token) {
  const found = [...$("line").querySelectorAll(".receipt")].filter((receipt) => receipt.dataset.token !== token);
  for (const receipt of found) {
    receipt.querySelector("form")?.remove();
    receipt.removeAttribute("id");
    receipt.classList.add("earlier");
  }
  return found;
}

async function undo() {
  const button = $("undo");
  // Not stored yet, so not to be taken back yet.
  if (!button) return (wantsUndo = waiting());
  wantsUndo = false;
  if (!desk) return button.submit();
  await save();
  const { status, html } = await post(button.action, "", "next");
  const answer = html && parsed(html);
  if (status === 200) {
    staged = null;
    receive(answer);
    show(answer.querySelector("#desk"), work.back);
  } else if (status === 409) {
    const refused = answer.querySelector(".refused");
    refused.querySelector("[data-dismiss]").onclick = () => refused.remove();
    $("notices").append(refused);
    button.remove();
  } else trouble(status);
}

// Drafts ------------------------------------------------------------------------------------------------

function draft() {
  const data = new FormData(form);
  const get = (name) => data.get(name) ?? "";
  const values = {};
  for (const [name, value] of data) if (name.startsWith("value-") && value) values[name.slice(6)] = value;
  const correction = lines(get("correction"));
  return {
    values,
    preferred: get("preferred"),
    verdict: get("verdict"),
    correction: correction === original ? "" : correction,
    rationale: get("rationale"),
    cause: get("cause"),
    spans: JSON.parse(get("spans") || "[]"),
    client_seconds: seconds(),
  };
}

function restore(stored) {
  for (const field of form.elements) {
    const name = field.name ?? "";
    const value = name.startsWith("value-") ? (stored.values?.[name.slice(6)] ?? "") : stored[name];
    if (value === undefined || name === "client_seconds") continue;
    if (field.type === "radio") field.checked = field.value === value;
    else if (name === "spans") field.value = value.length ? JSON.stringify(value) : "";
    else if (value || name !== "correction") field.value = value;
  }
  if (stored.correction) $("correction").open = true;
  readMarks();
  dirty = true;
}

function changed(event) {
  dirty = true;
  event?.target.closest(".question, .preference, .verdict, .pass")?.querySelector(".fault.here")?.remove();
  clearTimeout(saveTimer);
  draftHere(token, draft());
  saveTimer = setTimeout(save, 800);
  refresh();
  const answer = event?.type === "change" && event.target.matches("input[type=radio]:not([name=verdict], [name=preset])");
  // By the arrow keys one only passes through the answers.
  if (answer && (byKey || performance.now() - pointer < 500)) advance();
}

async function save(leaving) {
  clearTimeout(saveTimer);
  if (!dirty || sent) return;
  dirty = false;
  const [here, typed] = [token, draft()];
  const { status } = await post(api("draft"), typed, "", leaving === true);
  if (status === 200) {
    if (here !== token) return waiting(here) || draftHere(here, null);
    if (!dirty) draftHere(here, null);
  } else if (here === token) {
    dirty = true;
    saveTimer = setTimeout(save, status ? 8000 : 3000);
  }
  if (here !== token || sent) return;
  trouble(status);
  if (status === 409) notice("lease");
  const words = status === 200 ? work.saved : draftHere(here, typed) ? work.here : work.unsaved;
  $("saved").textContent = say(words, { time: clock() });
}

function trouble(status) {
  notice("out", status === 401 || status === 403 || status === 404);
  notice("offline", status === 0 || status === 429 || status >= 500);
}

function notice(name, shown = true) {
  const box = document.querySelector(`[data-notice=${name}]`);
  if (box && box.hidden === shown) box.hidden = !shown;
}

// Answers --------------------------------------------------------------------------------------------------

const groups = () => [...form.querySelectorAll(".preference, .question")];
const isAnswered = (group) => Boolean(group.querySelector(":checked") || group.querySelector("[type=number]")?.value);
const isRequired = (group) => Boolean(group.querySelector("[required]"));
const complete = () => groups().every((group) => isAnswered(group) || !isRequired(group));
const fails = () =>
  Boolean(form.querySelector("[data-fails]:checked")) ||
  [...form.querySelectorAll("[data-below]")].some((field) => field.value && Number(field.value) < Number(field.dataset.below));
const corrected = () => form.elements.correction && lines(form.elements.correction.value) !== original;

// Nothing is handed in by itself once the person has begun to say more than the answers, or has come back to them.
function advance() {
  const more = ["rationale", "reason"].some((name) => form.elements[name].value.trim());
  if (!keymap.auto || began || !complete() || more || form.elements.spans?.value || form.elements.verdict?.value) return;
  if ($("correction")?.open || $("reason").open || typing(document.activeElement)) return;
  if (fails() && !groups().every(isAnswered)) return;
  form.requestSubmit($("submit"));
}

// What the answers amount to, and how many are given.
function refresh() {
  const needed = groups().filter(isRequired);
  $("answered").textContent = say(work.answered, { done: needed.filter(isAnswered).length, all: needed.length });
  const outcome = $("outcome");
  if (!outcome) return;
  outcome.dataset.unsaid ??= outcome.textContent;
  const chosen = form.elements.verdict.value;
  const value = chosen || (complete() ? (corrected() ? "correct" : fails() ? "reject" : "accept") : "");
  const words = value ? form.querySelector(`[name=verdict][value=${value}]`)?.closest("label").querySelector("b").textContent : "";
  if (outcome.textContent !== (words || outcome.dataset.unsaid)) outcome.textContent = words || outcome.dataset.unsaid;
  outcome.dataset.verdict = value;
  const box = form.querySelector("[name=verdict]");
  const wrong = (chosen === "correct" && !corrected() && work.uncorrected) || (chosen === "accept" && fails() && work.contradiction) || "";
  box.setCustomValidity(wrong);
  if (wrong) $("verdict").open = true;
  if (wrong && chosen === "correct") $("correction").open = true;
}

function mark(index) {
  if (!questions.length) return;
  current = Math.max(0, Math.min(questions.length - 1, index));
  questions.forEach((question, place) => question.classList.toggle("current", place === current));
}

// Only what does something on this desk.
function showKeys() {
  for (const row of $("keys").querySelectorAll("[data-needs]")) row.hidden = Boolean(row.dataset.needs) && !desk.querySelector(row.dataset.needs);
  $("keys").showModal();
}

function goTo(index) {
  mark(index);
  questions[current]?.scrollIntoView({ block: "nearest" });
}

function choose(box) {
  if (!box || form.inert) return false;
  const back = !box.required && box.checked && box.name !== "preset";
  box.checked = !back;
  if (box.name === "preset") box.focus();
  byKey = true;
  box.dispatchEvent(new Event("change", { bubbles: true }));
  byKey = false;
  return !back;
}

function pass(button) {
  if (!button || form.inert) return;
  $("reason").open = true;
  $("reason").dataset.button = button.id;
  (form.querySelector("[name=preset]:checked") ?? form.elements.preset[0]).focus();
  $("reason").scrollIntoView({ block: "nearest" });
}

const inPass = () => $("reason").contains(document.activeElement) && $(($("reason").dataset.button ?? "skip"));

const actions = {
  next: () => goTo(current + 1),
  previous: () => goTo(current - 1),
  prefer_a: () => choose(form.querySelector("[data-action=prefer_a]")),
  prefer_b: () => choose(form.querySelector("[data-action=prefer_b]")),
  tie: () => choose(form.querySelector("[data-action=tie]")),
  correct() {
    if (!$("correction")) return;
    $("correction").open = true;
    form.elements.correction.focus();
  },
  mark: openMarks,
  skip: () => pass($("skip")),
  escalate: () => pass($("escalate")),
  verdict() {
    const boxes = [...form.querySelectorAll("[name=verdict]")];
    if (!boxes.length) return;
    $("verdict").open = true;
    choose(boxes[(boxes.findIndex((box) => box.checked) + 1) % boxes.length]);
  },
  undo: () => void undo(),
  help: showKeys,
  digit(key) {
    if (inPass()) return void choose($("reason").querySelector(`[data-key="${key}"]`));
    const question = questions[current];
    const number = question?.querySelector("[type=number]");
    if (number) return number.focus(), true;
    const here = token;
    if (choose(question?.querySelector(`[data-key="${key}"]`)) && here === token && current < questions.length - 1) goTo(current + 1);
  },
  submit: () => void form.requestSubmit(inPass() || $("submit")),
  leave(element) {
    if (closeMarks()) return;
    if (inPass()) $("reason").open = false;
    if (element !== document.body) element.blur?.();
  },
};

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !desk || !inPass() || !event.target.matches("[type=radio]")) return;
  event.preventDefault();
  form.requestSubmit(inPass());
});

function clicked({ target }) {
  if (target.matches(".clear")) {
    for (const box of target.closest(".question").querySelectorAll("input")) box.checked = false;
    changed();
  } else if (target.closest("#show-keys")) showKeys();
  else if (target.closest("#answered")) {
    const open = groups().find((group) => !isAnswered(group)) ?? groups()[0];
    if (questions.includes(open)) mark(questions.indexOf(open));
    open?.scrollIntoView({ block: "center" });
  } else if (target.closest("#reset-correction")) {
    form.elements.correction.value = original;
    form.elements.correction.dispatchEvent(new Event("input", { bubbles: true }));
  } else if (target.closest("[data-take]")) takeOver();
}

// Two tabs ---------------------------------------------------------------------------------------------------

// One tab at a time works on an item. Where the browser knows no locks, the server still takes each answer once.
function takeLock(again = true) {
  letGo?.();
  letGo = null;
  if (!navigator.locks) return;
  const [here, steal] = [token, sessionStorage.getItem("take") === token];
  sessionStorage.removeItem("take");
  const held = (lock) => {
    if (here !== token) return;
    if (lock) return new Promise((resolve) => (letGo = resolve));
    // The same tab before it was loaded again may hold it for a moment yet.
    if (again) setTimeout(() => here === token && takeLock(false), 400);
    else shut("tab");
  };
  navigator.locks.request(`item:${token}`, steal ? { steal } : { ifAvailable: true }, held).catch(() => here === token && shut("tab"));
}

function shut(why) {
  form.inert = true;
  notice(why);
}

function takeOver() {
  sessionStorage.setItem("take", token);
  tabs.postMessage({ type: "yield", token });
  // It answers when it has saved; or it is gone.
  setTimeout(() => location.reload(), 1500);
}

async function heard({ data }) {
  if (data.token !== token) return;
  if (data.type === "yield" && !form.inert) {
    await save();
    shut("tab");
    tabs.postMessage({ type: "yielded", token });
  } else if (data.type === "yielded" && sessionStorage.getItem("take") === token) location.reload();
  else if (data.type === "done" && !sent) {
    notice("tab", false);
    shut("elsewhere");
  }
}

// Time --------------------------------------------------------------------------------------------------------

function pauseClock() {
  if (since !== null) seen += performance.now() - since;
  since = null;
}

function seconds() {
  const running = since === null ? 0 : performance.now() - since;
  return Math.round(before * 10 + (seen + running) / 100) / 10;
}

function clock() {
  const options = { hour: "2-digit", minute: "2-digit", timeZone: work.zone || undefined };
  return new Date().toLocaleTimeString(document.documentElement.lang || [], options);
}

function lines(text) {
  return text.replace(/\r\n?/g, "\n");
}

openOutbox({ cookie: work.cookie, next: (entry) => sent && entry.token === token, answered, trouble });
for (const hidden of document.querySelectorAll("#standing .scripted")) hidden.hidden = false;
receive(document);
if ($("desk")) begin();
remind();
