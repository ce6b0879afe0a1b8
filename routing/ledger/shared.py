"""The ledger of rounds in which everybody judges the same items."""

from django.db.models import Count, Exists, F, OuterRef, Q

from labeling.models import Assignment, ItemKind, Lane, OverlapPurpose, OverlapRound, ReviewItem, Seat, SeatState
from reviewapp.core.models import Project
from routing.ledger.checks import Check, Rows, rows_of


def shared_items_astray(project: Project | None) -> Rows:
    """Every item of a round of shared items is judged by the round's rubric, in the round's project."""
    right = Q(rubric=F("overlap_round__rubric"), project=F("overlap_round__project"))
    items = ReviewItem.objects.filter(~right, kind=ItemKind.OVERLAP)
    return rows_of(project, items).values("id", "overlap_round_id", "rubric_id")


def words_shared_twice(project: Project | None) -> Rows:
    """Nobody has two seats on the same words in one round of shared items."""
    shared = rows_of(project, Seat.objects.filter(lane=Lane.OVERLAP))
    grouped = shared.values("item__overlap_round_id", "reserved_for_id", "item__fingerprint").annotate(
        seats=Count("pk")
    )
    return grouped.filter(seats__gt=1)


def words_shared_that_were_met(project: Project | None) -> Rows:
    """A re-blind round gives nobody words that they had met before it began."""
    met = Assignment.objects.filter(
        reviewer=OuterRef("reserved_for"),
        fingerprint=OuterRef("item__fingerprint"),
        claimed_at__lt=OuterRef("item__overlap_round__started_at"),
    )
    seats = Seat.objects.filter(Exists(met), item__overlap_round__purpose=OverlapPurpose.REBLIND)
    return rows_of(project, seats).values("id", "item_id", "reserved_for_id")


def ended_rounds_with_open_seats(project: Project | None) -> Rows:
    """Of a round of shared items that has ended nothing is left to hand out or to hand in."""
    left = Seat.objects.filter(item__overlap_round=OuterRef("pk"), state__in=[SeatState.OPEN, SeatState.LEASED])
    rounds = OverlapRound.objects.filter(Exists(left), ended_at__isnull=False)
    return rows_of(project, rounds).values("id", "purpose", "ended_at")


CHECKS_OF_SHARED: tuple[Check, ...] = (
    Check(3, words_shared_twice),
    Check(3, ended_rounds_with_open_seats),
    Check(5, shared_items_astray),
    Check(5, words_shared_that_were_met),
)
