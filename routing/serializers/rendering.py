"""Outputs, decisions and verdicts as the API answers them."""

from typing import Any

from labeling.models import Verdict
from routing.models import Decision, Output, OutputReview


def shown_output(output: Output) -> dict[str, Any]:
    """One output with its decision and, once there is one, its verdict."""
    reviews = list(output.reviews.all())
    first = reviews[0] if reviews else None
    verdict = first.item.verdict if first else None
    return {
        "id": str(output.pk),
        "external_id": output.external_id,
        "intent": output.intent,
        "received_at": output.received_at,
        "decision": shown_decision(output.decision, first),
        "verdict": shown_verdict(verdict) if verdict else None,
    }


def shown_decision(decision: Decision, review: OutputReview | None) -> dict[str, Any]:
    """Why the output ships or waits, in the words of the API."""
    return {
        "action": decision.action,
        "reasons": decision.reasons,
        "confidence": decision.confidence,
        "stakes": decision.stakes,
        "flags": decision.flags,
        "policy": {"name": decision.policy.name, "version": decision.policy.version},
        "calibrator": f"v{decision.calibrator.version}" if decision.calibrator else None,
        "inclusion_probability": decision.inclusion_probability,
        "audited": decision.audited,
        "review": {"id": str(review.item.public_id), "due_at": review.item.due_at} if review else None,
    }


def shown_verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "id": str(verdict.public_id),
        "verdict": verdict.value,
        "corrected_response": verdict.corrected_response or None,
        "preferred": verdict.preferred or None,
        "criteria": verdict.criteria,
        "reached_by": verdict.reached_by,
        "raters": verdict.raters,
        "rubric": {"name": verdict.rubric.name, "version": verdict.rubric.version},
        "decided_at": verdict.decided_at,
    }
