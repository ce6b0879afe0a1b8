"""From the instructions to live work: what comes when, what it takes, and what follows from failing."""

from datetime import timedelta

import pytest

from labeling.models import Alarm, Assignment, GoldCase, Lane, ReviewerStage, Stage
from labeling.queries.onboarding import progress_of
from labeling.services.claiming import claim_seat
from labeling.services.gold import GoldRefused, retire_gold_case
from labeling.services.holding import escalate, release_seat
from labeling.services.limits import ClaimRefused
from labeling.services.onboarding import change_onboarding, give_round, let_go_live
from labeling.services.rounds import settle_rounds
from reviewapp.core.models import AuditEntry
from tests.factories import claim, judge, plant_gold, submit
from tests.people import NOW, Cast
from tests.rounds.school import (
    LATER,
    answer_to,
    begin_practice,
    fresh,
    judge_next,
    lanes_of,
    newcomer,
    plant_practice,
    rounds_of,
    standing,
    to_qualification,
    work_through,
)


def test_a_newcomer_reads_the_instructions_first(cast: Cast) -> None:
    nia = newcomer(cast)
    with pytest.raises(ClaimRefused) as refused:
        claim_seat(reviewer=nia, now=NOW)
    assert refused.value.code == "needs_calibration"
    assert not Assignment.objects.filter(reviewer=nia).exists()
    assert standing(nia) == (Stage.INSTRUCTIONS, False)


def test_people_who_were_there_before_are_live(cast: Cast) -> None:
    robin = cast.reviewers[0]
    judge(robin)
    assert lanes_of(robin) == [Lane.WORK]
    assert standing(robin) == (Stage.LIVE, False)


def test_an_old_hand_is_live_even_where_nobody_marked_them_so(cast: Cast) -> None:
    """Whoever switches onboarding on past the service makes no newcomer of anybody."""
    robin = cast.reviewers[0]
    judge(robin)
    ReviewerStage.objects.filter(membership=robin).delete()
    judge(robin)
    assert lanes_of(robin) == [Lane.WORK, Lane.WORK]


def test_it_leads_through_practice_and_qualification_to_live_work(cast: Cast) -> None:
    nia = newcomer(cast)
    now = to_qualification(nia)
    assert lanes_of(nia) == [Lane.PRACTICE] * 5
    now = work_through(nia, 10, now=now, wrong=2)
    assert lanes_of(nia)[5:] == [Lane.GOLD] * 10
    judge(fresh(nia), now=now)
    assert lanes_of(nia)[15:] == [Lane.WORK]
    practice, qualification = rounds_of(nia)
    assert (practice.kind, practice.done, practice.right, practice.passed) == ("practice", 5, 5, True)
    figures = (qualification.done, qualification.right, qualification.size, qualification.passed)
    assert figures == (10, 8, 10, True)
    assert standing(nia) == (Stage.LIVE, False)
    verbs = AuditEntry.objects.filter(target=f"person:{nia.person_id}").order_by("pk").values_list("verb", flat=True)
    assert list(verbs)[1:] == [
        "instructions.confirmed",
        "round.begun",
        "round.passed",
        "round.begun",
        "round.passed",
    ]


def test_practice_moves_on_whatever_was_answered(cast: Cast) -> None:
    nia = newcomer(cast)
    begin_practice(nia)
    now = work_through(nia, 5, now=NOW, wrong=5)
    judge_next(nia, now=now)
    practice, qualification = rounds_of(nia)
    assert (practice.right, practice.passed) == (0, True)
    assert (qualification.kind, qualification.ended_at) == ("qualification", None)


def test_practice_comes_in_the_owners_order_and_any_number_of_people_may_practise(cast: Cast) -> None:
    orders = []
    for name in ("nia", "noa", "ned"):
        member = newcomer(cast, name)
        to_qualification(member)
        mine = Assignment.objects.filter(reviewer=member).order_by("pk")
        orders.append(list(mine.values_list("item__gold_case__reference", flat=True)))
    assert orders == [[f"practice-{number}" for number in range(5)]] * 3


def test_who_fails_is_paused_and_the_owner_is_told(cast: Cast) -> None:
    nia = newcomer(cast)
    now = to_qualification(nia)
    now = work_through(nia, 10, now=now, wrong=3)
    with pytest.raises(ClaimRefused) as refused:
        claim_seat(reviewer=fresh(nia), now=now)
    assert refused.value.code == "paused"
    assert "not passed" in str(refused.value)
    assert standing(nia) == (Stage.QUALIFICATION, True)
    alarm = Alarm.objects.get(kind="qualification_failed", cleared_at=None)
    assert (alarm.project, alarm.subject) == (cast.project, nia.rater_code)
    assert (alarm.data["right"], alarm.data["size"]) == (7, 10)


def test_the_sweep_ends_rounds_of_people_who_do_not_come_back(cast: Cast) -> None:
    nia = newcomer(cast)
    now = to_qualification(nia)
    now = work_through(nia, 10, now=now, wrong=10)
    assert settle_rounds(now=now) == 1
    assert settle_rounds(now=now) == 0
    assert standing(nia) == (Stage.QUALIFICATION, True)
    assert Alarm.objects.filter(kind="qualification_failed").count() == 1


def test_without_onboarding_everybody_is_live(cast: Cast) -> None:
    change_onboarding(project=cast.project, actor="test", now=NOW, onboarding=False)
    judge(newcomer(cast))
    # Switched on again, those who came in between are live.
    noa = newcomer(cast, "noa")
    change_onboarding(project=cast.project, actor="test", now=NOW, onboarding=True)
    judge(noa)
    assert lanes_of(noa) == [Lane.WORK]


def test_switching_it_off_lets_people_go_live_from_where_they_are(cast: Cast) -> None:
    nia, noa = newcomer(cast), newcomer(cast, "noa")
    begin_practice(nia)
    judge_next(nia, now=NOW)
    now = to_qualification(noa)
    work_through(noa, 4, now=now)
    change_onboarding(project=cast.project, actor="test", now=now, onboarding=False)
    for member in (nia, noa):
        judge(fresh(member), now=now + LATER)
        assert lanes_of(member)[-1] == Lane.WORK
        assert rounds_of(member)[-1].ended_at
        assert rounds_of(member)[-1].passed is None


def test_without_practice_cases_asked_for_qualification_follows_the_instructions(cast: Cast) -> None:
    change_onboarding(project=cast.project, actor="test", now=NOW, practice_size=0)
    nia = newcomer(cast)
    begin_practice(nia)
    judge_next(nia, now=NOW)
    assert lanes_of(nia) == [Lane.GOLD]


# Every case counts --------------------------------------------------------------------------------------


def test_a_skipped_or_escalated_case_is_done_and_not_right(cast: Cast) -> None:
    nia = newcomer(cast)
    now = to_qualification(nia)
    release_seat(assignment=claim(fresh(nia), now=now), now=now, reason="Too hard.")
    escalate(assignment=claim(fresh(nia), now=now), reason="I know them.", now=now)
    now = work_through(nia, 8, now=now)
    assert settle_rounds(now=now) == 1
    qualification = rounds_of(nia)[-1]
    assert (qualification.done, qualification.right, qualification.passed) == (10, 8, True)
    assert Assignment.objects.filter(round=qualification).count() == 10


def test_a_case_that_lapsed_comes_back_before_any_other(cast: Cast) -> None:
    nia = newcomer(cast)
    now = to_qualification(nia)
    lapsed = claim(fresh(nia), now=now)
    now += timedelta(hours=1)
    again = claim(fresh(nia), now=now)
    assert again.pk == lapsed.pk
    submit(again, now=now, **answer_to(again))
    now = work_through(nia, 9, now=now)
    settle_rounds(now=now)
    assert (rounds_of(nia)[-1].right, rounds_of(nia)[-1].passed) == (10, True)


def test_a_lapsed_case_has_room_even_when_somebody_took_the_last_seat(cast: Cast) -> None:
    for case in GoldCase.objects.filter(project=cast.project, practice=False):
        retire_gold_case(case=case, actor="test", now=NOW, reason="x")
    for _number in range(6):
        plant_gold(cast.project, exposures=1)
    nia, noa = newcomer(cast), newcomer(cast, "noa")
    now = to_qualification(nia)
    to_qualification(noa)
    lapsed = claim(fresh(nia), now=now)
    now += timedelta(hours=1)
    # All six cases, the lapsed one among them.
    work_through(noa, 6, now=now)
    rating = submit(lapsed, now=now, **answer_to(lapsed))
    assert not rating.extra
    assert rating.gold_result.correct
    assert progress_of(rounds_of(nia)[-1]).right == 1


def test_it_gives_out_no_more_cases_than_the_round_has(cast: Cast) -> None:
    nia = newcomer(cast)
    now = to_qualification(nia)
    held = [claim_seat(reviewer=fresh(nia), now=now) for _number in range(12)]
    assert [assignment is not None for assignment in held] == [True] * 10 + [False] * 2


def test_practice_words_are_never_planted_nor_planted_words_practised(cast: Cast) -> None:
    words = {"prompt": "The same?", "body": {"response": "Yes, the same."}}
    plant_practice(cast, "told", **words)
    with pytest.raises(GoldRefused) as refused:
        plant_gold(cast.project, "hidden", **words)
    assert refused.value.pointer == "/practice"
    other = {"prompt": "Another?", "body": {"response": "Yes, another."}}
    plant_gold(cast.project, "planted", **other)
    with pytest.raises(GoldRefused):
        plant_practice(cast, "practised", **other)
    assert not GoldCase.objects.filter(reference__in=["hidden", "practised"]).exists()


def test_live_people_are_never_given_a_practice_case(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    robin = cast.reviewers[0]
    for seed in range(10):
        assignment = claim_seat(reviewer=robin, now=NOW, rng=None) if seed else claim(robin, seed=1)
        if assignment:
            submit(assignment, **answer_to(assignment))
    assert Lane.PRACTICE not in lanes_of(robin)


# Too few cases ------------------------------------------------------------------------------------------


def leave_gold(cast: Cast, count: int) -> None:
    for case in GoldCase.objects.filter(project=cast.project, practice=False, retired_at=None).order_by("pk")[count:]:
        retire_gold_case(case=case, actor="test", now=NOW, reason="x")


def test_with_fewer_cases_than_asked_for_the_round_takes_what_there_is(cast: Cast) -> None:
    leave_gold(cast, 5)
    nia = newcomer(cast)
    now = to_qualification(nia)
    now = work_through(nia, 5, now=now, wrong=1)
    settle_rounds(now=now)
    qualification = rounds_of(nia)[-1]
    assert (qualification.size, qualification.right, qualification.passed) == (5, 4, True)


def test_with_too_few_nothing_begins_and_the_owner_is_told(cast: Cast) -> None:
    leave_gold(cast, 4)
    nia = newcomer(cast)
    now = to_qualification(nia)
    with pytest.raises(ClaimRefused) as refused:
        claim_seat(reviewer=fresh(nia), now=now)
    assert refused.value.code == "needs_calibration"
    assert "5 cases" in str(refused.value)
    assert "4" in str(refused.value)
    alarm = Alarm.objects.get(kind="gold_short", cleared_at=None)
    assert (alarm.subject, alarm.data["available"], alarm.data["needed"]) == (nia.rater_code, 4, 5)
    assert [round_.kind for round_ in rounds_of(nia)] == ["practice"]
    # One more, and it goes on; the alarm is over.
    plant_gold(cast.project)
    judge_next(nia, now=now)
    assert not Alarm.objects.filter(kind="gold_short", cleared_at=None).exists()


def test_the_alarm_ends_with_the_shortage(cast: Cast) -> None:
    leave_gold(cast, 4)
    nia = newcomer(cast)
    now = to_qualification(nia)
    with pytest.raises(ClaimRefused):
        claim_seat(reviewer=fresh(nia), now=now)
    settle_rounds(now=now)
    assert Alarm.objects.filter(kind="gold_short", cleared_at=None).exists()
    plant_gold(cast.project)
    settle_rounds(now=now)
    assert not Alarm.objects.filter(kind="gold_short", cleared_at=None).exists()


def test_a_round_that_runs_out_of_cases_ends_with_what_was_given(cast: Cast) -> None:
    nia = newcomer(cast)
    now = to_qualification(nia)
    now = work_through(nia, 6, now=now)
    leave_gold(cast, 0)
    assert claim_seat(reviewer=fresh(nia), now=now) is None
    assert settle_rounds(now=now) == 1
    qualification = rounds_of(nia)[-1]
    assert (qualification.size, qualification.right, qualification.passed) == (6, 6, True)


def test_a_round_that_runs_out_too_early_waits_for_more(cast: Cast) -> None:
    nia = newcomer(cast)
    now = to_qualification(nia)
    now = work_through(nia, 3, now=now)
    leave_gold(cast, 0)
    with pytest.raises(ClaimRefused) as refused:
        claim_seat(reviewer=fresh(nia), now=now)
    assert refused.value.code == "needs_calibration"
    assert Alarm.objects.filter(kind="gold_short", cleared_at=None).count() == 1
    plant_gold(cast.project)
    assert judge_next(nia, now=now).assignment.round == rounds_of(nia)[-1]


# What owners do -----------------------------------------------------------------------------------------


def test_the_owner_gives_another_qualification_to_who_failed(cast: Cast) -> None:
    for _number in range(10):
        plant_gold(cast.project)
    nia = newcomer(cast)
    now = to_qualification(nia)
    now = work_through(nia, 10, now=now, wrong=10)
    settle_rounds(now=now)
    give_round(membership=fresh(nia), actor="person:1", now=now)
    assert standing(nia) == (Stage.QUALIFICATION, False)
    assert not Alarm.objects.filter(kind="qualification_failed", cleared_at=None).exists()
    now = work_through(nia, 10, now=now)
    judge(fresh(nia), now=now)
    assert standing(nia) == (Stage.LIVE, False)
    met = Assignment.objects.filter(reviewer=nia).values_list("fingerprint", flat=True)
    assert len(met) == len(set(met)) == 26


def test_the_owner_lets_somebody_go_live_with_a_reason(cast: Cast) -> None:
    nia = newcomer(cast)
    now = to_qualification(nia)
    now = work_through(nia, 3, now=now)
    let_go_live(membership=fresh(nia), actor="person:1", reason="A colleague of many years.", now=now)
    judge(fresh(nia), now=now)
    assert lanes_of(nia)[-1] == Lane.WORK
    assert (rounds_of(nia)[-1].passed, rounds_of(nia)[-1].done) == (None, 3)
    entry = AuditEntry.objects.get(verb="reviewer.let_live")
    assert (entry.actor, entry.data["reason"]) == ("person:1", "A colleague of many years.")
