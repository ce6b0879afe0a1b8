"""A person's own work: what they hold, what they handed in, what they may still take back."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil

from django.db.models import QuerySet

from labeling.models import Assignment, AssignmentState, Rating
from labeling.services.claiming import start_of_day
from reviewapp.core.models import Membership


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a rating is stored. `undo_seconds` is how long it can still be taken back; 0 when it cannot."""

    token: str
    number: str
    submitted_at: datetime
    undo_seconds: int

    @property
    def short(self) -> str:
        return self.number[:8]


def held_assignments(reviewer: Membership, now: datetime) -> list[Assignment]:
    """What this person has claimed and not handed in, while its lease runs; oldest first."""
    held = Assignment.objects.filter(reviewer=reviewer, state=AssignmentState.LEASED, lease_expires_at__gt=now)
    return list(held.defer("masking", "draft").order_by("claimed_at", "id"))


def receipt_of(reviewer_id: int, token: str, now: datetime) -> Receipt | None:
    """The receipt of the person's own standing rating behind a token, if there is one."""
    if "\x00" in token:
        # From the address bar; PostgreSQL cannot even be asked about it.
        return None
    own = _handed_in(reviewer_id).filter(assignment__token=token).first()
    return _receipt(own, now) if own else None


def receipts_of_today(reviewer: Membership, now: datetime) -> list[Receipt]:
    """Everything handed in since the day began (UTC), newest first. The daily cap bounds its length."""
    return [_receipt(rating, now) for rating in _handed_in(reviewer.pk).filter(submitted_at__gte=start_of_day(now))]


def _handed_in(reviewer_id: int) -> QuerySet[Rating]:
    return (
        Rating.objects.standing()
        .filter(reviewer_id=reviewer_id)
        .select_related("assignment")
        .only("receipt", "submitted_at", "undo_until", "assignment__token")
        .order_by("-submitted_at", "-id")
    )


def _receipt(rating: Rating, now: datetime) -> Receipt:
    left = ceil((rating.undo_until - now).total_seconds())
    return Receipt(
        token=rating.assignment.token,
        number=str(rating.receipt),
        submitted_at=rating.submitted_at,
        undo_seconds=max(0, left),
    )
