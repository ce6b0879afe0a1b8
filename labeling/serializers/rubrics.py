"""Rubrics in and out."""

from typing import Any

from rest_framework import serializers

from labeling.models import Rubric
from reviewapp.core.models import TaskKind
from reviewapp.core.serializers import StrictSerializer


class RubricIn(StrictSerializer):
    name = serializers.CharField(max_length=100)
    task_kind = serializers.ChoiceField(choices=TaskKind.choices, default=TaskKind.POINTWISE)
    instructions = serializers.CharField(required=False, allow_blank=True, default="")
    corrections = serializers.BooleanField(required=False, default=True)
    criteria = serializers.ListField(child=serializers.DictField(), allow_empty=True)


def shown_rubric_in_full(rubric: Rubric, *, active_ids: set[int]) -> dict[str, Any]:
    """For the owner: with the values that fail."""
    status = "active" if rubric.pk in active_ids else ("published" if rubric.published_at else "draft")
    return {
        "id": rubric.pk,
        "name": rubric.name,
        "version": rubric.version,
        "status": status,
        "task_kind": rubric.task_kind,
        "instructions": rubric.instructions,
        "corrections": rubric.corrections,
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
    }
