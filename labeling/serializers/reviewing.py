"""What reviewers hand in, checked for shape. Whether it fits the rubric is the service's business."""

from typing import Any

from rest_framework import serializers

from labeling.models import Cause, Preference, VerdictValue
from labeling.services.spans import MAX_SPANS, SEVERITIES
from reviewapp.core.serializers import StrictSerializer

MAX_NOTE = 20_000


class SpanIn(StrictSerializer):
    part = serializers.RegexField(r"^(response|a|b|steps/[0-9]{1,5})$")
    start = serializers.IntegerField(min_value=0, max_value=10_000_000)
    end = serializers.IntegerField(min_value=1, max_value=10_000_000)
    category = serializers.CharField(max_length=60)
    severity = serializers.ChoiceField(choices=SEVERITIES)


class SubmissionIn(StrictSerializer):
    values = serializers.DictField(child=serializers.JSONField(allow_null=True), default=dict)
    preferred = serializers.ChoiceField(choices=Preference.choices, required=False, allow_null=True)
    verdict = serializers.ChoiceField(choices=VerdictValue.choices, required=False, allow_null=True)
    correction = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, trim_whitespace=False, max_length=200_000
    )
    rationale = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=MAX_NOTE)
    cause = serializers.ChoiceField(choices=Cause.choices, required=False, allow_null=True)
    spans = SpanIn(many=True, required=False, max_length=MAX_SPANS)  # type: ignore[call-arg]
    client_seconds = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=86_400)
    idempotency_key = serializers.CharField(max_length=100)

    def validate_values(self, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value is not None}


class ClaimIn(StrictSerializer):
    ahead = serializers.BooleanField(default=False, help_text="Fetch it before it is looked at; call open/ then.")


class DraftIn(serializers.Serializer[Any]):
    """Unfinished work, in whatever state it is: any JSON object up to a size."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"non_field_errors": ["A draft is a JSON object."]})
        return data


class ReasonIn(StrictSerializer):
    reason = serializers.CharField(max_length=1000)


class OptionalReasonIn(StrictSerializer):
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class FeedbackOut(serializers.Serializer[Any]):
    right = serializers.BooleanField()
    known_answer = serializers.ChoiceField(choices=["acceptable", "not acceptable", "a", "b", "tie"])
    explanation = serializers.CharField(allow_blank=True)


class ReceiptOut(serializers.Serializer[Any]):
    receipt = serializers.UUIDField()
    undo_until = serializers.DateTimeField()
    feedback = FeedbackOut(required=False, help_text="After a practice case only: what the answer is, and why.")


class LeaseOut(serializers.Serializer[Any]):
    lease_expires_at = serializers.DateTimeField()
