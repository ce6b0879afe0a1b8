"""Leases that end under slow hands, and ratings taken back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from labeling.models import Assignment, ItemStatus, Rating, ReviewItem, Seat
from labeling.services.settings import change_queue_settings
from labeling.tasks import return_expired_leases_everywhere
from tests.api.desk import Desk
from tests.api.problems import pointers, problem
from tests.factories import item_of, route
from tests.people import Cast

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


class Clock:
    """The time of the whole process, which moves when told to."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self.traveller = traveller

    def pass_(self, **delta: int) -> None:
        self.traveller.shift(timedelta(**delta))


@pytest.fixture(autouse=True)
def clock() -> Iterator[Clock]:
    with time_machine.travel(START, tick=False) as traveller:
        yield Clock(traveller)


@pytest.fixture
def robin(cast: Cast) -> Desk:
    return Desk(cast.reviewers[0])


@pytest.fixture
def sam(cast: Cast) -> Desk:
    return Desk(cast.reviewers[1])


def only_item(cast: Cast) -> ReviewItem:
    return ReviewItem.objects.get(project=cast.project, kind="live")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# Leases -------------------------------------------------------------------------------------------------


def test_it_leases_for_as_long_as_the_project_says(cast: Cast, robin: Desk) -> None:
    change_queue_settings(project=cast.project, actor="test", lease_seconds=600)
    route(cast.project)
    assert moment(robin.claim()["lease_expires_at"]) == START + timedelta(minutes=10)


def test_it_extends_the_lease_of_whoever_is_still_there(cast: Cast, robin: Desk, clock: Clock) -> None:
    route(cast.project)
    claimed = robin.claim()
    clock.pass_(minutes=20)
    response = robin.do(claimed, "heartbeat")
    assert response.status_code == 200
    assert moment(response.json()["lease_expires_at"]) == START + timedelta(minutes=50)
    seat = Seat.objects.get(item=only_item(cast))
    assert seat.lease_expires_at == START + timedelta(minutes=50)


def test_it_gives_an_expired_seat_to_the_next_person(cast: Cast, robin: Desk, sam: Desk, clock: Clock) -> None:
    route(cast.project)
    claimed = robin.claim()
    assert sam.ask().status_code == 204
    clock.pass_(minutes=30)
    assert sam.claim()["task"] == claimed["task"]
    assert Assignment.objects.get(token=claimed["assignment"]).state == "expired"


def test_it_gives_an_expired_seat_back_to_the_same_person_with_the_draft(cast: Cast, robin: Desk, clock: Clock) -> None:
    route(cast.project)
    claimed = robin.claim()
    robin.do(claimed, "draft", {"rationale": "half a thought"})
    clock.pass_(minutes=31)
    again = robin.claim()
    assert again["assignment"] == claimed["assignment"]
    assert Assignment.objects.get(token=claimed["assignment"]).draft == {"rationale": "half a thought"}


def test_it_opens_expired_seats_where_nobody_claims(cast: Cast, robin: Desk, clock: Clock) -> None:
    route(cast.project)
    robin.claim()
    assert return_expired_leases_everywhere() == 0
    clock.pass_(minutes=30)
    assert return_expired_leases_everywhere() == 1
    assert Seat.objects.get(item=only_item(cast)).state == "open"
    assert return_expired_leases_everywhere() == 0


def test_it_still_counts_a_late_rating_while_the_seat_is_free(cast: Cast, robin: Desk, clock: Clock) -> None:
    route(cast.project)
    claimed = robin.claim()
    clock.pass_(hours=5)
    return_expired_leases_everywhere()
    assert robin.submit(claimed).status_code == 201
    rating = Rating.objects.get(item=only_item(cast))
    assert not rating.extra
    assert only_item(cast).status == ItemStatus.SETTLED


def test_it_counts_a_late_rating_in_another_free_seat(cast: Cast, robin: Desk, sam: Desk, clock: Clock) -> None:
    cast.put_in_force(tier={"raters": 2})
    route(cast.project)
    claimed = robin.claim()
    clock.pass_(hours=5)
    # Sam gets seat 1, which was Robin's; seat 2 is free.
    sam.claim()
    assert robin.submit(claimed).status_code == 201
    rating = Rating.objects.get(item=only_item(cast))
    assert not rating.extra
    assert rating.assignment.seat.number == 2
    assert rating.assignment.seat.holder == robin.member


def test_it_keeps_a_late_rating_as_an_extra_one_when_the_seat_is_gone(
    cast: Cast, robin: Desk, sam: Desk, clock: Clock
) -> None:
    route(cast.project)
    claimed = robin.claim()
    clock.pass_(hours=5)
    sam.judge(values={"acceptable": "no"})
    response = robin.submit(claimed, idempotency_key="late")
    assert response.status_code == 201
    rating = Rating.objects.get(reviewer=robin.member)
    assert rating.extra
    item = only_item(cast)
    assert (item.status, item.ratings_counted, item.verdict.value) == ("settled", 1, "reject")  # type: ignore[union-attr]
    assert robin.submit(claimed, idempotency_key="late").json() == response.json()


def test_it_keeps_a_late_rating_while_another_has_the_seat(cast: Cast, robin: Desk, sam: Desk, clock: Clock) -> None:
    route(cast.project)
    claimed = robin.claim()
    clock.pass_(hours=5)
    theirs = sam.claim()
    assert robin.submit(claimed).status_code == 201
    assert Rating.objects.get(reviewer=robin.member).extra
    assert sam.submit(theirs).status_code == 201
    assert not Rating.objects.get(reviewer=sam.member).extra


def test_it_tells_a_slow_person_that_the_seat_is_gone(cast: Cast, robin: Desk, sam: Desk, clock: Clock) -> None:
    route(cast.project)
    claimed = robin.claim()
    clock.pass_(hours=5)
    theirs = sam.claim()
    assert "somebody else has it now" in problem(robin.do(claimed, "heartbeat"), 409)["detail"]
    sam.submit(theirs)
    assert "judged by somebody else" in problem(robin.do(claimed, "heartbeat"), 409)["detail"]
    assert robin.do(claimed, "draft", {"rationale": "kept all the same"}).status_code == 200


def test_it_renews_an_ended_lease_while_the_seat_is_free(cast: Cast, robin: Desk, sam: Desk, clock: Clock) -> None:
    route(cast.project)
    claimed = robin.claim()
    clock.pass_(hours=5)
    return_expired_leases_everywhere()
    assert robin.do(claimed, "heartbeat").status_code == 200
    assert sam.ask().status_code == 204


# Undo ---------------------------------------------------------------------------------------------------


def test_it_takes_a_rating_back_within_the_window(cast: Cast, robin: Desk, sam: Desk, clock: Clock) -> None:
    route(cast.project)
    claimed = robin.judge(values={"acceptable": "no"})
    assert moment(claimed["undo_until"]) == START + timedelta(seconds=8)
    clock.pass_(seconds=8)
    response = robin.do(claimed, "undo")
    assert response.status_code == 200
    again = response.json()
    assert (again["assignment"], again["task"]) == (claimed["assignment"], claimed["task"])
    item = only_item(cast)
    assert (item.status, item.ratings_counted, item.verdict) == ("open", 0, None)
    assert Seat.objects.get(item=item).holder == robin.member
    assert sam.ask().status_code == 204
    assert robin.submit(claimed).status_code == 201
    item = only_item(cast)
    assert (item.status, item.ratings_counted, item.verdict.value) == ("settled", 1, "accept")  # type: ignore[union-attr]


def test_it_keeps_what_was_taken_back(cast: Cast, robin: Desk) -> None:
    route(cast.project)
    claimed = robin.judge(values={"acceptable": "no"})
    robin.do(claimed, "undo")
    robin.submit(claimed)
    ratings = Rating.objects.filter(item=only_item(cast)).order_by("revision")
    assert [(rating.revision, rating.verdict) for rating in ratings] == [(1, "reject"), (2, "accept")]
    assert [rating.revision for rating in ratings.standing()] == [2]
    assert list(only_item(cast).verdicts.order_by("sequence").values_list("value", flat=True)) == ["reject", "accept"]


def test_it_takes_nothing_back_after_the_window(cast: Cast, robin: Desk, clock: Clock) -> None:
    route(cast.project)
    claimed = robin.judge()
    clock.pass_(seconds=9)
    assert problem(robin.do(claimed, "undo"), 409)["code"] == "assignment_ended"
    assert only_item(cast).status == ItemStatus.SETTLED


def test_it_takes_nothing_back_twice(cast: Cast, robin: Desk) -> None:
    route(cast.project)
    claimed = robin.judge()
    assert robin.do(claimed, "undo").status_code == 200
    problem(robin.do(claimed, "undo"), 409)


def test_it_wants_a_new_key_after_an_undo(cast: Cast, robin: Desk) -> None:
    """The old key's receipt would be for a rating that no longer stands."""
    route(cast.project)
    claimed = robin.claim()
    robin.submit(claimed, idempotency_key="once")
    robin.do(claimed, "undo")
    assert pointers(problem(robin.submit(claimed, idempotency_key="once"), 400)) == ["/idempotency_key"]
    assert robin.submit(claimed, idempotency_key="twice").status_code == 201


def test_it_ends_a_dispute_that_rested_on_what_was_taken_back(cast: Cast, robin: Desk, sam: Desk) -> None:
    cast.put_in_force(tier={"raters": 2})
    route(cast.project)
    robin.judge()
    claimed = sam.judge(values={"acceptable": "no"})
    assert only_item(cast).status == ItemStatus.DISPUTED
    sam.do(claimed, "undo")
    assert only_item(cast).status == ItemStatus.OPEN
    assert Desk(cast.adjudicator).ask().status_code == 204
    sam.submit(claimed)
    item = only_item(cast)
    assert (item.status, item.verdict.reached_by) == ("settled", "agreement")  # type: ignore[union-attr]


def test_it_opens_the_dispute_again_when_the_answer_stays(cast: Cast, robin: Desk, sam: Desk) -> None:
    cast.put_in_force(tier={"raters": 2})
    route(cast.project)
    robin.judge()
    claimed = sam.judge(values={"acceptable": "no"})
    sam.do(claimed, "undo")
    sam.submit(claimed, values={"acceptable": "no", "reason": "wrong"})
    assert only_item(cast).status == ItemStatus.DISPUTED
    assert Desk(cast.adjudicator).ask().status_code == 200


def test_it_lets_both_sides_of_a_dispute_think_again(cast: Cast, robin: Desk, sam: Desk) -> None:
    cast.put_in_force(tier={"raters": 2})
    route(cast.project)
    first = robin.judge()
    second = sam.judge(values={"acceptable": "no"})
    assert sam.do(second, "undo").status_code == 200
    assert robin.do(first, "undo").status_code == 200
    robin.submit(first)
    sam.submit(second)
    assert only_item(cast).status == ItemStatus.SETTLED


def test_it_takes_nothing_back_once_an_adjudicator_has_begun(cast: Cast, robin: Desk, sam: Desk) -> None:
    cast.put_in_force(tier={"raters": 2})
    route(cast.project)
    robin.judge()
    claimed = sam.judge(values={"acceptable": "no"})
    Desk(cast.adjudicator).claim()
    assert "adjudicator has begun" in problem(sam.do(claimed, "undo"), 409)["detail"]
    assert only_item(cast).status == ItemStatus.DISPUTED


def test_it_leaves_an_escalated_item_with_the_adjudicator(cast: Cast, robin: Desk, sam: Desk) -> None:
    """One rater thinking again does not take back what another one asked for."""
    cast.put_in_force(tier={"raters": 2})
    route(cast.project)
    claimed = robin.judge()
    sam.do(sam.claim(), "escalate", {"reason": "needs a lawyer"})
    assert robin.do(claimed, "undo").status_code == 200
    assert only_item(cast).status == ItemStatus.DISPUTED
    robin.submit(claimed)
    assert Desk(cast.adjudicator).ask().status_code == 200


def test_it_leaves_the_verdict_alone_when_an_extra_rating_is_taken_back(
    cast: Cast, robin: Desk, sam: Desk, clock: Clock
) -> None:
    route(cast.project)
    claimed = robin.claim()
    clock.pass_(hours=5)
    sam.judge(values={"acceptable": "no"})
    robin.submit(claimed)
    assert robin.do(claimed, "undo").status_code == 200
    item = only_item(cast)
    assert (item.status, item.ratings_counted) == ("settled", 1)
    assert robin.submit(claimed).status_code == 201
    assert item.ratings.standing().filter(extra=True).count() == 1
    assert only_item(cast).verdict == item.verdict


def test_it_offers_nobody_a_seat_that_no_longer_matters(cast: Cast, robin: Desk, sam: Desk, clock: Clock) -> None:
    """Robin still holds a seat when Sam escalates; whether the lease ends or Robin gives it back, it closes."""
    cast.put_in_force(tier={"raters": 2})
    for end in ("expire", "release"):
        [output] = route(cast.project)
        held = robin.claim()
        sam.do(sam.claim(), "escalate", {"reason": "needs a lawyer"})
        if end == "release":
            assert robin.do(held, "release").status_code == 204
        else:
            clock.pass_(hours=1)
            return_expired_leases_everywhere()
        states = Seat.objects.filter(item=item_of(output), number__gte=1).values_list("state", flat=True)
        assert list(states) == ["closed", "closed"], end
        assert Desk(cast.reviewers[2]).ask().status_code == 204
