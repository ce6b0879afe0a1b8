"""The ledger of how verdicts came about finds whatever does not add up."""

from collections.abc import Callable
from typing import Any

import pytest

from labeling.models import Rating, ReviewItem, Verdict
from reviewapp.core.models import Membership
from routing.ledger import examine
from routing.ledger.verdicts import CHECKS_OF_VERDICTS
from tests.aggregation.crowd import hand_in, one_item
from tests.commands.sabotage import drop_triggers
from tests.factories import ACCEPT, REJECT
from tests.people import Cast

pytestmark = pytest.mark.django_db


def _change(**changes: Any) -> None:
    drop_triggers(Verdict)
    verdict = Verdict.objects.get()
    Verdict.objects.filter(pk=verdict.pk).update(basis=verdict.basis | changes)


def forget() -> None:
    drop_triggers(Verdict)
    Verdict.objects.update(basis={})


def another_rule() -> None:
    ReviewItem.objects.update(aggregation="unanimous")


def another_method() -> None:
    _change(method="single")


def by_model_unasked() -> None:
    _change(method="dawid_skene")


def adjudicated_by_nobody() -> None:
    _change(method="adjudication")


def lose_a_vote() -> None:
    _change(votes=Verdict.objects.get().basis["votes"][:-1])


def invent_a_vote() -> None:
    votes = Verdict.objects.get().basis["votes"]
    _change(votes=[*votes[:-1], votes[-1] | {"rating": 10**9}])


def twist_a_vote() -> None:
    drop_triggers(Rating)
    Rating.objects.filter(verdict="reject").update(verdict="accept")


PLANTS: list[tuple[str, Callable[[], None]]] = [
    ("verdicts by another method", forget),
    ("verdicts by another method", another_rule),
    ("verdicts by another method", another_method),
    ("verdicts by another method", by_model_unasked),
    ("verdicts by another method", adjudicated_by_nobody),
    ("verdicts without their votes", forget),
    ("verdicts without their votes", lose_a_vote),
    ("verdicts without their votes", invent_a_vote),
    ("verdicts without their votes", twist_a_vote),
]


def faults(cast: Cast) -> set[str]:
    return {check.name for check in CHECKS_OF_VERDICTS if not examine(check, cast.project, most=5).clean}


def test_every_check_has_something_to_find() -> None:
    assert {name for name, _plant in PLANTS} == {check.name for check in CHECKS_OF_VERDICTS}


@pytest.mark.parametrize(("name", "plant"), PLANTS, ids=[f"{plant.__name__}-{name[:20]}" for name, plant in PLANTS])
def test_it_finds_what_does_not_add_up(
    cast: Cast, reviewers: list[Membership], name: str, plant: Callable[[], None]
) -> None:
    one_item(cast, "majority", 3)
    hand_in(reviewers[:3], [REJECT, ACCEPT, ACCEPT])
    assert faults(cast) == set()
    plant()
    assert name in faults(cast)
