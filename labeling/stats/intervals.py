"""Intervals for a proportion and for the difference of two.

Proportions are fractions in [0, 1]; `confidence` is the two-sided level, strictly between 0 and 1. Without
trials there is nothing to say: every function then answers None, never 0 or 1.

scipy is imported where it is used, here and in the sibling modules: loading it takes longer than starting a
web process may.
"""

import math
from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    """A closed interval, `low` ≤ `high`."""

    low: float
    high: float


def _check(successes: int, trials: int, confidence: float) -> None:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie strictly between 0 and 1, not {confidence}")
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie in 0..trials, not {successes} of {trials}")


def normal_quantile(probability: float) -> float:
    """z with P(Z ≤ z) = `probability` for a standard normal Z; `probability` strictly between 0 and 1."""
    return NormalDist().inv_cdf(probability)


def normal_probability(z: float) -> float:
    """P(Z ≤ z) for a standard normal Z."""
    return NormalDist().cdf(z)


def beta_quantile(probability: float, a: float, b: float) -> float:
    """x in [0, 1] with P(X ≤ x) = `probability` for X ~ Beta(a, b), a and b positive."""
    from scipy.special import betaincinv

    return float(betaincinv(a, b, probability))


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval | None:
    """Score interval (Wilson 1927). None without trials; ValueError for impossible counts."""
    _check(successes, trials, confidence)
    if trials == 0:
        return None
    z = normal_quantile((1.0 + confidence) / 2.0)
    share = successes / trials
    denominator = 1.0 + z * z / trials
    centre = (share + z * z / (2.0 * trials)) / denominator
    half = z * math.sqrt(share * (1.0 - share) / trials + z * z / (4.0 * trials * trials)) / denominator
    # At the ends the formula gives exactly 0 or 1, but only up to rounding.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(low, high)


def jeffreys(successes: int, trials: int, confidence: float = 0.95) -> Interval | None:
    """Equal-tailed interval of Beta(k + ½, n − k + ½), opened to 0 at k = 0 and to 1 at k = n
    (Brown, Cai and DasGupta 2001). None without trials; ValueError for impossible counts."""
    _check(successes, trials, confidence)
    if trials == 0:
        return None
    tail = (1.0 - confidence) / 2.0
    a, b = successes + 0.5, trials - successes + 0.5
    low = 0.0 if successes == 0 else beta_quantile(tail, a, b)
    high = 1.0 if successes == trials else beta_quantile(1.0 - tail, a, b)
    return Interval(low, high)


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval | None:
    """Exact interval (Clopper and Pearson 1934), each tail with half the error.

    None without trials; ValueError for impossible counts.
    """
    _check(successes, trials, confidence)
    if trials == 0:
        return None
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if successes == 0 else beta_quantile(tail, successes, trials - successes + 1)
    high = 1.0 if successes == trials else beta_quantile(1.0 - tail, successes + 1, trials - successes)
    return Interval(low, high)


def clopper_pearson_upper(successes: int, trials: int, confidence: float = 0.95) -> float | None:
    """One-sided exact upper bound: the largest p with P(X ≤ k | n, p) ≥ 1 − confidence
    (Clopper and Pearson 1934). None without trials; ValueError for impossible counts."""
    _check(successes, trials, confidence)
    if trials == 0:
        return None
    if successes == trials:
        return 1.0
    return beta_quantile(confidence, successes + 1, trials - successes)


def newcombe(
    successes_1: int, trials_1: int, successes_2: int, trials_2: int, confidence: float = 0.95
) -> Interval | None:
    """Interval in [−1, 1] for p₁ − p₂ of two independent samples: square-and-add of the two Wilson
    intervals (Newcombe 1998, method 10). None when either sample is empty."""
    first = wilson(successes_1, trials_1, confidence)
    second = wilson(successes_2, trials_2, confidence)
    if first is None or second is None:
        return None
    share_1, share_2 = successes_1 / trials_1, successes_2 / trials_2
    difference = share_1 - share_2
    low = difference - math.hypot(share_1 - first.low, second.high - share_2)
    high = difference + math.hypot(first.high - share_1, share_2 - second.low)
    return Interval(max(-1.0, low), min(1.0, high))
