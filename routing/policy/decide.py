"""The routing decision: a pure function of the output's facts, the policy, the calibrator and the key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from routing.policy.conditions import holds
from routing.policy.confidence import Confidence, confidence
from routing.policy.document import STAKES_RANK, PolicyDocument, Tier
from routing.policy.draw import keyed_draw

# Flags that always bring a person in, and the reason each gives.
REVIEW_FLAGS = ("incident", "adversarial", "novel")


@dataclass(frozen=True, slots=True)
class Facts:
    """What routing may know of one output. `evidence` by signal key; None: the signal said nothing."""

    external_id: str
    intent: str
    stakes: str | None = None
    flags: tuple[str, ...] = ()
    evidence: Mapping[str, float | None] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """What to do with the output, why, and with which probability a person will judge it."""

    action: str
    reasons: tuple[str, ...]
    confidence: float | None
    stakes: str
    flags: tuple[str, ...]
    inclusion_probability: float
    audited: bool
    raters: int
    sla_minutes: int
    credential: str
    trace: Mapping[str, Any]

    @property
    def needs_review(self) -> bool:
        return self.action == "review" or self.audited


def decide(
    facts: Facts, *, policy: PolicyDocument, calibrator: Mapping[str, Any] | None, key: bytes
) -> RoutingDecision:
    """Route one output. Deterministic: the same arguments always give the same decision.

    Any doubt about the evidence (none, invalid, a required one absent, no calibration for it) is a
    reason to review: leaving out a signal that the policy requires never turns a review into a shipment.
    """
    stakes, stakes_basis = stakes_of(facts, policy)
    tier = policy.tier_for(facts.intent, stakes)
    estimate = confidence(calibrator, facts.intent, facts.evidence)
    reasons = _review_reasons(facts, stakes=stakes, tier=tier, estimate=estimate, policy=policy)
    audit_draw = keyed_draw(key, "audit", facts.external_id)
    ships = not reasons
    audited = ships and audit_draw < tier.audit_rate
    overlap = keyed_draw(key, "overlap", facts.external_id) < tier.overlap_share
    return RoutingDecision(
        action="ship" if ships else "review",
        reasons=("audit",) if audited else reasons,
        confidence=estimate.value,
        stakes=stakes,
        flags=facts.flags,
        inclusion_probability=tier.audit_rate if ships else 1.0,
        audited=audited,
        raters=max(tier.raters, tier.overlap_raters) if overlap else tier.raters,
        sla_minutes=tier.sla_minutes,
        credential=tier.credential,
        trace={
            "evidence": dict(facts.evidence),
            "confidence_basis": estimate.basis,
            "stakes_given": facts.stakes,
            "stakes_basis": stakes_basis,
            "mode": tier.mode,
            "threshold": tier.threshold,
            "audit_rate": tier.audit_rate,
            "audit_draw": audit_draw if ships else None,
        },
    )


def stakes_of(facts: Facts, policy: PolicyDocument) -> tuple[str, str]:
    """The highest of what caller, intent and rules say, and who said it; else the default."""
    said: list[tuple[str, str]] = []
    if facts.stakes:
        said.append((facts.stakes, "caller"))
    if facts.intent in policy.stakes.by_intent:
        said.append((policy.stakes.by_intent[facts.intent], "intent"))
    view = {"intent": facts.intent, "metadata": facts.metadata, "flags": list(facts.flags)}
    said += [(rule.stakes, f"rule {rule.name}") for rule in policy.stakes.rules if holds(rule.when, view)]
    if not said:
        return policy.stakes.default, "default"
    return min(said, key=lambda pair: STAKES_RANK[pair[0]])


def _review_reasons(
    facts: Facts, *, stakes: str, tier: Tier, estimate: Confidence, policy: PolicyDocument
) -> tuple[str, ...]:
    reasons = [flag for flag in REVIEW_FLAGS if flag in facts.flags]
    reasons += _signal_reasons(facts, policy)
    if tier.mode == "always":
        if stakes == "high":
            reasons.append("high_stakes")
        if stakes != "high" or policy.reviews_everything:
            reasons.append("everything_reviewed")
    elif tier.threshold is not None and _doubtful(estimate.value, tier.threshold, otherwise_reviewed=bool(reasons)):
        reasons.append("low_confidence")
    return tuple(reasons)


def _doubtful(value: float | None, threshold: float, *, otherwise_reviewed: bool) -> bool:
    """Below the threshold; an unknown confidence counts as low unless its cause is named already."""
    return value < threshold if value is not None else not otherwise_reviewed


def _signal_reasons(facts: Facts, policy: PolicyDocument) -> list[str]:
    """Fail closed: evidence that is not there or says nothing is a reason of its own."""
    reasons = []
    missing_required = any(facts.evidence.get(key) is None for key in policy.required_signals)
    if not facts.evidence or (missing_required and not set(policy.required_signals) <= set(facts.evidence)):
        reasons.append("no_signal")
    if any(value is None for value in facts.evidence.values()):
        reasons.append("invalid_signal")
    return reasons
