"""Rubrics in and out."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from labeling.models import Rubric
from labeling.services.rubrics import RubricRefused, rubric_document
from reviewapp.core.models import TaskKind
from reviewapp.core.problems import Problem
from reviewapp.core.serializers import StrictSerializer


class RubricIn(StrictSerializer):
    name = serializers.CharField(max_length=100)
    task_kind = serializers.ChoiceField(choices=TaskKind.choices, default=TaskKind.POINTWISE)
    instructions = serializers.CharField(required=False, allow_blank=True, default="")
    corrections = serializers.BooleanField(required=False, default=True)
    span_categories = serializers.ListField(child=serializers.CharField(max_length=60), required=False, max_length=20)
    criteria = serializers.ListField(child=serializers.DictField(), allow_empty=True)


def rubric_fields(document: Any) -> dict[str, Any]:
    """What `draft_rubric` takes, from an exported document or the API's answer that holds one. Raises RubricRefused."""
    inner = document.get("document") if isinstance(document, dict) else None
    body = RubricIn(data=inner if isinstance(inner, dict) else document)
    try:
        fits = body.is_valid()
    except Problem as problem:
        # Values of another type than JSON's own are refused before any field is looked at.
        fault = problem.errors[0] if problem.errors else {"pointer": "", "detail": str(problem.detail)}
        raise RubricRefused(fault["pointer"], fault["detail"]) from None
    if not fits:
        raise RubricRefused(*_first_fault(body.errors))
    return dict(body.validated_data)


def _first_fault(errors: Any, pointer: str = "") -> tuple[str, str]:
    """Pointer and message of the first of the framework's nested errors."""
    if isinstance(errors, dict):
        name, inner = next(iter(errors.items()))
        return _first_fault(inner, pointer if name == "non_field_errors" else f"{pointer}/{name}")
    if isinstance(errors, list):
        return _first_fault(errors[0], pointer)
    return pointer, str(errors)


def shown_rubric_in_full(
    rubric: Rubric, *, active_ids: set[int], pending: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """For the owner: with the values that fail. `pending`: frozen versions that were never in force, and why."""
    frozen = (pending or {}).get(rubric.pk, "published")
    status = "active" if rubric.pk in active_ids else (frozen if rubric.published_at else "draft")
    return {
        "id": rubric.pk,
        "name": rubric.name,
        "version": rubric.version,
        "status": status,
        "task_kind": rubric.task_kind,
        "instructions": rubric.instructions,
        "corrections": rubric.corrections,
        "span_categories": rubric.span_categories,
        "criteria": [
            {
                "name": criterion.name,
                "type": criterion.type,
                "question": criterion.question,
                "required": criterion.required,
                "levels": criterion.levels,
                "fail_values": criterion.fail_values,
                "minimum": criterion.minimum,
                "maximum": criterion.maximum,
                "fail_below": criterion.fail_below,
            }
            for criterion in rubric.criteria.all()
        ],
        "published_at": rubric.published_at,
        "parent": rubric.parent.version if rubric.parent else None,
        "document": rubric_document(rubric),
    }


def rubric_changes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """What differs between two documents: {pointer, before, after}, with None where one side has nothing.

    Criteria and levels are told by their names and values, so that moving one is no change but of the order.
    """
    left, right = _flat(before), _flat(after)
    pointers = [*right, *(pointer for pointer in left if pointer not in right)]
    return [
        {"pointer": pointer, "before": left.get(pointer), "after": right.get(pointer)}
        for pointer in pointers
        if left.get(pointer) != right.get(pointer)
    ]


def _flat(document: dict[str, Any]) -> dict[str, Any]:
    """Every value of a document by a pointer that does not depend on the order of criteria and levels."""
    found = {f"/{name}": document[name] for name in ("instructions", "corrections", "span_categories", "task_kind")}
    found["/order"] = [criterion["name"] for criterion in document["criteria"]]
    for criterion in document["criteria"]:
        at = f"/criteria/{criterion['name']}"
        for name, value in criterion.items():
            if name not in ("name", "levels"):
                found[f"{at}/{name}"] = value
        levels = criterion.get("levels", [])
        if levels:
            found[f"{at}/scale"] = [level["value"] for level in levels]
        for level in levels:
            for name, text in level.items():
                if name != "value":
                    found[f"{at}/levels/{level['value']}/{name}"] = text
    return found
