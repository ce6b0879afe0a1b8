"""Confidence: evidence through a calibrator into P(acceptable).

A calibrator holds one fitted model per *cell*: an intent with its set of signals where there were
enough labels, and every set of signals over all intents. An output whose set of signals no cell was
fitted for gets no confidence at all, and so goes to a person: dropping a signal never buys autonomy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.policy.calibration import predict

# Without labels nobody knows what the signals are worth, so confidence stays below every certain claim.
UNCALIBRATED_CEILING = 0.9
ANY_INTENT = "*"


@dataclass(frozen=True, slots=True)
class Confidence:
    """`value` in [0, 1], or None where nothing can be said; `basis` names the cell or the reason."""

    value: float | None
    basis: str


def signature(evidence: Mapping[str, float | None]) -> str:
    """The set of signals that speak, as one word."""
    return "+".join(sorted(key for key, value in evidence.items() if value is not None))


def cell_name(intent: str, signals: str) -> str:
    return f"{intent}|{signals}"


def confidence(calibrator: Mapping[str, Any] | None, intent: str, evidence: Mapping[str, float | None]) -> Confidence:
    """P(acceptable) of one output. `calibrator` is the parameters of a Calibrator, or None."""
    present = {key: value for key, value in evidence.items() if value is not None}
    if not present:
        return Confidence(None, "no signal")
    if calibrator is None:
        # The weakest evidence speaks: with nothing known about any signal, doubt wins.
        return Confidence(UNCALIBRATED_CEILING * min(present.values()), "uncalibrated")
    signals = signature(present)
    for scope in (intent, ANY_INTENT):
        model = calibrator["cells"].get(cell_name(scope, signals))
        if model is not None:
            return Confidence(min(1.0, max(0.0, predict(model, present))), cell_name(scope, signals))
    return Confidence(None, f"no calibration for {signals}")
