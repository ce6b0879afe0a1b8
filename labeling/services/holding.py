"""What a person holds: keeping it, opening it, giving it back, passing it up."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from labeling.models import RESERVED_LANES, Assignment, AssignmentState, ItemStatus, Lane, ReviewItem, Seat, SeatState
from labeling.queries.wanted import item_wants_raters
from labeling.services.limits import queue_settings


class AssignmentLost(Exception):
    """The lease has ended and the seat has gone to somebody else, or the work was handed in."""


def locked_assignment(token: str, reviewer_ids: list[int]) -> Assignment:
    """The assignment with its item and seat, locked; of these reviewers', who are one person in several projects.

    Raises Assignment.DoesNotExist for a token that is not theirs, and AssignmentLost as `locked` does.
    """
    return locked(Assignment.objects.filter(token=token, reviewer_id__in=reviewer_ids))


def locked(found: QuerySet[Assignment]) -> Assignment:
    """The one assignment `found`, with its item and seat, locked in the order every writer uses: item, seat,
    assignment.

    The item comes first, because whoever settles it or opens a dispute goes on to change its other seats: a person
    who hands in on one of those waits for the item with nothing in their hands. Claims skip locked seats and wait for
    no item, as its key is not locked. Raises Assignment.DoesNotExist, and AssignmentLost when the same person is being
    given the item again by another claim of theirs.
    """
    # By their keys and one by one: joined, a database that knows little of the tables yet reads all of them.
    seen = found.only("pk", "item_id", "seat_id").get()
    item = ReviewItem.objects.select_for_update(no_key=True).get(pk=seen.item_id)
    seat = Seat.objects.select_for_update().get(pk=seen.seat_id)
    assignment = (
        Assignment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("rubric", "reviewer__project__queue_settings")
        .get(pk=seen.pk)
    )
    if assignment.seat_id != seat.pk:
        raise AssignmentLost(_("The seat changed hands this very moment; try again."))
    assignment.item, assignment.seat = item, seat
    return assignment


@transaction.atomic
def extend_lease(*, assignment: Assignment, now: datetime) -> datetime:
    """Keep the seat for another lease. An ended lease is renewed if the seat is still free.

    Raises AssignmentLost.
    """
    assignment = locked_assignment(assignment.token, [assignment.reviewer_id])
    if assignment.state not in (AssignmentState.LEASED, AssignmentState.EXPIRED):
        raise AssignmentLost(_("This item has been handed in or given back."))
    seat = assignment.seat
    if seat.state == SeatState.LEASED and seat.holder_id != assignment.reviewer_id:
        raise AssignmentLost(_("Your time on this item ended and somebody else has it now. Your draft is kept."))
    if seat.state in (SeatState.SUBMITTED, SeatState.CLOSED):
        raise AssignmentLost(_("Your time on this item ended and it was judged by somebody else. Your draft is kept."))
    expires = now + timedelta(seconds=queue_settings(seat.project_id).lease_seconds)
    Seat.objects.filter(pk=seat.pk).update(
        state=SeatState.LEASED, holder=assignment.reviewer_id, lease_expires_at=expires
    )
    Assignment.objects.filter(pk=assignment.pk).update(
        state=AssignmentState.LEASED, lease_expires_at=expires, ended_at=None
    )
    return expires


def open_assignment(*, assignment: Assignment, now: datetime) -> datetime:
    """First paint of an item that was fetched ahead: its clock and its full lease begin. Repeating it changes neither.

    Returns when the lease ends. Raises AssignmentLost when the short lease ran out and the item went elsewhere.
    """
    if assignment.opened_at is not None:
        return assignment.lease_expires_at
    with transaction.atomic():
        expires = extend_lease(assignment=assignment, now=now)
        Assignment.objects.filter(pk=assignment.pk, opened_at__isnull=True).update(opened_at=now)
    return expires


@transaction.atomic
def save_draft(*, assignment: Assignment, draft: dict[str, Any], now: datetime) -> None:
    """Keep unfinished work; allowed as long as the work was not handed in, lease or no lease."""
    changed = Assignment.objects.filter(
        pk=assignment.pk, state__in=[AssignmentState.LEASED, AssignmentState.EXPIRED]
    ).update(draft=draft, draft_saved_at=now)
    if not changed:
        raise AssignmentLost(_("This item has been handed in or given back."))


@transaction.atomic
def release_seat(*, assignment: Assignment, now: datetime, reason: str = "") -> None:
    """Give the item back for others; it does not return to the same person."""
    assignment = locked_assignment(assignment.token, [assignment.reviewer_id])
    lane = assignment.seat.lane
    # A repeat is for one person only, and who gave it back does not get it again.
    needed = lane not in RESERVED_LANES and (lane != Lane.WORK or item_wants_raters(assignment.item))
    seat_state = SeatState.OPEN if needed else SeatState.CLOSED
    _end(assignment, AssignmentState.RELEASED, reason, now, seat_state=seat_state)


@transaction.atomic
def escalate(*, assignment: Assignment, reason: str, now: datetime) -> None:
    """Hand the item up to an adjudicator: this person cannot or should not judge it."""
    assignment = locked_assignment(assignment.token, [assignment.reviewer_id])
    raters_seat = assignment.seat.lane == Lane.WORK
    _end(
        assignment,
        AssignmentState.ESCALATED,
        reason,
        now,
        seat_state=SeatState.CLOSED if raters_seat or assignment.seat.lane in RESERVED_LANES else SeatState.OPEN,
    )
    if raters_seat:
        open_dispute(assignment.item)
        assignment.item.save(update_fields=["status"])


def open_dispute(item: ReviewItem) -> None:
    """Close the raters' open seats and open the adjudicator's. The caller saves the item's new status.

    Nothing happens to an item that is disputed or settled already.
    """
    if item.status != ItemStatus.OPEN:
        return
    item.status = ItemStatus.DISPUTED
    Seat.objects.filter(item=item, state=SeatState.OPEN, lane=Lane.WORK).update(state=SeatState.CLOSED)
    raters = Seat.objects.filter(item=item, number=1).get()
    adjudicators, created = Seat.objects.get_or_create(
        item=item,
        number=0,
        defaults={
            "project_id": item.project_id,
            "lane": Lane.ADJUDICATION,
            "priority": raters.priority,
            "due_at": item.due_at,
        },
    )
    if not created:
        # An undo had closed it; the dispute is back.
        Seat.objects.filter(pk=adjudicators.pk, state=SeatState.CLOSED).update(state=SeatState.OPEN)


def _end(assignment: Assignment, state: str, reason: str, now: datetime, *, seat_state: str) -> None:
    if assignment.state not in (AssignmentState.LEASED, AssignmentState.EXPIRED):
        raise AssignmentLost(_("This item has been handed in or given back already."))
    Seat.objects.filter(pk=assignment.seat_id, state=SeatState.LEASED, holder=assignment.reviewer_id).update(
        state=seat_state, holder=None, lease_expires_at=None
    )
    Assignment.objects.filter(pk=assignment.pk).update(state=state, ended_at=now, reason=reason)
