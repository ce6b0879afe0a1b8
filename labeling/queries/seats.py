"""Which open seats a person may take, in the order in which they are handed out."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from labeling.models import RESERVED_LANES, Assignment, AssignmentState, Seat, SeatState
from reviewapp.core.models import Membership


def open_seats(reviewer: Membership, lane: str, further: Q) -> QuerySet[Seat]:
    """The lane's open seats on items that this person has not met, in order of stakes, then due time, then age.

    What somebody let lapse they may be given again. `further` narrows the choice.
    """
    met = Assignment.objects.filter(reviewer=reviewer, item=OuterRef("item_id")).exclude(state=AssignmentState.EXPIRED)
    seats = Seat.objects.filter(
        ~Exists(met),
        further,
        project_id=reviewer.project_id,
        lane=lane,
        state=SeatState.OPEN,
        credential__in=["", *reviewer.credentials],
    )
    if lane in RESERVED_LANES:
        seats = seats.filter(reserved_for=reviewer)
    return seats.order_by("priority", "due_at", "id")
