"""Ratings grouped by the unit they judge: the input of every agreement statistic that ignores who rated.

A unit is one criterion of one item. A value is what a rater chose: a text or a number out of the scale's
`domain`, listed in scale order and complete, used or not. None is a missing rating and is left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Value: TypeAlias = str | int | float
Counts: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class UnitRatings:
    """R ratings of N units on a scale of V values; rating i gives unit `owners[i]` the value
    `domain[codes[i]]`."""

    domain: tuple[Value, ...]
    units: int
    owners: npt.NDArray[np.intp]
    codes: npt.NDArray[np.intp]

    @classmethod
    def from_lists(
        cls, ratings: Iterable[Iterable[Value | None]], domain: Sequence[Value] | None = None
    ) -> "UnitRatings":
        """One inner iterable per unit, in any order of raters.

        Without a `domain` it is the sorted values that occur, which suits numbers only. Raises ValueError
        for a value outside the domain and for a domain that repeats itself.
        """
        rows = [[value for value in row if value is not None] for row in ratings]
        if domain is None:
            domain = sorted({value for row in rows for value in row})
        positions = {value: index for index, value in enumerate(domain)}
        if len(positions) != len(domain):
            raise ValueError("a value domain may not repeat a value")
        try:
            codes = [positions[value] for row in rows for value in row]
        except KeyError as error:
            raise ValueError(f"the value {error.args[0]!r} is not in the domain") from None
        lengths = np.fromiter((len(row) for row in rows), dtype=np.intp, count=len(rows))
        owners = np.repeat(np.arange(len(rows), dtype=np.intp), lengths)
        return cls(tuple(domain), len(rows), owners, np.asarray(codes, dtype=np.intp))

    @classmethod
    def from_reliability_data(
        cls, rows: Sequence[Sequence[Value | None]], domain: Sequence[Value] | None = None
    ) -> "UnitRatings":
        """From the raters × units matrix of the literature, None where a rater did not rate."""
        return cls.from_lists(zip(*rows, strict=True), domain)

    @classmethod
    def from_counts(cls, counts: npt.ArrayLike, domain: Sequence[Value]) -> "UnitRatings":
        """From N × V numbers of raters per unit and value."""
        matrix = np.asarray(counts, dtype=np.int64).reshape(-1, len(domain))
        owners, codes = np.nonzero(matrix)
        repeats = matrix[owners, codes]
        return cls(tuple(domain), len(matrix), np.repeat(owners, repeats), np.repeat(codes, repeats))

    def counts(self) -> Counts:
        """N × V: how many raters gave each unit each value."""
        values = len(self.domain)
        flat = np.bincount(self.owners * values + self.codes, minlength=self.units * values)
        return flat.astype(np.int64, copy=False).reshape(self.units, values)

    def sizes(self) -> Counts:
        """N: ratings per unit."""
        return np.bincount(self.owners, minlength=self.units).astype(np.int64, copy=False)

    def numbers(self) -> Floats:
        """V: the domain as numbers. Raises ValueError when it holds texts."""
        if any(isinstance(value, str) for value in self.domain):
            raise ValueError("this level of measurement needs numeric values")
        return np.asarray(self.domain, dtype=np.float64)
