"""Figures that come of several people having judged the same items."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from labeling.queries.panel.alone import coefficient, repeats_on
from labeling.queries.panel.figures import (
    Agreement,
    Copying,
    CriterionFigures,
    CriterionWeek,
    Difference,
    PeerFigures,
    Share,
)
from labeling.queries.panel.rows import NOT_ACCEPTABLE, LiveRating, Repeat, Rows, Scale, week_of
from labeling.stats.intervals import Interval, wilson
from labeling.stats.naming import Finding
from reviewapp.core.models import Membership

RESAMPLES = 1000
SEED = 20_261_121
# An interval from fewer items would be no evidence.
ENOUGH_ITEMS = 5

# One's own answer and those of all the others to one item.
Shared = tuple[Any, Sequence[Any]]


class Items:
    """The ratings of a window by item; what people are reviewers of the project does not matter for a comparison."""

    def __init__(self, ratings: Sequence[LiveRating]) -> None:
        self._by_item: dict[int, list[LiveRating]] = defaultdict(list)
        for rating in ratings:
            self._by_item[rating.item].append(rating)

    def others(self, rating: LiveRating) -> list[LiveRating]:
        return [other for other in self._by_item[rating.item] if other.reviewer != rating.reviewer]

    def shared(self, own: Sequence[LiveRating]) -> list[tuple[LiveRating, list[LiveRating]]]:
        """Each rating on which there is somebody else's too."""
        return [(rating, others) for rating in own if (others := self.others(rating))]


Together = Sequence[tuple[LiveRating, list[LiveRating]]]


def outcomes(together: Together) -> list[Shared]:
    return [(rating.outcome, [other.outcome for other in others]) for rating, others in together]


def agreement_of(shared: Sequence[Shared]) -> Agreement:
    """Of all pairs of one's own and another's answer; the interval is Wilson's with the item as the unit, for the pairs
    on one item do not come independently."""
    same = sum(sum(other == mine for other in others) for mine, others in shared)
    pairs = sum(len(others) for _mine, others in shared)
    if not pairs:
        return Agreement(0, 0, 0, None, None, "no_shared_items")
    rate = same / pairs
    return Agreement(same, pairs, len(shared), rate, wilson(round(rate * len(shared)), len(shared)), None)


def severity_of(together: Together) -> Difference:
    """Share of own answers that refuse less the peers' share on the same items, pairs left out; above 0 is strict."""
    differences = []
    for rating, others in together:
        if rating.accepted is not None:
            peers = [other.outcome == NOT_ACCEPTABLE for other in others]
            differences.append((float(rating.outcome == NOT_ACCEPTABLE), sum(peers) / len(peers)))
    return difference_of(differences)


def difference_of(differences: Sequence[tuple[float, float]]) -> Difference:
    """Own and the peers' mean per item, as a mean difference with a percentile bootstrap over items (Efron 1979).

    No interval from fewer than five items, nor where every difference is the same.
    """
    if not differences:
        return Difference(0, None, None, None, None, "no_shared_items")
    own, peers = np.array(differences).T
    values, counts = np.unique(np.round(own - peers, 9), return_counts=True)
    interval = None
    if len(differences) >= ENOUGH_ITEMS and len(values) > 1:
        draws = np.random.default_rng(SEED).multinomial(len(differences), counts / counts.sum(), RESAMPLES)
        low, high = np.percentile(draws @ values / len(differences), [2.5, 97.5]).tolist()
        interval = Interval(low, high)
    return Difference(
        len(differences), float(own.mean()), float(peers.mean()), float((own - peers).mean()), interval, None
    )


def criteria_of(
    own: Sequence[LiveRating],
    together: Together,
    repeats: Sequence[Repeat],
    scales: Mapping[tuple[int, str], Scale],
) -> list[CriterionFigures]:
    """Every criterion that this reviewer has answered, by name; versions of a rubric together, for each item was judged
    by one."""
    names = sorted({name for rating in own for name, value in rating.values.items() if value is not None})
    return [
        CriterionFigures(
            criterion=name,
            agreement=agreement_of(list(_answers(name, together))),
            repeats=repeats_on(name, repeats),
            level=_level(name, own, together, scales),
            failing=_failing(name, own, together, scales),
            weeks=_weeks(name, own, together, scales),
        )
        for name in names
    ]


def _weeks(
    name: str, own: Sequence[LiveRating], together: Together, scales: Mapping[tuple[int, str], Scale]
) -> list[CriterionWeek]:
    answered: dict[str, list[LiveRating]] = defaultdict(list)
    shared: dict[str, list[tuple[LiveRating, list[LiveRating]]]] = defaultdict(list)
    for rating in own:
        if rating.values.get(name) is not None:
            answered[week_of(rating.at)].append(rating)
    for rating, others in together:
        shared[week_of(rating.at)].append((rating, others))
    return [
        CriterionWeek(
            week,
            agreement_of(list(_answers(name, shared[week]))),
            _failing(name, answered[week], shared[week], scales),
        )
        for week in sorted(answered)
    ]


def _failing(
    name: str, own: Sequence[LiveRating], together: Together, scales: Mapping[tuple[int, str], Scale]
) -> Difference | None:
    """As severity, by this criterion alone; None where no answer to it fails an output."""
    asked = [scale for rating in own if (scale := scales.get((rating.rubric, name)))]
    if not any(scale.failing or scale.fail_below is not None for scale in asked):
        return None
    differences = []
    for rating, others in together:
        mine = _fails(name, rating, scales)
        theirs = [fails for other in others if (fails := _fails(name, other, scales)) is not None]
        if mine is not None and theirs:
            differences.append((float(mine), sum(theirs) / len(theirs)))
    return difference_of(differences)


def _fails(name: str, rating: LiveRating, scales: Mapping[tuple[int, str], Scale]) -> bool | None:
    scale, value = scales.get((rating.rubric, name)), rating.values.get(name)
    return None if scale is None or value is None else scale.fails(value)


def _answers(name: str, together: Together) -> Iterator[Shared]:
    for rating, others in together:
        mine = rating.values.get(name)
        theirs = [other.values[name] for other in others if other.values.get(name) is not None]
        if mine is not None and theirs:
            yield mine, theirs


def _level(
    name: str, own: Sequence[LiveRating], together: Together, scales: Mapping[tuple[int, str], Scale]
) -> Difference | None:
    """In steps of the scale; None for a criterion without order."""
    if not any((scale := scales.get((rating.rubric, name))) and scale.ordinal for rating in own):
        return None
    differences = []
    for rating, others in together:
        scale = scales.get((rating.rubric, name))
        if scale is None or not scale.ordinal or rating.values.get(name) not in scale.values:
            continue
        theirs = [
            scale.values.index(other.values[name])
            for other in others
            if other.rubric == rating.rubric and other.values.get(name) in scale.values
        ]
        if theirs:
            differences.append((float(scale.values.index(rating.values[name])), sum(theirs) / len(theirs)))
    return difference_of(differences)


def peers_of(member: Membership, together: Together, rows: Rows) -> list[PeerFigures]:
    """This reviewer against everybody else, in the order of the members, shared items or not."""
    pairs: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for rating, others in together:
        for other in others:
            pairs[other.reviewer].append((rating.outcome, other.outcome))
    return [
        PeerFigures(
            peer.rater_code,
            coefficient(
                [mine for mine, _theirs in pairs[peer.pk]],
                [theirs for _mine, theirs in pairs[peer.pk]],
                without="no_shared_items",
            ),
        )
        for peer in rows.members
        if peer.pk != member.pk
    ]


def copying_of(finding: Finding | None, together: Together, codes: Mapping[Any, str]) -> Copying:
    """On items that the peer had handed in before: agreement with the peer, and with everybody else."""
    if finding is None or finding.peer is None:
        nobody = Share.of(0, 0, without="too_few_shared_items")
        return Copying(None, 0, 0, 0, nobody, nobody, "too_few_shared_items")
    shared = with_peer = with_others = of_others = 0
    for rating, others in together:
        peer = next((other for other in others if other.reviewer == finding.peer and other.at < rating.at), None)
        if peer is not None:
            rest = [other for other in others if other.reviewer != finding.peer]
            shared += 1
            with_peer += peer.outcome == rating.outcome
            with_others += sum(other.outcome == rating.outcome for other in rest)
            of_others += len(rest)
    return Copying(
        peer=codes[finding.peer],
        shared=shared,
        telling=finding.n,
        agreeing=finding.events,
        with_peer=Share.of(with_peer, shared, without="no_shared_items"),
        with_others=Share.of(with_others, of_others, without="no_shared_items"),
        reason=None,
    )
