"""Observed and expected disagreement for many weightings of the same units at once.

Krippendorff's alpha is 1 − Do/De. For a unit of m ≥ 2 ratings Do adds the mean difference δ² between its
ordered pairs of ratings, times m; De takes the same over all pairs of the pooled ratings (Krippendorff
2019, Content Analysis, 4th ed., chapter 12). A weight says how often a unit counts, so one row of weights
is one bootstrap replicate. Nothing here builds a table of units × values × values.

Notation: P patterns (units with equal ratings are one pattern), V values, B rows of weights.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from labeling.stats.units import Floats, UnitRatings

Level: TypeAlias = Literal["nominal", "ordinal", "interval", "ratio"]

# Rows of weights are worked off in blocks of about this many cells, to stay within some 100 MB.
BLOCK_CELLS = 4_000_000
# De below this share of the mean square is rounding: all ratings are the same number.
NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """The pairable units (two ratings or more), equal ones folded together.

    `features` is P × F: counts per value, or (Σx, Σx²) at the interval level. `sizes` is P: ratings per
    unit. `frequencies` is P: units of that pattern. `pattern_of` is N: the pattern of each unit, −1 for a
    unit that is not pairable. `distance` is V × V δ² where it is the same for every weighting.
    """

    level: Level
    features: Floats
    sizes: Floats
    frequencies: npt.NDArray[np.int64]
    pattern_of: npt.NDArray[np.intp]
    distance: Floats | None

    @property
    def units(self) -> int:
        return int(self.frequencies.sum())


def fold_patterns(ratings: UnitRatings, level: Level) -> Patterns:
    """Fold the units into patterns. Raises ValueError for texts at the interval or ratio level."""
    sizes = ratings.sizes()
    pairable = sizes >= 2
    distance: Floats | None = None
    if level == "interval":
        features = _two_sums(ratings)[pairable]
    else:
        features = ratings.counts()[pairable].astype(np.float64)
        if level == "ratio":
            distance = ratio_distance(ratings.numbers())
    rows = np.column_stack([sizes[pairable].astype(np.float64), features])
    first, inverse, frequencies = _unique_rows(rows)
    pattern_of = np.full(ratings.units, -1, dtype=np.intp)
    pattern_of[pairable] = inverse
    return Patterns(level, rows[first, 1:], rows[first, 0], frequencies, pattern_of, distance)


def _two_sums(ratings: UnitRatings) -> Floats:
    """N × 2: Σx and Σx² of every unit, x measured from the mean of all ratings so that little cancels."""
    values = ratings.numbers()[ratings.codes]
    centred = values - values.mean() if values.size else values
    first = np.bincount(ratings.owners, weights=centred, minlength=ratings.units)
    second = np.bincount(ratings.owners, weights=centred**2, minlength=ratings.units)
    return np.column_stack([first, second])


def _unique_rows(
    rows: Floats,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Index of the first of each distinct row, the distinct row of every row, and how often each occurs."""
    if not len(rows):
        nothing = np.zeros(0, dtype=np.intp)
        return nothing, nothing, np.zeros(0, dtype=np.int64)
    # Rows compared as bytes sort several times faster than rows compared number by number; adding 0.0
    # turns −0.0 into 0.0, whose bytes differ.
    packed = np.ascontiguousarray(rows + 0.0).view(np.dtype((np.void, rows.itemsize * rows.shape[1])))
    _, first, inverse, frequencies = np.unique(
        packed.ravel(), return_index=True, return_inverse=True, return_counts=True
    )
    return first, inverse, frequencies.astype(np.int64, copy=False)


def ratio_distance(values: Floats) -> Floats:
    """V × V: ((v − w)/(v + w))², 0 where both are 0."""
    total = values[:, None] + values[None, :]
    difference = values[:, None] - values[None, :]
    quotient: Floats = np.divide(difference, total, out=np.zeros_like(total), where=total != 0)
    return quotient**2


def weighted_alphas(patterns: Patterns, weights: npt.NDArray[np.int64] | Floats) -> Floats:
    """B alphas for B × P weights; nan where a row holds nothing pairable or no variation."""
    result = np.full(len(weights), np.nan)
    step = max(1, BLOCK_CELLS // max(1, len(patterns.sizes)))
    for start in range(0, len(weights), step):
        block = np.asarray(weights[start : start + step], dtype=np.float64)
        observed, expected, defined = _disagreements(patterns, block)
        np.divide(observed, expected, out=observed, where=defined)
        result[start : start + step] = np.where(defined, 1.0 - observed, np.nan)
    return result


def _disagreements(patterns: Patterns, weights: Floats) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Do, De and whether De means anything, each of length B, for one block of weights."""
    pooled = weights @ patterns.features
    ratings = weights @ patterns.sizes
    pairs = np.maximum(ratings - 1.0, 1.0)
    if patterns.level == "interval":
        spread = ratings * pooled[:, 1] - pooled[:, 0] ** 2
        defined = spread > NO_SPREAD * ratings * pooled[:, 1]
        within = patterns.sizes * patterns.features[:, 1] - patterns.features[:, 0] ** 2
        return weights @ (2.0 * within / (patterns.sizes - 1.0)), 2.0 * spread / pairs, defined
    defined = (pooled > 0).sum(axis=1) >= 2
    if patterns.level == "ordinal":
        return (*_ordinal(patterns, weights, pooled, ratings, pairs), defined)
    if patterns.distance is not None:
        within = ((patterns.features @ patterns.distance) * patterns.features).sum(axis=1)
        between = ((pooled @ patterns.distance) * pooled).sum(axis=1)
    else:
        within = patterns.sizes**2 - (patterns.features**2).sum(axis=1)
        between = ratings**2 - (pooled**2).sum(axis=1)
    return weights @ (within / (patterns.sizes - 1.0)), between / pairs, defined


def _ordinal(
    patterns: Patterns, weights: Floats, pooled: Floats, ratings: Floats, pairs: Floats
) -> tuple[Floats, Floats]:
    """Do and De with the ordinal δ, the difference of the mid-ranks of the pooled ratings.

    Ranks are a numeric scale, so sums of ranks and of their squares do for pairs of ratings; but every
    replicate has its own ranks.
    """
    total = np.maximum(ratings, 1.0)[:, None]
    ranks = (np.cumsum(pooled, axis=1) - pooled / 2.0) / total - 0.5
    sums = patterns.features @ ranks.T
    per_pair = weights / (patterns.sizes - 1.0)
    squares = (((per_pair * patterns.sizes) @ patterns.features) * ranks**2).sum(axis=1)
    observed = 2.0 * (squares - (per_pair * (sums**2).T).sum(axis=1))
    between = ratings * (pooled * ranks**2).sum(axis=1) - (pooled * ranks).sum(axis=1) ** 2
    return observed, 2.0 * between / pairs
