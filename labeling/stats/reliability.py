"""How far each rater's word goes: sensitivity and specificity, and what several words amount to. Pure.

An item's true answer is "unacceptable" or "acceptable". Sensitivity is P(says unacceptable | it is), specificity
P(says acceptable | it is). What follows is a label by a model, and never enters a guarantee on error rates.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from labeling.stats.aggregation import dawid_skene

# One vote of every kind is added for every rater, so that nobody is certain.
ADDED = 1.0
# The estimates decide at 0.9, where the sixth digit does not matter.
TOLERANCE = 1e-6
MAX_ITERATIONS = 500
LABELS = (True, False)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Both rates lie in (0, 1). `unacceptable` and `acceptable` are the expected numbers of items of either kind
    that they rest on; together they make `votes`."""

    sensitivity: float
    specificity: float
    unacceptable: float
    acceptable: float
    votes: int

    @property
    def informative(self) -> bool:
        """Whether a word of theirs makes what they say more probable: better than a coin."""
        return self.sensitivity + self.specificity > 1.0


@dataclass(frozen=True, slots=True)
class Reliabilities:
    """`prior` in (0, 1) is the share of unacceptable items among those of unknown answer. `items` counts all
    items, `known` those whose answer was known beforehand."""

    prior: float
    raters: Mapping[Hashable, Reliability]
    items: int
    known: int


def estimate_reliabilities(
    votes: Sequence[tuple[Hashable, Hashable, bool]], known: Mapping[Hashable, bool]
) -> Reliabilities:
    """From votes of (item, rater, said unacceptable) and the answers that are `known`, True for unacceptable.

    Dawid and Skene's model (1979) by EM with the known answers held fast, and one vote of every kind added for
    every rater. The prior is the estimated prevalence on the other items with one item of either kind added.
    """
    items = {item for item, _rater, _said in votes}
    unknown = len(items - known.keys())
    found = dawid_skene(
        votes,
        LABELS,
        known={item: answer for item, answer in known.items() if item in items},
        added=ADDED,
        tolerance=TOLERANCE,
        max_iterations=MAX_ITERATIONS,
    )
    counts = Counter(rater for _item, rater, _said in votes)
    return Reliabilities(
        prior=(found.prevalence[0] * unknown + 1.0) / (unknown + 2.0),
        raters={
            rater: Reliability(
                sensitivity=matrix[0][0],
                specificity=matrix[1][1],
                unacceptable=found.met[rater][0],
                acceptable=found.met[rater][1],
                votes=counts[rater],
            )
            for rater, matrix in found.errors.items()
        },
        items=len(items),
        known=len(items) - unknown,
    )


def posterior(prior: float, said: Iterable[tuple[Reliability, bool]]) -> float:
    """P(unacceptable | what was said), in (0, 1), for raters who err independently of each other: Bayes' rule.

    `prior` lies in (0, 1). A rater who is no better than a coin changes nothing: their word is not turned round,
    so that one more person who says so never makes an answer less probable.
    """
    odds = math.log(prior) - math.log1p(-prior)
    for reliability, unacceptable in said:
        if reliability.informative:
            odds += _weight(reliability, unacceptable)
    # Without overflow on either side.
    return 1.0 / (1.0 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1.0 + math.exp(odds))


def _weight(reliability: Reliability, unacceptable: bool) -> float:
    """What one word adds to the log-odds of unacceptable."""
    sensitivity, specificity = reliability.sensitivity, reliability.specificity
    if unacceptable:
        return math.log(sensitivity) - math.log1p(-specificity)
    return math.log1p(-sensitivity) - math.log(specificity)
