"""Signals into evidence: one number in [0, 1] each, higher meaning more likely acceptable.

| kind | evidence | 1 | 0 |
| --- | --- | --- | --- |
| judge, verdicts or scores | halfway between the mean and the lowest of its runs | all runs pass | all fail |
| judge, preferences | the same of how far each run sides with the preferred side | one side always | – |
| pairwise_margin | its size without its sign | a clear preference | a tie |
| grounding | supported claims ÷ claims | all supported | none |
| ensemble | votes to pass ÷ votes | all pass | none |
| self_consistency | samples that agree ÷ samples | all agree | none |
| score | its value | 1 | 0 |

A judge that contradicts itself, between runs or between orders, so lands below the mean of what it said. A
judge of the source model's own family is heard in full when it finds fault and half when it praises.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.policy.families import shared_family

SIGNAL_KINDS = ("judge", "pairwise_margin", "grounding", "ensemble", "self_consistency", "score")
NAMED_KINDS = ("judge", "score")
# Evidence that speaks neither way: what of a judge's praise goes beyond it is halved in the family.
EVEN = 0.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one signal says: `value` in [0, 1] is what counts, `raw` what it was before any weighing down, both
    None where the signal says nothing. `note` tells a person what was remarkable, if anything was."""

    value: float | None
    raw: float | None
    note: str = ""
    same_family: bool = False


def signal_key(signal: Mapping[str, Any]) -> str:
    """`kind:name` for judges and scores, else the kind: at most one of each per output."""
    kind: str = signal["kind"]
    return f"{kind}:{signal['name']}" if kind in NAMED_KINDS else kind


def weigh(signals: Sequence[Mapping[str, Any]], source_models: Sequence[str] = ()) -> dict[str, Evidence]:
    """All evidence of one output by signal key, in key order. `source_models`: what wrote the output, or the
    two candidates of a pair; any of them makes a judge of its family one of the same family."""
    return {signal_key(signal): _weighed(signal, source_models) for signal in sorted(signals, key=signal_key)}


def evidence_of(signal: Mapping[str, Any]) -> float | None:
    """The evidence in one signal of `POST /outputs/` by itself, or None where it says nothing (0 of 0)."""
    match signal["kind"]:
        case "judge":
            return judge_evidence(signal["runs"])
        case "pairwise_margin":
            return margin_evidence(signal["value"])
        case "grounding":
            return share_evidence(signal["supported"], signal["total"])
        case "ensemble":
            return ensemble_evidence(signal["votes"])
        case "self_consistency":
            return share_evidence(signal["agree"], signal["samples"])
        case "score":
            return score_evidence(signal["value"])
    return None


def judge_evidence(runs: Sequence[Mapping[str, Any]]) -> float | None:
    """Halfway between the mean and the lowest run, in [0, 1]; higher is better. None without a run.

    A run that passes is 1, one that fails 0, a score itself; for preferences see `preference_shares`. So a
    judge that passes an output in one run and fails it in another stays below one half, however often it
    passes, and of two judges with one mean the steadier is believed more.
    """
    if not runs:
        return None
    values = run_values(runs)
    return (sum(values) / len(values) + min(values)) / 2.0


def run_values(runs: Sequence[Mapping[str, Any]]) -> list[float]:
    """Each run of a judge as a number in [0, 1]."""
    if "preferred" in runs[0]:
        return preference_shares([run["preferred"] for run in runs])
    return [float(run["score"]) if "score" in run else float(run["verdict"] == "pass") for run in runs]


def preference_shares(preferred: Sequence[str]) -> list[float]:
    """How far each run ("a", "b" or "tie", named after the candidates whatever order they were shown in) sides
    with the side most often preferred: 1 with it, one half for a tie, 0 against it."""
    counts = Counter(preferred)
    winner = "a" if counts["a"] >= counts["b"] else "b"
    return [0.5 if side == "tie" else float(side == winner) for side in preferred]


def margin_evidence(value: float) -> float:
    """A margin in [-1, 1] without its sign: how clearly one candidate is preferred, in [0, 1]."""
    return abs(float(value))


def share_evidence(part: float, whole: float) -> float | None:
    """The share of supported claims, or of samples that agree, in [0, 1]; None of nothing."""
    return part / whole if whole > 0 else None


def ensemble_evidence(votes: Sequence[str]) -> float | None:
    """The share of votes "pass", in [0, 1]; None without a vote."""
    return share_evidence(sum(vote == "pass" for vote in votes), len(votes))


def score_evidence(value: float) -> float:
    """A score in [0, 1] as it is: higher is better by the contract of the API."""
    return float(value)


def _weighed(signal: Mapping[str, Any], source_models: Sequence[str]) -> Evidence:
    raw = evidence_of(signal)
    if signal["kind"] != "judge" or raw is None:
        return Evidence(raw, raw)
    notes = [_contradiction(signal["runs"])]
    family = shared_family(signal["name"], signal.get("family"), source_models)
    value = raw
    if family is not None:
        value = min(raw, EVEN + (raw - EVEN) / 2.0)
        notes.append(f"same family as the source ({family}): its praise counts half")
    return Evidence(value, raw, "; ".join(note for note in notes if note), same_family=family is not None)


def _contradiction(runs: Sequence[Mapping[str, Any]]) -> str:
    """How a judge contradicts itself, in words; "" for one that does not."""
    if any("score" in run for run in runs):
        values = run_values(runs)
        low, high = min(values), max(values)
        return f"its {len(runs)} runs score between {low:.2f} and {high:.2f}" if low < high else ""
    said = Counter(run.get("preferred") or run["verdict"] for run in runs)
    (_, most), *others = said.most_common()
    return f"contradicts itself in {len(runs) - most} of {len(runs)} runs" if others else ""
