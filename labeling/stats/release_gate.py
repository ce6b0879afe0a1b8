"""A candidate against the baseline on the same golden items.

The difference is candidate − baseline. Only the discordant items tell them apart: `candidate_only` passed
with the candidate alone, `baseline_only` with the baseline alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from labeling.stats.intervals import Interval, normal_quantile
from labeling.stats.multiplicity import holm


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """Items of one golden set or of one slice. Raises ValueError for impossible counts."""

    candidate_only: int
    baseline_only: int
    items: int
    name: str = ""

    def __post_init__(self) -> None:
        if min(self.candidate_only, self.baseline_only) < 0 or self.discordant > self.items:
            raise ValueError(f"impossible counts: {self}")

    @property
    def discordant(self) -> int:
        return self.candidate_only + self.baseline_only


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Differences are shares in [−1, 1]. Everything that needs items is None without them.

    `mcnemar_p` tests any difference, two-sided; `regression_p` that the candidate is worse, one-sided.
    `lower` is the one-sided lower bound; `non_inferior` when it lies above −margin.
    """

    counts: PairedCounts
    margin: float
    alpha: float
    difference: float | None
    mcnemar_p: float
    regression_p: float
    interval: Interval | None
    lower: float | None
    noninferiority_z: float | None
    non_inferior: bool | None


@dataclass(frozen=True, slots=True)
class SliceTest:
    """One slice's regression test. `underpowered`: no outcome of this few discordant items could block."""

    counts: PairedCounts
    regression_p: float
    holm_p: float
    blocks: bool
    underpowered: bool


@dataclass(frozen=True, slots=True)
class ReleaseDecision:
    """Released when the whole is non-inferior and no slice has become worse."""

    overall: PairedComparison
    slices: tuple[SliceTest, ...]
    blocked_by: tuple[str, ...]
    release: bool


def _half_binomial_lower(most: int, trials: int) -> float:
    """P(X ≤ most) for X ~ Binomial(trials, ½); 1 for no trials."""
    if most >= trials:
        return 1.0
    from scipy.special import bdtr

    return float(bdtr(most, trials, 0.5))


def mcnemar_exact(first_only: int, second_only: int) -> float:
    """Two-sided exact p-value that both kinds of discordant item are as likely (McNemar 1947, exact by the
    binomial with ½); 1 without discordant items."""
    tail = _half_binomial_lower(min(first_only, second_only), first_only + second_only)
    return min(1.0, 2.0 * tail)


def regression_exact(candidate_only: int, baseline_only: int) -> float:
    """One-sided exact McNemar p-value that the candidate is worse: P(X ≥ baseline_only)."""
    return _half_binomial_lower(candidate_only, candidate_only + baseline_only)


def tango_score(candidate_only: int, baseline_only: int, items: int, difference: float) -> float:
    """Score statistic of the hypothesis that the true difference is `difference` in (−1, 1)
    (Tango 1998); standard normal under it, falling in `difference`.

    Raises ValueError without items.
    """
    if items < 1:
        raise ValueError("a score needs items")
    b, c, n, d = candidate_only, baseline_only, items, difference
    # The likelihood's largest share of baseline-only items when the difference is held at d.
    linear = -b - c + (2 * n - b + c) * d
    constant = -c * d * (1.0 - d)
    share = (math.sqrt(max(0.0, linear * linear - 8.0 * n * constant)) - linear) / (4.0 * n)
    variance = n * (2.0 * max(0.0, share) + d * (1.0 - d))
    distance = b - c - n * d
    if variance <= 0.0:
        return 0.0 if distance == 0.0 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def tango_bound(candidate_only: int, baseline_only: int, items: int, z: float) -> float:
    """The difference whose score is `z`: the lower bound for z > 0, the upper one for z < 0.

    ±1 where the score never gets that far. Raises ValueError without items.
    """
    estimate = (candidate_only - baseline_only) / items if items else 0.0
    outer = -1.0 if z > 0.0 else 1.0
    inner = estimate
    if estimate == outer:
        return outer
    # The score falls from left to right, so it is beyond z on the outer side only.
    while True:
        middle = (outer + inner) / 2.0
        if middle in (outer, inner):
            return middle
        score = tango_score(candidate_only, baseline_only, items, middle)
        if (score > z) if z > 0.0 else (score < z):
            outer = middle
        else:
            inner = middle


def compare_paired(
    counts: PairedCounts, margin: float, alpha: float = 0.05, confidence: float = 0.95
) -> PairedComparison:
    """All statistics of one paired comparison.

    `margin` ≥ 0 is the loss one accepts, `alpha` the one-sided error of the non-inferiority test,
    `confidence` the level of the two-sided interval.
    """
    if not 0.0 <= margin < 1.0:
        raise ValueError(f"the margin must lie in [0, 1), not {margin}")
    b, c, n = counts.candidate_only, counts.baseline_only, counts.items
    mcnemar, regression = mcnemar_exact(b, c), regression_exact(b, c)
    if n == 0:
        return PairedComparison(counts, margin, alpha, None, mcnemar, regression, None, None, None, None)
    z = normal_quantile((1.0 + confidence) / 2.0)
    one_sided = normal_quantile(1.0 - alpha)
    score = tango_score(b, c, n, -margin)
    return PairedComparison(
        counts=counts,
        margin=margin,
        alpha=alpha,
        difference=(b - c) / n,
        mcnemar_p=mcnemar,
        regression_p=regression,
        interval=Interval(tango_bound(b, c, n, z), tango_bound(b, c, n, -z)),
        lower=tango_bound(b, c, n, one_sided),
        noninferiority_z=score,
        non_inferior=score > one_sided,
    )


def decide_release(slices: Sequence[PairedCounts], margin: float, alpha: float = 0.05) -> ReleaseDecision:
    """Non-inferior over all slices together, and no slice worse at Holm-adjusted `alpha`.

    Slices must have different names and share no item. Without items nothing is released.
    """
    raw = {part.name: regression_exact(part.candidate_only, part.baseline_only) for part in slices}
    if len(raw) != len(slices):
        raise ValueError("two slices have the same name")
    adjusted = holm(raw)
    tests = tuple(
        SliceTest(
            counts=part,
            regression_p=raw[part.name],
            holm_p=adjusted[part.name],
            blocks=adjusted[part.name] <= alpha,
            underpowered=0.5**part.discordant > alpha,
        )
        for part in slices
    )
    overall = compare_paired(
        PairedCounts(
            sum(part.candidate_only for part in slices),
            sum(part.baseline_only for part in slices),
            sum(part.items for part in slices),
        ),
        margin,
        alpha,
    )
    blocked_by = tuple(test.counts.name for test in tests if test.blocks)
    return ReleaseDecision(overall, tests, blocked_by, overall.non_inferior is True and not blocked_by)


def noninferiority_items(
    discordant_rate: float,
    true_difference: float,
    margin: float,
    alpha: float = 0.05,
    power: float = 0.8,
) -> int:
    """Items needed to show non-inferiority with `power`, by the normal approximation of the paired
    difference, whose variance is (discordant_rate − true_difference²)/n.

    Raises ValueError when no number would do: the true difference is at or below −margin.
    """
    if true_difference <= -margin:
        raise ValueError("a candidate that is worse by the margin cannot be shown to be non-inferior")
    if not abs(true_difference) <= discordant_rate <= 1.0:
        raise ValueError("the discordant rate must lie between the absolute difference and 1")
    z = normal_quantile(1.0 - alpha) + normal_quantile(power)
    variance = discordant_rate - true_difference**2
    return max(1, math.ceil(z * z * variance / (margin + true_difference) ** 2 - 1e-9))
