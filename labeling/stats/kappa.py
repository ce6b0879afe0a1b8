"""Cohen's and Fleiss' kappa: agreement of raters beyond what their own habits would give by chance.

Computed here rather than by scikit-learn or statsmodels because both must name their undefined cases, must
know the whole scale and must not cost a web process the seconds those packages take to load; the tests
hold them against both packages.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from labeling.stats.intervals import Interval, normal_quantile
from labeling.stats.units import Floats, Value

Weighting: TypeAlias = Literal["unweighted", "linear", "quadratic"]

Rater = TypeVar("Rater", bound=Hashable)
Item = TypeVar("Item", bound=Hashable)

# Chance agreement this close to 1 is 1 up to rounding: everybody always gives the same value.
CERTAIN = 1.0 - 1e-12


@dataclass(frozen=True, slots=True)
class CohenKappa:
    """`kappa` in [−1, 1] with the standard error and interval of its large-sample distribution.

    The interval is not cut at ±1, as published. All three are None with a `reason` when kappa is
    undefined; `percent_agreement`, the share of equal pairs in [0, 1], is None only without items.
    """

    kappa: float | None
    se: float | None
    interval: Interval | None
    percent_agreement: float | None
    items: int
    reason: Literal["no_items", "no_variation"] | None


@dataclass(frozen=True, slots=True)
class FleissKappa:
    """`kappa` with the mean share of agreeing rater pairs; None with a `reason` when undefined."""

    kappa: float | None
    percent_agreement: float | None
    units: int
    reason: Literal["no_pairable_units", "unequal_raters", "no_variation"] | None


@dataclass(frozen=True, slots=True)
class PairKappa:
    """Cohen's kappa of two raters on the items both rated."""

    first: Hashable
    second: Hashable
    result: CohenKappa


def agreement_weights(categories: int, weighting: Weighting) -> Floats:
    """V × V weights of agreement, 1 on the diagonal; steps of the scale count as equal
    (Cohen 1968; linear after Cicchetti and Allison 1971, quadratic after Fleiss and Cohen 1973)."""
    if weighting == "unweighted" or categories < 2:
        return np.eye(categories)
    steps = np.arange(categories, dtype=np.float64)
    distance = np.abs(steps[:, None] - steps[None, :]) / (categories - 1)
    return 1.0 - (distance if weighting == "linear" else distance**2)


def contingency_table(
    first: Sequence[Value], second: Sequence[Value], categories: Sequence[Value]
) -> npt.NDArray[np.int64]:
    """V × V counts of the pairs of values. Raises ValueError for unequal lengths or unknown values."""
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values of one rater against {len(second)} of the other")
    positions = {value: index for index, value in enumerate(categories)}
    table = np.zeros((len(categories), len(categories)), dtype=np.int64)
    try:
        for one, other in zip(first, second, strict=True):
            table[positions[one], positions[other]] += 1
    except KeyError as error:
        raise ValueError(f"the value {error.args[0]!r} is not a category") from None
    return table


def cohen_kappa(
    first: Sequence[Value],
    second: Sequence[Value],
    categories: Sequence[Value],
    weighting: Weighting = "unweighted",
    confidence: float = 0.95,
) -> CohenKappa:
    """Kappa of two raters' values for the same items, in the same order (Cohen 1960, 1968).

    `categories` is the full scale in its order, used or not: weighted kappa depends on unused values. The
    standard error is that of Fleiss, Cohen and Everitt (1969), valid under any true kappa.
    """
    table = contingency_table(first, second, categories)
    items = int(table.sum())
    if items == 0:
        return CohenKappa(None, None, None, None, 0, "no_items")
    joint = table / items
    percent = float(np.trace(joint))
    weights = agreement_weights(len(categories), weighting)
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    observed = float((weights * joint).sum())
    chance = float(rows @ weights @ columns)
    if chance >= CERTAIN:
        return CohenKappa(None, None, None, percent, items, "no_variation")
    kappa = (observed - chance) / (1.0 - chance)
    expected = (weights @ columns)[:, None] + (rows @ weights)[None, :]
    first_moment = float((joint * (weights * (1.0 - chance) - expected * (1.0 - observed)) ** 2).sum())
    second_moment = (observed * chance - 2.0 * chance + observed) ** 2
    se = float(np.sqrt(max(0.0, first_moment - second_moment) / items)) / (1.0 - chance) ** 2
    half = normal_quantile((1.0 + confidence) / 2.0) * se
    return CohenKappa(kappa, se, Interval(kappa - half, kappa + half), percent, items, None)


def fleiss_kappa(counts: npt.ArrayLike) -> FleissKappa:
    """Kappa of N × V counts with the same number of ratings in every unit (Fleiss 1971).

    With unequal numbers it is not defined (`unequal_raters`): use Krippendorff's alpha or AC1.
    """
    matrix = np.asarray(counts, dtype=np.float64)
    if matrix.size == 0:
        return FleissKappa(None, None, 0, "no_pairable_units")
    sizes = matrix.sum(axis=1)
    raters, units = float(sizes[0]), len(matrix)
    if np.any(sizes != raters):
        return FleissKappa(None, None, units, "unequal_raters")
    if raters < 2:
        return FleissKappa(None, None, units, "no_pairable_units")
    observed = float(((matrix**2).sum(axis=1) - raters).mean() / (raters * (raters - 1.0)))
    chance = float(((matrix.sum(axis=0) / (units * raters)) ** 2).sum())
    if chance >= CERTAIN:
        return FleissKappa(None, observed, units, "no_variation")
    return FleissKappa((observed - chance) / (1.0 - chance), observed, units, None)


def pair_kappas(
    ratings: Mapping[Rater, Mapping[Item, Value]],
    categories: Sequence[Value],
    weighting: Weighting = "unweighted",
    minimum_shared: int = 10,
) -> tuple[PairKappa, ...]:
    """Kappa of every pair of raters with at least `minimum_shared` items in common.

    `ratings` maps rater to item to value. Pairs come in the order of the raters in the mapping.
    """
    results = []
    for first, second in combinations(ratings, 2):
        shared = [item for item in ratings[first] if item in ratings[second]]
        if len(shared) >= minimum_shared:
            mine = [ratings[first][item] for item in shared]
            theirs = [ratings[second][item] for item in shared]
            results.append(PairKappa(first, second, cohen_kappa(mine, theirs, categories, weighting)))
    return tuple(results)


def mean_pair_kappa(pairs: Sequence[PairKappa]) -> float | None:
    """Unweighted mean over the pairs whose kappa is defined; None without one."""
    defined = [pair.result.kappa for pair in pairs if pair.result.kappa is not None]
    return sum(defined) / len(defined) if defined else None
