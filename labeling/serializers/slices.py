"""Pauses of slices in and out."""

from typing import Any

from rest_framework import serializers

from labeling.models import PauseCause, SlicePause
from reviewapp.core.serializers import StrictSerializer

MOMENT = {"type": "string", "format": "date-time"}
MOMENT_OR_NULL = {"type": ["string", "null"], "format": "date-time"}
TEXT = {"type": "string"}
PAUSE: dict[str, Any] = {
    "type": "object",
    "required": ["id", "intent", "rubric", "cause", "state", "evidence", "paused_at", "lifted_at", "reason"],
    "properties": {
        "id": {"type": "integer"},
        "intent": TEXT,
        "rubric": {"type": "string", "description": "Name and version, as in agreement/."},
        "cause": {"enum": PauseCause.values},
        "state": {"enum": ["open", "lifted"]},
        "evidence": {"type": "object", "description": "What was measured, or the owner's reason."},
        "paused_by": TEXT,
        "paused_at": MOMENT,
        "lifted_by": TEXT,
        "lifted_at": MOMENT_OR_NULL,
        "reason": {"type": "string", "description": "Why it was lifted."},
    },
}


class SlicePauseIn(StrictSerializer):
    intent = serializers.CharField(max_length=100)
    rubric = serializers.CharField(max_length=120, help_text='Name and version, such as "answers v3".')
    reason = serializers.CharField(max_length=1000)


class LiftPauseIn(StrictSerializer):
    reason = serializers.CharField(max_length=1000)


def shown_pause(pause: SlicePause) -> dict[str, Any]:
    return {
        "id": pause.pk,
        "intent": pause.intent,
        "rubric": str(pause.rubric),
        "cause": pause.cause,
        "state": "lifted" if pause.lifted_at else "open",
        "evidence": pause.evidence,
        "paused_by": pause.paused_by,
        "paused_at": pause.paused_at,
        "lifted_by": pause.lifted_by,
        "lifted_at": pause.lifted_at,
        "reason": pause.reason,
    }
