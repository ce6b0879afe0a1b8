// What was handed in and is not answered yet: kept in this browser, and sent until the server has answered.

const STORE = "outbox:";
const DRAFT = "draft:";
const WEEK = 7 * 24 * 3600 * 1000;
const PATIENCE = 20_000;
const KEEPALIVE = 60_000;
let entries = [];
let house;
let sending;
let timer;
let pause = 1000;

// house: { cookie, next(entry), answered(entry, status, html), trouble(status) }
export function openOutbox(given) {
  house = given;
  for (const [name, row] of rows()) {
    if (Date.now() - row.at > WEEK) localStorage.removeItem(name);
    else if (name.startsWith(STORE)) entries.push({ ...row, old: true });
  }
  entries.sort((one, other) => one.at - other.at);
  addEventListener("online", flush);
  addEventListener("focus", flush);
  if (entries.length) flush();
}

// `form` without its CSRF token: that of the cookie counts, which may be newer when it is sent.
export function put(form, url, token) {
  const body = new FormData(form);
  body.delete("csrfmiddlewaretoken");
  const entry = { id: crypto.getRandomValues(new Uint32Array(3)).join("-"), at: Date.now(), token, url };
  entry.body = new URLSearchParams(body).toString();
  // What was refused of this item before has been put right.
  entries.filter((old) => old.refused && old.token === token).forEach(drop);
  entries.push(entry);
  write(STORE + entry.id, entry);
}

export function drop(entry) {
  entries = entries.filter((other) => other !== entry);
  write(STORE + entry.id, null);
}

// Whether something of that item, or anything at all, has not been answered.
export const waiting = (token) => entries.some((entry) => !entry.refused && (token ?? entry.token) === entry.token);

export function flush() {
  clearTimeout(timer);
  sending ??= run().finally(() => (sending = null));
}

async function run() {
  for (let entry; (entry = entries.find((one) => !one.refused)); ) {
    const { status, html } = await post(entry.url, entry.body, house.next(entry) ? "next" : "send");
    if (status === 200 || status === 409 || status === 422) {
      pause = 1000;
      if (status === 200 || house.next(entry)) drop(entry);
      else refuse(entry, html);
      house.trouble("");
      house.answered(entry, status, html);
    } else if (status === 404 && entry.old) {
      // Somebody else's, who used this browser before and will find it when they sign in again.
      entry.refused = true;
    } else {
      house.trouble(status);
      pause = Math.min(pause * 2, 15_000);
      timer = setTimeout(flush, pause);
      return;
    }
  }
}

// Told until the person has put it away, but not sent again: by now they may have written something better.
function refuse(entry, html) {
  entry.refused = html;
  write(STORE + entry.id, entry);
}

export function remind() {
  for (const entry of entries) if (typeof entry.refused === "string") house.answered(entry, 0, entry.refused);
}

// Status 0: nobody answered. Signed out is 401 or 403, or somebody else's item; a way to another page is none.
export async function post(url, body, desk = "", keepalive = false) {
  const json = typeof body !== "string";
  const content = json ? JSON.stringify(body) : body;
  try {
    const answer = await fetch(url, {
      method: "POST",
      body: content,
      headers: {
        "Content-Type": json ? "application/json" : "application/x-www-form-urlencoded;charset=UTF-8",
        "X-CSRFToken": document.cookie.match(`(?:^|; )${house.cookie}=([^;]+)`)?.[1] ?? document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "",
        ...(desk && { "X-Desk": desk }),
      },
      redirect: "manual",
      credentials: "same-origin",
      keepalive: keepalive && content.length < KEEPALIVE,
      signal: keepalive ? undefined : AbortSignal.timeout(PATIENCE),
    });
    if (answer.type === "opaqueredirect") return { status: 401 };
    return { status: answer.status, html: await answer.text() };
  } catch {
    return { status: 0 };
  }
}

// Drafts ------------------------------------------------------------------------------------------------

// In this browser from the first letter until the server has it. null forgets it; nothing asks for it.
export function draftHere(token, draft) {
  if (draft !== undefined) return write(DRAFT + token, draft && { at: Date.now(), draft });
  try {
    return JSON.parse(localStorage.getItem(DRAFT + token))?.draft;
  } catch {
    return undefined;
  }
}

// Storage may be forbidden or full: false then.
function write(name, row) {
  try {
    if (row) localStorage.setItem(name, JSON.stringify(row));
    else localStorage.removeItem(name);
    return true;
  } catch {
    return false;
  }
}

function rows() {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(STORE) || name.startsWith(DRAFT));
    return names.map((name) => [name, JSON.parse(localStorage.getItem(name))]);
  } catch {
    return [];
  }
}
