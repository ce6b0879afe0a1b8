"""Decisions in sentences that a person understands. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CHECK_FAILED = "check_failed:"
MOST_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Told:
    """What a decision's row and trace say, as its sentences need it.

    `missing` are the required signals that did not come, `silent` those that came and say nothing, each with
    the reason where one is known; `failed` maps failed checks to why; `flags_given` are the caller's own.
    """

    action: str
    audited: bool
    reasons: Sequence[str]
    confidence: float | None
    basis: str
    stakes: str
    mode: str
    threshold: float | None
    audit_rate: float
    audit_draw: float | None
    missing: Sequence[str] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    flags_given: Sequence[str] = ()
    no_evidence: bool = False


def summary(told: Told) -> str:
    """Why it ships or is reviewed, in one sentence."""
    if told.action == "review":
        reasons = [reason_sentence(reason, told) for reason in told.reasons]
        return f"Reviewed because {joined(reasons)}."
    return f"Shipped because {_why_shipped(told)}; {audit_sentence(told)}."


def reason_sentence(reason: str, told: Told) -> str:
    """One reason as a clause, without a capital or a full stop."""
    if reason.startswith(CHECK_FAILED):
        name = reason.removeprefix(CHECK_FAILED)
        why = told.failed.get(name, "")
        return f"the check “{name}” failed" + (f" ({why.rstrip('.')})" if why else "")
    match reason:
        case "low_confidence":
            return _low_confidence(told)
        case "no_signal":
            return _no_signal(told)
        case "invalid_signal":
            return "nothing can be made of " + _named(told.silent)
        case "adversarial":
            return "its input looks adversarial" + _by(told, "adversarial")
        case "novel":
            return "its input is unlike what this project has seen lately" + _by(told, "novel")
        case "audit":
            return audit_sentence(told)
    return FIXED.get(reason, reason.replace("_", " ")).format(stakes=told.stakes)


FIXED = {
    "high_stakes": "everything of high stakes is reviewed",
    "everything_reviewed": "everything of {stakes} stakes is reviewed",
    "incident": "the caller reported an incident",
    "autonomy_contracted": "autonomy is contracted at present",
}


def audit_sentence(told: Told) -> str:
    """The draw against the rate, for what ships."""
    if told.audit_draw is None:
        return "audited" if told.audited else "not audited"
    draw, rate = apart(told.audit_draw, told.audit_rate)
    if told.audited:
        return f"audited, because its draw {draw} is below the audit rate {rate}"
    return f"not audited, because its draw {draw} is not below the audit rate {rate}"


def _why_shipped(told: Told) -> str:
    if told.mode == "below_threshold" and told.confidence is not None and told.threshold is not None:
        value, threshold = apart(told.confidence, told.threshold)
        return f"confidence {value} reaches the threshold {threshold} for {told.stakes} stakes"
    return f"outputs of {told.stakes} stakes ship unless something speaks against them, and nothing did"


def _low_confidence(told: Told) -> str:
    if told.confidence is None or told.threshold is None:
        return f"nothing can be said of its confidence ({told.basis}), and {told.stakes} stakes ship by a threshold"
    value, threshold = apart(told.confidence, told.threshold)
    return f"confidence {value} is below the threshold {threshold} for {told.stakes} stakes"


def _no_signal(told: Told) -> str:
    if told.missing:
        return f"the required signal{'s' if len(told.missing) > 1 else ''} {joined(told.missing)} did not come"
    return "no signal came with it"


def _named(silent: Mapping[str, str]) -> str:
    return joined([f"{key} ({why})" if why else key for key, why in silent.items()]) or "one of its signals"


def _by(told: Told, flag: str) -> str:
    return ", as the caller says" if flag in told.flags_given else ""


def joined(parts: Iterable[str]) -> str:
    """Words as a list in a sentence: "a", "a and b", "a, b and c"."""
    *most, last = [*parts] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def apart(value: float, other: float) -> tuple[str, str]:
    """Both numbers with as few decimals (at least two) as show which is larger, so that no 0.85 is below a 0.85."""
    for decimals in range(2, MOST_DECIMALS + 1):
        shown = f"{value:.{decimals}f}", f"{other:.{decimals}f}"
        if value == other or (shown[0] != shown[1]):
            return shown
    return repr(value), repr(other)


def stakes_sentence(stakes: str, basis: str, said: Sequence[Sequence[Any]]) -> str:
    """What set the stakes, and what else spoke."""
    if basis == "default":
        return f"Nothing spoke on the stakes, so they are the policy's default: {stakes}."
    others = [f"{who_said(by)} said {value}" for value, by in said if by != basis]
    rest = f"; {joined(others)}. The highest wins" if others else ""
    return f"The stakes are {stakes}: {who_said(basis)} said so{rest}."


def who_said(basis: str) -> str:
    """`caller`, `intent`, `rule <name>[, which could not be decided]`, `check <name>` as a subject."""
    if basis == "intent":
        return "the policy's line for this intent"
    kind, _, name = basis.partition(" ")
    if kind not in ("rule", "check"):
        return f"the {basis}"
    name, undecided, _ = name.partition(", which could not be decided")
    return f"the {kind} “{name}”" + (" (it could not be decided, so it counts as if it held)" if undecided else "")
