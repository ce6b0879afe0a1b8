"""Owners' requests, and proposals and certificates as the API answers them."""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from rest_framework import serializers

from labeling.models import GoldOrigin
from reviewapp.core.models import TaskKind
from reviewapp.core.serializers import StrictSerializer
from routing.models import Calibrator, Certificate, Recalibration, Stakes
from routing.serializers.outputs import Turn

PROMPT: TypeAdapter[str | list[Turn]] = TypeAdapter(str | Annotated[list[Turn], Field(min_length=1, max_length=1000)])


class ActivationIn(StrictSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=1000, default="")


class RecalibrationIn(StrictSerializer):
    """Without `review_share` thresholds are certified against the policy's target; with it they spend a budget."""

    review_share = serializers.FloatField(required=False, min_value=0.01, max_value=1.0)
    tiers = serializers.ListField(
        child=serializers.ChoiceField(choices=Stakes.choices), required=False, allow_empty=False
    )
    audit_rate = serializers.FloatField(required=False, min_value=0.001, max_value=0.99)
    since = serializers.DateTimeField(required=False)


class RejectionIn(StrictSerializer):
    reason = serializers.CharField(max_length=1000)


class CertificateIn(StrictSerializer):
    stakes = serializers.ChoiceField(choices=Stakes.choices, required=False, default="")
    since = serializers.DateTimeField(required=False)
    level = serializers.FloatField(required=False, min_value=0.5, max_value=0.999, default=0.95)


class FreezeIn(StrictSerializer):
    size = serializers.IntegerField(required=False, min_value=1, max_value=1_000_000)
    seed = serializers.CharField(required=False, max_length=100)


class GoldCaseIn(StrictSerializer):
    reference = serializers.CharField(max_length=200)
    task_kind = serializers.ChoiceField(choices=TaskKind.choices, default=TaskKind.POINTWISE)
    intent = serializers.CharField(max_length=100)
    prompt = serializers.JSONField()
    context = serializers.ListField(child=serializers.DictField(child=serializers.CharField()), required=False)  # type: ignore[assignment]
    response = serializers.CharField(required=False, trim_whitespace=False)
    candidates = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False), min_length=2, max_length=2, required=False
    )
    acceptable = serializers.BooleanField(required=False, allow_null=True, default=None)
    preferred = serializers.CharField(required=False, default="")
    origin = serializers.ChoiceField(choices=GoldOrigin.choices, default=GoldOrigin.PLANTED_FAILURE)
    explanation = serializers.CharField(required=False, allow_blank=True, default="")
    exposures = serializers.IntegerField(required=False, min_value=1, max_value=1000, default=30)
    practice = serializers.BooleanField(required=False, default=False)

    def validate_prompt(self, prompt: Any) -> Any:
        """A text or turns, as in `POST /outputs/`: whatever else it were, no page could show it."""
        try:
            shown = PROMPT.validate_python(prompt)
        except ValidationError:
            raise serializers.ValidationError("Send a text, or a list of {role, content}.") from None
        return shown if isinstance(shown, str) else [turn.model_dump() for turn in shown]

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if "candidates" in data and data["task_kind"] != TaskKind.PAIRWISE:
            raise serializers.ValidationError({"task_kind": 'Two candidates make a pair: send task_kind "pairwise".'})
        pairwise = data["task_kind"] == TaskKind.PAIRWISE
        wanted = "candidates" if pairwise else "response"
        if data["task_kind"] == TaskKind.TRAJECTORY or wanted not in data:
            raise serializers.ValidationError({wanted: "Send response for a pointwise case, candidates for a pair."})
        return data


def shown_recalibration(proposal: Recalibration) -> dict[str, Any]:
    return {
        "id": proposal.pk,
        "status": proposal.status,
        "policy": proposal.policy.version,
        "calibrator": f"v{proposal.calibrator.version}",
        "labels_used": proposal.labels_used,
        "thresholds": proposal.thresholds,
        "replay": proposal.replay,
        "certificate": shown_certificate(proposal.certificate) if proposal.certificate else None,
        "created_by": proposal.created_by,
        "created_at": proposal.created_at,
        "decided_by": proposal.decided_by or None,
        "decided_at": proposal.decided_at,
        "reason": proposal.reason,
    }


def shown_certificate(certificate: Certificate) -> dict[str, Any]:
    return {
        "id": certificate.pk,
        "kind": certificate.kind,
        "statement": certificate.statement,
        "inputs": certificate.inputs,
        "result": certificate.result,
        "sha256": certificate.sha256,
        "created_by": certificate.created_by,
        "created_at": certificate.created_at,
    }


def shown_calibrator(calibrator: Calibrator) -> dict[str, Any]:
    """Its quality on prompts it was not fitted to, overall and by intent, and what each signal is worth.

    `signals` by scope (an intent, or "*" for all others) and signal key: a `status` of "useful", "worthless" or
    "undetermined" with the area under the curve, its bounds, the verdicts, and the weight in each model; only
    useful ones have any. `same_family` by judge: how often it judged outputs of its own family.
    """
    metrics = dict(calibrator.metrics)
    apart = {name: metrics.pop(name, {}) for name in ("by_intent", "signals", "same_family")}
    return {
        "version": f"v{calibrator.version}",
        "quality": metrics,
        **apart,
        "expected_signals": {name: scope["expected"] for name, scope in calibrator.parameters["scopes"].items()},
        "fitted_on": calibrator.fitted_on,
        "created_at": calibrator.created_at,
    }
