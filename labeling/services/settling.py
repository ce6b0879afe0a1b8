"""From ratings to the verdict in force, or to a dispute."""

from datetime import datetime

from labeling.models import ItemStatus, Rating, ReachedBy, ReviewItem, Verdict
from labeling.services.claiming import open_dispute
from labeling.services.enqueue import new_public_id
from labeling.verdicts import Agreed, Judgement, aggregate


def settle(*, item: ReviewItem, now: datetime) -> Verdict | None:
    """Give the item its verdict once its ratings allow one; open a dispute where they do not.

    The caller holds the item's row lock.
    """
    standing = list(item.ratings.standing().filter(extra=False).order_by("submitted_at", "id"))
    adjudications = [rating for rating in standing if rating.adjudication]
    if adjudications and item.status == ItemStatus.DISPUTED:
        return _decide(item, _adjudicated(adjudications[-1]), [adjudications[-1]], standing, now)
    if item.status != ItemStatus.OPEN or item.ratings_counted < item.raters_needed:
        # A dispute waits for its adjudicator, whoever else still hands in.
        return None
    agreed = aggregate([_judgement(rating) for rating in standing])
    if agreed is None:
        open_dispute(item.pk)
        return None
    return _decide(item, agreed, standing, standing, now)


def _judgement(rating: Rating) -> Judgement:
    return Judgement(rating.verdict, rating.preferred, rating.correction, rating.values)


def _adjudicated(rating: Rating) -> Agreed:
    return Agreed(rating.verdict, rating.preferred, rating.correction, rating.values, reached_by=ReachedBy.ADJUDICATION)


def _decide(item: ReviewItem, agreed: Agreed, basis: list[Rating], standing: list[Rating], now: datetime) -> Verdict:
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
        rubric_id=item.rubric_id,
        decided_at=now,
        final_at=max(rating.undo_until for rating in basis),
    )
    ReviewItem.objects.filter(pk=item.pk).update(status=ItemStatus.SETTLED, verdict=verdict)
    return verdict
