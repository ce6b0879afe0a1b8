"""How reliable the raters of an item are, from what they and others said of recent items by the same rubric.

Every number here goes into the verdict's basis, so that its posterior can be computed again from the row alone.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from labeling.models import GoldResult, ItemKind, Rating, ReviewItem, VerdictValue
from labeling.stats.reliability import Reliabilities, estimate_reliabilities, posterior

# The newest items that several people judged, and as many answers to planted ones.
MOST_ITEMS = 500
FEWEST_ITEMS = 20
FEWEST_VOTES = 5

Vote = tuple[int, int, bool]


@dataclass(frozen=True, slots=True)
class Weighed:
    """P(unacceptable) of an item and what it follows from, or None with the reason. `shown` is JSON."""

    unacceptable: float | None
    shown: dict[str, Any]


def weigh(item: ReviewItem, ratings: Sequence[Rating]) -> Weighed:
    """What the item's ratings amount to, by how reliable their raters were on other items of the rubric."""
    if ratings[0].preferred:
        return Weighed(None, {"reason": "pairs"})
    votes = _votes(item)
    gold, known = _gold_votes(item)
    found = estimate_reliabilities([*votes, *gold], known)
    if short := _too_little(found, ratings):
        return Weighed(None, short)
    said = [(found.raters[rating.reviewer_id], rating.verdict != VerdictValue.ACCEPT) for rating in ratings]
    probability = posterior(found.prior, said)
    return Weighed(probability, _shown(found, ratings, probability))


def _votes(item: ReviewItem) -> list[Vote]:
    """(item, rater, said unacceptable) of the newest other items that several people judged."""
    recent = (
        ReviewItem.objects.judged_live()
        .filter(project_id=item.project_id, rubric_id=item.rubric_id, ratings_counted__gte=2)
        .exclude(pk=item.pk)
        .order_by("-pk")
    )
    ids = list(recent.values_list("pk", flat=True)[:MOST_ITEMS])
    ratings = Rating.objects.counted().filter(item_id__in=ids, rubric_id=item.rubric_id).order_by("pk")
    rows = ratings.values_list("item_id", "reviewer_id", "verdict")
    return [(owner, rater, verdict != VerdictValue.ACCEPT) for owner, rater, verdict in rows]


def _gold_votes(item: ReviewItem) -> tuple[list[Vote], dict[Hashable, bool]]:
    """The newest answers to planted cases, and what the right answers are: True for unacceptable."""
    standing = Rating.objects.standing().filter(rubric_id=item.rubric_id, item__kind=ItemKind.GOLD)
    results = GoldResult.objects.filter(
        gold_case__project_id=item.project_id, gold_case__acceptable__isnull=False, rating__in=standing
    ).order_by("-pk")
    rows = results.values_list("rating__item_id", "rating__reviewer_id", "rating__verdict", "gold_case__acceptable")[
        :MOST_ITEMS
    ]
    votes: list[Vote] = []
    known: dict[Hashable, bool] = {}
    for owner, rater, verdict, acceptable in rows:
        votes.append((owner, rater, verdict != VerdictValue.ACCEPT))
        known[owner] = not acceptable
    return votes, known


def _too_little(found: Reliabilities, ratings: Sequence[Rating]) -> dict[str, Any]:
    """Why nothing can be said of these raters; empty where it can."""
    if found.items < FEWEST_ITEMS:
        return {"reason": "few_items", "found": found.items, "needed": FEWEST_ITEMS}
    votes = [found.raters[rating.reviewer_id].votes if rating.reviewer_id in found.raters else 0 for rating in ratings]
    if min(votes) < FEWEST_VOTES:
        return {"reason": "few_votes", "found": min(votes), "needed": FEWEST_VOTES}
    return {}


def _shown(found: Reliabilities, ratings: Sequence[Rating], probability: float) -> dict[str, Any]:
    return {
        "prior": found.prior,
        "posterior": probability,
        "items": found.items,
        "known": found.known,
        "reliabilities": [
            {
                "rating": rating.pk,
                "sensitivity": known.sensitivity,
                "specificity": known.specificity,
                "unacceptable": known.unacceptable,
                "acceptable": known.acceptable,
                "votes": known.votes,
            }
            for rating in ratings
            for known in [found.raters[rating.reviewer_id]]
        ],
    }
