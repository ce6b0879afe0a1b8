"""Onboarding as programs see it: people by their pseudonyms, rounds by their figures."""

from typing import Any

from rest_framework import serializers

from labeling.models import Round, RoundKind, Stage
from labeling.queries.onboarding import OnboardingRow, RoundRow
from reviewapp.core.serializers import StrictSerializer


class RoundIn(StrictSerializer):
    rater = serializers.CharField(max_length=20, help_text="The pseudonym, as in reviewers/.")


class RoundOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=RoundKind.values)
    size = serializers.IntegerField()
    pass_mark = serializers.FloatField()
    done = serializers.IntegerField()
    right = serializers.IntegerField()
    passed = serializers.BooleanField(allow_null=True, help_text="null while it runs, and if it was broken off.")
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class PersonOut(serializers.Serializer[Any]):
    rater = serializers.CharField()
    stage = serializers.ChoiceField(choices=Stage.values)
    paused = serializers.BooleanField()
    rounds = RoundOut(many=True)


class CasesOut(serializers.Serializer[Any]):
    practice = serializers.IntegerField()
    gold = serializers.IntegerField()


class OnboardingOut(serializers.Serializer[Any]):
    onboarding = serializers.BooleanField()
    practice_size = serializers.IntegerField()
    qualification_size = serializers.IntegerField()
    qualification_mark = serializers.FloatField()
    cases = CasesOut(help_text="How many there are to give to somebody new.")
    people = PersonOut(many=True)


def shown_person(row: OnboardingRow) -> dict[str, Any]:
    return {
        "rater": row.membership.rater_code,
        "stage": row.stage,
        "paused": row.membership.paused_at is not None,
        "rounds": [shown_row(round_) for round_ in row.rounds],
    }


def shown_row(row: RoundRow) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "size": row.size,
        "pass_mark": row.pass_mark,
        "done": row.done,
        "right": row.right,
        "passed": row.passed,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
    }


def shown_round(round_: Round) -> dict[str, Any]:
    """One that has just begun."""
    fields = ("kind", "size", "pass_mark", "done", "right", "passed", "started_at", "ended_at")
    return {"id": round_.pk} | {name: getattr(round_, name) for name in fields}
