"""A person's own work: what they hold, what they may still take back, and how much they have done; never how well."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from labeling.models import Assignment, AssignmentState, Lane, QueueSettings, Rating, Seat, SeatState
from labeling.queries.pauses import in_open_slices
from labeling.services.limits import ClaimRefused, check_may_claim, crowded_intents, queue_settings
from labeling.services.presence import open_to_stand_in
from labeling.views.review_page import VERDICT_TITLES
from labeling.views.wording import NOTHING_WAITING
from reviewapp.core.models import Membership, Role

DAYS_SHOWN = 14


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a rating is stored. `undo_seconds` is how long it can still be taken back; 0 when it cannot."""

    token: str
    number: str
    verdict: str
    submitted_at: datetime
    undo_seconds: int

    @property
    def short(self) -> str:
        return self.number[:8]


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether there is work for this person now.

    `code` is "holding" (something is open on their desk), "ready", "nothing" (no work waits), or why they get none
    (a code of ClaimRefused) with the reason in `detail` and, where it is known, when work goes on.
    """

    code: str
    detail: str = ""
    until: datetime | None = None

    @property
    def may_start(self) -> bool:
        return self.code in ("holding", "ready")


def held_assignments(reviewer: Membership, now: datetime) -> list[Assignment]:
    """What this person has claimed and not handed in, while its lease runs; oldest first."""
    held = Assignment.objects.filter(reviewer=reviewer, state=AssignmentState.LEASED, lease_expires_at__gt=now)
    return list(held.defer("masking", "draft").order_by("claimed_at", "id"))


def standing_of(reviewer: Membership, now: datetime) -> Standing:
    """Looking claims nothing, and tells no kinds of work apart: planted work waits only where other work does."""
    if held_assignments(reviewer, now):
        return Standing("holding")
    settings = queue_settings(reviewer.project_id)
    try:
        check_may_claim(reviewer, settings, now)
    except ClaimRefused as refused:
        return Standing(refused.code, str(refused), refused.until)
    waits = _seats_for(reviewer, settings, now).exists()
    return Standing("ready") if waits else Standing("nothing", str(NOTHING_WAITING))


def disputes_waiting(adjudicator: Membership, now: datetime) -> int:
    """How many items wait for a decision that this person may make."""
    return _seats_for(adjudicator, queue_settings(adjudicator.project_id), now).count()


def _seats_for(reviewer: Membership, settings: QueueSettings, now: datetime) -> QuerySet[Seat]:
    """The seats that a claim could lease for this person: open ones, and those whose lease ran out."""
    adjudicating = reviewer.role == Role.ADJUDICATOR
    met = Assignment.objects.filter(reviewer=reviewer, item=OuterRef("item_id")).exclude(state=AssignmentState.EXPIRED)
    seats = Seat.objects.filter(
        Q(state=SeatState.OPEN) | Q(state=SeatState.LEASED, lease_expires_at__lte=now),
        ~Exists(met),
        project_id=reviewer.project_id,
        lane=Lane.ADJUDICATION if adjudicating else Lane.WORK,
        credential__in=["", *reviewer.credentials],
    )
    if reviewer.standby:
        seats = seats.filter(open_to_stand_in(reviewer, settings, now))
    if not adjudicating:
        seats = seats.filter(in_open_slices(reviewer.project_id))
    crowded = [] if adjudicating else crowded_intents(reviewer, settings, now)
    return seats.exclude(item__intent__in=crowded) if crowded else seats


# What was handed in ----------------------------------------------------------------------------------


def receipt_of(reviewer_id: int, token: str, now: datetime) -> Receipt | None:
    """The receipt of the person's own standing rating behind a token, if there is one."""
    if not token or "\x00" in token:
        # From the address bar; PostgreSQL cannot even be asked about it.
        return None
    own = _handed_in(reviewer_id).filter(assignment__token=token).first()
    return _receipt(own, now) if own else None


def receipts_to_undo(reviewer: Membership, now: datetime) -> list[Receipt]:
    """What can still be taken back, newest first. A person's own history goes no further than that."""
    return [_receipt(rating, now) for rating in _handed_in(reviewer.pk).filter(undo_until__gt=now)]


def counts_by_day(reviewer: Membership, now: datetime) -> Sequence[tuple[date, int]]:
    """How many items were handed in on each of the last days, newest first, by the reader's calendar."""
    handed_in = Assignment.objects.filter(
        reviewer=reviewer, state=AssignmentState.SUBMITTED, ended_at__gte=now - timedelta(days=DAYS_SHOWN)
    )
    by_day = handed_in.annotate(day=TruncDate("ended_at", tzinfo=timezone.get_current_timezone())).order_by()
    return sorted(by_day.values_list("day").annotate(Count("pk")), reverse=True)


def _handed_in(reviewer_id: int) -> QuerySet[Rating]:
    return (
        Rating.objects.standing()
        .filter(reviewer_id=reviewer_id)
        .select_related("assignment")
        .only("receipt", "verdict", "preferred", "submitted_at", "undo_until", "assignment__token")
        .order_by("-submitted_at", "-id")
    )


def _receipt(rating: Rating, now: datetime) -> Receipt:
    left = ceil((rating.undo_until - now).total_seconds())
    return Receipt(
        token=rating.assignment.token,
        number=str(rating.receipt),
        # Of a pair the person said which is better, on sides of their own.
        verdict="" if rating.preferred else str(VERDICT_TITLES[rating.verdict]),
        submitted_at=rating.submitted_at,
        undo_seconds=max(0, left),
    )
