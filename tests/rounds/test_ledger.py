"""The ledger of what measures people: clean after everything, and not clean when something is planted."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command

from labeling.models import Assignment, GoldCase, ItemStatus, Lane, Round, Seat
from labeling.services.onboarding import pause_reviewer
from labeling.services.repeats import plan_repeats_of
from labeling.services.rounds import settle_rounds
from labeling.services.settings import change_queue_settings
from reviewapp.core.services.audit import SYSTEM
from routing.ledger import examine
from routing.ledger.known import CHECKS_OF_KNOWN
from tests.factories import judge, make_noise, plant_gold
from tests.people import NOW, Cast
from tests.rounds.school import newcomer, rounds_of, to_qualification, work_through


@pytest.fixture
def school(cast: Cast) -> Cast:
    """Everything that measures people has happened, and all of it is settled."""
    settings = change_queue_settings(project=cast.project, actor="test", repeat_rate=0.2)
    robin, sam = cast.reviewers[:2]
    for _turn in range(3):
        judge(robin)
    plan_repeats_of(reviewer=robin, settings=settings, now=NOW + timedelta(days=8), rng=random.Random(1))
    nia = newcomer(cast)
    now = work_through(nia, 10, now=to_qualification(nia), wrong=1)
    pause_reviewer(membership=sam, actor=SYSTEM, reason="x", now=now)
    settle_rounds(now=work_through(sam, 4, now=now))
    make_noise()
    return cast


def faults(cast: Cast) -> set[str]:
    return {check.name for check in CHECKS_OF_KNOWN if not examine(check, cast.project, most=5).clean}


def test_it_is_clean_after_everything(school: Cast) -> None:
    assert len(rounds_of(school.reviewers[1])) == 1
    assert Seat.objects.filter(lane=Lane.REPEAT).count() == 3
    call_command("verify_ledger")


def wrong_lane(cast: Cast) -> None:
    Seat.objects.filter(lane=Lane.PRACTICE, state="submitted").update(lane=Lane.WORK)


def consequence(cast: Cast) -> None:
    item = GoldCase.objects.filter(practice=False)[0].item
    item.status = ItemStatus.DISPUTED
    item.save()


def repeat_for_a_stranger(cast: Cast) -> None:
    Seat.objects.filter(lane=Lane.REPEAT).update(reserved_for=cast.reviewers[2])


def repeated_again(cast: Cast) -> None:
    first, second = Seat.objects.filter(lane=Lane.REPEAT).select_related("item")[:2]
    second.item.fingerprint = first.item.fingerprint
    second.item.save()


def practice_planted(cast: Cast) -> None:
    GoldCase.objects.filter(practice=True).update(practice=False)


def same_words(cast: Cast) -> None:
    practice = GoldCase.objects.filter(project=cast.project, practice=True)[0]
    planted = plant_gold(cast.project)
    planted.item.fingerprint = practice.item.fingerprint
    planted.item.save()


def live_work_in_a_round(cast: Cast) -> None:
    Assignment.objects.filter(item__kind="live").update(round=Round.objects.filter(membership=cast.reviewers[1])[0])


def practice_outside(cast: Cast) -> None:
    Assignment.objects.filter(item__kind="calibration").update(round=None)


def shrunk(cast: Cast) -> None:
    Round.objects.filter(kind="practice").update(size=3, done=3, right=3)


def flattered(cast: Cast) -> None:
    Round.objects.filter(kind="qualification").update(right=10)


PLANTS: list[tuple[str, Callable[[Cast], None]]] = [
    ("seats in the wrong lane", wrong_lane),
    ("measured items with consequences", consequence),
    ("repeats not reserved", repeat_for_a_stranger),
    ("words repeated twice", repeated_again),
    ("cases without known answer", practice_planted),
    ("words practised and planted", same_words),
    ("work in the wrong round", live_work_in_a_round),
    ("work in the wrong round", practice_outside),
    ("overfull rounds", shrunk),
    ("miscounted rounds", flattered),
]


def test_every_check_has_something_to_find() -> None:
    assert {name for name, _plant in PLANTS} == {check.name for check in CHECKS_OF_KNOWN}


@pytest.mark.parametrize(("name", "plant"), PLANTS)
def test_it_finds_what_does_not_add_up(school: Cast, name: str, plant: Callable[[Cast], None]) -> None:
    assert faults(school) == set()
    plant(school)
    assert name in faults(school)
