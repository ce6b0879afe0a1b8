"""Judges as the API reads and answers them. No key is ever in an answer."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from reviewapp.core.serializers import StrictSerializer
from routing.judge_figures import JudgeFigures
from routing.models import Judge
from routing.policy.judge_limits import breaker, month_of
from routing.services.judge_calls import standing_of
from routing.services.judge_keys import KEY_VARIABLE, MAX_KEY, key_problem
from routing.services.judges import current_version, environment

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


class JudgeFields(StrictSerializer):
    """What may be set and changed. `key` is write-only and is sent to the host of `base_url` only."""

    family = serializers.CharField(required=False, allow_blank=True, max_length=100)
    base_url = serializers.CharField(max_length=1000, help_text="Up to, but without /chat/completions.")
    model = serializers.CharField(max_length=200)
    instructions = serializers.CharField(
        required=False, allow_blank=True, max_length=4000, trim_whitespace=False, help_text="Added to the rubric."
    )
    max_tokens = serializers.IntegerField(required=False, min_value=64, max_value=16_384)
    active = serializers.BooleanField(required=False)
    key = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_KEY,
        write_only=True,
        help_text="Stored encrypted, never shown.",
    )
    key_env = serializers.RegexField(
        rf"^(?:{KEY_VARIABLE.pattern})?$",
        required=False,
        allow_blank=True,
        help_text="JUDGE_KEY_NAME: a variable that the operator set, for the hosts in JUDGE_HOST_NAME.",
    )
    timeout_seconds = serializers.IntegerField(required=False, min_value=1, max_value=120)
    runs = serializers.ChoiceField(choices=[2, 4, 6], required=False)
    requests_per_minute = serializers.IntegerField(required=False, min_value=1, max_value=6000)
    monthly_budget = serializers.DecimalField(
        required=False, allow_null=True, max_digits=12, decimal_places=2, min_value=Decimal(0)
    )
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False)
    price_input = serializers.DecimalField(
        required=False, max_digits=12, decimal_places=6, min_value=Decimal(0), help_text="Per million tokens."
    )
    price_output = serializers.DecimalField(
        required=False, max_digits=12, decimal_places=6, min_value=Decimal(0), help_text="Per million tokens."
    )
    max_characters = serializers.IntegerField(required=False, min_value=1000, max_value=2_000_000)


class JudgeIn(JudgeFields):
    name = serializers.RegexField(NAME, help_text="How policies name it; letters, digits, dots, dashes, underscores.")


class JudgeChangeIn(JudgeFields):
    """Only what is to change."""

    base_url = serializers.CharField(max_length=1000, required=False)
    model = serializers.CharField(max_length=200, required=False)


class PassageIn(StrictSerializer):
    id = serializers.CharField(max_length=200)
    text = serializers.CharField(max_length=100_000, trim_whitespace=False)


class TryIn(StrictSerializer):
    """One thing to judge: a response, or two candidates."""

    prompt = serializers.CharField(max_length=100_000, trim_whitespace=False)
    context = PassageIn(many=True, required=False)  # type: ignore[assignment]
    response = serializers.CharField(required=False, max_length=100_000, trim_whitespace=False)
    candidates = serializers.ListField(
        child=serializers.CharField(max_length=100_000, trim_whitespace=False),
        min_length=2,
        max_length=2,
        required=False,
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("response" in data) == ("candidates" in data):
            raise serializers.ValidationError({"response": "Send either a response or two candidates."})
        if len(data.get("context", [])) > 100:
            raise serializers.ValidationError({"context": "A trial has at most 100 passages."})
        return data


def shown_judge(judge: Judge, figures: JudgeFigures, now: datetime) -> dict[str, Any]:
    """What it is, how it may be used, and how it is doing; of its key only where it comes from and whether it works."""
    version = current_version(judge)
    return {
        "name": judge.name,
        "version": version.number,
        "digest": version.digest,
        "family": version.family,
        "base_url": version.base_url,
        "model": version.model,
        "instructions": version.instructions,
        "max_tokens": version.max_tokens,
        "active": judge.active,
        "key": shown_key(judge),
        "timeout_seconds": judge.timeout_seconds,
        "runs": judge.runs,
        "requests_per_minute": judge.requests_per_minute,
        "monthly_budget": _money(judge.monthly_budget),
        "currency": judge.currency,
        "price_input": _money(judge.price_input),
        "price_output": _money(judge.price_output),
        "max_characters": judge.max_characters,
        "created_at": judge.created_at,
        "asked_by_policy_in_force": judge.name in figures.asked_now,
        "state": shown_state(judge, figures, now),
        "agreement": figures.agreement(judge.pk),
    }


def shown_key(judge: Judge) -> dict[str, Any]:
    problem = key_problem(judge, current_version(judge), environment())
    source = "environment" if judge.key_env else ("stored" if judge.sealed_key else "none")
    return {"source": source, "variable": judge.key_env or None, "usable": not problem, "problem": problem or None}


def shown_state(judge: Judge, figures: JudgeFigures, now: datetime) -> dict[str, Any]:
    standing = standing_of(judge.state)
    calls: Mapping[str, int] = figures.outcomes(judge.pk)
    return {
        "circuit": breaker(standing, now),
        "failures_in_a_row": standing.failures,
        "open_until": standing.open_until,
        "month": month_of(now),
        "spent": (standing.spent if standing.month == month_of(now) else 0) / 1_000_000,
        "next_call_at": standing.next_call_at if standing.next_call_at and standing.next_call_at > now else None,
        "cache_hits": judge.state.cache_hits,
        "answered": calls.get("answered", 0),
        "failed": {outcome: count for outcome, count in sorted(calls.items()) if outcome != "answered"},
        "waiting_outputs": figures.waiting(judge.name),
    }


def _money(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
