"""What gold cases, repeats, pairs and clocks say about one reviewer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from labeling.stats.intervals import Interval, newcombe, wilson
from labeling.stats.kappa import cohen_kappa
from labeling.stats.units import Value


@dataclass(frozen=True, slots=True)
class Rate:
    """`successes` of `trials`, a share in [0, 1] and its Wilson interval; both None without trials."""

    successes: int
    trials: int
    rate: float | None
    interval: Interval | None

    @classmethod
    def of(cls, successes: int, trials: int, confidence: float = 0.95) -> "Rate":
        share = successes / trials if trials else None
        return cls(successes, trials, share, wilson(successes, trials, confidence))


@dataclass(frozen=True, slots=True)
class GoldProbe:
    """A reviewer's label for a case whose `gold` label is known, and what a judge had said about it.

    `judge_shown` tells whether the reviewer saw that; None for both where no judge was asked.
    """

    gold: Value
    label: Value
    judge: Value | None = None
    judge_shown: bool | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """p₁ − p₂ in [−1, 1] with its Newcombe interval; both None when either sample is empty."""

    difference: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class GoldQuality:
    """`sensitivity` is over planted failures, `specificity` over the rest.

    `automation_bias` is how much more often a wrong judge is agreed with once its verdict is shown; near 0
    for a reviewer who thinks for themselves.
    """

    accuracy: Rate
    sensitivity: Rate
    specificity: Rate
    agrees_with_wrong_judge_when_shown: Rate
    agrees_with_wrong_judge_when_hidden: Rate
    automation_bias: Difference


@dataclass(frozen=True, slots=True)
class SidePreference:
    """`share_first` of the choices in [0, 1]; it and `p_two_sided` are None without choices."""

    share_first: float | None
    p_two_sided: float | None
    interval: Interval | None
    choices: int


@dataclass(frozen=True, slots=True)
class AcceptanceCreep:
    """`difference` recent − baseline share; `p_one_sided` that the recent share is no larger. None when
    either period is empty."""

    p_one_sided: float | None
    difference: float | None


@dataclass(frozen=True, slots=True)
class FatigueSlope:
    """Logistic curve of being right over the position in a session, in log-odds (per unit of position).

    A negative `slope` is fatigue. All None with a `reason`: nothing to compare (`no_variation`), or the
    right and wrong answers lie apart so that the slope has no finite estimate (`separated`).
    """

    intercept: float | None
    slope: float | None
    slope_se: float | None
    z: float | None
    answers: int
    reason: Literal["no_variation", "separated"] | None


@dataclass(frozen=True, slots=True)
class RepeatConsistency:
    """The same reviewer on the same items twice: share of equal answers, Cohen's kappa, Wilson interval of
    the share. `kappa` is None when undefined, all are without repeats."""

    agreement: float | None
    kappa: float | None
    interval: Interval | None
    repeats: int


@dataclass(frozen=True, slots=True)
class TimeCollapse:
    """Median seconds now and before, their ratio, and the one-sided p-value that recent reviews are not
    faster; None when either period is empty (`ratio` also for a baseline of 0 s)."""

    median_recent: float | None
    median_baseline: float | None
    ratio: float | None
    p_one_sided: float | None


def gold_quality(probes: Sequence[GoldProbe], failing: Value = "fail", confidence: float = 0.95) -> GoldQuality:
    """Accuracy on gold cases; `failing` is the gold label of a planted failure."""

    def rate(among: Sequence[GoldProbe]) -> Rate:
        return Rate.of(sum(probe.label == probe.gold for probe in among), len(among), confidence)

    misled = [probe for probe in probes if probe.judge is not None and probe.judge != probe.gold]
    shown = [probe for probe in misled if probe.judge_shown is True]
    hidden = [probe for probe in misled if probe.judge_shown is False]
    with_shown = Rate.of(sum(probe.label == probe.judge for probe in shown), len(shown), confidence)
    with_hidden = Rate.of(sum(probe.label == probe.judge for probe in hidden), len(hidden), confidence)
    return GoldQuality(
        accuracy=rate(probes),
        sensitivity=rate([probe for probe in probes if probe.gold == failing]),
        specificity=rate([probe for probe in probes if probe.gold != failing]),
        agrees_with_wrong_judge_when_shown=with_shown,
        agrees_with_wrong_judge_when_hidden=with_hidden,
        automation_bias=rate_difference(with_shown, with_hidden, confidence),
    )


def rate_difference(first: Rate, second: Rate, confidence: float = 0.95) -> Difference:
    """First − second, of independent samples."""
    if first.rate is None or second.rate is None:
        return Difference(None, None)
    interval = newcombe(first.successes, first.trials, second.successes, second.trials, confidence)
    return Difference(first.rate - second.rate, interval)


def side_preference(first: int, second: int, confidence: float = 0.95) -> SidePreference:
    """Choices of the candidate shown first against second, ties left out, order shuffled: exact two-sided
    binomial test of ½."""
    choices = first + second
    if choices == 0:
        return SidePreference(None, None, None, 0)
    from scipy.special import bdtr

    p_value = min(1.0, 2.0 * float(bdtr(min(first, second), choices, 0.5)))
    return SidePreference(first / choices, p_value, wilson(first, choices, confidence), choices)


def acceptance_creep(
    baseline_accepted: int, baseline_total: int, recent_accepted: int, recent_total: int
) -> AcceptanceCreep:
    """Has a reviewer come to accept more? Fisher's exact test (1935), one-sided."""
    if not (0 <= baseline_accepted <= baseline_total and 0 <= recent_accepted <= recent_total):
        raise ValueError("accepted must lie in 0..total")
    if baseline_total == 0 or recent_total == 0:
        return AcceptanceCreep(None, None)
    accepted, total = baseline_accepted + recent_accepted, baseline_total + recent_total
    whole = _log_choose(total, recent_total)
    tail = math.fsum(
        math.exp(_log_choose(accepted, k) + _log_choose(total - accepted, recent_total - k) - whole)
        for k in range(recent_accepted, min(accepted, recent_total) + 1)
        if recent_total - k <= total - accepted
    )
    difference = recent_accepted / recent_total - baseline_accepted / baseline_total
    return AcceptanceCreep(min(1.0, tail), difference)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def fatigue_slope(positions: Sequence[float], correct: Sequence[int | bool]) -> FatigueSlope:
    """Maximum-likelihood logistic regression of being right on the position, by Newton's method; standard
    error from the information matrix. Raises ValueError for unequal lengths."""
    if len(positions) != len(correct):
        raise ValueError(f"{len(positions)} positions but {len(correct)} answers")
    x = np.asarray(positions, dtype=np.float64)
    y = np.asarray(correct, dtype=np.float64)
    if len(x) == 0 or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return FatigueSlope(None, None, None, None, len(x), "no_variation")
    right, wrong = x[y == 1.0], x[y == 0.0]
    if right.max() <= wrong.min() or wrong.max() <= right.min():
        return FatigueSlope(None, None, None, None, len(x), "separated")
    design = np.column_stack([np.ones_like(x), x])
    coefficients = np.zeros(2)
    information = np.eye(2)
    for _ in range(100):
        probability = 1.0 / (1.0 + np.exp(-np.clip(design @ coefficients, -500.0, 500.0)))
        information = (design * (probability * (1.0 - probability))[:, None]).T @ design
        step = np.linalg.solve(information, design.T @ (y - probability))
        coefficients = coefficients + step
        if float(np.abs(step).max()) < 1e-10:
            break
    se = float(np.sqrt(np.linalg.inv(information)[1, 1]))
    slope = float(coefficients[1])
    return FatigueSlope(float(coefficients[0]), slope, se, slope / se, len(x), None)


def repeat_consistency(
    first: Sequence[Value], second: Sequence[Value], categories: Sequence[Value], confidence: float = 0.95
) -> RepeatConsistency:
    """A reviewer's first and second answers to the same items, in the same order, on the full scale."""
    result = cohen_kappa(first, second, categories)
    same = sum(one == other for one, other in zip(first, second, strict=True))
    interval = wilson(same, len(first), confidence)
    return RepeatConsistency(result.percent_agreement, result.kappa, interval, len(first))


def time_collapse(recent: Sequence[float], baseline: Sequence[float]) -> TimeCollapse:
    """Are recent reviews faster than the reviewer's own baseline? Mann and Whitney (1947), one-sided.

    Seconds or their logarithms give the same answer: the test knows only their order. Medians, because
    the longest review takes forty times the usual one.
    """
    if not len(recent) or not len(baseline):
        return TimeCollapse(None, None, None, None)
    from scipy.stats import mannwhitneyu

    now, before = float(np.median(recent)), float(np.median(baseline))
    p_value = float(mannwhitneyu(recent, baseline, alternative="less").pvalue)
    return TimeCollapse(now, before, now / before if before > 0.0 else None, p_value)
