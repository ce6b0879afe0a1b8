"""From ratings to the verdict in force, or to a dispute.

A verdict's `basis` says how it came about, as JSON:

    {"method": "single" | "unanimous" | "majority" | "dawid_skene" | "adjudication",
     "chosen": the item's aggregation, "asked": raters,
     "votes": [{"rating": id, "verdict", "preferred"}, ...] in the order they were given, "adjudication": true on the
              adjudicator's,
     "needed": how many votes must be alike; with dawid_skene the posterior that is needed; null in an adjudication,
     with dawid_skene also "prior", "posterior" (both of unacceptable), "items", "known" and "reliabilities" (see
              labeling.services.reliability),
     where it was chosen and another took its place "fallback": {"reason": "pairs" | "few_items" | "few_votes", ...}}
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from labeling.models import (
    Aggregation,
    ItemStatus,
    Lane,
    Rating,
    ReachedBy,
    ReviewItem,
    Seat,
    SeatState,
    Verdict,
    VerdictNotice,
)
from labeling.services.enqueue import new_public_id
from labeling.services.holding import open_dispute
from labeling.services.reliability import weigh
from labeling.verdicts import POSTERIOR_BAR, Agreed, ByVotes, Judgement, aggregate, by_posterior, needed_votes

BY_VOTES: Mapping[str, ByVotes] = {
    Aggregation.SINGLE: "single",
    Aggregation.UNANIMOUS: "unanimous",
    Aggregation.MAJORITY: "majority",
}
ADJUDICATED = "adjudication"


def settle(*, item: ReviewItem, rating: Rating, now: datetime) -> None:
    """Give the item its verdict once its ratings, the newest being `rating`, allow one; else open a dispute.

    Sets `status` and `verdict` on `item`, whose row lock the caller holds and which the caller saves.
    """
    if rating.adjudication:
        if item.status == ItemStatus.DISPUTED:
            standing = _standing(item)
            _decide(item, _adjudicated(rating), [rating], _basis(item, standing, ADJUDICATED, None), standing, now)
        return
    first_decides = item.aggregation == Aggregation.SINGLE
    if item.status != ItemStatus.OPEN or item.ratings_counted < (1 if first_decides else item.raters_needed):
        # A dispute waits for its adjudicator, whoever else still hands in.
        return
    standing = [rating] if item.raters_needed == 1 else _standing(item)
    if first_decides:
        standing = standing[:1]
    agreed, basis = _aggregated(item, standing)
    if agreed is None:
        open_dispute(item)
    else:
        _decide(item, agreed, standing, basis, standing, now)
        if first_decides and item.raters_needed > 1:
            _let_wait(item)


def _let_wait(item: ReviewItem) -> None:
    """Whoever only measures agreement now comes after those who still have to decide something: once more as long.

    Never waits for a seat: who holds its lock is taking it, and may wait for this very item next.
    """
    seats = Seat.objects.filter(item=item, lane=Lane.WORK, state=SeatState.OPEN)
    if connection.features.has_select_for_update_skip_locked:
        seats = seats.select_for_update(skip_locked=True, of=("self",))
    later = item.due_at + (item.due_at - item.created_at)
    Seat.objects.filter(pk__in=list(seats.values_list("pk", flat=True))).update(due_at=later)


def settle_without(*, item: ReviewItem, now: datetime) -> None:
    """After a rating that the verdict rested on fell away: where the first rating decides, the next one does now.

    As `settle`, for an item that is open again.
    """
    if item.aggregation == Aggregation.SINGLE and item.status == ItemStatus.OPEN and item.ratings_counted:
        settle(item=item, rating=_standing(item)[0], now=now)


def _aggregated(item: ReviewItem, standing: Sequence[Rating]) -> tuple[Agreed | None, dict[str, Any]]:
    """The verdict that the ratings amount to by the item's method, and what it rests on."""
    judgements = [_judgement(entry) for entry in standing]
    fallback: dict[str, Any] = {}
    if item.aggregation == Aggregation.DAWID_SKENE:
        weighed = weigh(item, standing)
        if weighed.unacceptable is not None:
            basis = _basis(item, standing, Aggregation.DAWID_SKENE, POSTERIOR_BAR)
            return by_posterior(judgements, weighed.unacceptable), basis | weighed.shown
        fallback = {"fallback": weighed.shown}
    method = BY_VOTES.get(item.aggregation, "majority")
    basis = _basis(item, standing, method, needed_votes(method, len(judgements)))
    return aggregate(judgements, method), basis | fallback


def _basis(item: ReviewItem, standing: Sequence[Rating], method: str, needed: float | None) -> dict[str, Any]:
    return {
        "method": str(method),
        "chosen": str(item.aggregation),
        "asked": item.raters_needed,
        "votes": [_vote(rating) for rating in standing],
        "needed": needed,
    }


def _vote(rating: Rating) -> dict[str, Any]:
    vote = {"rating": rating.pk, "verdict": str(rating.verdict), "preferred": rating.preferred}
    return vote | {"adjudication": True} if rating.adjudication else vote


def _standing(item: ReviewItem) -> list[Rating]:
    return list(item.ratings.standing().filter(extra=False).order_by("submitted_at", "id"))


def _judgement(rating: Rating) -> Judgement:
    return Judgement(rating.verdict, rating.preferred, rating.correction, rating.values)


def _adjudicated(rating: Rating) -> Agreed:
    return Agreed(rating.verdict, rating.preferred, rating.correction, rating.values, reached_by=ReachedBy.ADJUDICATION)


def _decide(
    item: ReviewItem,
    agreed: Agreed,
    deciding: Sequence[Rating],
    basis: dict[str, Any],
    standing: Sequence[Rating],
    now: datetime,
) -> None:
    item.status = ItemStatus.SETTLED
    verdict = Verdict.objects.create(
        item=item,
        public_id=new_public_id(),
        sequence=item.verdicts.count() + 1,
        value=agreed.value,
        corrected_response=agreed.correction,
        preferred=agreed.preferred,
        criteria=dict(agreed.criteria),
        reached_by=agreed.reached_by,
        raters=len(standing),
        rating_ids=[rating.pk for rating in standing],
        basis=basis,
        rubric_id=deciding[-1].rubric_id,
        decided_at=now,
        final_at=max(rating.undo_until for rating in deciding),
    )
    VerdictNotice.objects.create(verdict=verdict, project_id=item.project_id, final_at=verdict.final_at)
    item.verdict = verdict
