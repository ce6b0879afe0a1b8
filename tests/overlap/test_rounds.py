"""Re-blind rounds: who judges what, how a round ends, and what it is compared with."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.core.management import call_command

from labeling.alarm_sentences import sentence
from labeling.models import (
    Alarm,
    Assignment,
    ItemKind,
    Lane,
    OverlapRound,
    Rating,
    ReviewItem,
    Seat,
    SeatState,
    Verdict,
)
from labeling.services.claiming import claim_seat
from labeling.services.drifting import raise_suspicion
from labeling.services.holding import escalate, release_seat
from labeling.services.overlap import OverlapRefused, settle_overlap_rounds, start_due_rounds
from labeling.services.pauses import pause_slice
from labeling.services.rubrics import draft_next, publish_rubric
from labeling.services.settings import change_queue_settings
from labeling.services.submitting import undo_rating
from reviewapp.core.services.people import pause_member
from tests.factories import ACCEPT, REJECT, judge, make_noise, output_body, plant_gold, route, submit
from tests.overlap.sharing import LATER, MINUTES, SIZE, accept, finish, in_force, start, take_shared, work_through
from tests.people import NOW, Cast


def shared_items(round_: OverlapRound) -> list[ReviewItem]:
    return list(ReviewItem.objects.filter(overlap_round=round_).order_by("pk"))


def half(assignment: Assignment) -> dict[str, object]:
    """Robin accepts, the others accept every other item."""
    steady = assignment.reviewer.person.email.startswith("robin")
    return ACCEPT if steady or assignment.item_id % 2 else REJECT


def test_everybody_judges_the_same_fresh_sample(cast: Cast) -> None:
    make_noise()
    round_ = start(cast)
    items = shared_items(round_)
    assert len(items) == SIZE
    # In proportion: 16 of billing, 8 of returns.
    assert Counter(item.intent for item in items) == {"billing": 8, "returns": 4}
    assert {item.rubric for item in items} == {in_force(cast)}
    # Whoever judged the words before is not asked again; the two others are.
    assert all(item.raters_needed == item.seats.count() == 2 for item in items)
    assert round_.figures["people"] == sorted(member.rater_code for member in cast.reviewers)


def test_nobody_meets_words_twice(cast: Cast) -> None:
    start(cast)
    work_through(cast)
    assert Seat.objects.filter(lane=Lane.OVERLAP, state=SeatState.OPEN).count() == 0
    for reviewer in cast.reviewers:
        words = list(Assignment.objects.filter(reviewer=reviewer).values_list("fingerprint", flat=True))
        assert len(words) == len(set(words))


def test_another_round_takes_other_words(cast: Cast) -> None:
    first = start(cast)
    finish(cast)
    second = start(cast, now=LATER + timedelta(days=30))
    words = [{item.fingerprint for item in shared_items(round_)} for round_ in (first, second)]
    assert words[0] & words[1] == set()


def test_it_leaves_out_gold_and_what_still_waits_for_somebody(cast: Cast) -> None:
    words = set(ReviewItem.objects.filter(kind=ItemKind.LIVE, status="settled").values_list("pk", flat=True))
    some = sorted(words)[:8]
    case = plant_gold(cast.project)
    ReviewItem.objects.filter(pk=case.item_id).update(fingerprint=ReviewItem.objects.get(pk=some[0]).fingerprint)
    Seat.objects.filter(item__in=some[1:]).update(state=SeatState.OPEN, holder=None)
    change_queue_settings(project=cast.project, actor="test", reblind_size=100)
    copied = {item.fingerprint for item in shared_items(start(cast))}
    assert copied & set(ReviewItem.objects.filter(pk__in=some).values_list("fingerprint", flat=True)) == set()
    assert len(copied) == 16


def test_credentials_are_respected(cast: Cast) -> None:
    Seat.objects.filter(item__intent="returns").update(credential="german")
    sam = cast.reviewers[1]
    sam.credentials = ["german"]
    sam.save()
    round_ = start(cast)
    assert {item.intent for item in shared_items(round_)} == {"billing", "returns"}
    takers = Seat.objects.filter(item__overlap_round=round_, credential="german").values_list("reserved_for", flat=True)
    # Robin has judged those words before, and counts with that.
    assert set(takers) == {sam.pk}


def test_it_takes_two_people_and_enough_items_and_one_round_at_a_time(cast: Cast) -> None:
    other = make_noise()
    judge(other.reviewers[1])
    with pytest.raises(OverlapRefused, match="judged items"):
        start(other)
    start(cast)
    with pytest.raises(OverlapRefused, match="open already"):
        start(cast)
    for member in other.reviewers[:2]:
        pause_member(membership=member, actor="test", reason="x", now=NOW)
    with pytest.raises(OverlapRefused, match="two active reviewers"):
        start(other)


def test_whoever_has_not_worked_lately_takes_no_part(cast: Cast) -> None:
    month = NOW + timedelta(days=31)
    for member in cast.reviewers[:2]:
        judge(member, now=month)
    round_ = start(cast, now=month)
    assert round_.figures["people"] == sorted(member.rater_code for member in cast.reviewers[:2])


def test_a_claim_serves_it_at_its_rate_and_only_among_live_work(cast: Cast) -> None:
    start(cast)
    rng = random.Random(7)
    change_queue_settings(project=cast.project, actor="test", daily_cap=1000)
    lanes: list[str] = []
    for _number in range(40):
        assignment = claim_seat(reviewer=cast.reviewers[0], now=LATER, rng=rng)
        assert assignment is not None
        lanes.append(assignment.seat.lane)
        submit(assignment, now=LATER)
    assert 2 <= lanes.count(Lane.OVERLAP) <= 12
    Seat.objects.filter(lane=Lane.WORK, state=SeatState.OPEN).update(state=SeatState.CLOSED)
    assert claim_seat(reviewer=cast.reviewers[0], now=LATER, rng=random.Random(1)) is None


def test_nothing_follows_for_its_items(cast: Cast) -> None:
    verdicts = Verdict.objects.count()
    start(cast)
    finish(cast, answer=half)
    assert Verdict.objects.count() == verdicts
    assert set(ReviewItem.objects.filter(kind=ItemKind.OVERLAP).values_list("status", flat=True)) == {"open"}
    call_command("verify_ledger")


def test_skipping_or_passing_up_closes_the_seat(cast: Cast) -> None:
    start(cast)
    release_seat(assignment=take_shared(cast.reviewers[0]), now=LATER)
    escalate(assignment=take_shared(cast.reviewers[0]), reason="unclear", now=LATER)
    assert Seat.objects.filter(lane=Lane.OVERLAP, state=SeatState.CLOSED).count() == 2
    assert not Seat.objects.filter(lane=Lane.ADJUDICATION, item__kind=ItemKind.OVERLAP).exists()


def test_it_ends_when_all_is_handed_in_and_nothing_can_be_undone(cast: Cast) -> None:
    round_ = start(cast)
    work_through(cast)
    assert settle_overlap_rounds(now=LATER) == 0
    last = Assignment.objects.filter(seat__lane=Lane.OVERLAP).order_by("-pk")[0]
    undone = undo_rating(assignment=last, now=LATER)
    assert settle_overlap_rounds(now=LATER + MINUTES) == 0
    submit(undone, now=LATER + MINUTES)
    assert [settle_overlap_rounds(now=LATER + 2 * MINUTES) for _twice in range(2)] == [1, 0]
    round_.refresh_from_db()
    assert round_.ended_at == LATER + 2 * MINUTES
    # Two seats of each item, and one rating from before that counts beside them.
    headline = round_.figures["criteria"][0]
    assert (headline["criterion"], headline["items"], headline["raters"], headline["ratings"]) == (
        "·outcome",
        SIZE,
        3,
        3 * SIZE,
    )


def test_its_time_is_up_after_fourteen_days(cast: Cast) -> None:
    round_ = start(cast)
    for _number in range(3):
        submit(take_shared(cast.reviewers[0]), now=LATER)
    held = take_shared(cast.reviewers[1], now=round_.closes_at)
    assert settle_overlap_rounds(now=round_.closes_at - MINUTES) == 0
    assert settle_overlap_rounds(now=round_.closes_at) == 0
    assert claim_seat(reviewer=cast.reviewers[2], now=round_.closes_at, rng=random.Random(1)).seat.lane == Lane.WORK
    submit(held, now=round_.closes_at)
    assert settle_overlap_rounds(now=round_.closes_at + MINUTES) == 1
    round_.refresh_from_db()
    assert round_.figures["ratings"] == 4
    call_command("verify_ledger")


def test_the_figures_say_how_far_people_agree(cast: Cast) -> None:
    start(cast)
    round_ = finish(cast, answer=half)
    headline = round_.figures["criteria"][0]
    assert 0 < headline["percent"] < 1
    low, high = headline["percent_interval"]
    assert low <= headline["percent"] <= high
    assert {row["rater"] for row in round_.figures["reviewers"]} == set(round_.figures["people"])
    assert all(row["items"] == SIZE and 0 <= row["agreement"] <= 1 for row in round_.figures["reviewers"])
    assert round_.figures["before"] is None


def test_a_round_in_which_people_agree_less_than_before_raises_an_alarm(cast: Cast) -> None:
    month = timedelta(days=30)
    change_queue_settings(project=cast.project, actor="test", reblind_size=24)
    for number in range(24):
        judge(cast.reviewers[number % 3], now=NOW)
    start(cast)
    first = finish(cast)
    assert first.figures["criteria"][0]["percent"] > 0.8
    start(cast, now=LATER + month)
    second = finish(cast, now=LATER + month, answer=contrary)
    before = second.figures["before"]
    assert before["round"] == first.pk
    found = next(row for row in before["differences"] if row["criterion"] == "·outcome")
    assert found["difference"] < -0.3
    assert found["interval"][1] < 0
    alarm = Alarm.objects.get(kind="agreement_fell", cleared_at=None)
    assert alarm.subject == "acceptability"
    assert "in the round before" in sentence(alarm)
    # Fresh items, and a round that is no worse than the last.
    for number in range(18):
        judge(cast.reviewers[number % 3], now=LATER + month + MINUTES)
    start(cast, now=LATER + 2 * month)
    finish(cast, now=LATER + 2 * month)
    assert not Alarm.objects.filter(kind="agreement_fell", cleared_at=None).exists()


def contrary(assignment: Assignment) -> dict[str, object]:
    """Robin accepts everything, the others nothing."""
    return ACCEPT if assignment.reviewer.person.email.startswith("robin") else REJECT


def test_two_sweeps_at_once_make_one_round_and_the_next_a_month_later(cast: Cast) -> None:
    first = Rating.objects.filter(item__project=cast.project).order_by("submitted_at")[0].submitted_at
    rng = random.Random(1)
    month = timedelta(days=30)
    assert start_due_rounds(now=first + month - MINUTES, rng=rng) == 0
    for member in cast.reviewers:
        judge(member, now=first + month - MINUTES)
    assert [start_due_rounds(now=first + month, rng=rng) for _twice in range(2)] == [1, 0]
    finish(cast, now=first + month)
    route(cast.project, *(output_body() for _number in range(12)), now=first + month)
    assert start_due_rounds(now=first + 2 * month - MINUTES, rng=rng) == 0
    change_queue_settings(project=cast.project, actor="test", reblind_days=None)
    assert start_due_rounds(now=first + 2 * month, rng=rng) == 0
    change_queue_settings(project=cast.project, actor="test", reblind_days=30)
    assert start_due_rounds(now=first + 2 * month, rng=rng) == 1


def test_a_new_version_closes_what_nobody_has_begun(cast: Cast) -> None:
    round_ = start(cast)
    held = take_shared(cast.reviewers[0])
    publish_rubric(rubric=draft_next(rubric=in_force(cast), actor="test"), actor="test", now=LATER)
    assert {item.rubric_id for item in shared_items(round_)} == {round_.rubric_id}
    assert Seat.objects.filter(lane=Lane.OVERLAP, state=SeatState.OPEN).count() == 0
    submit(held, now=LATER)
    assert settle_overlap_rounds(now=LATER + MINUTES) == 1


def test_paused_slices_give_no_shared_items_either(cast: Cast) -> None:
    start(cast)
    for intent in ("billing", "returns"):
        pause_slice(
            project=cast.project,
            intent=intent,
            rubric=in_force(cast),
            cause="owner",
            evidence={},
            actor="test",
            now=LATER,
        )
    route(cast.project, output_body(intent="other"), now=LATER)
    assert claim_seat(reviewer=cast.reviewers[0], now=LATER, rng=random.Random(1)).item.intent == "other"


def test_suspects_are_left_out_of_the_figures(cast: Cast) -> None:
    round_ = start(cast)
    work_through(cast, answer=accept)
    raise_suspicion(
        membership=cast.reviewers[2], kind="owner", since=LATER, evidence={}, actor="test", now=LATER + MINUTES
    )
    settle_overlap_rounds(now=LATER + 2 * MINUTES)
    round_.refresh_from_db()
    kim = [row for row in round_.figures["reviewers"] if row["rater"] == cast.reviewers[2].rater_code]
    assert all(row["items"] <= 4 for row in kim)
