"""The ledger of shared items finds whatever does not add up."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from labeling.models import Assignment, ItemKind, OverlapRound, ReviewItem, Seat
from labeling.services.rubrics import draft_next
from routing.ledger import examine
from routing.ledger.shared import CHECKS_OF_SHARED
from tests.overlap.sharing import LATER, start, take_shared
from tests.people import Cast


def other_rubric(_cast: Cast) -> None:
    item = ReviewItem.objects.filter(kind=ItemKind.OVERLAP)[0]
    item.rubric = draft_next(rubric=item.rubric, actor="test")
    item.save()


def same_words(_cast: Cast) -> None:
    reviewer = Seat.objects.filter(item__kind=ItemKind.OVERLAP)[0].reserved_for
    first, second = ReviewItem.objects.filter(kind=ItemKind.OVERLAP, seats__reserved_for=reviewer)[:2]
    ReviewItem.objects.filter(pk=second.pk).update(fingerprint=first.fingerprint)


def met_before(_cast: Cast) -> None:
    seat = Seat.objects.filter(item__kind=ItemKind.OVERLAP).select_related("item")[0]
    met = Assignment.objects.filter(reviewer=seat.reserved_for, item__kind=ItemKind.LIVE)[:1]
    Assignment.objects.filter(pk__in=met).update(fingerprint=seat.item.fingerprint)


def ended_early(_cast: Cast) -> None:
    OverlapRound.objects.update(ended_at=LATER + timedelta(hours=1))


PLANTS: list[tuple[str, Callable[[Cast], None]]] = [
    ("shared items astray", other_rubric),
    ("words shared twice", same_words),
    ("words shared that were met", met_before),
    ("ended rounds with open seats", ended_early),
]


def faults(cast: Cast) -> set[str]:
    return {check.name for check in CHECKS_OF_SHARED if not examine(check, cast.project, most=5).clean}


def test_every_check_has_something_to_find() -> None:
    assert {name for name, _plant in PLANTS} == {check.name for check in CHECKS_OF_SHARED}


@pytest.mark.parametrize(("name", "plant"), PLANTS)
def test_it_finds_what_does_not_add_up(cast: Cast, name: str, plant: Callable[[Cast], None]) -> None:
    start(cast)
    take_shared(cast.reviewers[0])
    assert faults(cast) == set()
    plant(cast)
    assert name in faults(cast)
