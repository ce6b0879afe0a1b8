"""When the product could have noticed that the traffic changed, from its own decisions alone. Pure.

The first outputs under the policy are the reference. Every hundred outputs the last five hundred are compared with
it: the mix of intents with and without a confidence (Pearson's χ²) and the confidences (Kolmogorov–Smirnov). The looks
overlap, so each has to reach p < 0.00005: over 10,000 outputs at most one false alarm in a hundred streams.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reviewapp.simulation.outcome import Outcome
from routing.policy.drift import distribution_drift, mix_drift

REFERENCE = 2_000
WINDOW = 500
STEP = 100
P_VALUE = 5e-5
# A shift should be raised within this many outputs.
WITHIN = 500


@dataclass(frozen=True, slots=True)
class ShiftFigures:
    """Positions count outputs from 1. `false_alarms` counts raises before any shift, `delay` the outputs from the
    shift to the first raise after it; None where there was no shift or no raise. `reason`: why nothing can be told."""

    shift_at: int | None
    raised_at: int | None
    raised_by: str
    delay: int | None
    in_time: bool | None
    false_alarms: int
    looks: int
    reason: str = ""


def shift_figures(outcomes: Sequence[Outcome], shift_at: int | None) -> ShiftFigures:
    """Watch the stream; looks whose window lies partly before the shift count for it, not as false alarms."""
    ends = range(REFERENCE + WINDOW, len(outcomes) + 1, STEP)
    if not ends:
        reason = f"needs {REFERENCE + WINDOW} outputs (n={len(outcomes)})"
        return ShiftFigures(shift_at, None, "", None, None, 0, 0, reason)
    reference = outcomes[:REFERENCE]
    raises = [(end, by) for end in ends if (by := _raised(reference, outcomes[end - WINDOW : end]))]
    early = [end for end, _by in raises if shift_at is None or end <= shift_at]
    late = [(end, by) for end, by in raises if shift_at is not None and end > shift_at]
    raised_at, by = late[0] if late else (None, "")
    delay = raised_at - shift_at if raised_at is not None and shift_at is not None else None
    in_time = None if shift_at is None else delay is not None and delay <= WITHIN
    return ShiftFigures(shift_at, raised_at, by, delay, in_time, len(early), len(ends))


def _raised(reference: Sequence[Outcome], window: Sequence[Outcome]) -> str:
    """Which test raises it, empty if none does."""
    before, now = (Counter((o.arrival.row.intent, o.confidence is None) for o in part) for part in (reference, window))
    kinds = sorted(before.keys() | now.keys())
    mix = mix_drift([before[kind] for kind in kinds], [now[kind] for kind in kinds])
    if mix.chi2_p_value is not None and mix.chi2_p_value < P_VALUE:
        return "mix of intents"
    past, present = ([o.confidence for o in part if o.confidence is not None] for part in (reference, window))
    drift = distribution_drift(past, present)
    if drift.p_value is not None and drift.p_value < P_VALUE:
        return "confidences"
    return ""
