"""How many cases of a golden set come from which stratum, and which ones.

Both are deterministic: the same strata and seed give the same set, and a larger set only appends.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

AllocationMethod: TypeAlias = Literal["proportional", "neyman"]

# Remainders closer than this are a tie: their difference is rounding.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Stratum:
    """`available` cases to draw from, of which `labelled` have a verdict so far and `failures` failed.

    `adversarial` strata are the hard share of the set. Raises ValueError for impossible counts.
    """

    name: str
    available: int
    adversarial: bool = False
    labelled: int = 0
    failures: int = 0

    def __post_init__(self) -> None:
        if self.available < 0 or not 0 <= self.failures <= self.labelled:
            raise ValueError(f"impossible counts: {self}")

    def weight(self, method: AllocationMethod) -> float:
        """The size of the stratum, times the standard deviation of a failure for `neyman` (Neyman 1934),
        with the failure rate smoothed to (f + ½)/(m + 1)."""
        if method == "proportional":
            return float(self.available)
        rate = (self.failures + 0.5) / (self.labelled + 1.0)
        return self.available * math.sqrt(rate * (1.0 - rate))


@dataclass(frozen=True, slots=True)
class Allocation:
    """`cases` per stratum name, adversarial strata first. `total` is below the `wanted` number when the
    supply of a group ran out."""

    cases: dict[str, int]
    adversarial: int
    total: int
    wanted: int


def allocate(
    strata: Sequence[Stratum],
    total: int,
    adversarial_share: float,
    min_per_stratum: int = 0,
    method: AllocationMethod = "neyman",
) -> Allocation:
    """Share `total` cases out: ⌈adversarial_share · total⌉ to the adversarial strata as far as they last,
    the rest to the others; within each group by bounded `method`.

    A shortfall of one group is not filled from the other, which would change what the set measures.
    Raises ValueError for a share outside [0, 1], negative numbers or two strata of one name.
    """
    if not 0.0 <= adversarial_share <= 1.0 or total < 0 or min_per_stratum < 0:
        raise ValueError("the share must lie in [0, 1], the total and the minimum must not be negative")
    if len({stratum.name for stratum in strata}) != len(strata):
        raise ValueError("two strata have the same name")
    hard = [stratum for stratum in strata if stratum.adversarial]
    natural = [stratum for stratum in strata if not stratum.adversarial]
    wanted_hard = math.ceil(adversarial_share * total - ROUNDING)
    cases = _allocate_group(hard, wanted_hard, min_per_stratum, method)
    adversarial = sum(cases.values())
    cases |= _allocate_group(natural, total - adversarial, min_per_stratum, method)
    return Allocation(cases, adversarial, sum(cases.values()), total)


def _allocate_group(strata: Sequence[Stratum], wanted: int, minimum: int, method: AllocationMethod) -> dict[str, int]:
    """Whole cases per stratum: clip(t · weight, minimum, available) with t such that they sum to
    `wanted`, rounded by largest remainder, ties by name."""
    wanted = min(wanted, sum(stratum.available for stratum in strata))
    if wanted <= 0:
        return {stratum.name: 0 for stratum in strata}
    if sum(min(minimum, stratum.available) for stratum in strata) > wanted:
        # The minimum cannot be had everywhere: lower it for all alike instead of dropping some.
        minimum = wanted // len(strata)
    bounds = [(min(minimum, stratum.available), stratum.available) for stratum in strata]
    exact = _clipped_shares([stratum.weight(method) for stratum in strata], bounds, wanted)
    cases = {stratum.name: math.floor(share + ROUNDING) for stratum, share in zip(strata, exact, strict=True)}
    remainders = {
        stratum.name: round(share - cases[stratum.name], 9) for stratum, share in zip(strata, exact, strict=True)
    }
    missing = wanted - sum(cases.values())
    for name in sorted(remainders, key=lambda name: (-remainders[name], name))[:missing]:
        cases[name] += 1
    return cases


def _clipped_shares(weights: Sequence[float], bounds: Sequence[tuple[int, int]], wanted: int) -> list[float]:
    """clip(t · weight, low, high) for the t at which they sum to `wanted`, which must lie between the sums
    of the bounds.

    The sum is piecewise linear in t and bends where a stratum leaves a bound, so t is found on its piece
    and then solved for exactly.
    """

    def clipped(t: float) -> list[float]:
        return [min(max(t * a, low), high) for a, (low, high) in zip(weights, bounds, strict=True)]

    bends = sorted({bound / a for a, pair in zip(weights, bounds, strict=True) if a > 0.0 for bound in pair} | {0.0})
    left = max((t for t in bends if sum(clipped(t)) <= wanted), default=0.0)
    shares = clipped(left)
    rest = wanted - sum(shares)
    # Right of this bend grow exactly the strata that are at or past their lower and below their upper bound.
    growing = [
        index
        for index, (a, (low, high)) in enumerate(zip(weights, bounds, strict=True))
        if low <= left * a * (1.0 + ROUNDING) and left * a < high * (1.0 - ROUNDING)
    ]
    slope = sum(weights[index] for index in growing)
    if rest > ROUNDING and slope > 0.0:
        for index in growing:
            shares[index] += rest * weights[index] / slope
    return shares


def draw(stratum: str, item_ids: Iterable[str], take: int, seed: str | int) -> list[str]:
    """The first `take` items in the order of the SHA-256 of "seed|stratum|item", whatever the order given.

    Growing `take` only appends. Returns fewer when there are fewer.
    """

    def key(item: str) -> tuple[str, str]:
        return hashlib.sha256(f"{seed}|{stratum}|{item}".encode()).hexdigest(), item

    return sorted(item_ids, key=key)[: max(0, take)]
