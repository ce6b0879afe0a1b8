"""Claiming seats and giving them back. A seat is reserved only here, and only by its lease."""

import random
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from labeling.masking import find_masks, texts_in
from labeling.models import (
    Assignment,
    AssignmentState,
    ItemStatus,
    Lane,
    QueueSettings,
    ReviewItem,
    Seat,
    SeatState,
)
from reviewapp.core.models import Membership, Role, TaskKind

ATTEMPTS = 5


class ClaimRefused(Exception):
    """This person gets nothing for now; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class AssignmentLost(Exception):
    """The lease has ended and the seat has gone to somebody else, or the work was handed in."""


def start_of_day(now: datetime) -> datetime:
    """Caps count UTC days."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def done_today(reviewer: Membership, now: datetime) -> int:
    return Assignment.objects.submitted_since(reviewer, start_of_day(now)).count()


def daily_cap(reviewer: Membership, settings: QueueSettings) -> int:
    return settings.daily_cap if reviewer.daily_cap is None else reviewer.daily_cap


def queue_settings(project_id: int) -> QueueSettings:
    return QueueSettings.objects.get(project_id=project_id)


def claim_seat(
    *, reviewer: Membership, now: datetime, rng: random.Random | None = None, lease_seconds: int | None = None
) -> Assignment | None:
    """Lease the next seat for this person, or None when there is nothing for them.

    Reviewers draw from live work with gold cases planted at the project's rate by an independent
    draw per claim; adjudicators draw from disputes. Raises ClaimRefused.
    """
    settings = queue_settings(reviewer.project_id)
    _check_may_claim(reviewer, settings, now)
    rng = rng or random.SystemRandom()
    plant_gold = rng.random() < settings.gold_rate
    lease = timedelta(seconds=lease_seconds or settings.lease_seconds)
    for _attempt in range(ATTEMPTS):
        try:
            return _claim_once(reviewer, plant_gold=plant_gold, rng=rng, now=now, lease=lease)
        except IntegrityError:
            # The same person claimed twice at once and met themselves on one item.
            continue
    return None


def _check_may_claim(reviewer: Membership, settings: QueueSettings, now: datetime) -> None:
    if reviewer.role not in (Role.REVIEWER, Role.ADJUDICATOR):
        raise ClaimRefused("not_a_reviewer", "Only reviewers and adjudicators take items from the queue.")
    if reviewer.paused_at:
        raise ClaimRefused("paused", reviewer.pause_reason or "Your reviewing is paused; the owner knows why.")
    cap = daily_cap(reviewer, settings)
    # What is held counts as well, or a person could hoard a day's work and then some.
    done = Q(state=AssignmentState.SUBMITTED, ended_at__gte=start_of_day(now))
    held = Q(state=AssignmentState.LEASED, lease_expires_at__gt=now)
    if Assignment.objects.filter(done | held, reviewer=reviewer).count() >= cap:
        raise ClaimRefused("daily_cap_reached", f"You have reached today's limit of {cap}. Enough for today.")


@transaction.atomic
def _claim_once(
    reviewer: Membership, *, plant_gold: bool, rng: random.Random, now: datetime, lease: timedelta
) -> Assignment | None:
    _return_expired_leases(reviewer.project_id, now)
    if reviewer.role == Role.ADJUDICATOR:
        seat = _next_seat(reviewer, Lane.ADJUDICATION)
    else:
        # Both lanes are always read, so that the time taken does not tell which was used.
        work, gold = _next_seat(reviewer, Lane.WORK), _next_seat(reviewer, Lane.GOLD)
        seat = gold if work and gold and plant_gold else work
    return _lease(seat, reviewer, rng=rng, now=now, lease=lease) if seat else None


def _next_seat(reviewer: Membership, lane: str) -> Seat | None:
    """The first open seat in the lane that this person may take, locked; rivals' locks are skipped."""
    mine = Assignment.objects.filter(reviewer=reviewer)
    met = mine.filter(item=OuterRef("item_id")).exclude(state=AssignmentState.EXPIRED)
    seats: QuerySet[Seat] = Seat.objects.filter(
        ~Exists(met),
        project_id=reviewer.project_id,
        lane=lane,
        state=SeatState.OPEN,
        credential__in=["", *reviewer.credentials],
    )
    if lane == Lane.GOLD:
        # Never a case whose words this person has judged before, under whatever id.
        seen = mine.filter(fingerprint=OuterRef("item__fingerprint"))
        seats = seats.filter(~Exists(seen), item__gold_case__retired_at__isnull=True)
    seats = seats.order_by("priority", "due_at", "id")
    if connection.features.has_select_for_update_skip_locked:
        seats = seats.select_for_update(skip_locked=True, of=("self",))
    return seats.first()


def _lease(seat: Seat, reviewer: Membership, *, rng: random.Random, now: datetime, lease: timedelta) -> Assignment:
    expires = now + lease
    changed = Seat.objects.filter(pk=seat.pk, state=SeatState.OPEN).update(
        state=SeatState.LEASED, holder=reviewer, lease_expires_at=expires
    )
    if changed != 1:
        raise IntegrityError("the seat was taken between reading and leasing it")
    item = ReviewItem.objects.select_related("content").get(pk=seat.item_id)
    fresh = {
        "seat": seat,
        "rubric_id": item.rubric_id,
        "state": AssignmentState.LEASED,
        "lease_expires_at": expires,
        "ended_at": None,
    }
    resumed = Assignment.objects.filter(item_id=seat.item_id, reviewer=reviewer).first()
    if resumed:
        for name, value in fresh.items():
            setattr(resumed, name, value)
        resumed.save(update_fields=["seat", "rubric", "state", "lease_expires_at", "ended_at"])
        return resumed
    content = item.content
    visible = {"prompt": content.prompt, "context": content.context, **content.body}
    swapped = rng.random() < 0.5
    return Assignment.objects.create(
        item_id=seat.item_id,
        reviewer=reviewer,
        claimed_at=now,
        swapped=swapped and content.task_kind == TaskKind.PAIRWISE,
        masking=[mask.as_list() for mask in find_masks(texts_in(visible), item.mask_names)],
        fingerprint=item.fingerprint,
        **fresh,
    )


@transaction.atomic
def return_expired_leases(*, project_id: int, now: datetime) -> int:
    """Open the seats whose lease has ended; the drafts stay with their assignments. Returns how many."""
    return _return_expired_leases(project_id, now)


def _return_expired_leases(project_id: int, now: datetime) -> int:
    expired = Seat.objects.filter(project_id=project_id, state=SeatState.LEASED, lease_expires_at__lte=now)
    if connection.features.has_select_for_update_skip_locked:
        expired = expired.select_for_update(skip_locked=True)
    seat_ids = list(expired.values_list("pk", flat=True))
    if not seat_ids:
        return 0
    Assignment.objects.filter(seat_id__in=seat_ids, state=AssignmentState.LEASED).update(
        state=AssignmentState.EXPIRED, ended_at=now
    )
    leased = Seat.objects.filter(pk__in=seat_ids, state=SeatState.LEASED)
    # A dispute or a verdict came in between: nobody is needed in a rater's seat any more.
    leased.filter(lane=Lane.WORK).exclude(item__status=ItemStatus.OPEN).update(
        state=SeatState.CLOSED, holder=None, lease_expires_at=None
    )
    leased.update(state=SeatState.OPEN, holder=None, lease_expires_at=None)
    return len(seat_ids)


def locked_assignment(token: str, reviewer_ids: list[int]) -> Assignment:
    """The assignment with its seat and item, locked in the order every writer uses: seat, assignment, item.

    Raises Assignment.DoesNotExist for a token that is not this person's.
    """
    own = {"token": token, "reviewer_id__in": reviewer_ids}
    seat = (
        Seat.objects.select_for_update(of=("self",))
        .filter(**{f"assignments__{name}": value for name, value in own.items()})
        .first()
    )
    if seat is None:
        raise Assignment.DoesNotExist
    assignment = (
        # Without a lock on the item's key: who claims another of its seats must not have to wait for this one,
        # because a dispute may be about to wait for that seat.
        Assignment.objects.select_for_update(of=("self", "item"), no_key=True)
        .select_related("item", "rubric", "reviewer__project__queue_settings")
        .get(**own)
    )
    assignment.seat = seat
    return assignment


@transaction.atomic
def extend_lease(*, assignment: Assignment, now: datetime) -> datetime:
    """Keep the seat for another lease. An ended lease is renewed if the seat is still free.

    Raises AssignmentLost.
    """
    assignment = locked_assignment(assignment.token, [assignment.reviewer_id])
    if assignment.state not in (AssignmentState.LEASED, AssignmentState.EXPIRED):
        raise AssignmentLost("This item has been handed in or given back.")
    seat = assignment.seat
    if seat.state == SeatState.LEASED and seat.holder_id != assignment.reviewer_id:
        raise AssignmentLost("Your time on this item ended and somebody else has it now. Your draft is kept.")
    if seat.state in (SeatState.SUBMITTED, SeatState.CLOSED):
        raise AssignmentLost("Your time on this item ended and it was judged by somebody else. Your draft is kept.")
    expires = now + timedelta(seconds=queue_settings(seat.project_id).lease_seconds)
    Seat.objects.filter(pk=seat.pk).update(
        state=SeatState.LEASED, holder=assignment.reviewer_id, lease_expires_at=expires
    )
    Assignment.objects.filter(pk=assignment.pk).update(
        state=AssignmentState.LEASED, lease_expires_at=expires, ended_at=None
    )
    return expires


@transaction.atomic
def save_draft(*, assignment: Assignment, draft: dict[str, Any], now: datetime) -> None:
    """Keep unfinished work; allowed as long as the work was not handed in, lease or no lease."""
    changed = Assignment.objects.filter(
        pk=assignment.pk, state__in=[AssignmentState.LEASED, AssignmentState.EXPIRED]
    ).update(draft=draft, draft_saved_at=now)
    if not changed:
        raise AssignmentLost("This item has been handed in or given back.")


@transaction.atomic
def release_seat(*, assignment: Assignment, now: datetime, reason: str = "") -> None:
    """Give the item back for others; it does not return to the same person."""
    assignment = locked_assignment(assignment.token, [assignment.reviewer_id])
    needed = assignment.seat.lane != Lane.WORK or assignment.item.status == ItemStatus.OPEN
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
        seat_state=SeatState.CLOSED if raters_seat else SeatState.OPEN,
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
        raise AssignmentLost("This item has been handed in or given back already.")
    Seat.objects.filter(pk=assignment.seat_id, state=SeatState.LEASED, holder=assignment.reviewer_id).update(
        state=seat_state, holder=None, lease_expires_at=None
    )
    Assignment.objects.filter(pk=assignment.pk).update(state=state, ended_at=now, reason=reason)
