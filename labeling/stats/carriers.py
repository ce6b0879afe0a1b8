"""What carries the disagreement: which pairs of levels people confuse, and what each adds to Do.

Krippendorff's observed disagreement is a sum over pairs of levels: coincidences o_ck times their distance δ²
(Krippendorff 2011, Computing Krippendorff's alpha-reliability). The distance is taken as a share of the largest
on the scale, so that scales of different lengths can be added up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labeling.stats.disagreement import Level
from labeling.stats.units import Counts, Floats, UnitRatings, Value


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """One scale's pairs of ratings. `pairs` is V × V, symmetric: pairs of ratings of one unit by their two levels,
    each counted once in either half. `disagreement` is V × V, symmetric: what a pair of levels adds to the total,
    in units of one item whose raters are as far apart as can be."""

    pairs: Counts
    disagreement: Floats

    @property
    def total(self) -> float:
        return float(np.triu(self.disagreement, 1).sum())


@dataclass(frozen=True, slots=True)
class Carrier:
    """A pair of levels and its `share` in [0, 1] of all disagreement over all scales."""

    name: str
    first: int
    second: int
    share: float


def distances(units: UnitRatings, level: Level) -> Floats:
    """V × V: δ² as a share of its largest value on this scale. Ordinal by the mid-ranks of all ratings given; where
    nobody used some level at either end, ranks still differ by what lies between."""
    values = len(units.domain)
    if level == "nominal":
        return 1.0 - np.eye(values)
    if level == "ordinal":
        counts = np.bincount(units.codes, minlength=values).astype(np.float64)
        places = np.cumsum(counts) - counts / 2.0
    else:
        places = units.numbers()
    squares = (places[:, None] - places[None, :]) ** 2
    largest = float(squares.max(initial=0.0))
    return squares / largest if largest else squares


def confusion(units: UnitRatings, level: Level) -> Confusion:
    """Units with a single rating add nothing; a unit of m ratings adds m at most, whatever m is."""
    counts = units.counts()
    sizes = counts.sum(axis=1)
    counts, sizes = counts[sizes >= 2], sizes[sizes >= 2]
    pairs = counts.T @ counts - np.diag(counts.sum(axis=0))
    shared = (counts / np.maximum(sizes - 1, 1)[:, None]).T @ counts
    diagonal = np.diag_indices(len(units.domain))
    halves = pairs.copy()
    halves[diagonal] //= 2
    return Confusion(halves, shared * distances(units, level))


def carriers(confusions: Mapping[str, Confusion], most: int = 10) -> tuple[dict[str, float], list[Carrier]]:
    """Each scale's share of all disagreement, and the pairs of levels with the largest shares; empty without any."""
    whole = sum(found.total for found in confusions.values())
    if whole <= 0.0:
        return {}, []
    shares = {name: found.total / whole for name, found in confusions.items()}
    pairs = [
        Carrier(name, int(first), int(second), float(found.disagreement[first, second]) / whole)
        for name, found in confusions.items()
        for first, second in zip(*np.nonzero(np.triu(found.disagreement, 1)), strict=True)
    ]
    pairs.sort(key=lambda carrier: (-carrier.share, carrier.name, carrier.first, carrier.second))
    return shares, pairs[:most]


def spread(values: Sequence[Value], units: UnitRatings, delta: Floats) -> tuple[float, tuple[int, int] | None]:
    """How far one unit's values lie apart, in [0, 1]: the mean distance of its pairs; and its farthest pair of levels.

    0 and None for fewer than two values, and for equal ones.
    """
    codes = sorted(units.domain.index(value) for value in values)
    if len(codes) < 2 or codes[0] == codes[-1]:
        return 0.0, None
    places = np.asarray(codes)
    table = delta[places[:, None], places[None, :]]
    mean = float(np.triu(table, 1).sum()) / (len(codes) * (len(codes) - 1) / 2)
    first, second = np.unravel_index(int(np.argmax(np.triu(table, 1))), table.shape)
    return mean, (int(places[first]), int(places[second]))
