"""Signals into evidence: one number in [0, 1] each, higher meaning more likely acceptable."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

SIGNAL_KINDS = ("judge", "pairwise_margin", "grounding", "ensemble", "self_consistency", "score")
NAMED_KINDS = ("judge", "score")


def signal_key(signal: Mapping[str, Any]) -> str:
    """`kind:name` for judges and scores, else the kind: at most one of each per output."""
    kind: str = signal["kind"]
    return f"{kind}:{signal['name']}" if kind in NAMED_KINDS else kind


def evidence_of(signal: Mapping[str, Any]) -> float | None:
    """The evidence in one signal of `POST /outputs/`, or None where it says nothing (0 of 0)."""
    match signal["kind"]:
        case "judge":
            return _judge(signal["runs"])
        case "pairwise_margin":
            return abs(float(signal["value"]))
        case "grounding":
            return _share(signal["supported"], signal["total"])
        case "ensemble":
            votes = signal["votes"]
            return _share(sum(vote == "pass" for vote in votes), len(votes))
        case "self_consistency":
            return _share(signal["agree"], signal["samples"])
        case "score":
            return float(signal["value"])
    return None


def evidence_by_key(signals: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """All evidence of one output by signal key, in key order."""
    return {signal_key(signal): evidence_of(signal) for signal in sorted(signals, key=signal_key)}


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _judge(runs: Sequence[Mapping[str, Any]]) -> float | None:
    """Mean of the runs, so that a judge contradicting itself lands near one half.

    Preferences are in canonical order already; their evidence is the share of runs on the side
    most often preferred, a tie counting half: a judge that flips with the order gives one half.
    """
    if not runs:
        return None
    if "preferred" in runs[0]:
        counts = Counter(run["preferred"] for run in runs)
        return (max(counts["a"], counts["b"]) + 0.5 * counts["tie"]) / len(runs)
    return sum(float(run["score"]) if "score" in run else float(run["verdict"] == "pass") for run in runs) / len(runs)
