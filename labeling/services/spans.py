"""Marked stretches of a response: what they may name, and how they are stored."""

from collections.abc import Mapping, Sequence
from typing import Any

from labeling.masking import apply_masks
from labeling.models import Assignment

SEVERITIES = ("minor", "major", "critical")
MAX_SPANS = 200
OTHER_SIDE = {"a": "b", "b": "a"}


def checked_spans(
    spans: Sequence[Mapping[str, Any]], assignment: Assignment
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The spans as they are stored, in canonical sides, and what is wrong with them as {pointer, code, detail}.

    `start` and `end` count Unicode code points of the text as this person was shown it, masks and all.
    """
    if not spans:
        return [], []
    categories = assignment.rubric.span_categories
    if not categories:
        return [], [_error("/spans", "unexpected", "This rubric marks no stretches.")]
    if len(spans) > MAX_SPANS:
        return [], [_error("/spans", "too_many", f"At most {MAX_SPANS} stretches can be marked.")]
    errors, stored = [], []
    for index, span in enumerate(spans):
        part = canonical_part(str(span.get("part")), swapped=assignment.swapped)
        text = _shown(assignment, part)
        start, end = span.get("start"), span.get("end")
        at = f"/spans/{index}"
        if text is None:
            errors.append(_error(f"{at}/part", "unknown", f"There is no text {span.get('part')!r} to mark."))
        elif not (_whole(start) and _whole(end) and 0 <= start < end <= len(text)):  # type: ignore[operator]
            errors.append(_error(at, "out_of_range", f"A stretch lies between 0 and {len(text)} and has a length."))
        if span.get("category") not in categories:
            errors.append(_error(f"{at}/category", "invalid", f"category is one of {', '.join(categories)}."))
        if span.get("severity") not in SEVERITIES:
            errors.append(_error(f"{at}/severity", "invalid", f"severity is one of {', '.join(SEVERITIES)}."))
        stored.append({"part": part, **{name: span.get(name) for name in ("start", "end", "category", "severity")}})
    return ([], errors) if errors else (stored, [])


def canonical_part(part: str, *, swapped: bool) -> str:
    return OTHER_SIDE.get(part, part) if swapped else part


def _shown(assignment: Assignment, part: str) -> str | None:
    """The masked text of a part: "response", "a", "b" or "steps/N"; None where there is none."""
    body: Any = assignment.item.content.body
    if part in ("response", "a", "b"):
        value, path = body.get(part), f"/{part}"
    elif part.startswith("steps/") and part[6:].isascii() and part[6:].isdecimal() and len(part) < 12:
        steps = body.get("steps") or []
        step = steps[int(part[6:])] if int(part[6:]) < len(steps) else {}
        value, path = step.get("content"), f"/{part}/content"
    else:
        return None
    return apply_masks(value, assignment.masking, path) if isinstance(value, str) else None


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _error(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}
