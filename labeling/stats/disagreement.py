"""Observed and expected disagreement for many weightings of the same units at once.

Krippendorff's alpha is 1 − Do/De. For a unit of m ≥ 2 ratings Do adds the mean difference δ² between its
ordered pairs of ratings, times m; De takes the same over all pairs of the pooled ratings (Krippendorff
2019, Content Analysis, 4th ed., chapter 12). A weight says how often a unit counts, so one row of weights
is one bootstrap replicate. Nothing here builds a table of units × values × values.

Notation: P patterns (units with equal ratings are one pattern), V values, B rows of weights.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from labeling.stats.units import Floats, UnitRatings

Level: TypeAlias = Literal["nominal", "ordinal", "interval", "ratio"]

# Rows of weights are worked off in blocks of about this many cells, to stay within some 200 MB.
BLOCK_CELLS = 10_000_000
# De below this share of the mean square is rounding: all ratings are the same number.
NO_SPREAD = 1e-12
# Above this many cells of counts products are taken in single precision, which halves their time and their memory.
# Counts and sums of counts are whole numbers and stay exact below EXACT_BELOW; of the ordinal Do it costs some 1e-6.
SINGLE_ABOVE_CELLS = 1_000_000
EXACT_BELOW = 2.0**24

# In double or in single precision.
Matrix: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """The pairable units (two ratings or more), equal ones folded together, smaller units first.

    `features` is P × F: counts per value, or (Σx, Σx²) at the interval level. `sizes` is P: ratings per
    unit. `frequencies` is P: units of that pattern. `pattern_of` is N: the pattern of each unit, −1 for a
    unit that is not pairable. `distance` is V × V δ² where it is the same for every weighting.
    """

    level: Level
    features: Matrix
    sizes: Floats
    frequencies: npt.NDArray[np.int64]
    pattern_of: npt.NDArray[np.intp]
    distance: Floats | None

    @property
    def units(self) -> int:
        return int(self.frequencies.sum())


def fold_patterns(ratings: UnitRatings, level: Level, *, rough: bool = False) -> Patterns:
    """Fold the units into patterns. Raises ValueError for texts at the interval or ratio level.

    `rough` allows single precision where there are many units of a long scale: good enough for resamples, whose
    alphas differ in the third digit.
    """
    sizes = ratings.sizes()
    pairable = np.flatnonzero(sizes >= 2)
    distance = ratio_distance(ratings.numbers()) if level == "ratio" else None
    features: Matrix = (
        _two_sums(ratings)[pairable] if level == "interval" else _counts(ratings, pairable, rough and level != "ratio")
    )
    order, inverse, frequencies = _distinct_rows(sizes[pairable], features)
    pattern_of = np.full(ratings.units, -1, dtype=np.intp)
    pattern_of[pairable] = inverse
    first = pairable[order]
    return Patterns(level, features[order], sizes[first].astype(np.float64), frequencies, pattern_of, distance)


def _counts(ratings: UnitRatings, pairable: npt.NDArray[np.intp], rough: bool) -> Matrix:
    """Ratings per pairable unit and value."""
    counts = ratings.counts()[pairable]
    largest = len(counts) * float(counts.sum(axis=1).max(initial=0))
    single = rough and counts.size > SINGLE_ABOVE_CELLS and largest < EXACT_BELOW
    return counts.astype(np.float32) if single else counts.astype(np.float64)


def _two_sums(ratings: UnitRatings) -> Floats:
    """N × 2: Σx and Σx² of every unit, x measured from the mean of all ratings so that little cancels."""
    values = ratings.numbers()[ratings.codes]
    centred = values - values.mean() if values.size else values
    first = np.bincount(ratings.owners, weights=centred, minlength=ratings.units)
    second = np.bincount(ratings.owners, weights=centred**2, minlength=ratings.units)
    return np.column_stack([first, second])


def _distinct_rows(
    sizes: npt.NDArray[np.int64], features: Matrix
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Index of the first of each distinct row, ordered by size; the distinct row of every row; how often each occurs.

    Rows are told apart by a number made of them, which sorts ten times faster than whole rows. Two different rows
    could share theirs, so every row is held against the one it was folded into; then nothing is folded at all.
    """
    if not len(features):
        nothing = np.zeros(0, dtype=np.intp)
        return nothing, nothing, np.zeros(0, dtype=np.int64)
    # The same numbers every time: what is drawn by a seed must not depend on anything else.
    factors = np.random.default_rng(0).random(features.shape[1])
    marks = features @ factors + np.pi * sizes
    _, first, inverse, frequencies = np.unique(marks, return_index=True, return_inverse=True, return_counts=True)
    if not (features == features[first[inverse]]).all():
        first = inverse = np.arange(len(features))
        frequencies = np.ones(len(features), dtype=np.int64)
    by_size = np.argsort(sizes[first], kind="stable")
    place = np.empty_like(by_size)
    place[by_size] = np.arange(len(by_size))
    return first[by_size], place[inverse], frequencies[by_size].astype(np.int64, copy=False)


def ratio_distance(values: Floats) -> Floats:
    """V × V: ((v − w)/(v + w))², 0 where both are 0."""
    total = values[:, None] + values[None, :]
    difference = values[:, None] - values[None, :]
    quotient: Floats = np.divide(difference, total, out=np.zeros_like(total), where=total != 0)
    return quotient**2


def weighted_alphas(patterns: Patterns, weights: npt.NDArray[np.int64] | Matrix) -> Floats:
    """B alphas for B × P weights; nan where a row holds nothing pairable or no variation."""
    step = block_rows(patterns)
    blocks = (weights[start : start + step] for start in range(0, len(weights), step))
    return alphas_of_blocks(patterns, blocks)


def block_rows(patterns: Patterns) -> int:
    """How many rows of weights are worked off at once."""
    return max(1, BLOCK_CELLS // max(1, len(patterns.sizes)))


def alphas_of_blocks(patterns: Patterns, blocks: Iterable[npt.NDArray[np.int64] | Matrix]) -> Floats:
    """As `weighted_alphas`, of weights that come block by block, at most `block_rows` at once."""
    sizes, starts = np.unique(patterns.sizes, return_index=True)
    classes = list(zip(sizes, starts, [*starts[1:], len(patterns.sizes)], strict=True))
    # One place for the largest product of all blocks: asking the system for memory again and again takes longer.
    widest = max((end - start for _size, start, end in classes), default=0)
    room = np.empty(widest * block_rows(patterns) if patterns.level == "ordinal" else 0, patterns.features.dtype)
    found = [np.zeros(0)]
    for weights in blocks:
        block: Matrix = np.asarray(weights, dtype=patterns.features.dtype)
        if patterns.level == "interval":
            observed, expected, defined = _interval(patterns, block)
        else:
            observed, expected, defined = _of_counts(patterns, block, classes, room)
        np.divide(observed, expected, out=observed, where=defined)
        found.append(np.where(defined, 1.0 - observed, np.nan))
    return np.concatenate(found)


# Do, De and whether De means anything, each of length B.
Parts: TypeAlias = tuple[Floats, Floats, npt.NDArray[np.bool_]]
# Patterns of so many ratings, from here to there.
SizeClass: TypeAlias = tuple[float, int, int]


def _interval(patterns: Patterns, weights: Matrix) -> Parts:
    within = 2.0 * (patterns.sizes * patterns.features[:, 1] - patterns.features[:, 0] ** 2)
    columns = np.column_stack([patterns.features, patterns.sizes, within / (patterns.sizes - 1.0)])
    first, second, ratings, observed = (weights @ columns).T.copy()
    spread = ratings * second - first**2
    return observed, 2.0 * spread / np.maximum(ratings - 1.0, 1.0), spread > NO_SPREAD * ratings * second


def _of_counts(patterns: Patterns, weights: Matrix, classes: Sequence[SizeClass], room: Matrix) -> Parts:
    by_size = [weights[:, start:end] @ patterns.features[start:end] for _size, start, end in classes]
    # S × B × V: ratings per value in the units of each size; added up in double precision.
    pooled_by_size = np.asarray(by_size, dtype=np.float64).reshape(-1, len(weights), patterns.features.shape[1])
    pooled = pooled_by_size.sum(axis=0)
    ratings = pooled.sum(axis=1)
    pairs = np.maximum(ratings - 1.0, 1.0)
    defined = (pooled > 0).sum(axis=1) >= 2
    if patterns.level == "ordinal":
        # The mid-ranks of the pooled ratings, as shares, from −½ to ½.
        ranks = (np.cumsum(pooled, axis=1) - pooled / 2.0) / np.maximum(ratings, 1.0)[:, None] - 0.5
        observed = _ordinal_observed(patterns, weights, ranks, pooled_by_size, classes, room)
        between = ratings * (pooled * ranks**2).sum(axis=1) - (pooled * ranks).sum(axis=1) ** 2
        return observed, 2.0 * between / pairs, defined
    if patterns.distance is not None:
        within = ((patterns.features @ patterns.distance) * patterns.features).sum(axis=1)
        between = ((pooled @ patterns.distance) * pooled).sum(axis=1)
    else:
        within = patterns.sizes**2 - np.einsum("pv,pv->p", patterns.features, patterns.features)
        between = ratings**2 - (pooled**2).sum(axis=1)
    return weights @ (within / (patterns.sizes - 1.0)).astype(weights.dtype), between / pairs, defined


def _ordinal_observed(
    patterns: Patterns,
    weights: Matrix,
    ranks: Floats,
    pooled_by_size: Floats,
    classes: Sequence[SizeClass],
    room: Matrix,
) -> Floats:
    """Do with the ordinal δ, the difference of mid-ranks.

    Ranks are a numeric scale, so sums of ranks and of their squares do for pairs of ratings; but every replicate
    has its own ranks. The squares follow from the ratings per value; only the sum over each unit's ranks needs
    another product with the patterns.
    """
    observed = np.zeros(len(weights))
    rough = ranks.astype(patterns.features.dtype)
    for (size, start, end), pooled in zip(classes, pooled_by_size, strict=True):
        sums = room[: len(weights) * (end - start)].reshape(len(weights), end - start)
        np.matmul(rough, patterns.features[start:end].T, out=sums)
        squares = size * np.einsum("bv,bv->b", pooled, ranks**2)
        observed += 2.0 * (squares - np.einsum("bp,bp,bp->b", weights[:, start:end], sums, sums)) / (size - 1.0)
    return observed
