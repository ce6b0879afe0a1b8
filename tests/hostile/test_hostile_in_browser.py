"""Every hostile text as prompt, context, response and correction, in a real Chromium under the page's own policy."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labeling.rendering.differences import word_diff
from tests.rendering.stage import Stage, page_of, pointwise, staged

pytestmark = pytest.mark.needs_data

AT_ONCE = 120
# The raw view of every text on the page, as the document holds it and as a person is shown it.
SHOWN = """selector => {
  const boxes = [...document.querySelectorAll("#raw-all")];
  boxes.forEach((box) => box.click());
  return [...document.querySelectorAll(selector)].map((it) => [it.textContent, it.innerText, it.checkVisibility()]);
}"""


@pytest.fixture
def texts(review_data: Path) -> list[str]:
    with (review_data / "hostile.jsonl").open(encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    assert len(texts) == 715
    return texts


@pytest.fixture
def stage(browser: Any) -> Iterator[Stage]:
    with staged(browser) as stage:
        yield stage


def assert_faithful(stage: Stage, selector: str, texts: list[str]) -> None:
    shown = stage.page.evaluate(SHOWN, selector)
    assert [held for held, _seen, _visible in shown] == texts
    assert [visible for held, _seen, visible in shown if held] == [True] * sum(map(bool, texts))
    assert [(held, seen) for held, seen, _visible in shown if seen != held] == []
    assert stage.broken() == []


def test_as_prompt_and_context(stage: Stage, texts: list[str]) -> None:
    turns = [{"role": text[:100], "content": text} for text in texts]
    passages = [{"id": text[:200], "text": text} for text in texts]
    stage.show(page_of(pointwise(prompt=turns, context=passages)))

    assert_faithful(stage, ".turn > .reading > .text", texts)
    stage.show(page_of(pointwise(prompt=turns, context=passages)))
    assert_faithful(stage, ".passage > .reading > .text", texts)


def test_as_response_and_as_step(stage: Stage, texts: list[str]) -> None:
    for start in range(0, len(texts), AT_ONCE):
        batch = texts[start : start + AT_ONCE]
        # Each text cites whatever it can: passages named after the texts themselves.
        passages = [{"id": text[:200], "text": ""} for text in batch]
        stage.show(page_of(*(pointwise(text, context=passages[:3]) for text in batch)))
        assert_faithful(stage, "[data-part=response]", batch)
    steps = [{"type": "tool_result", "name": text[:200], "content": text} for text in texts]
    steps += [{"type": "tool_call", "name": text[:200], "content": {text: [text]}} for text in texts]
    stage.show(page_of({"kind": "trajectory", "prompt": "", "context": [], "steps": steps}))
    assert_faithful(stage, "[data-part]", texts)


def test_as_correction(stage: Stage, texts: list[str]) -> None:
    pairs = [*((text, f"{text} x") for text in texts), *zip(texts, reversed(texts), strict=True)]
    more = "".join(f'<div class="difference" dir="auto">{word_diff(*pair)}</div>' for pair in pairs)
    stage.show(page_of(pointwise(), more=more))
    shown = stage.page.evaluate(
        """() => [...document.querySelectorAll(".difference")].map((it) => ["ins", "del"].map((tag) => {
          const copy = it.cloneNode(true);
          copy.querySelectorAll(tag).forEach((part) => part.remove());
          return copy.textContent;
        }))"""
    )

    assert [tuple(pair) for pair in shown] == pairs
    assert stage.broken() == []
