"""Outputs, decisions and verdicts as the API answers them."""

from typing import Any

from routing.models import Decision, JudgeRequest, Output, OutputReview
from routing.queries import PENDING
from routing.services.feed import verdict_body


def shown_output(output: Output) -> dict[str, Any]:
    """One output with its decision, pending while judges are asked, and, once there is one, its verdict."""
    decision = getattr(output, "decision", None)
    reviews = list(output.reviews.all())
    first = reviews[0] if reviews else None
    verdict = first.item.verdict if first else None
    return {
        "id": str(output.pk),
        "external_id": output.external_id,
        "intent": output.intent,
        "received_at": output.received_at,
        "decision": shown_decision(decision, first) if decision else pending_decision(output.judge_request),
        "verdict": verdict_body(verdict, output) if verdict else None,
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


def pending_decision(request: JudgeRequest) -> dict[str, Any]:
    """What is known of a decision that waits for judges of ours: in the shape of a decision, all else open."""
    calibrator = request.policy.calibrator
    return {
        "action": PENDING,
        "reasons": [],
        "confidence": None,
        "stakes": request.stakes,
        "flags": request.flags,
        "policy": {"name": request.policy.name, "version": request.policy.version},
        "calibrator": f"v{calibrator.version}" if calibrator else None,
        "inclusion_probability": None,
        "audited": False,
        "review": None,
    }
