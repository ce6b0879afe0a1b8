"""Watching one reviewer's answers to gold cases as they come in, without paying for each look.

`correct` is the order of answering: 1 or True for a right answer. Positions count from 1.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from labeling.stats.intervals import Interval


@dataclass(frozen=True, slots=True)
class SequentialTest:
    """`path` is the running log-likelihood ratio of bad over good, also past the decision, for showing.

    `flag`: fell to the bad level; `accept`: holds the good level; `continue`: neither bound was reached.
    """

    upper: float
    lower: float
    path: tuple[float, ...]
    decision: Literal["flag", "accept", "continue"]
    decided_at: int | None


@dataclass(frozen=True, slots=True)
class Cusum:
    """`path` is the statistic after each answer, never below 0; `alarm_at` the first answer at which it
    reached the threshold, None when it never did."""

    path: tuple[float, ...]
    alarm_at: int | None
    threshold: float

    @property
    def current(self) -> float:
        return self.path[-1] if self.path else 0.0


# Of the test that makes a reviewer suspect. At the usual 3.5 somebody was suspected in 68 of 200 simulated honest teams
# of eight with 120 answers each, at 5.5 in 7 (benchmarks/naming.py).
SUSPECT_THRESHOLD = 5.5


def _steps(correct: Sequence[int | bool], p_good: float, p_bad: float) -> list[float]:
    """Log-likelihood ratio of each answer, bad over good; positive for a wrong answer."""
    if not 0.0 < p_bad < p_good < 1.0:
        raise ValueError(f"needs 0 < p_bad < p_good < 1, not {p_bad} and {p_good}")
    right, wrong = math.log(p_bad / p_good), math.log((1.0 - p_bad) / (1.0 - p_good))
    return [right if answer else wrong for answer in correct]


def sprt(
    correct: Sequence[int | bool],
    p_good: float = 0.92,
    p_bad: float = 0.80,
    alpha: float = 0.05,
    beta: float = 0.10,
) -> SequentialTest:
    """Sequential probability ratio test of accuracy `p_bad` against `p_good` (Wald 1945).

    `alpha` is about the probability to flag a good reviewer, `beta` to accept a bad one. Raises ValueError
    unless 0 < p_bad < p_good < 1 and alpha, beta > 0 with alpha + beta < 1.
    """
    if not (alpha > 0.0 and beta > 0.0 and alpha + beta < 1.0):
        raise ValueError(f"needs alpha, beta > 0 with a sum below 1, not {alpha} and {beta}")
    upper, lower = math.log((1.0 - beta) / alpha), math.log(beta / (1.0 - alpha))
    path: list[float] = []
    decision: Literal["flag", "accept", "continue"] = "continue"
    decided_at: int | None = None
    total = 0.0
    for position, step in enumerate(_steps(correct, p_good, p_bad), start=1):
        total += step
        path.append(total)
        if decided_at is None and not lower < total < upper:
            decision = "flag" if total >= upper else "accept"
            decided_at = position
    return SequentialTest(upper, lower, tuple(path), decision, decided_at)


def cusum(
    correct: Sequence[int | bool],
    p_good: float = 0.92,
    p_bad: float = 0.80,
    threshold: float = 3.5,
    start: float = 0.0,
) -> Cusum:
    """Drift from accuracy `p_good` to `p_bad` (Page 1954): S ← max(0, S + log-likelihood ratio).

    With the defaults a steady reviewer raises a false alarm about every 825 answers and a fallen one is
    found after about 42. `start` carries S over from answers seen before. Raises ValueError unless
    0 < p_bad < p_good < 1.
    """
    level = start
    path: list[float] = []
    alarm_at: int | None = None
    for position, step in enumerate(_steps(correct, p_good, p_bad), start=1):
        level = max(0.0, level + step)
        path.append(level)
        if alarm_at is None and level >= threshold:
            alarm_at = position
    return Cusum(tuple(path), alarm_at, threshold)


def beta_mixture_sequence(
    successes: int, trials: int, alpha: float = 0.05, prior: tuple[float, float] = (0.5, 0.5)
) -> Interval:
    """Confidence sequence for a share: holds the truth at every number of trials at once with probability
    1 − alpha, so it may be looked at as often as one likes.

    p belongs to it while the mixture likelihood ratio B(a + k, b + n − k) / B(a, b) / (pᵏ (1 − p)ⁿ⁻ᵏ) is
    below 1/alpha (Robbins 1970, by Ville's inequality). Before the first trial that is all of [0, 1].
    Raises ValueError for impossible counts, alpha or prior.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie in 0..trials, not {successes} of {trials}")
    if not 0.0 < alpha < 1.0 or min(prior) <= 0.0:
        raise ValueError("alpha must lie strictly between 0 and 1 and the prior be positive")
    a, b = prior
    failures = trials - successes
    mixture = _log_beta(a + successes, b + failures) - _log_beta(a, b)
    limit = -math.log(alpha)

    def inside(p: float) -> bool:
        return mixture - successes * math.log(p) - failures * math.log1p(-p) < limit

    share = successes / trials if trials else 0.5
    low = 0.0 if successes == 0 else _boundary(inside, outer=0.0, inner=share)
    high = 1.0 if failures == 0 else _boundary(inside, outer=1.0, inner=share)
    return Interval(low, high)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _boundary(inside: Callable[[float], bool], outer: float, inner: float) -> float:
    """The edge between `outer`, which is not inside, and `inner`, which is: bisection to rounding."""
    while True:
        middle = (outer + inner) / 2.0
        if middle in (outer, inner):
            return middle
        if inside(middle):
            inner = middle
        else:
            outer = middle
