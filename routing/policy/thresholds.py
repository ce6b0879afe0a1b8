"""The laxest confidence threshold whose shipped slice is certified to stay below an error rate.

Fixed-sequence testing (Angelopoulos, Bates, Candès, Jordan and Lei 2021, "Learn then Test", section 3): the
grid, ε, δ and the starting point are fixed before any label is looked at; thresholds are tried from strict to
lax, each at the full level δ, and the first that fails ends the search. The chance to recommend a threshold
whose error rate exceeds ε is then at most δ.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from labeling.stats.intervals import beta_quantile
from routing.policy.error_rate import Stratum, error_rate, fay_feuer_upper
from routing.policy.sample_size import labels_needed, plan

CERTIFIED = "certified"
NOT_ENOUGH_EVIDENCE = "not_enough_evidence"

# The plan behind the starting point: four times in five reach the certificate if errors come at a quarter
# of the target.
PLANNED_SHARE_OF_TARGET = 0.25
PLANNED_POWER = 0.8


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """One threshold: what would ship at or above it, the estimate and one-sided upper bound of its error rate
    (None where not estimable), whether the bound meets the target, and whether the sequence got here."""

    threshold: float
    shipped: int
    audited: int
    errors: int
    rate: float | None
    upper: float | None
    passes: bool
    tested: bool


@dataclass(frozen=True, slots=True)
class NeedMore:
    """What would certify `at_threshold`: further labels without an error, or at the error rate seen so far.
    None where no number of labels would do or none can be told; `hopeless` when the observed rate is at or
    above target."""

    at_threshold: float
    if_no_more_errors: int | None
    at_observed_rate: int | None
    hopeless: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """`threshold` and its `bound` when `status` is "certified", else None and `need_more`."""

    status: str
    threshold: float | None
    bound: float | None
    rows: tuple[ThresholdRow, ...]
    need_more: NeedMore | None


def starting_index(expected_labels: Sequence[float], *, max_error_rate: float, delta: float) -> int | None:
    """The strictest threshold expected to gather enough labels, or None if none is.

    `expected_labels[i]` is the number of audit verdicts to expect at or above threshold i, strict to lax,
    computed from *earlier unlabelled* traffic: a start chosen from the labels themselves would void the
    guarantee.
    """
    target = plan(
        max_error_rate=max_error_rate,
        delta=delta,
        assumed_true_rate=PLANNED_SHARE_OF_TARGET * max_error_rate,
        power=PLANNED_POWER,
    )
    if target.labels is None:
        return None
    return next((i for i, expected in enumerate(expected_labels) if expected >= target.labels), None)


def select_threshold(
    thresholds: Sequence[float],
    strata: Sequence[Sequence[Stratum]],
    *,
    max_error_rate: float,
    delta: float,
    start: int,
) -> Selection:
    """Walk `thresholds` (strictly descending) from index `start`; `strata[i]` counts the outputs with
    confidence ≥ thresholds[i] by inclusion probability, those under review today with probability 1.

    ValueError for a grid out of order, lengths that differ or a start outside the grid.
    """
    if len(thresholds) != len(strata) or not 0 <= start < len(thresholds):
        raise ValueError("needs one list of strata per threshold and a start within the grid")
    if any(strict <= lax for strict, lax in pairwise(thresholds)):
        raise ValueError("thresholds must run from strict to lax")
    rows: list[ThresholdRow] = []
    running = True
    for index, (threshold, counts) in enumerate(zip(thresholds, strata, strict=True)):
        row = _row(threshold, counts, max_error_rate, delta, tested=running and index >= start)
        running = running and (index < start or row.passes)
        rows.append(row)
    certified = [row for row in rows if row.tested and row.passes]
    if certified:
        return Selection(CERTIFIED, certified[-1].threshold, certified[-1].upper, tuple(rows), None)
    need = need_more(thresholds[start], strata[start], max_error_rate=max_error_rate, delta=delta)
    return Selection(NOT_ENOUGH_EVIDENCE, None, None, tuple(rows), need)


def need_more(threshold: float, strata: Sequence[Stratum], *, max_error_rate: float, delta: float) -> NeedMore:
    """How many labels short `threshold` is, the audit going on with the same mix of strata."""
    found = error_rate(strata, confidence=1.0 - delta)
    if not found.audited:
        clean = labels_needed(0, max_error_rate=max_error_rate, delta=delta)
        return NeedMore(threshold, clean, None, False, "no_labels")
    if found.poststratified is None or found.upper is None:
        return NeedMore(threshold, None, None, False, "unaudited_stratum")
    live = [stratum for stratum in strata if stratum.shipped]
    if len(live) == 1:
        clean = labels_needed(found.errors, max_error_rate=max_error_rate, delta=delta) - found.audited
    else:
        # With k fixed every weight, and so the gamma bound, shrinks in proportion to the labels.
        clean = math.ceil(found.audited * (found.upper / max_error_rate - 1.0))
    clean = max(clean, 0)
    if found.poststratified >= max_error_rate:
        return NeedMore(threshold, clean, None, True, "observed_rate_at_or_above_target")
    steady = _labels_at_observed_rate(live, max_error_rate, delta) if found.errors else clean
    return NeedMore(threshold, clean, steady, False, "bound_too_wide")


def _row(
    threshold: float, strata: Sequence[Stratum], max_error_rate: float, delta: float, *, tested: bool
) -> ThresholdRow:
    found = error_rate(strata, confidence=1.0 - delta)
    passes = found.upper is not None and found.upper <= max_error_rate
    counts = (found.shipped, found.audited, found.errors)
    return ThresholdRow(threshold, *counts, found.poststratified, found.upper, passes, tested)


def _labels_at_observed_rate(live: Sequence[Stratum], max_error_rate: float, delta: float) -> int:
    """Further labels until the bound meets the target if labels and errors grow by the same factor."""
    low, high = 1.0, 2.0
    while _upper_if_grown(live, high, delta) > max_error_rate:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = (low + high) / 2.0
        if _upper_if_grown(live, middle, delta) > max_error_rate:
            low = middle
        else:
            high = middle
    return max(0, math.ceil(sum(stratum.audited for stratum in live) * (high - 1.0) - 1e-6))


def _upper_if_grown(live: Sequence[Stratum], factor: float, delta: float) -> float:
    if len(live) == 1:
        errors, audited = factor * live[0].errors, factor * live[0].audited
        return beta_quantile(1.0 - delta, errors + 1.0, audited - errors)
    return fay_feuer_upper(live, 1.0 - delta, growth=factor)
