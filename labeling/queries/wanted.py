"""Which items raters are still wanted on."""

from django.db.models import Q

from labeling.models import Aggregation, ItemStatus, ReachedBy, ReviewItem

# As the fields of a seat.
_OPEN = Q(item__status=ItemStatus.OPEN)
_MEASURING = Q(
    item__status=ItemStatus.SETTLED,
    item__aggregation=Aggregation.SINGLE,
    item__verdict__reached_by=ReachedBy.SINGLE,
)


def wants_raters() -> Q:
    """Seats of items that wait for their verdict, or that got it from their first rating: there the others' ratings
    measure agreement, and change nothing. Who adjudicated an item has ended the matter for everybody."""
    return _OPEN | _MEASURING


def item_wants_raters(item: ReviewItem) -> bool:
    """The same of one item."""
    if item.status == ItemStatus.SETTLED and item.aggregation == Aggregation.SINGLE:
        return item.verdict is not None and item.verdict.reached_by == ReachedBy.SINGLE
    return item.status == ItemStatus.OPEN
