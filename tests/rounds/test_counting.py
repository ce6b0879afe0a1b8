"""What a round counts: undo at the boundary, two tabs, and figures that stay apart from live work."""

import random
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from labeling.models import Assignment, Lane, Round, Stage
from labeling.queries.agreement import agreement_rows
from labeling.queries.onboarding import progress_of
from labeling.queries.reviewers import reviewer_rows
from labeling.services.claiming import claim_seat
from labeling.services.holding import AssignmentLost
from labeling.services.onboarding import change_onboarding, pause_reviewer
from labeling.services.rounds import finish_round, settle_rounds
from labeling.services.submitting import undo_rating
from reviewapp.core.services.audit import SYSTEM
from routing.views.contexts.console import pool_accuracy
from tests.factories import claim, judge, submit
from tests.people import NOW, Cast, make_cast
from tests.rounds.school import (
    answer_to,
    fresh,
    judge_next,
    lanes_of,
    newcomer,
    open_school,
    rounds_of,
    standing,
    to_qualification,
    work_through,
)
from tests.threads import in_threads

UNDO = timedelta(seconds=8)


def test_an_undo_takes_back_what_the_submit_counted(cast: Cast) -> None:
    nia = newcomer(cast)
    now = to_qualification(nia)
    rating = judge_next(nia, now=now)
    round_ = rounds_of(nia)[-1]
    assert (progress_of(round_).done, progress_of(round_).right) == (1, 1)
    again = undo_rating(assignment=rating.assignment, now=now)
    assert (progress_of(round_).done, progress_of(round_).right) == (0, 0)
    submit(again, now=now, **answer_to(again, right=False))
    assert (progress_of(round_).done, progress_of(round_).right) == (1, 0)


def test_a_round_ends_only_after_its_last_undo_window(cast: Cast) -> None:
    nia = newcomer(cast)
    now = to_qualification(nia)
    now = work_through(nia, 9, now=now)
    last = judge_next(nia, now=now)
    round_ = rounds_of(nia)[-1]
    # To the very moment until which it can be taken back.
    assert not finish_round(round_=round_, now=now + UNDO)
    assert claim_seat(reviewer=fresh(nia), now=now + UNDO) is None
    undone = undo_rating(assignment=last.assignment, now=now + UNDO)
    assert not finish_round(round_=round_, now=now + timedelta(hours=1))
    now += timedelta(minutes=2)
    submit(undone, now=now, **answer_to(undone, right=False))
    assert finish_round(round_=round_, now=now + UNDO + timedelta(microseconds=1))
    round_.refresh_from_db()
    assert (round_.right, round_.passed) == (9, True)
    # Asked for in time, but the round was ended first.
    with pytest.raises(AssignmentLost):
        undo_rating(assignment=last.assignment, now=now)


def test_the_mark_is_met_by_as_many_right_answers_as_it_says(cast: Cast) -> None:
    """0.7 of 10 are 7, whatever floats make of it."""
    change_onboarding(project=cast.project, actor="test", now=NOW, qualification_mark=0.7)
    nia = newcomer(cast)
    now = work_through(nia, 10, now=to_qualification(nia), wrong=3)
    settle_rounds(now=now)
    assert (rounds_of(nia)[-1].right, rounds_of(nia)[-1].passed) == (7, True)


def test_a_person_has_one_open_round(cast: Cast) -> None:
    nia = newcomer(cast)
    judge_next(nia, now=to_qualification(nia))
    terms = {"membership": nia, "size": 5, "pass_mark": 0.5, "started_by": "test", "started_at": NOW}
    with pytest.raises(IntegrityError), transaction.atomic():
        Round.objects.create(kind="calibration", **terms)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_share_one_round_and_its_cases() -> None:
    cast = open_school(make_cast())
    nia = newcomer(cast)
    now = to_qualification(nia)

    def hurry(number: int) -> int:
        rng, taken = random.Random(number), 0
        while (assignment := claim_seat(reviewer=fresh(nia), now=now, rng=rng)) is not None:
            taken += 1
            submit(assignment, now=now, key=f"{number}-{taken}", **answer_to(assignment))
            if connection.vendor == "postgresql":
                connection.close()
        return taken

    assert sum(in_threads(4, hurry)) == 10
    _practice, qualification = rounds_of(nia)
    assert qualification.assignments.count() == 10
    assert set(qualification.assignments.values_list("seat__lane", flat=True)) == {Lane.GOLD}
    assert finish_round(round_=qualification, now=now + timedelta(minutes=1))
    assert standing(nia) == (Stage.LIVE, False)


@pytest.mark.django_db(transaction=True)
def test_many_practise_at_once() -> None:
    cast = open_school(make_cast())
    people = [newcomer(cast, f"n{number}") for number in range(6)]

    def practise(number: int) -> None:
        to_qualification(people[number])
        if connection.vendor == "postgresql":
            connection.close()

    in_threads(len(people), practise)
    for member in people:
        assert lanes_of(member) == [Lane.PRACTICE] * 5
    seats = Assignment.objects.filter(seat__lane=Lane.PRACTICE).values_list("seat", flat=True)
    assert len(seats) == len(set(seats)) == 30


@pytest.mark.django_db(transaction=True)
def test_the_sweep_and_the_person_end_a_round_once() -> None:
    cast = open_school(make_cast())
    nia = newcomer(cast)
    now = work_through(nia, 10, now=to_qualification(nia), wrong=10)

    def look(number: int) -> bool:
        return finish_round(round_=rounds_of(nia)[-1], now=now)

    assert in_threads(4, look) == [True] * 4
    assert standing(nia) == (Stage.QUALIFICATION, True)
    assert cast.project.alarms.filter(kind="qualification_failed").count() == 1


# Kept apart -----------------------------------------------------------------------------------------------


def test_rounds_count_in_no_figure_about_live_work(cast: Cast) -> None:
    nia = newcomer(cast)
    now = work_through(nia, 10, now=to_qualification(nia), wrong=2)
    robin = cast.reviewers[0]
    pause_reviewer(membership=robin, actor=SYSTEM, reason="x", now=NOW)
    work_through(robin, 10, now=NOW, wrong=5)
    rows = {row.rater: row for row in reviewer_rows(cast.project)}
    for member in (nia, robin):
        row = rows[member.rater_code]
        assert (row.ratings, row.gold_accuracy.trials, row.acceptance.trials) == (0, 0, 0)
        assert row.median_seconds is None
        assert row.agreement_with_others.trials == 0
    assert agreement_rows(cast.project) == []
    assert pool_accuracy(cast.project).value == ""
    # What is planted afterwards does.
    judge(fresh(nia), now=now)
    cast.put_in_force(gold_rate=0.5)
    submit(claim(fresh(nia), now=now, seed=1), now=now)
    row = next(row for row in reviewer_rows(cast.project) if row.rater == nia.rater_code)
    assert (row.ratings, row.gold_accuracy.trials) == (1, 1)
