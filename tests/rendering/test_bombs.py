"""Texts made to be slow. Time is that of this process, with room for a slow machine."""

import json
import time

import pytest

from labeling.rendering.citations import citable
from labeling.rendering.markdown import MAX_MARKDOWN
from labeling.rendering.texts import rendered
from labeling.views.reading import PAGE_BUDGET, read_task
from tests.rendering.markup import read, text_of

SECONDS = 3.0
BOMBS = {
    "quotations": "> " * 10_000,
    "brackets": "[" * 20_000,
    "links": "[a](" * 5_000,
    "images": "![" * 10_000,
    "nested links": "[a](" * 3_000 + "b" + ")" * 3_000,
    "stars": "*a **b " * 2_800,
    "mixed stars": "**a*" * 5_000,
    "backticks": " ".join("`" * length for length in range(190)),
    "lists in lists": "".join("  " * level + "- a\n" for level in range(130)),
    "dashes": "- " * 10_000,
    "items": "1. a\n" * 4_000,
    "loose items": "- a\n\n" * 3_900,
    "cells": "|a" * 5_000 + "\n" + "|-" * 4_900 + "\n",
    "rows": "|a|b|\n|-|-|\n" + "|x|y|\n" * 3_300,
    "headings": "# a\n" * 5_000,
    "escapes": "\\" * 20_000,
    "definitions": "[a]: b\n" * 2_800,
    "tags": "<a " * 6_600,
    "blank lines": "\n" * 19_980 + "**a**",
    "spaces": " " * 19_980 + "**a**",
    "tabs": "\t" * 19_980 + "**a**",
    "setext": "a\n" * 9_900 + "===\n**b**",
    "tildes": "~~a " * 5_000,
    "citations": "[1]" * 6_000 + "**a**",
    "open JSON": "[" * 20_000,
    "deep JSON": "[" * 19_000 + "]" * 19_000,
    "wide JSON": json.dumps([[0]] * 7_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_text_holds_a_page_up(name: str) -> None:
    started = time.process_time()
    shown = rendered(BOMBS[name], citations=citable(["s1", "s2"], "r1"))

    assert time.process_time() - started < SECONDS
    assert read(shown.html).faults == []
    assert text_of(shown.raw) == BOMBS[name]


def test_a_long_text_takes_little_time() -> None:
    text = "Ein langer Satz mit **fetten** Worten und [1] Quelle. " * 3_800
    started = time.process_time()
    shown = rendered(text, citations=citable(["s1"], "r1"))

    assert len(text) > 200_000
    assert time.process_time() - started < SECONDS
    assert text_of(shown.raw) == text


def test_a_page_formats_only_so_much_and_the_response_first() -> None:
    """Otherwise five hundred passages of the slowest Markdown would add up."""
    heavy = ("|a|b|\n|-|-|\n" + "|x|y|\n" * 3_300)[:MAX_MARKDOWN]
    task = {
        "kind": "pointwise",
        "prompt": heavy,
        "context": [{"id": str(number), "text": heavy} for number in range(40)],
        "response": heavy,
    }
    started = time.process_time()
    reading = read_task(task)

    assert time.process_time() - started < 2 * SECONDS
    texts = [*reading.responses, *reading.prompt, *reading.passages]
    formatted = [text.shown.kind == "markdown" for text in texts]
    assert formatted == sorted(formatted, reverse=True)
    assert sum(formatted) == PAGE_BUDGET // MAX_MARKDOWN
    assert all(text_of(text.shown.raw) == heavy for text in texts)
