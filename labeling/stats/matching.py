"""Matching what is planted to the stream it hides in: which case to show, and how far the two mixes are apart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Two lengths are similar when the longer is at most √2 times the shorter.
SIMILAR_OCTAVES = 0.5
# Where no case is of similar length, one of so many of the nearest is taken.
NEAREST = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """What a task looks like before anybody reads it; `length` in characters, 0 or more."""

    task_kind: str
    intent: str
    length: int


def octaves(first: int, second: int) -> float:
    """How far two lengths are apart: |log₂| of their ratio, each counted with one character more."""
    return abs(math.log2((first + 1) / (second + 1)))


def matching_order(model: Shape, cases: Sequence[Shape], draws: Sequence[float]) -> list[int]:
    """Positions of all `cases`, the one to show in place of `model` first; the others stand in for it in turn.

    Cases of the same kind of task come before others, then those of the same intent. Among the best there are, one of
    similar length is taken at random, else one of the few nearest. `draws` holds one uniform number in [0, 1) for each
    case. Raises ValueError when their numbers differ.
    """
    if len(draws) != len(cases):
        raise ValueError(f"{len(cases)} cases but {len(draws)} draws")
    if not cases:
        return []
    tiers = [(case.task_kind != model.task_kind, case.intent != model.intent) for case in cases]
    apart = [octaves(case.length, model.length) for case in cases]
    ranked = sorted(range(len(cases)), key=lambda place: (tiers[place], apart[place], draws[place]))
    best = [place for place in ranked if tiers[place] == tiers[ranked[0]]]
    pool = [place for place in best if apart[place] <= SIMILAR_OCTAVES] or best[:NEAREST]
    pool.sort(key=lambda place: draws[place])
    chosen = set(pool)
    return pool + [place for place in ranked if place not in chosen]


def share_mismatch(first: Mapping[str, int], second: Mapping[str, int]) -> float | None:
    """Total variation distance of two mixes given as counts: the share, in [0, 1], that one would have to move to
    become the other. None when either is empty."""
    whole, other = sum(first.values()), sum(second.values())
    if not whole or not other:
        return None
    names = {*first, *second}
    return sum(abs(first.get(name, 0) / whole - second.get(name, 0) / other) for name in sorted(names)) / 2


def length_mismatch(first: Sequence[int], second: Sequence[int]) -> float | None:
    """Largest distance of the two distribution functions, in [0, 1] (Kolmogorov 1933, Smirnov 1939). None when either
    is empty."""
    if not len(first) or not len(second):
        return None
    one, other = np.sort(np.asarray(first)), np.sort(np.asarray(second))
    places = np.concatenate([one, other])
    below = np.searchsorted(one, places, side="right") / len(one)
    return float(np.abs(below - np.searchsorted(other, places, side="right") / len(other)).max())
