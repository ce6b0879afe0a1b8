"""The way back: somebody who is paused works through gold, and is resumed by passing."""

import pytest

from labeling.models import Alarm, Assignment, GoldCase, Lane, Stage
from labeling.services.claiming import claim_seat
from labeling.services.gold import retire_gold_case
from labeling.services.limits import ClaimRefused
from labeling.services.onboarding import RoundRefused, give_round, let_go_live, pause_reviewer
from labeling.services.rounds import settle_rounds
from reviewapp.core.models import AuditEntry
from reviewapp.core.services.audit import SYSTEM
from reviewapp.core.services.people import resume_member
from tests.factories import claim, judge, submit
from tests.people import NOW, Cast
from tests.rounds.school import (
    LATER,
    begin_practice,
    fresh,
    judge_next,
    lanes_of,
    newcomer,
    rounds_of,
    standing,
    work_through,
)


def pause(cast: Cast, **fields: object) -> None:
    terms = {"actor": SYSTEM, "reason": "Gold accuracy fell.", "now": NOW} | fields
    pause_reviewer(membership=cast.reviewers[0], **terms)  # type: ignore[arg-type]


def test_what_the_system_pauses_comes_back_by_passing(cast: Cast) -> None:
    robin = cast.reviewers[0]
    pause(cast)
    assert standing(robin) == (Stage.CALIBRATION, True)
    now = work_through(robin, 10, now=NOW, wrong=2)
    assert lanes_of(robin) == [Lane.GOLD] * 10
    judge(fresh(robin), now=now)
    assert lanes_of(robin)[-1] == Lane.WORK
    assert standing(robin) == (Stage.LIVE, False)
    assert rounds_of(robin)[0].passed
    entry = AuditEntry.objects.get(verb="member.resumed")
    assert (entry.actor, entry.target) == (SYSTEM, f"person:{robin.person_id}")


def test_who_does_not_pass_stays_paused_until_the_owner_acts(cast: Cast) -> None:
    robin = cast.reviewers[0]
    pause(cast)
    now = work_through(robin, 10, now=NOW, wrong=3)
    for _again in range(2):
        with pytest.raises(ClaimRefused) as refused:
            claim_seat(reviewer=fresh(robin), now=now)
        assert refused.value.code == "paused"
        assert "not passed" in str(refused.value)
    assert len(rounds_of(robin)) == 1
    assert Alarm.objects.get(kind="calibration_failed", cleared_at=None).subject == robin.rater_code
    let_go_live(membership=fresh(robin), actor="person:1", reason="We spoke.", now=now)
    judge(fresh(robin), now=now)
    assert not Alarm.objects.filter(kind="calibration_failed", cleared_at=None).exists()


def test_what_a_person_pauses_waits_for_a_person_unless_they_say_so(cast: Cast) -> None:
    robin, sam = cast.reviewers[:2]
    pause_reviewer(membership=robin, actor="person:1", reason="On leave.", now=NOW)
    with pytest.raises(ClaimRefused) as refused:
        claim_seat(reviewer=fresh(robin), now=NOW)
    assert refused.value.code == "paused"
    assert not rounds_of(robin)
    pause_reviewer(membership=sam, actor="person:1", reason="Too fast.", now=NOW, calibration=True)
    judge_next(sam, now=NOW)
    assert lanes_of(sam) == [Lane.GOLD]


def test_work_that_was_held_may_still_be_finished(cast: Cast) -> None:
    robin = cast.reviewers[0]
    held = claim(robin)
    pause(cast)
    rating = submit(held)
    assert rating.assignment.round is None
    work_through(robin, 10, now=NOW)
    assert rounds_of(robin)[0].assignments.count() == 10


def test_an_owner_who_resumes_somebody_ends_their_round(cast: Cast) -> None:
    robin = cast.reviewers[0]
    pause(cast)
    now = work_through(robin, 2, now=NOW)
    resume_member(membership=robin, actor="person:1", reason="", now=now)
    judge(fresh(robin), now=now)
    assert lanes_of(robin)[-1] == Lane.WORK
    assert rounds_of(robin)[0].ended_at
    assert rounds_of(robin)[0].passed is None


def test_paused_again_they_get_a_round_again(cast: Cast) -> None:
    robin = cast.reviewers[0]
    pause(cast)
    resume_member(membership=robin, actor="person:1", reason="", now=NOW)
    settle_rounds(now=NOW + LATER)
    pause_reviewer(membership=fresh(robin), actor=SYSTEM, reason="Again.", now=NOW + LATER)
    assert judge_next(robin, now=NOW + LATER).assignment.round == rounds_of(robin)[1]


def test_somebody_on_the_way_to_live_work_gets_no_calibration_on_top(cast: Cast) -> None:
    nia = newcomer(cast)
    begin_practice(nia)
    pause_reviewer(membership=nia, actor=SYSTEM, reason="x", now=NOW)
    with pytest.raises(ClaimRefused) as refused:
        claim_seat(reviewer=fresh(nia), now=NOW)
    assert refused.value.code == "paused"
    assert standing(nia) == (Stage.PRACTICE, True)
    resume_member(membership=nia, actor="person:1", reason="", now=NOW)
    judge_next(nia, now=NOW)
    assert lanes_of(nia) == [Lane.PRACTICE]


def test_an_adjudicator_is_paused_without_a_round(cast: Cast) -> None:
    pause_reviewer(membership=cast.adjudicator, actor=SYSTEM, reason="x", now=NOW)
    assert fresh(cast.adjudicator).paused_at
    assert not rounds_of(cast.adjudicator)


def test_a_round_for_somebody_who_works_live_pauses_them_until_they_pass(cast: Cast) -> None:
    robin = cast.reviewers[0]
    given = give_round(membership=robin, actor="person:1", now=NOW)
    assert (given.kind, given.size, given.started_by) == ("calibration", 10, "person:1")
    assert standing(robin) == (Stage.CALIBRATION, True)
    with pytest.raises(RoundRefused, match="open round"):
        give_round(membership=fresh(robin), actor="person:1", now=NOW)


def test_without_enough_gold_a_round_is_refused_and_nobody_paused(cast: Cast) -> None:
    for case in GoldCase.objects.filter(practice=False)[:8]:
        retire_gold_case(case=case, actor="test", now=NOW, reason="x")
    robin = cast.reviewers[0]
    with pytest.raises(RoundRefused, match="at least 5") as refused:
        give_round(membership=robin, actor="person:1", now=NOW)
    assert refused.value.code == "gold_short"
    assert standing(robin) == (Stage.LIVE, False)
    assert not Alarm.objects.exists()
    # Paused by the system, the owner hears of it at once, and the round begins when there are cases.
    pause(cast)
    assert Alarm.objects.get(kind="gold_short").subject == robin.rater_code


def test_newcomers_and_adjudicators_are_given_no_round(cast: Cast) -> None:
    nia = newcomer(cast)
    with pytest.raises(RoundRefused, match="practice"):
        give_round(membership=nia, actor="person:1", now=NOW)
    with pytest.raises(RoundRefused, match="Only reviewers"):
        give_round(membership=cast.adjudicator, actor="person:1", now=NOW)
    with pytest.raises(RoundRefused, match="Only reviewers"):
        let_go_live(membership=cast.adjudicator, actor="person:1", reason="x", now=NOW)


def test_the_cases_of_a_round_are_new_to_the_person(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    robin = cast.reviewers[0]
    for _turn in range(4):
        submit(claim(robin, seed=1))
    met = set(Assignment.objects.filter(reviewer=robin).values_list("fingerprint", flat=True))
    assert Lane.GOLD in lanes_of(robin)
    pause(cast)
    work_through(robin, 8, now=NOW)
    inside = rounds_of(robin)[0].assignments.values_list("fingerprint", flat=True)
    assert not met & set(inside)
