"""Every agreement coefficient of one set of items beside the others, each with an interval from the same resamples.

Items are drawn anew, each with all its ratings, so that the intervals of all figures stand on the same footing.
Alpha has its own, faster way (`bootstrap`). A figure that cannot be computed says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from labeling.stats.disagreement import Level
from labeling.stats.gwet import gwet_of_counts
from labeling.stats.kappa import Weighting, agreement_weights, fleiss_kappa
from labeling.stats.units import Floats, UnitRatings

# Kappa of two people on fewer shared items says nothing about them.
MINIMUM_SHARED = 10
# Weights of resamples are worked off in blocks of about this many cells.
BLOCK_CELLS = 4_000_000
# A share of resamples beyond which too many are undefined for an interval.
UNDEFINED_MOST = 0.05

Reason: TypeAlias = Literal[
    "no_pairable_units",
    "no_variation",
    "single_category",
    "unequal_raters",
    "measures_numbers",
    "no_shared_items",
    "too_few_shared",
    "no_pair",
]


@dataclass(frozen=True, slots=True)
class Figure:
    """A coefficient with its 95 % interval; None with a `reason` when undefined. `n` are the items it rests on."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class PairFigure:
    """Two raters, by their place in the given order: Cohen's kappa and the share of equal answers in [0, 1]."""

    first: int
    second: int
    kappa: Figure
    percent: float | None


@dataclass(frozen=True, slots=True)
class Coefficients:
    """`mean_kappa` is over the pairs whose kappa is defined; its `n` counts those pairs. On ordinal scales kappa and
    AC2 are weighted by squared steps of the scale; elsewhere AC2 would be AC1 and is None."""

    percent: Figure
    fleiss: Figure
    ac1: Figure
    ac2: Figure | None
    mean_kappa: Figure
    weighting: Weighting
    pairs: tuple[PairFigure, ...]


def coefficients(
    units: UnitRatings,
    raters: npt.NDArray[np.intp],
    level: Level,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> Coefficients:
    """`raters` says who gave rating i of `units`, as 0, 1, …; one rater rates a unit once.

    At the interval level a category is a number among endlessly many, so only the share of equal answers is given
    (`measures_numbers` for the rest): alpha is the measure there.
    """
    weighting: Weighting = "quadratic" if level == "ordinal" else "unweighted"
    numbers = level in ("interval", "ratio")
    parts = _Parts.of(units, weighting)
    tables = [] if numbers else _pair_tables(units, raters, weighting)
    drawn = np.full((resamples, 4), np.nan)
    kappas = np.full((resamples, len(tables)), np.nan)
    with threadpool_limits(1, user_api="blas"):
        start = 0
        for weights in _draws(units.units, resamples, rng):
            end = start + len(weights)
            drawn[start:end] = parts.figures(weights)
            for index, table in enumerate(tables):
                kappas[start:end, index] = table.kappas(weights)
            start = end
    points = parts.figures(np.ones((1, units.units)))[0]
    tail = (1.0 - confidence) / 2.0
    reasons = _reasons(units, weighting, numbers)
    percent, fleiss, ac1, ac2 = (
        _figure(points[column], drawn[:, column], parts.pairable, reason, tail) for column, reason in enumerate(reasons)
    )
    pairs = tuple(table.figure(kappas[:, index], tail) for index, table in enumerate(tables))
    mean = _mean_kappa(pairs, kappas, tail, numbers)
    return Coefficients(percent, fleiss, ac1, ac2 if level == "ordinal" else None, mean, weighting, pairs)


def _draws(units: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """How often each unit was drawn, `resamples` rows in all, block by block."""
    step = max(1, BLOCK_CELLS // max(1, units))
    for start in range(0, resamples, step):
        rows = [
            np.bincount(rng.integers(units, size=units, dtype=np.uint32), minlength=units) if units else np.zeros(0)
            for _row in range(min(step, resamples - start))
        ]
        yield np.asarray(rows, dtype=np.float64)


def _reasons(units: UnitRatings, weighting: Weighting, numbers: bool) -> tuple[Reason | None, ...]:
    """Why percent, Fleiss' kappa, AC1 and AC2 are undefined, if they are."""
    counts = units.counts()
    pairable = counts[counts.sum(axis=1) >= 2]
    none: Reason | None = None if len(pairable) else "no_pairable_units"
    if numbers or none:
        return none, *([none or "measures_numbers"] * 3)
    gwet = gwet_of_counts(counts, weighting).reason
    return none, fleiss_kappa(pairable).reason, gwet, gwet


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """What each unit adds to the sums that the figures are made of: N × columns."""

    columns: Floats
    categories: int
    scale: float
    pairable: int

    @classmethod
    def of(cls, units: UnitRatings, weighting: Weighting) -> "_Parts":
        counts = units.counts().astype(np.float64)
        categories = counts.shape[1]
        sizes = counts.sum(axis=1)
        pairable = sizes >= 2
        pairs = np.where(pairable, sizes * (sizes - 1.0), 1.0)
        weights = agreement_weights(categories, weighting)
        same = np.where(pairable, ((counts**2).sum(axis=1) - sizes) / pairs, 0.0)
        near = np.where(pairable, (counts * (counts @ weights - 1.0)).sum(axis=1) / pairs, 0.0)
        shares = counts / np.maximum(sizes, 1.0)[:, None]
        rated = (sizes >= 1).astype(np.float64)
        columns = np.column_stack([pairable, same, near, rated, shares, np.where(pairable[:, None], counts, 0.0)])
        scale = float(weights.sum()) / (categories * (categories - 1)) if categories > 1 else 0.0
        return cls(columns, categories, scale, int(pairable.sum()))

    def figures(self, weights: Floats) -> Floats:
        """B × 4: percent, Fleiss' kappa (1971), AC1 and AC2 (Gwet 2008, 2014); nan where undefined."""
        sums = weights @ self.columns
        pairable, same, near, rated = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3]
        shares, counts = np.split(sums[:, 4:], 2, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            percent = same / pairable
            pooled = counts / counts.sum(axis=1, keepdims=True)
            by_habit = (pooled**2).sum(axis=1)
            fleiss = np.where(by_habit < 1.0 - 1e-12, (percent - by_habit) / (1.0 - by_habit), np.nan)
            prevalence = shares / rated[:, None]
            unlike = (prevalence * (1.0 - prevalence)).sum(axis=1)
            plain, weighted = unlike / max(1, self.categories - 1), self.scale * unlike
            ac1 = (percent - plain) / (1.0 - plain)
            ac2 = (near / pairable - weighted) / (1.0 - weighted)
        return np.column_stack([percent, fleiss, ac1, ac2])


@dataclass(frozen=True, slots=True, eq=False)
class _PairTable:
    """Two raters' shared units and what each of those adds to the sums that their kappa is made of."""

    first: int
    second: int
    shared: npt.NDArray[np.intp]
    columns: Floats
    weighting: Weighting
    percent: float | None

    def kappas(self, weights: Floats) -> Floats:
        """Cohen's kappa (1960; by squared steps 1968) per row of weights; nan where undefined."""
        if len(self.shared) < MINIMUM_SHARED:
            return np.full(len(weights), np.nan)
        sums = weights[:, self.shared] @ self.columns
        with np.errstate(divide="ignore", invalid="ignore"):
            means = sums[:, 1:] / sums[:, :1]
            if self.weighting == "quadratic":
                apart, first, second, first_square, second_square = means.T
                chance = first_square + second_square - 2.0 * first * second
                return np.where(chance > 1e-12, 1.0 - apart / chance, np.nan)
            first_shares, second_shares = np.split(means[:, 1:], 2, axis=1)
            chance = (first_shares * second_shares).sum(axis=1)
            return np.where(chance < 1.0 - 1e-12, (means[:, 0] - chance) / (1.0 - chance), np.nan)

    def figure(self, drawn: Floats, tail: float) -> PairFigure:
        n = len(self.shared)
        reason: Reason | None = None
        if n < MINIMUM_SHARED:
            reason = "too_few_shared" if n else "no_shared_items"
        point = self.kappas(np.ones((1, int(self.shared.max(initial=-1)) + 1)))[0] if reason is None else np.nan
        return PairFigure(self.first, self.second, _figure(point, drawn, n, reason, tail), self.percent)


def _pair_tables(units: UnitRatings, raters: npt.NDArray[np.intp], weighting: Weighting) -> list[_PairTable]:
    """Every pair of raters, with shared units or without."""
    people = int(raters.max(initial=-1)) + 1
    # R × N: the code that a rater gave a unit, −1 for none.
    codes = np.full((people, units.units), -1, dtype=np.intp)
    codes[raters, units.owners] = units.codes
    tables = []
    for first, second in combinations(range(people), 2):
        shared = np.flatnonzero((codes[first] >= 0) & (codes[second] >= 0))
        mine, theirs = codes[first][shared], codes[second][shared]
        same = mine == theirs
        columns = [np.ones(len(shared))]
        if weighting == "quadratic":
            columns += [(mine - theirs) ** 2, mine, theirs, mine**2, theirs**2]
        else:
            one_hot = np.eye(len(units.domain))
            columns += [same, one_hot[mine], one_hot[theirs]]
        percent = float(same.mean()) if len(shared) else None
        tables.append(_PairTable(first, second, shared, np.column_stack(columns), weighting, percent))
    return tables


def _figure(point: float, drawn: Floats, n: int, reason: Reason | None, tail: float) -> Figure:
    if reason is not None:
        return Figure(None, None, None, n, reason)
    if np.isnan(point):
        return Figure(None, None, None, n, "no_variation")
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < (1.0 - UNDEFINED_MOST) * len(drawn) or not len(defined):
        return Figure(float(point), None, None, n)
    low, high = map(float, np.quantile(defined, [tail, 1.0 - tail]))
    return Figure(float(point), low, high, n)


def _mean_kappa(pairs: tuple[PairFigure, ...], kappas: Floats, tail: float, numbers: bool) -> Figure:
    """Unweighted mean over the pairs whose kappa is defined; of each resample, over those defined there."""
    if numbers:
        return Figure(None, None, None, 0, "measures_numbers")
    used = [index for index, pair in enumerate(pairs) if pair.kappa.value is not None]
    if not used:
        reasons = {pair.kappa.reason for pair in pairs}
        return Figure(None, None, None, 0, "no_variation" if "no_variation" in reasons else "no_pair")
    points = [pair.kappa.value for pair in pairs if pair.kappa.value is not None]
    counted = kappas[:, used]
    present = ~np.isnan(counted)
    with np.errstate(invalid="ignore"):
        means = np.where(present, counted, 0.0).sum(axis=1) / present.sum(axis=1)
    return _figure(float(np.mean(points)), means, len(used), None, tail)
