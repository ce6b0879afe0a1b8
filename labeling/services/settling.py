"""From ratings to the verdict in force, or to a dispute."""

from datetime import datetime

from labeling.models import ItemStatus, Rating, ReachedBy, ReviewItem, Verdict, VerdictNotice
from labeling.services.enqueue import new_public_id
from labeling.services.holding import open_dispute
from labeling.verdicts import Agreed, Judgement, aggregate


def settle(*, item: ReviewItem, rating: Rating, now: datetime) -> None:
    """Give the item its verdict once its ratings, the newest being `rating`, allow one; else open a dispute.

    Sets `status` and `verdict` on `item`, whose row lock the caller holds and which the caller saves.
    """
    if rating.adjudication:
        if item.status == ItemStatus.DISPUTED:
            _decide(item, _adjudicated(rating), [rating], _standing(item), now)
        return
    if item.status != ItemStatus.OPEN or item.ratings_counted < item.raters_needed:
        # A dispute waits for its adjudicator, whoever else still hands in.
        return
    standing = [rating] if item.raters_needed == 1 else _standing(item)
    agreed = aggregate([_judgement(entry) for entry in standing])
    if agreed is None:
        open_dispute(item)
    else:
        _decide(item, agreed, standing, standing, now)


def _standing(item: ReviewItem) -> list[Rating]:
    return list(item.ratings.standing().filter(extra=False).order_by("submitted_at", "id"))


def _judgement(rating: Rating) -> Judgement:
    return Judgement(rating.verdict, rating.preferred, rating.correction, rating.values)


def _adjudicated(rating: Rating) -> Agreed:
    return Agreed(rating.verdict, rating.preferred, rating.correction, rating.values, reached_by=ReachedBy.ADJUDICATION)


def _decide(item: ReviewItem, agreed: Agreed, basis: list[Rating], standing: list[Rating], now: datetime) -> None:
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
        rubric_id=basis[-1].rubric_id,
        decided_at=now,
        final_at=max(rating.undo_until for rating in basis),
    )
    VerdictNotice.objects.create(verdict=verdict, project_id=item.project_id, final_at=verdict.final_at)
    item.verdict = verdict
