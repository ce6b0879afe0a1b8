"""Automatic judges against people: agreement, failures caught, consistency with themselves.

People judge mostly where the judge was unsure, so the figures that decide weight every output by 1/π
(π = inclusion probability of its human label).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

from labeling.stats.alpha import AlphaReason, krippendorff_alpha
from labeling.stats.bands import JudgeTier, judge_tier
from labeling.stats.gwet import gwet
from labeling.stats.intervals import Interval, wilson
from labeling.stats.kappa import CERTAIN, cohen_kappa
from labeling.stats.units import UnitRatings, Value

Floats = NDArray[np.float64]

PASS, FAIL = 0, 1
# Below this a judge only disagrees with people: the lower bound of its kappa must clear it.
SETTLED_KAPPA = 0.60
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """A pass/fail judge against people on `n` outputs, `failures` of them failed by people.

    `kappa` with its interval, `ac1` and `agreement` are of the labelled outputs as they are; `kappa_ipw`,
    `sensitivity_ipw` (share of failures the judge caught) and `specificity_ipw` of the traffic they stand
    for. `tier` follows `kappa_ipw`; it is `provisional` until the lower bound of `kappa_ipw_interval` reaches
    0.60. Undefined figures are None; `reason` says why kappa is.
    """

    n: int
    failures: int
    agreement: float | None
    kappa: float | None
    kappa_se: float | None
    kappa_interval: Interval | None
    ac1: float | None
    kappa_ipw: float | None
    kappa_ipw_interval: Interval | None
    sensitivity_ipw: float | None
    specificity_ipw: float | None
    tier: JudgeTier | None
    provisional: bool
    reason: str


@dataclass(frozen=True, slots=True)
class SelfConsistency:
    """Repeated runs on the same outputs; shares in [0, 1], nominal alpha at most 1. `runs` over `outputs`
    with two or more; without any the shares are None, and so is `alpha`, with its reason, when all runs say
    the same."""

    outputs: int
    runs: int
    mean_pairwise_agreement: float | None
    mean_modal_share: float | None
    unanimous_share: float | None
    alpha: float | None
    reason: AlphaReason | None


@dataclass(frozen=True, slots=True)
class OrderFlips:
    """Pairs judged in both orders. `flip_rate` is the share whose winner changed; among the flips that took
    the first (or the second) place both times `p_two_sided` tests whether one place is preferred."""

    pairs: int
    flips: int
    flip_rate: float | None
    interval: Interval | None
    prefers_first: int
    prefers_second: int
    p_two_sided: float | None


def judge_report(
    human: Sequence[int],
    judge: Sequence[int],
    inclusion_probability: Sequence[float] | None = None,
    *,
    rng: np.random.Generator | None = None,
    confidence: float = 0.95,
) -> JudgeReport:
    """Compare codes 0 (pass) and 1 (fail), one per output in the same order.

    With `rng` the interval of the weighted kappa is bootstrapped over outputs; without, it stays None and the
    tier provisional. ValueError for other codes, unequal lengths or probabilities outside (0, 1].
    """
    plain = cohen_kappa(human, judge, (PASS, FAIL), confidence=confidence)
    weights = _inverse(inclusion_probability, len(human))
    table = weighted_table(human, judge, (PASS, FAIL), weights)
    kappa_ipw = kappa_of(table)
    interval = None
    if rng is not None and kappa_ipw is not None:
        interval = _bootstrap_kappa(np.asarray(human), np.asarray(judge), weights, rng, confidence)
    failed, passed = table[FAIL].sum(), table[PASS].sum()
    return JudgeReport(
        n=plain.items,
        failures=sum(human),
        agreement=plain.percent_agreement,
        kappa=plain.kappa,
        kappa_se=plain.se,
        kappa_interval=plain.interval,
        ac1=gwet(UnitRatings.from_lists(zip(human, judge, strict=True), (PASS, FAIL))).coefficient,
        kappa_ipw=kappa_ipw,
        kappa_ipw_interval=interval,
        sensitivity_ipw=float(table[FAIL, FAIL] / failed) if failed else None,
        specificity_ipw=float(table[PASS, PASS] / passed) if passed else None,
        tier=judge_tier(kappa_ipw),
        provisional=interval is None or interval.low < SETTLED_KAPPA,
        reason=plain.reason or "",
    )


def weighted_table(
    human: Sequence[Value], judge: Sequence[Value], categories: Sequence[Value], weights: ArrayLike | None = None
) -> Floats:
    """V × V total weight by the human's (row) and the judge's (column) category. ValueError for unequal
    lengths or a value that is no category."""
    if len(human) != len(judge):
        raise ValueError(f"{len(human)} human values against {len(judge)} of the judge")
    positions = {value: index for index, value in enumerate(categories)}
    if unknown := (set(human) | set(judge)) - set(positions):
        raise ValueError(f"not a category: {sorted(map(str, unknown))}")
    table = np.zeros((len(categories), len(categories)))
    rows, columns = [positions[value] for value in human], [positions[value] for value in judge]
    np.add.at(table, (rows, columns), 1.0 if weights is None else np.asarray(weights, dtype=np.float64))
    return table


def kappa_of(table: Floats) -> float | None:
    """Cohen's kappa (1960) of a table of weights; None for an empty one and where chance alone agrees."""
    if not table.sum():
        return None
    value = float(_kappas(table[None])[0])
    return None if np.isnan(value) else value


def macro_f1(table: Floats) -> float | None:
    """Unweighted mean of the F1 scores of the categories that either side used; None for an empty table."""
    used = table.sum(axis=0) + table.sum(axis=1)
    if not used.any():
        return None
    return float((2.0 * np.diag(table)[used > 0.0] / used[used > 0.0]).mean())


def self_consistency(runs: Sequence[Sequence[Value]]) -> SelfConsistency:
    """Verdicts of repeated runs, one inner list per output; outputs with fewer than two runs are left out."""
    repeated = [row for row in runs if len(row) >= 2]
    ratings = UnitRatings.from_lists(repeated, sorted({value for row in repeated for value in row}, key=str))
    found = krippendorff_alpha(ratings, "nominal")
    if not repeated:
        return SelfConsistency(0, 0, None, None, None, None, found.reason)
    counts, sizes = ratings.counts(), ratings.sizes()
    agreeing = (counts * (counts - 1)).sum(axis=1) / (sizes * (sizes - 1))
    modal = counts.max(axis=1) / sizes
    return SelfConsistency(
        outputs=len(repeated),
        runs=int(sizes.sum()),
        mean_pairwise_agreement=float(agreeing.mean()),
        mean_modal_share=float(modal.mean()),
        unanimous_share=float((modal == 1.0).mean()),
        alpha=found.alpha,
        reason=found.reason,
    )


def order_flips(winners: Sequence[tuple[str, str]], *, confidence: float = 0.95) -> OrderFlips:
    """Winners ("A", "B" or anything else for a tie) of each pair, first shown as A B and then as B A.

    ("A", "B") took the first one both times, ("B", "A") the second. Interval after Wilson 1927, exact
    binomial test of one half; None without a pair, and without a flip to test.
    """
    first = sum(pair == ("A", "B") for pair in winners)
    second = sum(pair == ("B", "A") for pair in winners)
    flips = sum(forward != backward for forward, backward in winners)
    placed = first + second
    return OrderFlips(
        pairs=len(winners),
        flips=flips,
        flip_rate=flips / len(winners) if winners else None,
        interval=wilson(flips, len(winners), confidence),
        prefers_first=first,
        prefers_second=second,
        p_two_sided=min(1.0, 2.0 * float(bdtr(min(first, second), placed, 0.5))) if placed else None,
    )


def _inverse(probabilities: Sequence[float] | None, size: int) -> Floats:
    if probabilities is None:
        return np.ones(size)
    values = np.asarray(probabilities, dtype=np.float64)
    if values.shape != (size,) or not ((values > 0.0) & (values <= 1.0)).all():
        raise ValueError("needs one inclusion probability in (0, 1] per output")
    return 1.0 / values


def _kappas(tables: Floats) -> Floats:
    """Kappa of each of B tables of shape B × V × V with a positive sum; nan where undefined."""
    joint = tables / tables.sum(axis=(1, 2), keepdims=True)
    observed = np.trace(joint, axis1=1, axis2=2)
    chance = (joint.sum(axis=1) * joint.sum(axis=2)).sum(axis=1)
    defined = chance < CERTAIN
    kappas: Floats = np.full(len(joint), np.nan)
    np.divide(observed - chance, 1.0 - chance, out=kappas, where=defined)
    return kappas


def _bootstrap_kappa(
    human: NDArray[np.int_], judge: NDArray[np.int_], weights: Floats, rng: np.random.Generator, confidence: float
) -> Interval | None:
    """Percentile interval over resampled outputs; equal outputs are drawn together, as multinomial counts.

    None when more than one resample in twenty has no kappa: there is too little variation to say anything.
    """
    patterns, counts = np.unique(np.column_stack([human, judge, weights]), axis=0, return_counts=True)
    drawn = rng.multinomial(len(human), counts / len(human), size=RESAMPLES) * patterns[:, 2]
    tables = np.zeros((RESAMPLES, 2, 2))
    for (row, column), total in zip(patterns[:, :2].astype(int), drawn.T, strict=True):
        tables[:, row, column] += total
    kappas = _kappas(tables)
    kappas = kappas[~np.isnan(kappas)]
    if kappas.size < 0.95 * RESAMPLES:
        return None
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(kappas, [tail, 1.0 - tail])
    return Interval(float(low), float(high))
