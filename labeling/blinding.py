"""The one place that makes what a reviewer sees. An allowlist: what is not named here is not shown.

Never shown: where the output came from, the kind of item, confidence, reasons, flags, other
people's ratings (but anonymised ones to an adjudicator), any pass rate, and any id but the
assignment's own random token.
"""

import random
from dataclasses import asdict
from datetime import datetime
from typing import Any

from labeling.masking import apply_masks, find_masks
from labeling.models import Assignment, Cause, GoldResult, Lane, Rating, Rubric
from labeling.services.limits import progress
from labeling.services.spans import OTHER_SIDE, canonical_part
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
        "span_categories": list(rubric.span_categories),
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


def failing_answers(rubric: Rubric) -> dict[str, Any]:
    """Which answers rule out "accept": by criterion the failing values, or the number below which it fails.

    For the review page alone, which tells people what verdict their answers amount to. It is the rubric's, the same
    for every item.
    """
    failing: dict[str, Any] = {}
    for criterion in rubric.criteria.all():
        if criterion.type == "numeric" and criterion.fail_below is not None:
            failing[criterion.name] = criterion.fail_below
        elif criterion.fail_values:
            failing[criterion.name] = list(criterion.fail_values)
    return failing


def today(reviewer: Membership, now: datetime) -> dict[str, Any]:
    """The person's own count, cap and next break; never a rate."""
    return asdict(progress(reviewer, now))


def anonymous_ratings(assignment: Assignment) -> list[dict[str, Any]]:
    """The ratings in dispute, without names or times, in an order of this assignment's own."""
    ratings = list(Rating.objects.standing().filter(item_id=assignment.item_id, adjudication=False).order_by("id"))
    random.Random(assignment.token).shuffle(ratings)
    return [_answers(rating, swapped=assignment.swapped) for rating in ratings] + [
        {"values": {}, "preferred": None, "verdict": "escalated", "correction": "", "rationale": reason, "spans": []}
        for reason in Assignment.objects.escalation_reasons(assignment.item_id)
    ]


def own_rating(assignment: Assignment) -> dict[str, Any] | None:
    """What the person handed in themselves and has not taken back, with the sides as they saw them."""
    rating = assignment.ratings.standing().order_by("-revision").first()
    if rating is None:
        return None
    # The names that were put back for the caller are masked again for whoever wrote over them.
    masks = [mask.as_list() for mask in find_masks([("", rating.correction)], assignment.item.mask_names)]
    answers = _answers(rating, swapped=assignment.swapped)
    return answers | {"correction": apply_masks(rating.correction, masks)}


def _answers(rating: Rating, *, swapped: bool) -> dict[str, Any]:
    return {
        "values": rating.values,
        "preferred": _as_seen(rating.preferred, swapped=swapped) or None,
        "verdict": rating.verdict,
        "correction": rating.correction,
        "rationale": rating.rationale,
        "spans": [{**span, "part": canonical_part(span["part"], swapped=swapped)} for span in rating.spans],
    }


def practice_feedback(assignment: Assignment) -> dict[str, Any] | None:
    """What a person is told after their answer to a practice case; None for everything else, planted gold above all.

    {"right", "known_answer": "acceptable" | "not acceptable" | "a" | "b" | "tie" as the sides were shown,
    "explanation"}, the explanation masked like the task.
    """
    if assignment.seat.lane != Lane.PRACTICE:
        return None
    results = GoldResult.objects.filter(rating__assignment=assignment, rating__withdrawal__isnull=True)
    result = results.select_related("gold_case__item").first()
    if result is None:
        return None
    case = result.gold_case
    known = "acceptable" if case.acceptable else "not acceptable"
    if case.preferred:
        known = _as_seen(case.preferred, swapped=assignment.swapped)
    masks = [mask.as_list() for mask in find_masks([("", case.explanation)], case.item.mask_names)]
    return {"right": result.correct, "known_answer": known, "explanation": apply_masks(case.explanation, masks)}


def _as_seen(preferred: str, *, swapped: bool) -> str:
    return OTHER_SIDE.get(preferred, preferred) if swapped else preferred


def _prompt(prompt: Any) -> Any:
    return [_only(turn, TURN_FIELDS) for turn in prompt] if isinstance(prompt, list) else prompt


def _only(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value[name] for name in names if name in value}
