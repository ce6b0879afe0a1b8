"""Stand-ins: they take over where somebody is away, where nobody else is left, and when time runs out."""

from datetime import date, timedelta

import pytest

from labeling.models import Assignment, Seat
from labeling.services.absences import add_absence, cancel_absence
from labeling.services.holding import escalate
from reviewapp.core.models import Membership, Role
from reviewapp.core.services.people import add_member, pause_member, resume_member
from tests.factories import plant_gold
from tests.people import NOW, Cast
from tests.queue.shifts import lives_in, minutes, queue, rules, statements, take, trusted

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
DAY = timedelta(days=1)


@pytest.fixture
def kim(cast: Cast) -> Membership:
    """The stand-in. Robin and Sam are regular reviewers, and what waits is due long after the hour."""
    cast.put_in_force(tier={"sla_minutes": 600})
    return trusted(cast.reviewers[2], standby=True)


def away(member: Membership, first: date, last: date) -> None:
    add_absence(membership=member, first_day=first, last_day=last, actor="test", now=NOW)


def gets_something(member: Membership, now: object = NOW) -> bool:
    assignment = take(member, now)  # type: ignore[arg-type]
    if assignment is not None:
        # As if nothing had happened.
        Seat.objects.filter(pk=assignment.seat_id).update(state="open", holder=None, lease_expires_at=None)
        Assignment.objects.filter(pk=assignment.pk).delete()
    return assignment is not None


def test_a_stand_in_waits_while_everybody_is_there(cast: Cast, kim: Membership) -> None:
    queue(cast, 2)
    assert not gets_something(kim)
    assert gets_something(cast.reviewers[0])


def test_a_stand_in_takes_over_on_the_days_of_an_absence(cast: Cast, kim: Membership) -> None:
    queue(cast, 2)
    away(cast.reviewers[0], TODAY + DAY, TODAY + 2 * DAY)
    Seat.objects.update(due_at=NOW + 10 * DAY)
    assert [gets_something(kim, NOW + number * DAY) for number in range(4)] == [False, True, True, False]


def test_whose_day_it_is_says_the_absent_persons_clock(cast: Cast, kim: Membership) -> None:
    queue(cast, 1)
    Seat.objects.update(due_at=NOW + 10 * DAY)
    lives_in(cast.reviewers[0], "Pacific/Auckland")
    away(cast.reviewers[0], TODAY + DAY, TODAY + DAY)
    # In Auckland it is tomorrow from 11:00 UTC on.
    assert not gets_something(kim, NOW + minutes(119))
    assert gets_something(kim, NOW + minutes(120))


def test_a_cancelled_absence_calls_nobody(cast: Cast, kim: Membership) -> None:
    queue(cast, 1)
    away(cast.reviewers[0], TODAY, TODAY + DAY)
    assert gets_something(kim)
    cancel_absence(absence=cast.reviewers[0].absences.get(), actor="test", now=NOW)
    assert not gets_something(kim)


def test_a_stand_in_takes_what_is_due_soon(cast: Cast, kim: Membership) -> None:
    queue(cast, 1)
    rules(cast, standby_minutes=30)
    due = Seat.objects.get(project=cast.project).due_at
    assert not gets_something(kim, due - minutes(30))
    assert gets_something(kim, due - minutes(29))
    assert gets_something(kim, due + minutes(500))


def test_a_stand_in_takes_over_where_nobody_is_left(cast: Cast, kim: Membership) -> None:
    queue(cast, 1)
    robin, sam = cast.reviewers[:2]
    pause_member(membership=robin, actor="test", reason="x", now=NOW)
    assert not gets_something(kim)
    pause_member(membership=sam, actor="test", reason="x", now=NOW)
    assert gets_something(kim)
    resume_member(membership=robin, actor="test", reason="", now=NOW)
    assert not gets_something(kim)


def test_it_matters_who_could_take_the_very_item(cast: Cast, kim: Membership) -> None:
    robin, sam = cast.reviewers[:2]
    cast.put_in_force(tier={"sla_minutes": 600, "credential": "medical"})
    queue(cast, 1)
    cast.put_in_force(tier={"sla_minutes": 600})
    queue(cast, 1)
    trusted(kim, "medical", standby=True)
    trusted(sam, "medical")
    assert not gets_something(kim)
    # Robin could take the plain item only.
    away(robin, TODAY, TODAY)
    assert [own.seat.credential for own in iter(lambda: take(kim, NOW), None)] == [""]
    trusted(sam)
    # Nobody but the stand-in has the credential any more.
    assert [own.seat.credential for own in iter(lambda: take(kim, NOW), None)] == ["medical"]


def test_another_stand_in_does_not_count_as_a_colleague(cast: Cast, kim: Membership) -> None:
    queue(cast, 1)
    trusted(cast.reviewers[1], standby=True)
    away(cast.reviewers[1], TODAY, TODAY)
    assert not gets_something(kim)
    pause_member(membership=cast.reviewers[0], actor="test", reason="x", now=NOW)
    assert gets_something(kim)


def test_an_adjudicator_may_stand_in_for_another(cast: Cast) -> None:
    cast.put_in_force(tier={"sla_minutes": 600})
    queue(cast, 1)
    passed_up = take(cast.reviewers[0], NOW)
    assert passed_up is not None
    escalate(assignment=passed_up, reason="x", now=NOW)
    second = add_member(project=cast.project, email="otto@shop.example", role=Role.ADJUDICATOR, actor="test")
    trusted(second, standby=True)
    assert not gets_something(second)
    away(cast.adjudicator, TODAY, TODAY)
    assert gets_something(second)


def test_gold_is_planted_among_a_stand_ins_work_and_not_alone(cast: Cast, kim: Membership) -> None:
    rules(cast, gold_rate=0.5)
    plant_gold(cast.project)
    queue(cast, 2)
    assert not gets_something(kim)
    away(cast.reviewers[0], TODAY, TODAY)
    taken = take(kim, NOW)
    assert taken is not None
    assert taken.item.kind == "gold"


def test_its_cost_grows_neither_with_the_queue_nor_with_the_calendar(cast: Cast, kim: Membership) -> None:
    queue(cast, 3)
    away(cast.reviewers[0], TODAY, TODAY)
    regular = statements(lambda: take(cast.reviewers[1], NOW))
    first = statements(lambda: take(kim, NOW))
    assert first <= regular + 2
    queue(cast, 60)
    for number in range(20):
        away(cast.reviewers[1], TODAY + number * DAY, TODAY + (number + 3) * DAY)
    assert statements(lambda: take(kim, NOW)) == first
