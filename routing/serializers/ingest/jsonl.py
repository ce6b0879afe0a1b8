"""Rows that are bodies of `POST /outputs/`, or of `POST /outputs/batch/`, already.

Cells of a table may hold the JSON of lists and objects.
"""

from collections.abc import Iterator
from typing import Any

from routing.serializers.ingest.found import Found, Options
from routing.serializers.ingest.nesting import decoded

TEXTS = {"external_id", "intent", "response", "stakes", "occurred_at"}


def recognised(data: dict[str, Any]) -> bool:
    return ("external_id" in data and "prompt" in data) or isinstance(data.get("outputs"), list)


def found(data: dict[str, Any], options: Options) -> Iterator[Found]:
    if isinstance(data.get("outputs"), list):
        for entry in data["outputs"]:
            yield from found(entry, options) if isinstance(entry, dict) else [Found(fault="not an object")]
        return
    body = {key: value if key in TEXTS else decoded(value) for key, value in data.items()} if options.table else data
    yield Found(body if "intent" in body or options.intent is None else {**body, "intent": options.intent})
