"""Evidence that two reviewers do not judge independently of each other, from items that several people judged.

On each item so many people gave another answer than most did. Were everybody judging for themselves, who they are would
be chance, in the proportion in which each person strays at all: a conditional model that knows nothing of how hard
the item is and does not mind that some people are better than others (Rasch 1960, conditional on both margins).
Two who copy stray together, or neither does.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from labeling.stats.units import Floats, Value

Rater = TypeVar("Rater", bound=Hashable)
Places: TypeAlias = npt.NDArray[np.int64]
# One person's answers: item to answer and moment of handing in.
Answers: TypeAlias = Mapping[Hashable, tuple[Value, float]]
# One answer to an item: the place of the person, the answer and its moment.
Entry: TypeAlias = tuple[int, Value, float]

# How much likelier two copiers agree than two independent people: e-values of these odds ratios are averaged.
ODDS_RATIOS = (6.0, 60.0)
# Pseudo-count by which a person's straying is drawn towards everybody's.
PRIOR = 3.0
ITERATIONS = 40
# Pairs with fewer items on which anybody strays cannot be told apart from chance.
ENOUGH_TELLING = 4
MOST_LOG = math.log(1e12)


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """Does `reviewer` follow `peer`? `shared` items are those that both judged, the reviewer after the peer. On
    `telling` of them, judged by a third person too, not everybody agreed, and on `agreeing` of these the two did
    (`expected` by chance). `evidence` is an e-value against independence, at most 1e12."""

    reviewer: Hashable
    peer: Hashable
    shared: int
    telling: int
    agreeing: int
    expected: float
    evidence: float


@dataclass(frozen=True, slots=True)
class _Block:
    """Items of the same kind judged by equally many people, equally many of whom stray: `raters` items × n places of
    people, `strays` items × n of 0 and 1, m in each row, `moments` items × n of handing in."""

    raters: Places
    strays: Places
    moments: Floats
    strayed: int


def copying_evidence(answers: Mapping[Rater, Answers]) -> tuple[PairEvidence, ...]:
    """Every ordered pair of reviewers with enough telling items; `answers` maps reviewer to item to answer and
    moment. Only an item that the peer handed in before can have been copied."""
    places = {name: place for place, name in enumerate(answers)}
    by_item: dict[Hashable, list[Entry]] = defaultdict(list)
    for name, values in answers.items():
        for item, (value, moment) in values.items():
            by_item[item].append((places[name], value, moment))
    items = list(by_item.values())
    totals = _Totals(list(answers), items)
    for blocks in _blocks(items).values():
        elsewhere = _elsewhere(blocks, _weights(blocks, len(answers)))
        for block in blocks:
            totals.add(block, elsewhere)
    return totals.pairs()


class _Totals:
    """Running sums per ordered pair of places: the follower, then the peer."""

    def __init__(self, names: Sequence[Hashable], items: Sequence[Sequence[Entry]]) -> None:
        count = len(names)
        self.names = names
        self.telling = np.zeros((count, count), dtype=np.int64)
        self.agreeing = np.zeros((count, count), dtype=np.int64)
        self.expected = np.zeros((count, count))
        self.logs = np.zeros((len(ODDS_RATIOS), count, count))
        self.shared = np.zeros((count, count), dtype=np.int64)
        for entries in items:
            for (one, _, earlier), (other, _, later) in permutations(entries, 2):
                if later > earlier:
                    self.shared[other, one] += 1

    def add(self, block: _Block, elsewhere: Floats) -> None:
        odds = elsewhere.diagonal()[block.raters]
        for one, other in combinations(range(block.raters.shape[1]), 2):
            rest = np.delete(odds, [one, other], axis=1)
            mine = elsewhere[block.raters[:, one], block.raters[:, other]]
            theirs = elsewhere[block.raters[:, other], block.raters[:, one]]
            neither = _symmetric(rest, block.strayed)
            either = (mine + theirs) * _symmetric(rest, block.strayed - 1)
            both = mine * theirs * _symmetric(rest, block.strayed - 2)
            chance = (neither + both) / (neither + either + both)
            agree = block.strays[:, one] == block.strays[:, other]
            for follower, peer in ((one, other), (other, one)):
                late = block.moments[:, follower] > block.moments[:, peer]
                where = block.raters[late, follower], block.raters[late, peer]
                self._count(where, agree[late], chance[late])

    def _count(self, where: tuple[Places, Places], agree: npt.NDArray[np.bool_], chance: Floats) -> None:
        np.add.at(self.telling, where, 1)
        np.add.at(self.agreeing, where, agree)
        np.add.at(self.expected, where, chance)
        for place, ratio in enumerate(ODDS_RATIOS):
            gain = np.where(agree, math.log(ratio), 0.0) - np.log1p(chance * (ratio - 1.0))
            np.add.at(self.logs[place], where, gain)

    def pairs(self) -> tuple[PairEvidence, ...]:
        return tuple(
            PairEvidence(
                reviewer=self.names[follower],
                peer=self.names[peer],
                shared=int(self.shared[follower, peer]),
                telling=int(self.telling[follower, peer]),
                agreeing=int(self.agreeing[follower, peer]),
                expected=float(self.expected[follower, peer]),
                evidence=float(np.exp(np.minimum(self.logs[:, follower, peer], MOST_LOG)).mean()),
            )
            for follower, peer in permutations(range(len(self.names)), 2)
            if self.telling[follower, peer] >= ENOUGH_TELLING
        )


def _blocks(items: Sequence[Sequence[Entry]]) -> dict[tuple[str, Value], list[_Block]]:
    """Items judged by three or more who do not all agree, by what most of them said (or that they are even)."""
    rows: dict[tuple[str, Value], dict[tuple[int, int], list[list[tuple[int, int, float]]]]] = {}
    for entries in items:
        usual = _usual(entries)
        if usual is None:
            continue
        marked = [(place, int(value != usual[1]), moment) for place, value, moment in entries]
        strayed = sum(stray for _place, stray, _moment in marked)
        rows.setdefault(usual, {}).setdefault((len(marked), strayed), []).append(marked)
    return {
        usual: [
            _block(np.array(marked, dtype=np.float64), strayed) for (_n, strayed), marked in sorted(classes.items())
        ]
        for usual, classes in rows.items()
    }


def _block(marked: Floats, strayed: int) -> _Block:
    return _Block(marked[:, :, 0].astype(np.int64), marked[:, :, 1].astype(np.int64), marked[:, :, 2], strayed)


def _usual(entries: Sequence[Entry]) -> tuple[str, Value] | None:
    """What most said; in an even split of two answers one of them by name. None where nothing can be learnt."""
    counts = Counter(value for _place, value, _moment in entries)
    if len(entries) < 3 or len(counts) < 2:
        return None
    (most, votes), (_next, rival) = counts.most_common(2)
    if votes > rival:
        return "most", most
    return ("even", min(counts, key=str)) if len(counts) == 2 else None


def _weights(blocks: Sequence[_Block], count: int) -> Floats:
    """Each person's odds of straying among these items, relative to the others': penalised conditional maximum
    likelihood by minorisation–maximisation (Hunter 2004)."""
    weights = np.ones(count)
    strayed = np.zeros(count)
    for block in blocks:
        np.add.at(strayed, block.raters, block.strays)
    for _round in range(ITERATIONS):
        expected = np.zeros(count)
        for block in blocks:
            np.add.at(expected, block.raters, _chances(block, weights))
        weights = (strayed + PRIOR) / (expected / weights + PRIOR)
    return weights


def _chances(block: _Block, weights: Floats) -> Floats:
    """Items × n: everybody's chance to be among those who stray, given how many do."""
    odds = weights[block.raters]
    whole = _symmetric(odds, block.strayed)
    columns = range(odds.shape[1])
    rest = [_symmetric(np.delete(odds, place, axis=1), block.strayed - 1) for place in columns]
    return odds * np.stack(rest, axis=1) / whole[:, None]


def _elsewhere(blocks: Sequence[_Block], weights: Floats) -> Floats:
    """For each pair the first one's odds of straying on items that the second did not judge: were two people measured
    by what they do together, copying would hide itself. On the diagonal everybody's own, from all items."""
    count = len(weights)
    strayed, expected = np.zeros((count, count)), np.zeros((count, count))
    for block in blocks:
        chances = _chances(block, weights)
        for place, other in product(range(block.raters.shape[1]), repeat=2):
            where = block.raters[:, place], block.raters[:, other]
            np.add.at(strayed, where, block.strays[:, place])
            np.add.at(expected, where, chances[:, place])
    own = np.eye(count, dtype=bool)
    strays = strayed.diagonal()[:, None] - np.where(own, 0.0, strayed)
    chances = (expected.diagonal()[:, None] - np.where(own, 0.0, expected)) / weights[:, None]
    found: Floats = (strays + PRIOR * weights[:, None]) / (chances + PRIOR)
    return found


def _symmetric(odds: Floats, degree: int) -> Floats:
    """Elementary symmetric polynomial of `degree` in the columns, row by row; 0 where there is none."""
    if degree < 0 or degree > odds.shape[1]:
        return np.zeros(len(odds))
    sums = np.zeros((len(odds), degree + 1))
    sums[:, 0] = 1.0
    for column in odds.T:
        sums[:, 1:] += sums[:, :-1] * column[:, None]
    return sums[:, degree]
