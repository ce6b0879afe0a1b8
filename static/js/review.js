// The review page's comforts: keys, drafts, lease, clock. Everything also works without them.

const form = document.getElementById("answer");
const receipt = document.getElementById("receipt");
const STORE = "draft:";
const WEEK = 7 * 24 * 3600 * 1000;
const BEAT = 240;

forgetOldDrafts();
if (receipt) watchReceipt(receipt);
if (form) work(form);

// What a receipt proves to be stored need not be kept here; its undo button goes when its time is over.
function watchReceipt(line) {
  kept(line.dataset.token, null);
  const undo = document.getElementById("undo");
  if (undo) setTimeout(() => undo.remove(), Number(line.dataset.undoSeconds) * 1000);
}

// Drafts in this browser: only while the server could not take them. Storage may be forbidden or full.
function kept(token, draft) {
  try {
    if (draft === undefined) return JSON.parse(localStorage.getItem(STORE + token))?.draft;
    if (draft === null) localStorage.removeItem(STORE + token);
    else localStorage.setItem(STORE + token, JSON.stringify({ at: Date.now(), draft }));
    return true;
  } catch {
    return undefined;
  }
}

function forgetOldDrafts() {
  try {
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith(STORE))) {
      const at = JSON.parse(localStorage.getItem(key))?.at ?? 0;
      if (Date.now() - at > WEEK) localStorage.removeItem(key);
    }
  } catch {
    // Nothing is kept where nothing can be read.
  }
}

function work(form) {
  const token = form.dataset.token;
  const questions = [...form.querySelectorAll(".question")];
  const correction = form.elements.correction;
  const original = document.getElementById("response-1")?.textContent ?? "";
  const saved = document.getElementById("saved");
  const lost = document.getElementById("lost");
  const keys = document.getElementById("keys");
  const takesOriginal = correction && document.querySelectorAll(".response").length === 1;
  let current = 0;
  let timer = 0;
  let dirty = false;
  let leaving = false;

  // Clock: seconds the page was in sight since its first paint, added to those of earlier visits.
  const before = Number(form.elements.client_seconds.value) || 0;
  let seen = 0;
  let since = document.visibilityState === "visible" ? 0 : null;
  function seconds() {
    const running = since === null ? 0 : performance.now() - (since || firstPaint());
    return Math.round(before * 10 + (seen + running) / 100) / 10;
  }
  function firstPaint() {
    return performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  }

  // Draft ---------------------------------------------------------------------------------------------
  function draft() {
    const data = new FormData(form);
    const values = {};
    for (const [name, value] of data) if (name.startsWith("value-") && value) values[name.slice(6)] = value;
    const text = data.get("correction") ?? "";
    return {
      values,
      preferred: data.get("preferred") ?? "",
      correction: takesOriginal && lines(text) === lines(original) ? "" : lines(text),
      rationale: data.get("rationale") ?? "",
      cause: data.get("cause") ?? "",
      client_seconds: seconds(),
    };
  }

  function restore(stored) {
    for (const field of form.elements) {
      const name = field.name ?? "";
      const value = name.startsWith("value-") ? stored.values?.[name.slice(6)] : stored[name];
      if (value === undefined || ["csrfmiddlewaretoken", "idempotency_key", "client_seconds"].includes(name)) continue;
      if (field.type === "radio") field.checked = field.value === value;
      else if (value || name !== "correction") field.value = value;
    }
    if (stored.correction) document.getElementById("correction").open = true;
  }

  function post(what, body, options = {}) {
    return fetch(`/api/v1/assignments/${token}/${what}/`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrf() },
      credentials: "same-origin",
      body: JSON.stringify(body),
      ...options,
    });
  }

  // The cookie is newer than the page when somebody signed in again in another tab.
  function csrf() {
    return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? form.elements.csrfmiddlewaretoken.value;
  }

  async function save(options) {
    clearTimeout(timer);
    if (!dirty || leaving) return;
    dirty = false;
    const typed = draft();
    try {
      const answer = await post("draft", typed, options);
      if (!answer.ok) throw await refusal(answer);
      kept(token, null);
      saved.textContent = `Saved ${clock()}`;
    } catch (error) {
      if (leaving) return;
      dirty = true;
      const here = kept(token, typed);
      saved.textContent = here ? `Saved in this browser only, ${clock()}` : "Not saved; trying again";
      if (error.people) tell(error.people);
      timer = setTimeout(save, 15000);
    }
  }

  function changed() {
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(save, 800);
  }

  async function refusal(answer) {
    const error = new Error(String(answer.status));
    if (answer.status === 401 || answer.status === 403) {
      error.people = "You have been signed out. Sign in again in another tab, then go on here; nothing is lost.";
    } else if (answer.status === 409) {
      error.people = (await answer.json().catch(() => ({}))).detail ?? "";
    }
    return error;
  }

  function tell(text) {
    const line = lost.querySelector("p");
    if (line.textContent !== text) line.textContent = text;
    lost.hidden = !text;
  }

  // Lease -----------------------------------------------------------------------------------------------
  const left = Number(form.dataset.leaseSeconds);
  const pause = Math.max(15, Math.min(BEAT, left > 0 ? left / 3 : BEAT)) * 1000;
  let beaten = left < BEAT ? -Infinity : performance.now();
  async function beat() {
    if (document.visibilityState !== "visible" || leaving || performance.now() - beaten < pause) return;
    beaten = performance.now();
    try {
      const answer = await post("heartbeat", {});
      if (answer.ok) tell("");
      else throw await refusal(answer);
    } catch (error) {
      if (error.people && !leaving) tell(error.people);
    }
  }

  // Keys ----------------------------------------------------------------------------------------------------
  function mark(index) {
    if (!questions.length) return;
    current = Math.max(0, Math.min(questions.length - 1, index));
    questions.forEach((question, place) => question.classList.toggle("current", place === current));
  }

  function goTo(index) {
    mark(index);
    questions[current]?.scrollIntoView({ block: "nearest" });
  }

  function choose(box) {
    if (!box) return false;
    const optional = !box.required && box.checked;
    box.checked = !optional;
    box.dispatchEvent(new Event("change", { bubbles: true }));
    return !optional;
  }

  function digit(key) {
    const question = questions[current];
    const number = question?.querySelector("input[type=number]");
    if (number) return number.focus();
    if (choose(question?.querySelector(`input[data-key="${key}"]`)) && current < questions.length - 1) goTo(current + 1);
  }

  function pressed(event) {
    if (keys.open) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!leaving) form.requestSubmit(document.getElementById("submit"));
      return;
    }
    const at = event.target;
    const typing = at.matches?.("textarea, select, input:not([type=radio]), [contenteditable]");
    if (typing && event.key === "Escape") return at.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const act = actions(event.key);
    if (!act) return;
    // A digit may be typed into the number field that it opens.
    if (!/^[1-9]$/.test(event.key) || !questions[current]?.querySelector("input[type=number]")) event.preventDefault();
    act();
  }

  function actions(key) {
    if (/^[1-9]$/.test(key)) return () => digit(key);
    if (["a", "b", "t"].includes(key)) {
      const box = form.querySelector(`.preference input[data-key="${key}"]`);
      return box && (() => choose(box));
    }
    return {
      j: () => goTo(current + 1),
      k: () => goTo(current - 1),
      u: () => document.getElementById("undo")?.requestSubmit(),
      "?": () => keys.showModal(),
    }[key];
  }

  // Wiring ----------------------------------------------------------------------------------------------------
  const stored = kept(token);
  if (stored) {
    restore(stored);
    dirty = true;
    save();
  }
  document.documentElement.classList.add("keyed");
  for (const hidden of document.querySelectorAll(".scripted")) hidden.hidden = false;
  mark(Math.max(0, questions.findIndex((question) => !question.querySelector(":checked"))));
  document.getElementById("faults")?.focus();

  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("focusin", (event) => {
    const place = questions.indexOf(event.target.closest(".question"));
    if (place >= 0) mark(place);
  });
  form.addEventListener("click", (event) => {
    if (!event.target.matches(".clear")) return;
    for (const box of event.target.closest(".question").querySelectorAll("input")) box.checked = false;
    changed();
  });
  document.getElementById("show-keys").addEventListener("click", () => keys.showModal());
  document.getElementById("reset-correction")?.addEventListener("click", () => {
    correction.value = takesOriginal ? original : "";
    changed();
  });
  form.addEventListener("submit", (event) => {
    form.elements.client_seconds.value = seconds();
    form.elements.csrfmiddlewaretoken.value = csrf();
    // Should the answer be a sign-in page, the form is restored from here afterwards.
    if (!event.submitter?.hasAttribute("formaction")) kept(token, draft());
    leaving = true;
    clearTimeout(timer);
    setTimeout(() => form.querySelectorAll("[type=submit]").forEach((button) => (button.disabled = true)));
  });
  document.getElementById("undo")?.addEventListener("submit", () => save({ keepalive: true }));
  document.addEventListener("keydown", pressed);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      since = performance.now();
      beat();
    } else {
      if (since !== null) seen += performance.now() - (since || firstPaint());
      since = null;
      save({ keepalive: true });
    }
  });
  // A page that comes back from the browser's memory must be usable again.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    leaving = false;
    form.querySelectorAll("[type=submit]").forEach((button) => (button.disabled = false));
  });
  setInterval(beat, 15000);
  beat();
}

function lines(text) {
  return text.replace(/\r\n?/g, "\n");
}

function clock() {
  return new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
