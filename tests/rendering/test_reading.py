"""The texts of a task, made ready for the page."""

import json
from typing import Any

import pytest

from labeling.views.reading import FOLD_AT, FOLD_PROMPT_AT, read_task


def task(text: Any) -> dict[str, Any]:
    """The same text everywhere, with a tool's answer and a message besides."""
    steps = [{"type": kind, "name": "get", "content": text} for kind in ("message", "tool_call", "tool_result", "odd")]
    return {
        "kind": "pairwise",
        "prompt": [{"role": "user", "content": text}],
        "context": [{"id": "s1", "text": text}],
        "a": text,
        "b": text,
        "steps": steps,
    }


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("x" * FOLD_AT, []),
        ("x" * (FOLD_AT + 1), ["passage", "tool-call", "tool-result"]),
        ("x" * (FOLD_PROMPT_AT + 1), ["turn", "passage", "tool-call", "tool-result"]),
        ("x\n" * 31, ["passage", "tool-call", "tool-result"]),
        (json.dumps({"rows": [{"n": n} for n in range(40)]}), ["passage", "tool-call", "tool-result"]),
    ],
    ids=["short", "long", "very long", "many lines", "tall"],
)
def test_what_is_long_folds_but_never_what_is_judged(text: str, folded: list[str]) -> None:
    reading = read_task(task(text))

    texts = [*reading.prompt, *reading.passages, *reading.steps, *reading.responses]
    assert [shown.style or "passage" for shown in texts if shown.folds] == folded


def test_steps_are_numbered_and_called_by_their_kind() -> None:
    steps = read_task(task("x")).steps

    assert [(step.number, step.label, step.title, step.part) for step in steps] == [
        (1, "Message", "get", "steps/0"),
        (2, "Tool call", "get", "steps/1"),
        (3, "Tool result", "get", "steps/2"),
        (4, "Step", "get", "steps/3"),
    ]


def test_a_value_cannot_be_marked_and_a_missing_field_is_empty() -> None:
    steps = [{"type": "tool_call", "content": {"a": 1}}, {"type": "message"}, {}]
    reading = read_task({"kind": "trajectory", "prompt": [{}], "context": [{}], "steps": steps})

    assert [step.part for step in reading.steps] == ["", "steps/1", "steps/2"]
    assert [step.shown.kind for step in reading.steps] == ["json", "plain", "plain"]
    assert (reading.prompt[0].text, reading.passages[0].text, reading.responses) == ("", "", [])


def test_the_two_sides_cite_under_names_of_their_own() -> None:
    reading = read_task(task("As [1] says."))

    assert [text.shown.cited for text in reading.responses] == [(("r1-1", 1),), (("r2-1", 1),)]
    assert reading.passages[0].back == "r1-1"
