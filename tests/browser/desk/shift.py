"""Measuring in the browser: from the key that hands an item in to the next item painted."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

# A key is pressed; then another desk stands there; then two frames: the second begins when the first was painted.
WATCH = """() => {
  window.shift = [];
  let pressed = null;
  addEventListener("keydown", (event) => (pressed ??= event.timeStamp), true);
  let desk = document.getElementById("desk");
  new MutationObserver(() => {
    const now = document.getElementById("desk");
    if (!now || now === desk) return;
    desk = now;
    const began = pressed;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      window.shift.push(performance.now() - began);
      pressed = null;
    }));
  }).observe(document.body, { childList: true, subtree: true });
  window.forgetKey = () => (pressed = null);
}"""


# Polling from outside would be an eval, which the page's policy forbids.
UNTIL = """count => new Promise((done, fail) => {
  const began = performance.now();
  const look = () => {
    if (window.shift.length >= count) done();
    else if (performance.now() - began < 20000) setTimeout(look, 5);
    else fail(new Error(`item ${count} stayed: ${document.querySelector(".answer").innerText}`));
  };
  look();
})"""


def painted_after(page: Page) -> None:
    """Begin to watch; the document must not be left from now on."""
    page.evaluate(WATCH)


def measured(page: Page, count: int, ready: Callable[[], Any] | None = None) -> list[float]:
    """Hand in so many items by keyboard alone; milliseconds each. `ready` is waited for before each."""
    for done in range(count):
        if ready:
            ready()
        hand_in(page, done)
    times: list[float] = page.evaluate("window.shift")
    assert len(times) == count, f"{len(times)} of {count} were seen"
    return times


def hand_in(page: Page, done: int) -> None:
    """Answer what is on the desk; the last key hands it in by itself. Every third item is rejected, with a reason."""
    page.evaluate("window.forgetKey()")
    if page.locator("#desk.pairwise").count():
        page.keyboard.press("b" if done % 2 else "a")
    elif done % 3 == 2:
        page.keyboard.press("2")
        page.evaluate("window.forgetKey()")
        page.keyboard.press("1")
    else:
        page.keyboard.press("1")
    page.evaluate(UNTIL, done + 1)
