"""The demo world's files: a fictional shop's support assistant, with the truth about every answer."""

import json
from functools import cache
from pathlib import Path
from typing import Any

WORLD = Path(__file__).parent / "world"


@cache
def rows(name: str) -> tuple[dict[str, Any], ...]:
    """The rows of `outputs` or `gold`."""
    with (WORLD / f"{name}.jsonl").open(encoding="utf-8") as file:
        return tuple(json.loads(line) for line in file)


@cache
def rubrics() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads((WORLD / "rubrics.json").read_text(encoding="utf-8")))


def request_body(row: dict[str, Any], external_id: str) -> dict[str, Any]:
    """A row as a `POST /outputs/` body; the truth stays behind."""
    body: dict[str, Any] = {
        "external_id": external_id,
        "intent": row["intent"],
        "prompt": row["prompt"],
        "context": row["context"],
        "signals": row.get("signals", []),
        "flags": row.get("flags", []),
        "metadata": row.get("metadata", {}),
    }
    if row["kind"] == "pairwise":
        return body | {"candidates": candidates(row)}
    judged = {"trajectory": row["steps"]} if row["kind"] == "trajectory" else {"response": row["response"]}
    return body | judged | {"source": row["source"]}


def candidates(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"text": row["response_a"], "source": row["source_a"]},
        {"text": row["response_b"], "source": row["source_b"]},
    ]


def sources(row: dict[str, Any]) -> tuple[str, ...]:
    """The names to mask in a gold case, which never passed the router."""
    parts = [row.get(name, {}) for name in ("source", "source_a", "source_b")]
    return tuple(dict.fromkeys(name for part in parts for name in part.values()))
