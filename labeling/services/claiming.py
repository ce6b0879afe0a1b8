"""Claiming seats. A seat is reserved only here, and only by its lease."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from labeling.masking import find_masks, texts_in
from labeling.models import (
    Assignment,
    AssignmentState,
    Lane,
    QueueSettings,
    ReviewItem,
    Round,
    Seat,
    SeatState,
)
from labeling.queries.pauses import in_open_slices
from labeling.queries.seats import open_seats
from labeling.queries.wanted import wants_raters
from labeling.services.limits import ClaimRefused, check_may_claim, crowded_intents, queue_settings
from labeling.services.planting import gold_seat
from labeling.services.presence import open_to_stand_in
from labeling.services.round_seats import RoundShort, round_seat
from labeling.services.rounds import round_due, shorten_round
from reviewapp.core.models import Membership, Role, TaskKind

ATTEMPTS = 5
# Of a person's claims, so many serve a round of shared items while one runs.
OVERLAP_RATE = 0.15


def claim_seat(
    *,
    reviewer: Membership,
    now: datetime,
    rng: random.Random | None = None,
    lease_seconds: int | None = None,
    ahead: bool = False,
) -> Assignment | None:
    """Lease the next seat for this person, or None when there is nothing for them.

    Reviewers draw from live work; gold cases and repeats are planted at the project's rates by one independent draw
    per claim (which case: `labeling.services.planting`); adjudicators draw from disputes. `ahead` fetches an item
    before it is looked at: under a short lease, at most one per person (the one there is comes back). Whoever is in a
    round is given its cases and nothing else. Raises ClaimRefused.
    """
    settings = queue_settings(reviewer.project_id)
    if ahead and (fetched := fetched_ahead(reviewer, now)):
        return fetched
    round_ = round_due(reviewer=reviewer, settings=settings, now=now)
    rng = rng or random.SystemRandom()
    lane = drawn_lane(rng.random(), settings)
    seconds = lease_seconds or (settings.prefetch_seconds if ahead else settings.lease_seconds)
    swapped = rng.random() < 0.5
    expires = now + timedelta(seconds=seconds)
    terms = Terms(now=now, expires=expires, opened_at=None if ahead else now, swapped=swapped, rng=rng)
    for _attempt in range(ATTEMPTS):
        try:
            return _claim_once(reviewer, settings, lane=lane, terms=terms, round_=round_)
        except RoundShort:
            if round_ is not None and (shortage := shorten_round(round_=round_, now=now)):
                raise ClaimRefused("needs_calibration", str(shortage)) from None
            return None
        except IntegrityError:
            # The same person claimed twice at once and met themselves on one item, or fetched ahead twice.
            if ahead and (fetched := fetched_ahead(reviewer, now)):
                return fetched
    return None


def drawn_lane(draw: float, settings: QueueSettings) -> Lane:
    """The lane for a uniform draw from [0, 1): each planted lane has an interval as long as its rate."""
    upper = 0.0
    rates = ((Lane.GOLD, settings.gold_rate), (Lane.REPEAT, settings.repeat_rate), (Lane.OVERLAP, OVERLAP_RATE))
    for lane, rate in rates:
        upper += rate
        if draw < upper:
            return lane
    return Lane.WORK


@dataclass(frozen=True, slots=True)
class Terms:
    """How a seat is leased. `opened_at` is None for what is fetched ahead; `swapped`: pairs are shown b first."""

    now: datetime
    expires: datetime
    opened_at: datetime | None
    swapped: bool
    rng: random.Random


def fetched_ahead(reviewer: Membership, now: datetime) -> Assignment | None:
    """What this person has fetched and not looked at yet, while its short lease runs."""
    return Assignment.objects.filter(
        reviewer=reviewer, state=AssignmentState.LEASED, opened_at__isnull=True, lease_expires_at__gt=now
    ).first()


@transaction.atomic
def _claim_once(
    reviewer: Membership, settings: QueueSettings, *, lane: Lane, terms: Terms, round_: Round | None
) -> Assignment | None:
    # Read again under a lock: two claims of one person at once must not both be the last below a cap.
    reviewer = (
        Membership.objects.select_related("person").select_for_update(of=("self",), no_key=True).get(pk=reviewer.pk)
    )
    check_may_claim(reviewer, settings, terms.now, in_round=round_ is not None)
    _return_expired_leases(reviewer.project_id, terms.now)
    if round_ is not None:
        seat = round_seat(round_, reviewer, terms.rng)
        return _lease(seat, reviewer, terms, round_) if seat else None
    waiting = open_to_stand_in(reviewer, settings, terms.now) if reviewer.standby else Q()
    if reviewer.role == Role.ADJUDICATOR:
        seat = _next_seat(reviewer, Lane.ADJUDICATION, waiting)
    else:
        rotated = ~Q(item__intent__in=crowded) if (crowded := crowded_intents(reviewer, settings, terms.now)) else Q()
        rotated &= in_open_slices(reviewer.project_id)
        # All lanes are always read, so that the time taken does not tell which was used.
        seats = {
            Lane.WORK: _next_seat(reviewer, Lane.WORK, rotated & waiting),
            Lane.GOLD: gold_seat(reviewer, stream=rotated & waiting, further=rotated, rng=terms.rng),
            Lane.REPEAT: _next_seat(reviewer, Lane.REPEAT, rotated),
            Lane.OVERLAP: _next_seat(reviewer, Lane.OVERLAP, rotated),
        }
        # Nothing is planted where no work waits: it would be known for what it is.
        seat = (seats[lane] or seats[Lane.WORK]) if seats[Lane.WORK] else None
    return _lease(seat, reviewer, terms) if seat else None


def _next_seat(reviewer: Membership, lane: str, further: Q) -> Seat | None:
    """The first open seat in the lane that this person may take, locked; rivals' locks are skipped."""
    seats = open_seats(reviewer, lane, further)
    if connection.features.has_select_for_update_skip_locked:
        seats = seats.select_for_update(skip_locked=True, of=("self",))
    return seats.first()


def _lease(seat: Seat, reviewer: Membership, terms: Terms, round_: Round | None = None) -> Assignment:
    changed = Seat.objects.filter(pk=seat.pk, state=SeatState.OPEN).update(
        state=SeatState.LEASED, holder=reviewer, lease_expires_at=terms.expires
    )
    if changed != 1:
        raise IntegrityError("the seat was taken between reading and leasing it")
    item = ReviewItem.objects.select_related("content").get(pk=seat.item_id)
    fresh = {
        "seat": seat,
        "rubric_id": item.rubric_id,
        "state": AssignmentState.LEASED,
        "lease_expires_at": terms.expires,
        "opened_at": terms.opened_at,
        "ended_at": None,
    }
    resumed = Assignment.objects.filter(item_id=seat.item_id, reviewer=reviewer).first()
    if resumed:
        for name, value in fresh.items():
            setattr(resumed, name, value)
        resumed.save(update_fields=["seat", "rubric", "state", "lease_expires_at", "opened_at", "ended_at"])
        return resumed
    content = item.content
    visible = {"prompt": content.prompt, "context": content.context, **content.body}
    return Assignment.objects.create(
        item_id=seat.item_id,
        reviewer=reviewer,
        claimed_at=terms.now,
        swapped=terms.swapped and content.task_kind == TaskKind.PAIRWISE,
        masking=[mask.as_list() for mask in find_masks(texts_in(visible), item.mask_names)],
        fingerprint=item.fingerprint,
        round=round_,
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
    leased.filter(lane=Lane.WORK).exclude(pk__in=leased.filter(wants_raters())).update(
        state=SeatState.CLOSED, holder=None, lease_expires_at=None
    )
    leased.update(state=SeatState.OPEN, holder=None, lease_expires_at=None)
    return len(seat_ids)
