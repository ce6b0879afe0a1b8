"""Which tool wrote an export, told by the names in its first rows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from routing.serializers.ingest import jsonl, label_studio, langfuse, phoenix
from routing.serializers.ingest.found import Found, Options
from routing.serializers.ingest.spans import Unusable


@dataclass(frozen=True, slots=True)
class Format:
    """`recognised` tells from a row whether it is of this format; `found` reads one."""

    recognised: Callable[[dict[str, Any]], bool]
    found: Callable[[dict[str, Any], Options], Iterator[Found]]


# In the order in which they are tried: the most telling names first.
FORMATS = {
    "jsonl": Format(jsonl.recognised, jsonl.found),
    "phoenix": Format(phoenix.recognised, phoenix.found),
    "langfuse": Format(langfuse.recognised, langfuse.found),
    "label-studio": Format(label_studio.recognised, label_studio.found),
}


def detected(rows: Iterable[dict[str, Any]]) -> str | None:
    """The format of the first row that any format recognises."""
    for row in rows:
        inner = row.get("data")
        # A page of an API: what matters is what it lists.
        data = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], dict) else row
        for name, form in FORMATS.items():
            if form.recognised(data):
                return name
    return None


def read_row(name: str, data: dict[str, Any], options: Options) -> Iterator[Found]:
    """What a row holds, in the named format; a fault instead of an exception, whatever stands in it."""
    try:
        yield from FORMATS[name].found(data, options)
    except (Unusable, RecursionError) as fault:
        yield Found(fault=str(fault) or "its values are nested too deeply")
