"""Suspicions in and out."""

from typing import Any

from rest_framework import serializers

from labeling.models import Suspicion
from reviewapp.core.serializers import StrictSerializer


class SuspectIn(StrictSerializer):
    rater = serializers.CharField(max_length=20)
    since = serializers.DateTimeField()
    reason = serializers.CharField(max_length=1000)


class OverruleIn(StrictSerializer):
    reason = serializers.CharField(max_length=1000)


def shown_suspicion(suspicion: Suspicion) -> dict[str, Any]:
    """One suspicion from `labeling.queries.suspicions`, with how many ratings it concerns."""
    return {
        "id": suspicion.pk,
        "rater": suspicion.membership.rater_code,
        "kind": suspicion.kind,
        "state": state_of(suspicion),
        "since": suspicion.since,
        "raised_at": suspicion.raised_at,
        "reason": suspicion.reason,
        "evidence": suspicion.evidence,
        "set_aside": suspicion.ratings_set_aside,  # type: ignore[attr-defined]
        "restored": suspicion.ratings_restored,  # type: ignore[attr-defined]
    }


def state_of(suspicion: Suspicion) -> str:
    if suspicion.overruled_at:
        return "overruled"
    return "ended" if suspicion.ended_at else "open"
