"""The whole way in a browser's requests: instructions, practice with feedback, a blind qualification, live work."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from labeling.models import Assignment, AssignmentState, Lane, Rating
from labeling.services.onboarding import change_onboarding, pause_reviewer
from reviewapp.core.models import Membership
from reviewapp.core.services.audit import SYSTEM
from reviewapp.core.services.people import pause_member
from tests.browser.visiting import form_of, queries, signed_in, text_of
from tests.factories import plant_gold
from tests.people import NOW, Cast, make_cast
from tests.rounds.school import (
    answer_to,
    lanes_of,
    newcomer,
    open_school,
    to_qualification,
    work_through,
)

REVIEW, NEXT = "/projects/shop/review/", "/projects/shop/review/next/"
WELCOME, ROUND = "/projects/shop/welcome/", "/projects/shop/round/"


@pytest.fixture
def clock(db: None) -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def held(member: Membership) -> Assignment:
    return Assignment.objects.get(reviewer=member, state=AssignmentState.LEASED)


def hand_in(client: Client, member: Membership, *, right: bool = True) -> Any:
    """Fill in the form of what is on the desk, as a browser does; the answer to it."""
    own = held(member)
    address = f"/review/{own.token}/"
    form = form_of(text_of(client.get(address)))
    value = answer_to(own, right=right)["values"]["acceptable"]
    return client.post(address, form | {"value-acceptable": value})


def to_desk(client: Client) -> None:
    response = client.post(NEXT)
    assert response["Location"].startswith("/review/"), response["Location"]


def test_the_whole_way(clock: Any, cast: Cast) -> None:
    nia = newcomer(cast)
    client = signed_in(nia)
    assert client.get(REVIEW)["Location"] == WELCOME
    page = text_of(client.get(WELCOME))
    assert "Is this response acceptable as it stands?" in page
    assert "5 cases" in page
    assert "10 cases" in page
    assert client.post(WELCOME)["Location"] == ROUND

    # Practice: the line, and the feedback after each.
    assert "Practice" in text_of(client.get(ROUND))
    for number in range(1, 6):
        to_desk(client)
        assert f"Practice {number} of 5" in text_of(client.get(f"/review/{held(nia).token}/"))
        answered = hand_in(client, nia, right=number != 2)
        feedback = text_of(client.get(answered["Location"]))
        assert answered["Location"].endswith("/feedback/")
        assert ("As it should be" in feedback) == (number != 2)
        assert f"The handbook says so: practice-{number - 1}." in feedback
        acceptable = number % 2 == 1
        assert (">The response is acceptable." in feedback, "is not acceptable." in feedback) == (
            acceptable,
            not acceptable,
        )
        # The right answer is known now.
        assert "Undo" not in feedback

    assert client.post(NEXT)["Location"].startswith(REVIEW)
    clock.shift(timedelta(seconds=1))
    assert "4 of 5 answers were as they should be" in text_of(client.get(REVIEW, follow=True))
    assert client.post(ROUND)["Location"] == ROUND

    # Qualification: only how far it has come.
    page = text_of(client.get(ROUND))
    assert "Qualification" in page
    to_desk(client)
    for number in range(1, 11):
        page = text_of(client.get(f"/review/{held(nia).token}/"))
        assert f"Qualification {number} of 10" in page
        answered = hand_in(client, nia, right=number > 2)
        assert "feedback" not in answered["Location"]
    assert answered["Location"].startswith(REVIEW + "?after=")
    closing = client.get(answered["Location"], follow=True)
    assert "That was the last one" in text_of(closing)
    assert "Undo" in text_of(closing)
    clock.shift(timedelta(seconds=9))
    result = text_of(client.get(REVIEW, follow=True))
    assert "Passed." in result
    assert not re.search(r"\b(8|80)\b", re.sub(r"<[^>]*>", " ", result.partition("<main")[2]))
    assert client.post(ROUND)["Location"] == REVIEW
    assert client.get(REVIEW).status_code == 200
    to_desk(client)
    assert lanes_of(nia)[-1] == Lane.WORK
    assert "Qualification" not in text_of(client.get(f"/review/{held(nia).token}/"))


def test_whoever_fails_is_told_so_and_no_more(clock: Any, cast: Cast) -> None:
    nia = newcomer(cast)
    clock.move_to(work_through(nia, 10, now=to_qualification(nia), wrong=4))
    client = signed_in(nia)
    page = text_of(client.get(REVIEW, follow=True))
    assert "Not passed." in page
    assert not re.search(r"\b(6|60|4)\b", re.sub(r"<[^>]*>", " ", page.partition("<main")[2]))
    assert client.post(ROUND)["Location"] == REVIEW
    again = text_of(client.get(REVIEW))
    assert "not passed" in again
    assert "Start reviewing" not in again


def test_an_undo_of_the_last_answer_reopens_the_round(clock: Any, cast: Cast) -> None:
    nia = newcomer(cast)
    clock.move_to(work_through(nia, 9, now=to_qualification(nia), wrong=2))
    client = signed_in(nia)
    to_desk(client)
    own = held(nia)
    hand_in(client, nia, right=False)
    clock.shift(timedelta(seconds=8))
    assert client.post(f"/review/{own.token}/undo/")["Location"] == f"/review/{own.token}/"
    clock.shift(timedelta(minutes=1))
    assert "9</b> of 10" in text_of(client.get(ROUND))
    hand_in(client, nia)
    clock.shift(timedelta(seconds=9))
    assert "Passed." in text_of(client.get(ROUND))


def test_an_answer_whose_feedback_was_shown_cannot_be_undone(clock: Any, cast: Cast) -> None:
    nia = newcomer(cast)
    client = signed_in(nia)
    client.post(WELCOME)
    to_desk(client)
    own = held(nia)
    feedback = hand_in(client, nia, right=False)["Location"]
    assert "Not quite" in text_of(client.get(feedback))
    said = text_of(client.post(f"/review/{own.token}/undo/", follow=True))
    assert "Not undone." in said
    assert "a practice answer stays as it was given" in said
    assert "Not quite" in text_of(client.get(feedback))
    assert Rating.objects.filter(withdrawal__isnull=False).count() == 0


def test_feedback_masks_the_source_and_shows_sides_as_they_were(clock: Any) -> None:
    cast = make_cast()
    case = plant_gold(
        cast.project,
        task_kind="pairwise",
        acceptable=None,
        preferred="a",
        body={"a": "It goes back.", "b": "It stays."},
        explanation="alder-one is right <b>here</b>.",
        mask_names=("alder-one",),
        practice=True,
    )
    change_onboarding(project=cast.project, actor="test", now=NOW, onboarding=True, practice_size=1)
    seen = set()
    for number in range(12):
        nia = newcomer(cast, f"n{number}")
        client = signed_in(nia)
        client.post(WELCOME)
        to_desk(client)
        own = held(nia)
        side = "b" if own.swapped else "a"
        form = form_of(text_of(client.get(f"/review/{own.token}/")))
        page = text_of(client.get(client.post(f"/review/{own.token}/", form | {"preferred": side})["Location"]))
        assert ">A is better." in page if side == "a" else ">B is better." in page
        assert "As it should be" in page
        assert "alder" not in page
        assert "&lt;b&gt;here" in page
        seen.add(own.swapped)
    assert seen == {True, False}
    case.item.refresh_from_db()
    assert (case.item.ratings_counted, case.item.raters_needed) == (12, 12)


def test_planted_gold_and_live_work_have_no_feedback(clock: Any, cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    robin = cast.reviewers[0]
    client = signed_in(robin)
    while client.post(NEXT)["Location"].startswith("/review/"):
        assert "feedback" not in hand_in(client, robin)["Location"]
    nia = newcomer(cast)
    clock.move_to(work_through(nia, 3, now=to_qualification(nia)))
    lanes = set()
    for rating in Rating.objects.exclude(item__kind="calibration").select_related("reviewer__person", "assignment"):
        lanes.add(rating.assignment.seat.lane)
        address = f"/review/{rating.assignment.token}/feedback/"
        assert signed_in(rating.reviewer).get(address).status_code == 404
    assert lanes == {Lane.WORK, Lane.GOLD}


def test_nobody_reads_anothers_feedback(clock: Any, cast: Cast) -> None:
    nia, noa = newcomer(cast), newcomer(cast, "noa")
    client = signed_in(nia)
    client.post(WELCOME)
    to_desk(client)
    feedback = hand_in(client, nia)["Location"]
    assert client.get(feedback).status_code == 200
    for member in (noa, cast.owner, cast.reviewers[0]):
        assert signed_in(member).get(feedback).status_code == 404


def test_a_script_is_led_to_the_feedback_and_fetches_nothing_ahead(clock: Any, cast: Cast) -> None:
    nia = newcomer(cast)
    client = signed_in(nia)
    client.post(WELCOME)
    to_desk(client)
    own = held(nia)
    assert client.post("/projects/shop/review/ahead/", {"showing": own.token}).status_code == 204
    form = form_of(text_of(client.get(f"/review/{own.token}/"))) | {"value-acceptable": "yes"}
    answer = client.post(f"/review/{own.token}/", form, headers={"X-Desk": "next"})
    assert f'href="/review/{own.token}/feedback/"' in text_of(answer)
    assert Assignment.objects.filter(reviewer=nia).count() == 1


def test_a_calibration_round_is_offered_and_led_through(clock: Any, cast: Cast) -> None:
    robin = cast.reviewers[0]
    pause_reviewer(membership=robin, actor=SYSTEM, reason="Gold accuracy fell.", now=NOW)
    client = signed_in(robin)
    page = text_of(client.get(REVIEW, follow=True))
    assert "Calibration" in page
    assert "Your reviewing is paused. This round brings you back" in page
    to_desk(client)
    assert "Calibration 1 of 10" in text_of(client.get(f"/review/{held(robin).token}/"))


def test_a_pause_without_a_way_back_is_told_on_the_start_page(clock: Any, cast: Cast) -> None:
    robin = cast.reviewers[0]
    pause_member(membership=robin, actor="test", reason="On leave until Monday.", now=NOW)
    client = signed_in(robin)
    response = client.get(REVIEW)
    assert response.status_code == 200
    assert "On leave until Monday." in text_of(response)
    assert client.get(ROUND)["Location"] == REVIEW


def test_too_few_cases_are_told_to_the_person_and_the_owner(clock: Any) -> None:
    cast = open_school(make_cast(), gold=3)
    nia = newcomer(cast)
    clock.move_to(to_qualification(nia))
    client = signed_in(nia)
    client.get(REVIEW, follow=True)
    client.post(ROUND)
    page = text_of(client.get(REVIEW, follow=True))
    assert "too few cases" in page
    assert cast.project.alarms.filter(kind="gold_short", cleared_at=None).count() == 1
    assert client.post(NEXT, follow=True).redirect_chain[-1][0] == ROUND


def test_caps_hold_in_rounds_and_are_told(clock: Any, cast: Cast) -> None:
    nia = newcomer(cast)
    clock.move_to(to_qualification(nia))
    Membership.objects.filter(pk=nia.pk).update(daily_cap=5)
    client = signed_in(nia)
    client.get(REVIEW, follow=True)
    client.post(ROUND)
    assert "limit of 5" in text_of(client.get(ROUND))


def test_live_people_may_read_the_instructions_again(clock: Any, cast: Cast) -> None:
    for member in (cast.reviewers[0], cast.adjudicator):
        client = signed_in(member)
        page = text_of(client.get(WELCOME))
        assert "I have read this" not in page
        assert "Is this response acceptable as it stands?" in page
        assert client.post(WELCOME)["Location"] == REVIEW
    assert signed_in(cast.adjudicator).get(ROUND).status_code == 404
    assert signed_in(cast.owner).get(WELCOME).status_code == 404


def test_they_cost_as_many_queries_whatever_the_number_of_cases(clock: Any, cast: Cast) -> None:
    nia = newcomer(cast)
    clock.move_to(to_qualification(nia))
    client = signed_in(nia)
    client.get(ROUND)
    client.post(ROUND)
    few = queries(lambda: client.get(ROUND))
    for _number in range(10):
        plant_gold(cast.project)
    assert queries(lambda: client.get(ROUND)) == few
