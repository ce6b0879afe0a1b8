"""JSON documents and the values of tool calls as trees that fold."""

import json
from typing import Any

import pytest

from labeling.rendering.json_tree import MAX_JSON, MAX_NODES
from labeling.rendering.texts import rendered, rendered_value
from tests.rendering.markup import read, text_of


def tree(text: str) -> str:
    shown = rendered(text)
    assert shown.kind == "json"
    assert read(shown.html).faults == []
    assert text_of(shown.raw) == text
    return shown.html


def test_a_document_can_be_read_and_folded() -> None:
    html = tree('{"b": {"c": [1, "x"], "d": {}}, "a": true}')

    assert text_of(html) == '{"b": {"c": [1, "x"],"d": {}},"a": true}'
    assert html.count("<details open>") == 2
    assert 'data-count="2 entries"' in html


def test_numbers_double_keys_and_order_are_those_of_the_text() -> None:
    html = tree('{"z": 1.50, "a": 1e400, "z": -0, "n": 123456789012345678901234567890, "q": NaN}')

    assert text_of(html) == '{"z": 1.50,"a": 1e400,"z": -0,"n": 123456789012345678901234567890,"q": NaN}'


def test_texts_in_it_are_inert_and_keep_their_lines() -> None:
    html = tree(json.dumps({"<b onclick=x>": 'one\ntwo "quoted" </script><img src=x>\t\\n'}))

    assert '"one\ntwo \\"quoted\\" </script><img src=x>\\t\\\\n"' in text_of(html)
    assert "<img" not in html


@pytest.mark.parametrize(
    "text",
    [
        "12",
        '"text"',
        "{not json}",
        "[1, 2",
        "[" * 30_000 + "]" * 30_000,
        "[" * 15_000 + "]" * 15_000,
        "[" * 60 + "]" * 60,
        json.dumps(list(range(MAX_NODES + 1))),
        json.dumps({"a": "x" * MAX_JSON}),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_document_or_too_large_a_one_is_plain(text: str) -> None:
    shown = rendered(text)

    assert (shown.kind, shown.html) == ("plain", "")
    assert text_of(shown.raw) == text


def test_deep_levels_of_a_large_document_start_folded() -> None:
    html = tree(json.dumps({"a": {"b": {"c": [{"n": number} for number in range(50)]}}}))

    assert html.count("<details open>") == 2
    assert html.count("<details>") > 50


def test_a_conversation_is_shown_turn_by_turn() -> None:
    text = json.dumps([{"role": "user", "content": "Is **it**?"}, {"content": "<b>No</b>", "role": "as<i>"}])
    shown = rendered(text)

    assert shown.kind == "chat"
    assert read(shown.html).faults == []
    assert "<strong>it</strong>" in shown.html
    assert "as<i>" in text_of(shown.html)
    assert "<b>No</b>" in text_of(shown.html)


@pytest.mark.parametrize(
    "entry", [{"role": "user"}, {"role": 1, "content": "x"}, {"role": "u", "content": "x", "y": 1}]
)
def test_what_only_resembles_a_conversation_is_a_document(entry: dict[str, Any]) -> None:
    assert rendered(json.dumps([{"role": "user", "content": "x"}, entry])).kind == "json"


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [{"number": 2291, "note": "<x>"}, [1, None], [], {}, None, 5, 1.5, True, deep(60), deep(5000)],
    ids=[f"value {number}" for number in range(10)],
)
def test_a_tool_calls_value_is_shown_whatever_it_is(value: Any) -> None:
    text, shown = rendered_value(value)

    assert text_of(shown.raw) == text
    assert read(shown.html).faults == []
    assert "<x>" not in shown.html


def test_half_a_surrogate_pair_does_no_harm() -> None:
    for text in ('{"a": "\\ud800"}', "**b** \ud800", "\udfff", '[{"role": "\\ud800", "content": "\\udfff"}]'):
        shown = rendered(text)
        assert (shown.html + shown.raw).encode()
