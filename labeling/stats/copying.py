"""Does a reviewer copy somebody? Agreement with one peer against agreement with all others."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from labeling.stats.units import Value

Rater = TypeVar("Rater", bound=Hashable)
Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Copying:
    """How `reviewer` agrees with `peer` against everybody else on the same items.

    `agreement_with_others` averages, over the shared items, the share of the other raters who agree.
    `telling_items` are those where some but not all of the others and the peer agree with the reviewer.
    `p_one_sided`: chance of the peer agreeing at least so often there if the peer were any of the others;
    1 without telling items.
    """

    reviewer: Hashable
    peer: Hashable
    items: int
    agreement_with_peer: float
    agreement_with_others: float
    telling_items: int
    p_one_sided: float


def copying(ratings: Mapping[Rater, Mapping[Item, Value]], minimum_items: int = 10) -> tuple[Copying, ...]:
    """Every ordered pair of raters with at least `minimum_items` items that both and somebody else rated.

    `ratings` maps rater to item to value. The test is conditional on each item: of the others and the
    peer, so many agree with the reviewer; were the peer any of them, that would be the peer's chance. So an
    easy item, on which all agree, counts for nothing. It cannot tell who copies whom, and a peer who is
    simply better than the rest is favoured as well: look at the sizes of both agreements too, and adjust
    for the number of pairs.
    """
    by_item: dict[Item, dict[Rater, Value]] = {}
    for rater, values in ratings.items():
        for item, value in values.items():
            by_item.setdefault(item, {})[rater] = value
    results = []
    for reviewer in ratings:
        for peer in ratings:
            if peer != reviewer:
                found = _copying_of(reviewer, peer, ratings, by_item)
                if found.items >= max(1, minimum_items):
                    results.append(found)
    return tuple(results)


def _copying_of(
    reviewer: Rater,
    peer: Rater,
    ratings: Mapping[Rater, Mapping[Item, Value]],
    by_item: Mapping[Item, Mapping[Rater, Value]],
) -> Copying:
    items = with_peer = telling = hits = 0
    with_others = 0.0
    chances: list[float] = []
    for item, mine in ratings[reviewer].items():
        values = by_item[item]
        others = [value for rater, value in values.items() if rater not in (reviewer, peer)]
        if peer not in values or not others:
            continue
        same = values[peer] == mine
        agreeing = sum(value == mine for value in others)
        items += 1
        with_peer += same
        with_others += agreeing / len(others)
        if 0 < agreeing + same < len(others) + 1:
            telling += 1
            hits += same
            chances.append((agreeing + same) / (len(others) + 1))
    return Copying(
        reviewer=reviewer,
        peer=peer,
        items=items,
        agreement_with_peer=with_peer / items if items else 0.0,
        agreement_with_others=with_others / items if items else 0.0,
        telling_items=telling,
        p_one_sided=_at_least(hits, chances),
    )


def _at_least(hits: int, chances: Sequence[float]) -> float:
    """P(at least `hits` successes) in independent trials with these chances, by adding trial by trial."""
    distribution = np.ones(1)
    for chance in chances:
        distribution = np.convolve(distribution, [1.0 - chance, chance])
    return min(1.0, float(distribution[hits:].sum()))
