// The rubric editor: the preview follows what is typed, and buttons change the form in place. All works without.

const DELAY = 500;
const form = document.getElementById("editor");
let waiting, latest = 0;

// What the server makes of the form; the button is one that stores nothing.
async function ask(button) {
  const body = new FormData(form);
  body.set("do", button);
  const mine = ++latest;
  const answer = await fetch(location.pathname, { method: "POST", body });
  // An answer that came late, or that is no page of ours (signed out), changes nothing.
  if (mine !== latest || !answer.ok || answer.redirected) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function put(page, id) {
  const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
  if (old && fresh) old.replaceChildren(...fresh.childNodes);
}

async function refresh() {
  const page = await ask("show").catch(() => null);
  if (page) put(page, "preview");
}

form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(refresh, DELAY);
});

// A scale has levels or ends, so another type is another form.
form.addEventListener("change", ({ target }) => {
  if (target.name.endsWith("-type")) change("show", target.id);
});

form.addEventListener("submit", (event) => {
  const { submitter } = event;
  if (!submitter || submitter.value === "save") return;
  event.preventDefault();
  const target = new URL(submitter.formAction).hash.slice(1);
  change(submitter.value, target);
});

const typed = () => new Map([...form.querySelectorAll("input:not([type=checkbox], [type=hidden]), textarea")].map(({ name, value }) => [name, value]));

async function change(button, id) {
  clearTimeout(waiting);
  const sent = typed();
  const page = await ask(button).catch(() => null);
  if (!page) return;
  // What was typed while the server was asked is kept; where the form's parts have moved, nobody knows its place.
  const later = button === "show" ? [...typed()].filter(([name, value]) => sent.has(name) && sent.get(name) !== value) : [];
  put(page, "editor");
  for (const [name, value] of later) if (form.elements[name]) form.elements[name].value = value;
  if (later.length) waiting = setTimeout(refresh, DELAY);
  put(page, "preview");
  const place = document.getElementById(id);
  if (place) (place.matches("input, select, textarea") ? place : place.querySelector("input:not([type=hidden]), button"))?.focus();
}
