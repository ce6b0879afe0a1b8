"""The routing decision: a pure function of the output's facts, the policy, the calibrator and the key."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from routing.policy.conditions import evaluate
from routing.policy.confidence import Confidence, confidence, expected_signals
from routing.policy.document import STAKES_RANK, PolicyDocument, Tier
from routing.policy.draw import keyed_draw

# Flags that always bring a person in, and the reason each gives.
REVIEW_FLAGS = ("incident", "adversarial", "novel")


@dataclass(frozen=True, slots=True)
class Facts:
    """What routing may know of one output.

    `evidence` by signal key; None: the signal said nothing. `flags` are the caller's and the detectors'.
    `failed_checks` maps the names of failed checks to their severity; `prompt` and `response` are plain text.
    """

    external_id: str
    intent: str
    stakes: str | None = None
    flags: tuple[str, ...] = ()
    evidence: Mapping[str, float | None] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    failed_checks: Mapping[str, str] = field(default_factory=dict)
    prompt: str = ""
    response: str = ""


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
    aggregation: str
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
    facts = replace(facts, intent=policy.known_intent(facts.intent))
    said = stakes_said(facts, policy)
    stakes, stakes_basis = min(said, key=lambda pair: STAKES_RANK[pair[0]])
    tier = policy.tier_for(facts.intent, stakes)
    estimate = confidence(calibrator, facts.intent, facts.evidence)
    required = required_signals(facts.intent, policy, calibrator)
    reasons = _certain_reasons(facts, stakes=stakes, tier=tier, policy=policy)
    reasons += _signal_reasons(facts, required)
    if tier.threshold is not None and _doubtful(estimate, tier.threshold, otherwise_reviewed=bool(reasons)):
        reasons.append("low_confidence")
    audit_draw = keyed_draw(key, "audit", facts.external_id)
    ships = not reasons
    audited = ships and audit_draw < tier.audit_rate
    overlap = keyed_draw(key, "overlap", facts.external_id) < tier.overlap_share
    flags = [*facts.flags, *(["check_failed"] if facts.failed_checks else [])]
    return RoutingDecision(
        action="ship" if ships else "review",
        reasons=("audit",) if audited else tuple(reasons),
        confidence=estimate.value,
        stakes=stakes,
        flags=tuple(dict.fromkeys(flags)),
        inclusion_probability=tier.audit_rate if ships else 1.0,
        audited=audited,
        raters=max(tier.raters, tier.overlap_raters) if overlap else tier.raters,
        aggregation=tier.aggregation_of(audited=audited),
        sla_minutes=tier.sla_minutes,
        credential=tier.credential,
        trace={
            "evidence": dict(facts.evidence),
            "required_signals": sorted(required),
            "confidence_basis": estimate.basis,
            "contributions": dict(estimate.contributions),
            "stakes_given": facts.stakes,
            "stakes_basis": stakes_basis,
            "stakes_said": [list(pair) for pair in said],
            "failed_checks": dict(facts.failed_checks),
            "mode": tier.mode,
            "threshold": tier.threshold,
            "audit_rate": tier.audit_rate,
            "audit_draw": audit_draw if ships else None,
        },
    )


def judges_to_ask(facts: Facts, *, policy: PolicyDocument, calibrator: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The judges of ours to hear before deciding; none where a person will see the output whatever they say."""
    facts = replace(facts, intent=policy.known_intent(facts.intent))
    asked = policy.judges_for(facts.intent)
    theirs = {judge_key(name) for name in asked}
    stakes = min((said for said, _basis in stakes_said(facts, policy)), key=lambda said: STAKES_RANK[said])
    tier = policy.tier_for(facts.intent, stakes)
    without = required_signals(facts.intent, policy, calibrator) - theirs
    settled = _certain_reasons(facts, stakes=stakes, tier=tier, policy=policy) or any(
        facts.evidence.get(key) is None for key in {*without, *facts.evidence}
    )
    return () if settled else asked


def required_signals(intent: str, policy: PolicyDocument, calibrator: Mapping[str, Any] | None) -> frozenset[str]:
    """The signals without which an output of this intent goes to a person: those the owner named, else
    those that the calibrator relies on; and the judges of ours that the policy asks."""
    named = policy.required_for(intent)
    asked = {judge_key(name) for name in policy.judges_for(intent)}
    return (frozenset(named) if named is not None else expected_signals(calibrator, intent)) | asked


def judge_key(name: str) -> str:
    """The signal key of a judge of ours. A caller's signal of the same key counts for nothing."""
    return f"judge:{name}"


def stakes_said(facts: Facts, policy: PolicyDocument) -> list[tuple[str, str]]:
    """Everything that speaks on the stakes of an output, as (stakes, who said it): the highest wins.

    A rule that cannot be decided, because a value is missing or of another type, speaks as if it held, and
    silences nobody: leaving the amount out must neither lower what the amount would have raised, nor keep the
    default from speaking, which does so where nothing certain was said.
    """
    said: list[tuple[str, str]] = []
    doubtful: list[tuple[str, str]] = []
    if facts.stakes:
        said.append((facts.stakes, "caller"))
    if facts.intent in policy.stakes.by_intent:
        said.append((policy.stakes.by_intent[facts.intent], "intent"))
    view = {
        "intent": facts.intent,
        "metadata": facts.metadata,
        "flags": list(facts.flags),
        "prompt": facts.prompt,
        "response": facts.response,
    }
    for rule in policy.stakes.rules:
        held = evaluate(rule.when, view)
        if held:
            said.append((rule.stakes, f"rule {rule.name}"))
        elif held is None:
            doubtful.append((rule.stakes, f"rule {rule.name}, which could not be decided"))
    said += [(severity, f"check {name}") for name, severity in facts.failed_checks.items()]
    return (said or [(policy.stakes.default, "default")]) + doubtful


def _certain_reasons(facts: Facts, *, stakes: str, tier: Tier, policy: PolicyDocument) -> list[str]:
    """The reasons to review that no signal could take away."""
    reasons = [flag for flag in REVIEW_FLAGS if flag in facts.flags]
    reasons += [f"check_failed:{name}" for name in facts.failed_checks]
    if tier.mode == "always":
        if stakes == "high":
            reasons.append("high_stakes")
        if stakes != "high" or policy.reviews_everything:
            reasons.append("everything_reviewed")
    return reasons


def _signal_reasons(facts: Facts, required: frozenset[str]) -> list[str]:
    """Fail closed: evidence that is not there or says nothing is a reason of its own."""
    reasons = []
    if not facts.evidence or not required <= set(facts.evidence):
        reasons.append("no_signal")
    if any(value is None for value in facts.evidence.values()):
        reasons.append("invalid_signal")
    return reasons


def _doubtful(estimate: Confidence, threshold: float, *, otherwise_reviewed: bool) -> bool:
    """Below the threshold; an unknown confidence counts as low unless its cause is named already."""
    return estimate.value < threshold if estimate.value is not None else not otherwise_reviewed
