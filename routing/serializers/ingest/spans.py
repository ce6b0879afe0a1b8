"""Spans, whatever encoding or export they came in, and moments as exports write them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HEX_TRACE = re.compile(r"[0-9a-fA-F]{32}", re.ASCII)
HEX_SPAN = re.compile(r"[0-9a-fA-F]{16}", re.ASCII)
# An epoch later than this is counted in a finer unit: no export holds seconds of the year 5138.
LARGEST_SECONDS = 10**11


class Unusable(Exception):
    """One span or row that cannot become an output; the text says why."""


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """Attributes have dotted names and plain JSON values. `resource` says what the whole process is."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    ended_at: datetime | None
    attributes: Mapping[str, Any]
    events: tuple[Event, ...] = ()
    resource: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """The external id of the span's output, unless the span names another."""
        return f"{self.trace_id}-{self.span_id}"

    @property
    def parent_reference(self) -> str:
        return f"{self.trace_id}-{self.parent_id}"

    @property
    def has_otel_ids(self) -> bool:
        """All zeros is OpenTelemetry's word for no id."""
        return bool(
            HEX_TRACE.fullmatch(self.trace_id)
            and HEX_SPAN.fullmatch(self.span_id)
            and self.trace_id.strip("0")
            and self.span_id.strip("0")
        )


def moment(value: Any) -> datetime | None:
    """A moment from ISO 8601 text (without a zone: UTC) or from an epoch in seconds to nanoseconds.

    None for nothing. Raises Unusable for what is no moment, or none that a calendar holds.
    """
    if value is None or value == "" or value == 0:
        return None
    try:
        if isinstance(value, str) and not value.isdecimal():
            read = datetime.fromisoformat(value)
            return read if read.tzinfo else read.replace(tzinfo=UTC)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError("no moment")
        return _from_epoch(value if isinstance(value, int | float) else int(value))
    except (ValueError, OverflowError):
        raise Unusable(f"{str(value)[:40]!r} is not a moment") from None


def _from_epoch(number: float) -> datetime:
    unit = 1
    while abs(number) >= LARGEST_SECONDS * unit and unit < 10**9:
        unit *= 1000
    if isinstance(number, int):
        return EPOCH + timedelta(microseconds=number * 10**6 // unit)
    return EPOCH + timedelta(seconds=number / unit)
