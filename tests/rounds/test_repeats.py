"""Planned repeats: one's own words again after a while, and nothing that follows from them."""

import random
from datetime import timedelta

import pytest
from django.core.management import call_command

from labeling.models import (
    Assignment,
    ItemKind,
    Lane,
    RepeatResult,
    ReviewItem,
    Seat,
    SeatState,
    Verdict,
    VerdictNotice,
)
from labeling.services.claiming import claim_seat
from labeling.services.holding import escalate, release_seat
from labeling.services.onboarding import pause_reviewer
from labeling.services.repeats import AHEAD, plan_repeats
from labeling.services.rubrics import draft_rubric, publish_rubric
from labeling.services.settings import change_queue_settings
from labeling.services.submitting import undo_rating
from labeling.tasks import plan_repeats_everywhere
from reviewapp.core.models import Membership
from routing.models import VerdictEvent
from routing.services.feed import publish_verdicts
from routing.services.projects import ACCEPTABILITY
from tests.factories import ACCEPT, REJECT, judge, make_noise, output_body, route, submit
from tests.people import NOW, Cast

WEEK = timedelta(days=7)
THEN = NOW + WEEK + timedelta(hours=1)


@pytest.fixture
def worked(cast: Cast) -> Cast:
    """Six outputs judged a week ago by one person, and new work today."""
    change_queue_settings(project=cast.project, actor="test", repeat_rate=0.2)
    for number in range(6):
        judge(cast.reviewers[0], **(ACCEPT if number % 2 else REJECT))
    route(cast.project, *(output_body() for _number in range(20)), now=THEN)
    return cast


def plan(seed: int = 1, now: object = THEN) -> int:
    return plan_repeats(now=now, rng=random.Random(seed))  # type: ignore[arg-type]


def take_repeat(reviewer: Membership) -> Assignment:
    """Claim until a repeat comes; other work is accepted."""
    for seed in range(60):
        assignment = claim_seat(reviewer=reviewer, now=THEN, rng=random.Random(seed))
        assert assignment is not None
        if assignment.seat.lane == Lane.REPEAT:
            return assignment
        submit(assignment, now=THEN)
    raise AssertionError("no repeat came")


def test_it_plans_a_few_for_whoever_has_old_work(worked: Cast) -> None:
    assert plan() == AHEAD
    seats = Seat.objects.filter(lane=Lane.REPEAT).select_related("item")
    assert {seat.reserved_for for seat in seats} == {worked.reviewers[0]}
    assert {(seat.item.kind, seat.item.raters_needed, seat.number) for seat in seats} == {("repeat", 1, 1)}
    mine = Assignment.objects.filter(reviewer=worked.reviewers[0]).values_list("fingerprint", flat=True)
    words = [seat.item.fingerprint for seat in seats]
    assert len(set(words)) == AHEAD
    assert set(words) <= set(mine)
    # A second sweep finds them waiting.
    assert plan(seed=2) == 0


def test_it_plans_nothing_from_work_that_is_too_young(worked: Cast) -> None:
    assert plan(now=NOW + WEEK - timedelta(minutes=1)) == 0


def test_it_plans_nothing_where_the_project_asks_for_none(worked: Cast) -> None:
    change_queue_settings(project=worked.project, actor="test", repeat_rate=0.0)
    assert plan() == 0


def test_it_plans_nothing_for_who_is_paused_or_new(worked: Cast) -> None:
    pause_reviewer(membership=worked.reviewers[0], actor="person:1", reason="x", now=NOW)
    assert plan() == 0


def test_old_rubrics_are_not_repeated(worked: Cast) -> None:
    rubric = draft_rubric(
        project=worked.project, name="second", task_kind="pointwise", criteria=ACCEPTABILITY, actor="test"
    )
    publish_rubric(rubric=rubric, actor="test", now=THEN)
    assert plan() == 0


def test_work_that_is_not_settled_is_not_repeated(cast: Cast) -> None:
    change_queue_settings(project=cast.project, actor="test", repeat_rate=0.2)
    cast.put_in_force(tier={"raters": 2})
    route(cast.project, output_body(stakes="high"), output_body(stakes="high"))
    for _turn in range(2):
        assert judge(cast.reviewers[0]).item.status == "open"
    assert plan() == 0
    judge(cast.reviewers[1])
    # Settled by the two of them, so each may meet it again.
    assert plan() == 2
    assert {seat.reserved_for for seat in Seat.objects.filter(lane=Lane.REPEAT)} == set(cast.reviewers[:2])


def test_a_repeat_comes_to_its_own_person_and_is_compared_with_the_first_answer(worked: Cast) -> None:
    plan()
    robin, sam = worked.reviewers[:2]
    repeat = take_repeat(robin)
    first = Assignment.objects.filter(reviewer=robin, fingerprint=repeat.fingerprint).order_by("pk")[0].ratings.get()
    rating = submit(repeat, now=THEN, **(ACCEPT if first.verdict == "accept" else REJECT))
    result = RepeatResult.objects.get(rating=rating)
    assert (result.first, result.same, result.reviewer) == (first, True, robin)
    for seed in range(20):
        other = claim_seat(reviewer=sam, now=THEN, rng=random.Random(seed))
        if other is None:
            break
        assert other.seat.lane == Lane.WORK
        submit(other, now=THEN)


def test_nothing_follows_from_a_repeat(worked: Cast) -> None:
    plan()
    robin = worked.reviewers[0]
    publish_verdicts(project=worked.project, now=THEN)
    repeat = take_repeat(robin)
    before = Verdict.objects.count(), VerdictNotice.objects.count()
    rating = submit(repeat, now=THEN, values={"acceptable": "no"}, verdict="correct", correction="Otherwise.")
    assert (Verdict.objects.count(), VerdictNotice.objects.count()) == before
    undo_rating(assignment=rating.assignment, now=THEN)
    repeat.refresh_from_db()
    submit(repeat, now=THEN, **REJECT)
    item = ReviewItem.objects.get(pk=repeat.item_id)
    assert (item.status, item.verdict) == ("open", None)
    publish_verdicts(project=worked.project, now=THEN + timedelta(hours=1))
    assert not VerdictEvent.objects.filter(verdict__item=item).exists()
    call_command("verify_ledger")


@pytest.mark.parametrize("act", [release_seat, escalate])
def test_a_repeat_that_is_given_back_goes_to_nobody(worked: Cast, act: object) -> None:
    plan()
    repeat = take_repeat(worked.reviewers[0])
    act(assignment=repeat, reason="x", now=THEN)  # type: ignore[operator]
    assert not Seat.objects.filter(item=repeat.item_id, number=0).exists()
    plan(seed=5)
    assert Seat.objects.get(item=repeat.item_id).state == SeatState.CLOSED
    # It is never planned again, and another one has taken its place.
    same = Seat.objects.filter(lane=Lane.REPEAT, item__fingerprint=repeat.fingerprint)
    assert same.count() == 1
    assert Seat.objects.filter(lane=Lane.REPEAT, state=SeatState.OPEN).count() == AHEAD
    call_command("verify_ledger")


def test_no_words_come_a_third_time(worked: Cast) -> None:
    robin = worked.reviewers[0]
    now = THEN
    for _round in range(4):
        plan(now=now)
        for seat in Seat.objects.filter(lane=Lane.REPEAT, state=SeatState.OPEN):
            Seat.objects.filter(pk=seat.pk).update(state=SeatState.CLOSED)
        now += WEEK
    repeats = ReviewItem.objects.filter(kind=ItemKind.REPEAT).values_list("fingerprint", flat=True)
    assert len(repeats) == len(set(repeats)) == 6
    assert plan(now=now) == 0
    assert robin.assignments.exists()


def test_a_new_rubric_closes_repeats_of_the_old_one(worked: Cast) -> None:
    plan()
    rubric = draft_rubric(
        project=worked.project, name="second", task_kind="pointwise", criteria=ACCEPTABILITY, actor="test"
    )
    publish_rubric(rubric=rubric, actor="test", now=THEN)
    # Until the sweep comes it may still be claimed; it is compared with nothing then.
    repeat = take_repeat(worked.reviewers[0])
    rating = submit(repeat, now=THEN)
    assert not RepeatResult.objects.filter(rating=rating).exists()
    plan()
    assert not Seat.objects.filter(lane=Lane.REPEAT, state=SeatState.OPEN).exists()


def test_the_sweep_looks_after_every_project(worked: Cast) -> None:
    other = make_noise()
    change_queue_settings(project=other.project, actor="test", repeat_rate=0.1, repeat_after_days=0)
    change_queue_settings(project=worked.project, actor="test", repeat_after_days=0)
    # The present is long after these tests' own time, or long before: 0 days are over only for what is past.
    assert plan_repeats_everywhere() in (0, 1, AHEAD, AHEAD + 1)
    planned = plan(now=THEN) + Seat.objects.filter(lane=Lane.REPEAT).count()
    assert planned >= AHEAD + 1
    for seat in Seat.objects.filter(lane=Lane.REPEAT).select_related("reserved_for"):
        assert seat.reserved_for is not None
        assert seat.project_id == seat.reserved_for.project_id
