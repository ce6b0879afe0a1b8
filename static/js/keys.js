// Single keys: which one was meant, and when none was.

const TEXT = "textarea, select, input:not([type=radio], [type=checkbox]), [contenteditable]";

export const typing = (element) => Boolean(element?.closest?.(TEXT));

// keys: { action: key }; act: { action(), digit(number), submit(), leave(element) }; an action that is not there is no action.
export function listen({ keys, single }, act) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return done(event, act.submit);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return act.leave(event.target);
    if (!single || typing(event.target)) return;
    if (/^[1-9]$/.test(event.key)) return done(event, () => act.digit(event.key));
    const action = Object.keys(keys).find((name) => keys[name] === event.key);
    if (action && act[action]) done(event, act[action]);
  });
}

// What an action answers with true has to happen in the browser as well.
function done(event, action) {
  if (action() !== true) event.preventDefault();
}
