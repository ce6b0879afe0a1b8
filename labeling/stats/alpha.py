"""Krippendorff's alpha, with its undefined cases named instead of raised or returned as nan."""

from dataclasses import dataclass
from typing import Literal

import krippendorff
import numpy as np
import numpy.typing as npt

from labeling.stats.disagreement import Level, fold_patterns, weighted_alphas
from labeling.stats.units import Counts, UnitRatings

AlphaReason = Literal["no_pairable_units", "no_variation"]

# The package builds units × values × values numbers, several times over. Above this many cells (about half
# a gigabyte) alpha comes from `disagreement`, which tests hold against the package.
PACKAGE_CELLS = 16_000_000


@dataclass(frozen=True, slots=True)
class Alpha:
    """`alpha` is at most 1, 0 at chance level and may be negative; None with a `reason` when undefined.

    `pairable_units` have two ratings or more, `pairable_values` are the ratings in them; only they count.
    """

    alpha: float | None
    reason: AlphaReason | None
    pairable_units: int
    pairable_values: int

    @property
    def defined(self) -> bool:
        return self.alpha is not None


def krippendorff_alpha(ratings: UnitRatings, level: Level) -> Alpha:
    """Alpha at one level of measurement (Krippendorff 2011, Computing Krippendorff's alpha-reliability).

    Undefined without a unit that two people rated (`no_pairable_units`) and when all pairable ratings are
    the same value (`no_variation`: 0/0, however high the raw agreement). Raises ValueError for texts at the
    interval or ratio level.
    """
    if level in ("interval", "ratio"):
        ratings.numbers()
    sizes = ratings.sizes()
    pairable = sizes >= 2
    units, values = int(pairable.sum()), int(sizes[pairable].sum())
    if units == 0:
        return Alpha(None, "no_pairable_units", 0, 0)
    used = np.unique(ratings.codes[pairable[ratings.owners]])
    if len(used) < 2:
        return Alpha(None, "no_variation", units, values)
    if units * len(ratings.domain) ** 2 <= PACKAGE_CELLS:
        return Alpha(_by_package(ratings.counts()[pairable], ratings, level), None, units, values)
    patterns = fold_patterns(ratings, level)
    return Alpha(float(weighted_alphas(patterns, patterns.frequencies[None, :])[0]), None, units, values)


def _by_package(counts: Counts, ratings: UnitRatings, level: Level) -> float:
    # Texts would not survive numpy's own idea of a common type; at these levels only their order matters.
    texts_will_do = level in ("nominal", "ordinal")
    domain: npt.ArrayLike = np.arange(len(ratings.domain)) if texts_will_do else ratings.numbers()
    return float(krippendorff.alpha(value_counts=counts, value_domain=domain, level_of_measurement=level))
