// Marks on the texts that are judged. Offsets count code points of the text as it came; the form's hidden field holds
// the marks, and this is only its face.

let desk, field, area, texts, part, spans, changed;
let severity = "major";

const at = (selector) => desk.querySelector(selector);

export function startMarks(root, onChange) {
  [desk, changed] = [root, onChange];
  field = root.querySelector("[name=spans]");
  if (!field) return paint([]);
  area = at("#marking-text");
  texts = new Map([...root.querySelectorAll("[data-part]")].map((view) => [view.dataset.part, view]));
  const choice = at("#marking-part");
  for (const [name, view] of texts) choice.add(new Option(view.closest("section, li").querySelector("h2, h3").textContent.trim(), name));
  choice.hidden = at("#marking-part-label").hidden = texts.size < 2;
  choice.onchange = () => load(choice.value);
  // A text area that is read-only has no caret to select with.
  area.readOnly = false;
  area.addEventListener("beforeinput", (event) => event.preventDefault());
  area.addEventListener("input", () => (area.value = lines(texts.get(part).textContent)));
  at("#marking").addEventListener("keydown", pressed);
  at("#marking").addEventListener("click", (event) => {
    const { severity, category } = event.target.closest("button")?.dataset ?? {};
    if (severity) weigh(severity);
    else if (category) add(category);
    else if (event.target.closest("#marking-close")) closeMarks();
  });
  at("#mark").onclick = openMarks;
  at("#mark-list").addEventListener("click", (event) => {
    if (!event.target.matches("button")) return;
    spans.splice([...at("#mark-list").children].indexOf(event.target.closest("li")), 1);
    store();
    at("#mark").focus();
  });
  weigh(severity);
  readMarks();
}

export function readMarks() {
  if (!field) return;
  spans = JSON.parse(field.value || "[]").filter((span) => texts.has(span.part));
  show();
}

export function openMarks() {
  if (!field || !texts.size) return;
  const selection = getSelection();
  const range = selection.rangeCount && !selection.isCollapsed && selection.getRangeAt(0);
  const view = range && [...texts.values()].find((text) => text.contains(range.startContainer) && text.contains(range.endContainer));
  at("#marking").hidden = false;
  load(view ? view.dataset.part : (part ?? texts.keys().next().value));
  area.focus();
  if (view) {
    const before = new Range();
    before.selectNodeContents(view);
    before.setEnd(range.startContainer, range.startOffset);
    const start = lines(before.toString()).length;
    area.setSelectionRange(start, start + lines(range.toString()).length);
  }
  at("#marking").scrollIntoView({ block: "nearest" });
}

export function closeMarks() {
  if (!field || at("#marking").hidden) return false;
  at("#marking").hidden = true;
  at(".task").focus({ preventScroll: true });
  return true;
}

function load(name) {
  if (!texts.has(name)) name = texts.keys().next().value;
  if (part === name && area.value) return;
  part = at("#marking-part").value = name;
  area.value = lines(texts.get(name).textContent);
  area.setSelectionRange(0, 0);
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const button = desk.querySelector(`#marking [data-key="${CSS.escape(event.key)}"]`);
  if (!button && event.key !== "Escape") return;
  event.preventDefault();
  if (button) button.click();
  else closeMarks();
}

function weigh(chosen) {
  severity = chosen;
  for (const button of desk.querySelectorAll("[data-severity]")) button.ariaPressed = String(button.dataset.severity === chosen);
}

function add(category) {
  const text = texts.get(part).textContent;
  const [start, end] = [area.selectionStart, area.selectionEnd].map((index) => points(text, index));
  if (start === end) return changed();
  spans = spans.filter((span) => span.part !== part || span.start !== start || span.end !== end);
  spans.push({ part, start, end, category, severity });
  store();
  area.focus();
}

function store() {
  field.value = spans.length ? JSON.stringify(spans) : "";
  show();
  changed();
}

function show() {
  const row = at("#mark-row").content;
  at("#mark-list").replaceChildren(
    ...spans.map((span) => {
      const line = row.cloneNode(true);
      const words = quote(span);
      line.querySelector("q").textContent = words.length > 90 ? `${words.slice(0, 88)}…` : words;
      line.querySelector(".muted").textContent = `${span.category}, ${label(span.severity)}`;
      line.querySelector("button").setAttribute("aria-description", words.slice(0, 60));
      return line;
    }),
  );
  paint(spans.map(range));
}

const label = (value) => at(`[data-severity="${CSS.escape(value)}"]`)?.firstChild.data ?? value;
const quote = (span) => [...texts.get(span.part).textContent].slice(span.start, span.end).join("");
const lines = (text) => text.replace(/\r\n?/g, "\n");

function paint(ranges) {
  if (globalThis.Highlight) CSS.highlights.set("marks", new Highlight(...ranges));
}

function range(span) {
  const signs = [...texts.get(span.part).textContent];
  const ends = [span.start, span.end].map((index) => signs.slice(0, index).join("").length);
  const walker = document.createTreeWalker(texts.get(span.part), NodeFilter.SHOW_TEXT);
  const found = new Range();
  let length = 0;
  for (let node; (node = walker.nextNode()); length += node.length) {
    if (length <= ends[0]) found.setStart(node, Math.min(node.length, ends[0] - length));
    if (length < ends[1]) found.setEnd(node, Math.min(node.length, ends[1] - length));
  }
  return found;
}

// A place in the text area, where every line end is one sign, as code points of the text.
function points(text, index) {
  let count = 0;
  for (let from = 0, value = 0; value < index; count++) {
    const length = text.codePointAt(from) > 0xffff ? 2 : 1;
    value += text.startsWith("\r\n", from) ? 0 : length;
    from += length;
  }
  return count;
}
