// Reading a task: find, raw view, citations. All but finding works without this.

// Words of two of these are not one word.
const BLOCKS = "p, li, td, th, h3, h4, h5, h6, pre, summary, div";
const KEYS = { find: "/", next: "n", previous: "N", raw: "r", back: "g" };
const ACTIONS = {
  find() {
    box.value = String(getSelection()).trim().slice(0, 200) || box.value;
    box.focus();
    box.select();
    search();
  },
  next: () => go(1),
  previous: () => go(-1),
  raw: () => all.click(),
  back: () => from && visit(from),
};
let task, keys, box, count, all, hits, at, from, raw;

// Once per task. `chosen`: a person's own keys by action; false: no single keys.
export function startReading(root, chosen) {
  if (!task) document.addEventListener("keydown", pressed);
  [task, hits, from] = [root, [], null];
  keys = chosen === false ? {} : { ...KEYS, ...chosen };
  for (const hint of root.querySelectorAll("kbd[data-action]")) hint.textContent = keys[hint.dataset.action];
  [box, count, all] = ["#find", "#found", "#raw-all"].map((id) => root.querySelector(id));
  box.parentElement.hidden = false;
  box.oninput = search;
  box.onkeydown = ({ key, shiftKey }) => {
    if (key === "Enter") go(shiftKey ? -1 : 1);
    if (key === "Escape") (box.value = ""), search();
  };
  all.checked = raw;
  root.onchange = ({ target }) => {
    raw = all.checked;
    if (target.type === "checkbox") search();
  };
  root.onclick = (event) => {
    const link = event.target.closest(".citation, .back, .find button");
    if (!link) return;
    event.preventDefault();
    if (link.type) return ACTIONS[link.dataset.action]();
    visit(from && link.closest(from.hash) ? from : root.querySelector(link.hash));
    if (link.matches(".citation")) from = link;
  };
}

function pressed(event) {
  const typing = event.target.closest?.("dialog, textarea, select, input:not([type=radio], [type=checkbox])");
  if (typing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const name = Object.keys(keys).find((name) => keys[name] === event.key);
  if (!ACTIONS[name] || (/next|prev/.test(name) && !hits.length)) return;
  event.preventDefault();
  ACTIONS[name]();
}

// The browser's own highlights leave the page untouched.
function search() {
  const words = box.value.trim();
  hits = words ? found(words) : [];
  at = -1;
  CSS.highlights?.set("found", new Highlight(...hits));
  CSS.highlights?.delete("found-here");
  count.value = words && "0 / 0";
  go(1);
}

function found(words) {
  const literal = words.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&").replace(/\s+/g, "\\s+");
  const ranges = [];
  for (const view of task.querySelectorAll("[data-find] .reading > :is(.shown, .text)")) {
    if (getComputedStyle(view).display === "none") continue;
    const walker = document.createTreeWalker(view, NodeFilter.SHOW_TEXT);
    const nodes = [];
    let [text, block] = [""];
    for (let node; (node = walker.nextNode()); ) {
      if (block !== (block = node.parentElement.closest(BLOCKS))) text += "\0";
      nodes.push([text.length, node]);
      text += node.data;
    }
    const spot = (place) => {
      const [start, node] = nodes.findLast(([start]) => start <= place);
      return [node, place - start];
    };
    for (const { index, 0: hit } of text.matchAll(RegExp(literal, "giu"))) {
      const range = new Range();
      range.setStart(...spot(index));
      const [node, last] = spot(index + hit.length - 1);
      range.setEnd(node, last + 1);
      if (ranges.push(range) > 998) return ranges;
    }
  }
  return ranges;
}

function go(by) {
  if (!hits.length) return;
  at = (at + by + hits.length) % hits.length;
  count.value = `${at + 1} / ${hits.length}`;
  CSS.highlights?.set("found-here", new Highlight(hits[at]));
  const place = hits[at].startContainer.parentElement;
  reveal(place);
  place.scrollIntoView({ block: "nearest" });
  const { top, bottom } = hits[at].getBoundingClientRect();
  if (top > box.getBoundingClientRect().bottom && bottom < innerHeight - 48) return;
  // Only one of them can: wide, the task; narrow, the page.
  for (const it of [task, window]) it.scrollBy(0, top - innerHeight / 3);
}

function reveal(place) {
  for (let at = place; at !== task; at = at.parentElement)
    for (const fold of [at, ...at.children]) if (fold.matches("details")) fold.open = true;
}

function visit(place) {
  reveal(place.parentElement);
  place.focus({ preventScroll: true });
  place.scrollIntoView();
}
