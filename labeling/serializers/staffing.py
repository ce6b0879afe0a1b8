"""Absences, alarms and steps of escalation, in and out."""

from typing import Any

from rest_framework import serializers

from labeling.alarm_sentences import sentence
from labeling.models import Absence, Alarm, EscalationStep
from labeling.queries.staffing import Colleague
from labeling.services.presence import PoolState
from labeling.services.settings import MOST_STEPS
from reviewapp.core.pagination import PageIn
from reviewapp.core.serializers import StrictSerializer

# Thirty days on either side of the due time.
MOST_MINUTES = 43_200


class AbsenceIn(StrictSerializer):
    rater = serializers.CharField(
        required=False, max_length=20, help_text="The person's pseudonym; left out by those who speak for themselves."
    )
    first_day = serializers.DateField(help_text="By the person's own calendar.")
    last_day = serializers.DateField(help_text="Included.")
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)


class AlarmsIn(PageIn):
    open = serializers.BooleanField(required=False, help_text="Only those whose cause is still there.")


class StepIn(StrictSerializer):
    priority = serializers.IntegerField(
        min_value=0, max_value=2, allow_null=True, help_text="0: high stakes, 1: mid, 2: low; null: all."
    )
    minutes_before = serializers.IntegerField(
        min_value=-MOST_MINUTES, max_value=MOST_MINUTES, help_text="Before the item is due; negative: after."
    )
    rater = serializers.CharField(max_length=20, help_text="The pseudonym of who is told.")


class StepsIn(StrictSerializer):
    steps = serializers.ListField(child=StepIn(), max_length=MOST_STEPS)


def shown_absence(absence: Absence) -> dict[str, Any]:
    return {
        "id": absence.pk,
        "rater": absence.membership.rater_code,
        "name": str(absence.membership.person),
        "first_day": absence.first_day,
        "last_day": absence.last_day,
        "note": absence.note,
    }


def shown_alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "id": alarm.pk,
        "kind": alarm.kind,
        "subject": alarm.subject,
        "detail": sentence(alarm),
        "data": alarm.data,
        "raised_at": alarm.raised_at,
        "seen_at": alarm.seen_at,
        "cleared_at": alarm.cleared_at,
    }


def shown_step(step: EscalationStep) -> dict[str, Any]:
    return {
        "priority": step.priority,
        "minutes_before": step.minutes_before,
        "rater": step.membership.rater_code,
        "name": str(step.membership.person),
    }


def shown_colleague(colleague: Colleague) -> dict[str, Any]:
    return {
        "rater": colleague.rater,
        "name": colleague.name,
        "role": colleague.role,
        "credentials": sorted(colleague.credentials),
        "daily_cap": colleague.daily_cap,
        "standby": colleague.standby,
        "working": colleague.working,
        "away": [{"first_day": first, "last_day": last} for first, last in colleague.away],
    }


def shown_pool(state: PoolState) -> dict[str, Any]:
    return {
        "role": state.pool.role,
        "credential": state.pool.credential,
        "waiting": state.waiting,
        "present_today": state.present,
        "gaps": [{"first_day": gap.first_day, "last_day": gap.last_day, "away": list(gap.away)} for gap in state.gaps],
    }
