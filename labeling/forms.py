"""What stands in the review form, as text, and the submission it amounts to.

Everything a person typed is kept as they typed it, right or wrong, so that it can be shown again.
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from django.utils.translation import gettext as _

from labeling.services.spans import MAX_SPANS
from labeling.services.submitting import Submission, SubmissionInvalid

MAX_CORRECTION = 200_000
MAX_RATIONALE = 20_000
MAX_REASON = 1_000
MAX_KEY = 100
SECONDS_PER_DAY = 86_400.0
MAX_PRESET = 200
MAX_SPANS_TEXT = 200_000
MAX_OFFSET = 10_000_000
MAX_NAME = 60
TEXT_LIMITS = {"correction": MAX_CORRECTION, "rationale": MAX_RATIONALE}
SPAN_FIELDS = ("part", "start", "end", "category", "severity")


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it stands. `values` maps criterion names to text; `correction` is "" while unchanged.

    `verdict` is "" while it follows from the answers. `spans` are marked stretches as the services take them.
    `preset` is the ready-made part of a reason for not judging, `reason` the typed one.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    preferred: str = ""
    verdict: str = ""
    correction: str = ""
    rationale: str = ""
    cause: str = ""
    spans: Sequence[Mapping[str, Any]] = ()
    preset: str = ""
    reason: str = ""
    client_seconds: float | None = None
    idempotency_key: str = ""

    def as_draft(self) -> dict[str, Any]:
        """What is kept until the work is handed in; the key is the page's own and is not part of it."""
        return {
            "values": dict(self.values),
            "preferred": self.preferred,
            "verdict": self.verdict,
            "correction": self.correction,
            "rationale": self.rationale,
            "cause": self.cause,
            "spans": [dict(span) for span in self.spans],
            "client_seconds": self.client_seconds,
        }


def field_name(criterion: str) -> str:
    """The name of a criterion's input."""
    return f"value-{criterion}"


def new_key() -> str:
    """A fresh idempotency key: one per rendered form, so that a double click counts once."""
    return uuid.uuid4().hex


def typed_in_form(data: Mapping[str, str], *, rubric: Mapping[str, Any], original: str) -> Typed:
    """The posted form, read by the rubric that was shown. A correction equal to `original` is none."""
    correction = plain(data.get("correction", ""))
    return Typed(
        values={
            criterion["name"]: text
            for criterion in rubric["criteria"]
            if (text := plain(data.get(field_name(criterion["name"]), "")).strip())
        },
        preferred=plain(data.get("preferred", "")),
        verdict=plain(data.get("verdict", "")),
        correction="" if correction == plain(original) else correction,
        rationale=plain(data.get("rationale", "")),
        cause=plain(data.get("cause", "")),
        spans=_spans_in_text(data.get("spans", "")),
        preset=plain(data.get("preset", "")),
        reason=plain(data.get("reason", "")),
        client_seconds=_seconds(data.get("client_seconds")),
        idempotency_key=plain(data.get("idempotency_key", ""))[:MAX_KEY] or new_key(),
    )


def typed_in_draft(draft: Any) -> Typed:
    """A stored draft. Drafts may come from a person's own scripts too, so nothing about their shape is sure."""
    stored = draft if isinstance(draft, dict) else {}
    values = stored.get("values")
    return Typed(
        values={str(name): str(value) for name, value in values.items() if value is not None}
        if isinstance(values, dict)
        else {},
        **{name: _text(stored.get(name)) for name in ("preferred", "verdict", "correction", "rationale", "cause")},
        spans=_spans(stored.get("spans")),
        client_seconds=_seconds(stored.get("client_seconds")),
        idempotency_key=new_key(),
    )


def submission_of(typed: Typed, *, rubric: Mapping[str, Any]) -> Submission:
    """The submission that the form amounts to. Raises SubmissionInvalid for texts that are too long."""
    errors = [
        {"pointer": f"/{name}", "code": "too_long", "detail": _too_long(limit)}
        for name, limit in TEXT_LIMITS.items()
        if len(getattr(typed, name)) > limit
    ]
    if errors:
        raise SubmissionInvalid(errors)
    return Submission(
        idempotency_key=typed.idempotency_key,
        values={
            criterion["name"]: _value(criterion, typed.values[criterion["name"]])
            for criterion in rubric["criteria"]
            if criterion["name"] in typed.values
        },
        preferred=typed.preferred,
        verdict=typed.verdict,
        correction=typed.correction,
        rationale=typed.rationale.strip(),
        cause=typed.cause,
        spans=typed.spans,
        client_seconds=typed.client_seconds,
    )


def checked_reason(typed: Typed) -> str:
    """The reason for not judging an item. Raises SubmissionInvalid when there is none or it is too long."""
    reason = ": ".join(part for part in (typed.preset.strip()[:MAX_PRESET], typed.reason.strip()) if part)
    if not reason:
        raise SubmissionInvalid([_fault("required", _("Say in a few words why you cannot judge this one."))])
    if len(reason) > MAX_REASON:
        raise SubmissionInvalid([_fault("too_long", _too_long(MAX_REASON))])
    return reason


def plain(text: str) -> str:
    """Text as browsers show it: one kind of line end, and no NUL, which no database keeps."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def _too_long(limit: int) -> str:
    return _("This text may be %(limit)s characters long.") % {"limit": f"{limit:,}"}


def _fault(code: str, detail: str) -> dict[str, str]:
    return {"pointer": "/reason", "code": code, "detail": detail}


def _value(criterion: Mapping[str, Any], text: str) -> Any:
    """The level's own value, of its own type; or a number; or the text itself, for the service to refuse."""
    if criterion["type"] != "numeric":
        return next((level["value"] for level in criterion["levels"] if str(level["value"]) == text), text)
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if isfinite(number) and number.is_integer() else number


def _seconds(value: Any) -> float | None:
    """Time on the page, in seconds from 0 to a day. It is a measurement: a bad one is dropped, not refused."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if 0 <= seconds <= SECONDS_PER_DAY else None


def _spans_in_text(text: str) -> Sequence[Mapping[str, Any]]:
    if not text or len(text) > MAX_SPANS_TEXT:
        return ()
    try:
        return _spans(json.loads(text))
    except (ValueError, RecursionError):
        return ()


def _spans(value: Any) -> Sequence[Mapping[str, Any]]:
    """Marks with everything a mark has, of the right types. The page's script writes them: others are no marks.

    Whether they lie in the text and are of a category of the rubric is for the service to say.
    """
    rows = value if isinstance(value, list) else []
    spans = [{name: row.get(name) for name in SPAN_FIELDS} for row in rows if isinstance(row, dict)]
    return [span for span in spans if _is_span(span)][: MAX_SPANS + 1]


def _is_span(span: Mapping[str, Any]) -> bool:
    offsets = all(type(span[name]) is int and 0 <= span[name] <= MAX_OFFSET for name in ("start", "end"))
    return offsets and all(_is_name(span[name]) for name in ("part", "category", "severity"))


def _is_name(value: Any) -> bool:
    """Short text that every database can keep: no NUL, no half of a surrogate pair."""
    return (
        isinstance(value, str) and len(value) <= MAX_NAME and re.fullmatch("[^\x00\ud800-\udfff]+", value) is not None
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
