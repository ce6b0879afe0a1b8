"""Rounds of shared items in and out."""

from typing import Any

from rest_framework import serializers

from labeling.models import OverlapPurpose, OverlapRound
from labeling.serializers.slices import MOMENT, MOMENT_OR_NULL
from reviewapp.core.models import TaskKind
from reviewapp.core.serializers import StrictSerializer

COUNT = {"type": "integer", "minimum": 0}
SEATS = ("all", "done", "left")
ROUND: dict[str, Any] = {
    "type": "object",
    "required": ["id", "purpose", "rubric", "state", "started_at", "closes_at", "ended_at", "seats", "figures"],
    "properties": {
        "id": {"type": "integer"},
        "purpose": {"enum": OverlapPurpose.values},
        "rubric": {"type": "string"},
        "state": {"enum": ["open", "ended"]},
        "started_at": MOMENT,
        "closes_at": MOMENT,
        "ended_at": MOMENT_OR_NULL,
        "seats": {"type": "object", "required": list(SEATS), "properties": dict.fromkeys(SEATS, COUNT)},
        "figures": {
            "type": "object",
            "description": "Only `people` until it ends. Then `criteria` and `reviewers` with intervals and counts; "
            "`before`: what it is compared with, and the `differences`. `decision`: what became of the version.",
        },
    },
}


class OverlapRoundIn(StrictSerializer):
    task_kind = serializers.ChoiceField(
        choices=TaskKind.choices, default=TaskKind.POINTWISE, help_text="Judged by the rubric in force for this kind."
    )


class PutInForceIn(StrictSerializer):
    reason = serializers.CharField(
        max_length=1000,
        required=False,
        allow_blank=True,
        default="",
        help_text="Needed where people agreed less than the floor, or on too few items to say.",
    )


class WithdrawRubricIn(StrictSerializer):
    reason = serializers.CharField(max_length=1000)


def shown_round(round_: OverlapRound) -> dict[str, Any]:
    """One from `labeling.queries.overlap.overlap_rounds`, with its seats counted."""
    return {
        "id": round_.pk,
        "purpose": round_.purpose,
        "rubric": str(round_.rubric),
        "state": "ended" if round_.ended_at else "open",
        "started_by": round_.started_by,
        "started_at": round_.started_at,
        "closes_at": round_.closes_at,
        "ended_at": round_.ended_at,
        "seats": {name: getattr(round_, f"seats_{name}") for name in SEATS},
        "figures": round_.figures,
    }
