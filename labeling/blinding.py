"""The one place that makes what a reviewer sees. An allowlist: what is not named here is not shown.

Never shown: where the output came from, the kind of item, confidence, reasons, flags, other
people's ratings (but anonymised ones to an adjudicator), any pass rate, and any id but the
assignment's own random token.
"""

import random
from datetime import datetime
from typing import Any

from labeling.masking import apply_masks
from labeling.models import Assignment, Cause, Lane, Rating, Rubric
from labeling.services.claiming import daily_cap, done_today, queue_settings
from labeling.services.submitting import OTHER_SIDE
from reviewapp.core.models import Content, Membership, TaskKind

TURN_FIELDS = ("role", "content")
STEP_FIELDS = ("type", "name", "content")
CONTEXT_FIELDS = ("id", "text")
LEVEL_FIELDS = ("value", "label", "description", "example")


def blinded_claim(assignment: Assignment, *, now: datetime) -> dict[str, Any]:
    """The whole body that a claim answers with."""
    body = {
        "assignment": assignment.token,
        "lease_expires_at": assignment.lease_expires_at,
        "task": blinded_task(assignment),
        "rubric": shown_rubric(assignment.rubric),
        "today": today(assignment.reviewer, now),
    }
    if assignment.seat.lane == Lane.ADJUDICATION:
        body["adjudication"] = {"ratings": anonymous_ratings(assignment), "causes": list(Cause.values)}
    return body


def blinded_task(assignment: Assignment) -> dict[str, Any]:
    """Prompt, context and response(s), masked; sides as shuffled for this person."""
    content: Content = assignment.item.content
    visible = apply_masks({"prompt": content.prompt, "context": content.context, **content.body}, assignment.masking)
    task: dict[str, Any] = {
        "kind": content.task_kind,
        "prompt": _prompt(visible["prompt"]),
        "context": [_only(part, CONTEXT_FIELDS) for part in visible["context"]],
    }
    if content.task_kind == TaskKind.PAIRWISE:
        left, right = ("b", "a") if assignment.swapped else ("a", "b")
        return task | {"a": visible[left], "b": visible[right]}
    if content.task_kind == TaskKind.TRAJECTORY:
        return task | {"steps": [_only(step, STEP_FIELDS) for step in visible["steps"]]}
    return task | {"response": visible["response"]}


def shown_rubric(rubric: Rubric) -> dict[str, Any]:
    """The questions; which values fail is not part of them."""
    return {
        "name": rubric.name,
        "version": rubric.version,
        "instructions": rubric.instructions,
        "pairwise": rubric.pairwise,
        "corrections": rubric.corrections,
        "criteria": [
            {
                "name": criterion.name,
                "type": criterion.type,
                "question": criterion.question,
                "required": criterion.required,
                **(
                    {"min": criterion.minimum, "max": criterion.maximum}
                    if criterion.type == "numeric"
                    else {"levels": [_only(level, LEVEL_FIELDS) for level in criterion.levels]}
                ),
            }
            for criterion in rubric.criteria.all()
        ],
    }


def today(reviewer: Membership, now: datetime) -> dict[str, int]:
    """The person's own count and cap; never a rate."""
    return {"done": done_today(reviewer, now), "cap": daily_cap(reviewer, queue_settings(reviewer.project_id))}


def anonymous_ratings(assignment: Assignment) -> list[dict[str, Any]]:
    """The ratings in dispute, without names or times, in an order of this assignment's own."""
    ratings = list(Rating.objects.standing().filter(item_id=assignment.item_id, adjudication=False).order_by("id"))
    random.Random(assignment.token).shuffle(ratings)
    return [
        {
            "values": rating.values,
            "preferred": _as_seen(rating.preferred, swapped=assignment.swapped) or None,
            "verdict": rating.verdict,
            "correction": rating.correction,
            "rationale": rating.rationale,
        }
        for rating in ratings
    ] + [
        {"values": {}, "preferred": None, "verdict": "escalated", "correction": "", "rationale": reason}
        for reason in Assignment.objects.escalation_reasons(assignment.item_id)
    ]


def _as_seen(preferred: str, *, swapped: bool) -> str:
    return OTHER_SIDE.get(preferred, preferred) if swapped else preferred


def _prompt(prompt: Any) -> Any:
    return [_only(turn, TURN_FIELDS) for turn in prompt] if isinstance(prompt, list) else prompt


def _only(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value[name] for name in names if name in value}
