"""Where to cut a score so that ordinary traffic is flagged no more often than the owner allows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from labeling.stats.intervals import Interval, wilson


@dataclass(frozen=True, slots=True)
class Cut:
    """Flag what scores *above* `threshold`. `threshold` is None, with a `reason`, where `ordinary` outputs
    are too few to promise `false_alarm_rate`."""

    threshold: float | None
    false_alarm_rate: float
    ordinary: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """What a threshold does to ordinary outputs that were not used to set it. `rate` in [0, 1] with its 95 %
    Wilson interval; both None without outputs."""

    flagged: int
    ordinary: int
    rate: float | None
    interval: Interval | None


def cut_for(scores: Sequence[float], false_alarm_rate: float) -> Cut:
    """The smallest threshold that a new ordinary output exceeds with at most `false_alarm_rate`.

    The ⌈(n + 1)·(1 − rate)⌉-th smallest of n exchangeable scores, so the promise holds at any n and for any
    distribution, ties included (split conformal prediction: Vovk, Gammerman and Shafer 2005, proposition
    4.1). Give each distinct prompt once: repeats are not exchangeable. ValueError for a rate outside (0, 1) or
    a score that is NaN.
    """
    if not 0.0 < false_alarm_rate < 1.0:
        raise ValueError(f"false_alarm_rate must lie strictly between 0 and 1, not {false_alarm_rate}")
    if any(math.isnan(score) for score in scores):
        raise ValueError("NaN among the scores")
    count = len(scores)
    # (n + 1)·rate computed in floats may miss a whole number by a rounding error.
    rank = math.ceil((count + 1) * (1.0 - false_alarm_rate) - 1e-9)
    if rank > count:
        needed = math.ceil(1.0 / false_alarm_rate - 1e-9) - 1
        return Cut(None, false_alarm_rate, count, f"needs {needed} ordinary outputs, has {count}")
    return Cut(float(sorted(scores)[rank - 1]), false_alarm_rate, count)


def false_alarms(scores: Sequence[float], threshold: float) -> FalseAlarms:
    """How many of the `scores` of ordinary outputs lie above `threshold`."""
    flagged = sum(score > threshold for score in scores)
    return FalseAlarms(flagged, len(scores), flagged / len(scores) if scores else None, wilson(flagged, len(scores)))
