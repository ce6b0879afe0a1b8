"""Whose ratings are set aside, what is judged anew because of it, and what overruling brings back."""

from datetime import datetime, timedelta

import pytest

from labeling.models import (
    AssignmentState,
    ItemStatus,
    Rating,
    ReviewItem,
    Seat,
    SeatState,
    Suspicion,
    SuspicionKind,
    Verdict,
    VerdictNotice,
)
from labeling.services.claiming import claim_seat
from labeling.services.drifting import overrule, raise_suspicion, watch_reviewers, watched
from labeling.services.onboarding import pause_reviewer
from labeling.services.suspecting import SuspicionRefused
from reviewapp.core.models import AuditEntry, Membership
from routing.ledger import CHECKS
from routing.ledger.checks import examine
from routing.services.feed import publish_verdicts
from tests.factories import REJECT, claim, item_of, judge, make_noise, output_body, plant_gold, route, submit
from tests.people import NOW, Cast, make_cast

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LATER = NOW + 10 * HOUR


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def suspected(reviewer: Membership, since: datetime, *, now: datetime = LATER) -> Suspicion:
    return raise_suspicion(
        membership=reviewer, kind=SuspicionKind.OWNER, since=since, evidence={}, actor="person:1", now=now
    )


def judged_hourly(reviewer: Membership, cast: Cast, hours: int) -> list[ReviewItem]:
    """One item an hour, accepted."""
    items = []
    for hour in range(hours):
        (output,) = route(cast.project, output_body(), now=NOW + hour * HOUR)
        judge(reviewer, now=NOW + hour * HOUR)
        items.append(item_of(output))
    return items


def states(items: list[ReviewItem]) -> list[str]:
    return [ReviewItem.objects.get(pk=item.pk).status for item in items]


def ledger_is_clean() -> None:
    faults = [finding for check in CHECKS if (finding := examine(check, None, most=5)).count]
    assert not faults, faults


def test_it_queues_exactly_the_verdicts_since_the_last_good_evidence(cast: Cast) -> None:
    rae, other = cast.reviewers[0], cast.reviewers[1]
    mine = judged_hourly(rae, cast, 4)
    theirs = judged_hourly(other, cast, 2)
    suspected(rae, NOW + 2 * HOUR)
    assert states(mine) == ["settled", "settled", "open", "open"]
    assert states(theirs) == ["settled", "settled"]
    ledger_is_clean()


def test_the_items_go_to_others_and_never_back_to_the_suspect(cast: Cast) -> None:
    rae, other = cast.reviewers[0], cast.reviewers[1]
    (item,) = judged_hourly(rae, cast, 1)
    suspected(rae, NOW)
    Membership.objects.filter(pk=rae.pk).update(paused_at=None)
    rae.refresh_from_db()
    assert claim_seat(reviewer=rae, now=LATER) is None
    again = judge(other, now=LATER, **REJECT)
    assert again.item_id == item.pk
    item.refresh_from_db()
    assert (item.status, item.verdict.value, item.verdict.sequence) == (ItemStatus.SETTLED, "reject", 2)
    ledger_is_clean()


def test_nothing_is_deleted(cast: Cast) -> None:
    judged_hourly(cast.reviewers[0], cast, 3)
    suspected(cast.reviewers[0], NOW)
    assert (Rating.objects.count(), Verdict.objects.count()) == (3, 3)
    assert not Rating.objects.standing().exists()


def test_a_second_sweep_queues_nothing_again(cast: Cast) -> None:
    items = judged_hourly(cast.reviewers[0], cast, 2)
    suspected(cast.reviewers[0], NOW)
    judge(cast.reviewers[1], now=LATER)
    with pytest.raises(SuspicionRefused, match="open suspicion"):
        suspected(cast.reviewers[0], NOW)
    watch_reviewers(now=LATER + HOUR)
    assert sorted(states(items)) == ["open", "settled"]
    assert Suspicion.objects.count() == 1


def test_overruling_restores_the_verdicts_and_the_reviewer(cast: Cast) -> None:
    rae = cast.reviewers[0]
    items = judged_hourly(rae, cast, 3)
    before = {item.pk: ReviewItem.objects.get(pk=item.pk).verdict_id for item in items}
    suspicion = suspected(rae, NOW + HOUR)
    restored = overrule(suspicion=suspicion, actor="person:1", reason="The rubric was wrong.", now=LATER + HOUR)
    assert (restored.ratings, restored.judged_anew) == (2, 0)
    assert {item.pk: ReviewItem.objects.get(pk=item.pk).verdict_id for item in items} == before
    rae.refresh_from_db()
    assert rae.paused_at is None
    assert Seat.objects.filter(state=SeatState.OPEN).count() == 0
    assert AuditEntry.objects.filter(verb="suspicion.overruled", actor="person:1").count() == 1
    ledger_is_clean()


def test_overruling_leaves_what_others_judged_meanwhile(cast: Cast) -> None:
    rae, other = cast.reviewers[0], cast.reviewers[1]
    items = judged_hourly(rae, cast, 2)
    suspicion = suspected(rae, NOW)
    anew = judge(other, now=LATER, **REJECT)
    held = claim(other, now=LATER)
    restored = overrule(suspicion=suspicion, actor="person:1", reason="They were right.", now=LATER + HOUR)
    assert (restored.ratings, restored.judged_anew) == (1, 1)
    values = {item.pk: ReviewItem.objects.get(pk=item.pk).verdict.value for item in items}
    assert values.pop(anew.item_id) == "reject"
    assert list(values.values()) == ["accept"]
    # Who was at it hands in all the same: kept, not counted.
    late = submit(held, now=LATER + 2 * HOUR, **REJECT)
    assert late.extra
    ledger_is_clean()


def test_it_needs_a_reason_and_happens_once(cast: Cast) -> None:
    judged_hourly(cast.reviewers[0], cast, 1)
    suspicion = suspected(cast.reviewers[0], NOW)
    with pytest.raises(SuspicionRefused, match="Say why"):
        overrule(suspicion=suspicion, actor="person:1", reason=" ", now=LATER)
    overrule(suspicion=suspicion, actor="person:1", reason="Good.", now=LATER)
    with pytest.raises(SuspicionRefused, match="already"):
        overrule(suspicion=suspicion, actor="person:1", reason="Good.", now=LATER)


def test_an_adjudicators_decision_stands(cast: Cast) -> None:
    cast.put_in_force(tier={"mode": "always", "overlap_share": 1.0, "overlap_raters": 2})
    (output,) = route(cast.project, output_body(), now=NOW)
    judge(cast.reviewers[0], now=NOW)
    judge(cast.reviewers[1], now=NOW, **REJECT)
    judge(cast.adjudicator, now=NOW, **REJECT, cause="reviewer_slip")
    suspected(cast.reviewers[0], NOW)
    item = item_of(output)
    assert (item.status, item.verdict.reached_by) == (ItemStatus.SETTLED, "adjudication")
    ledger_is_clean()


def test_two_suspects_of_one_item(cast: Cast) -> None:
    """What rests on both comes back only when both are cleared."""
    cast.put_in_force(tier={"mode": "always", "raters": 2})
    (output,) = route(cast.project, output_body(), now=NOW)
    first, second = cast.reviewers[:2]
    judge(first, now=NOW)
    judge(second, now=NOW)
    of_first, of_second = suspected(first, NOW), suspected(second, NOW)
    assert item_of(output).ratings_counted == 0
    overrule(suspicion=of_first, actor="person:1", reason="Good.", now=LATER)
    assert states([item_of(output)]) == ["open"]
    overrule(suspicion=of_second, actor="person:1", reason="Good.", now=LATER)
    assert states([item_of(output)]) == ["settled"]
    ledger_is_clean()


def test_the_application_hears_of_a_verdict_that_replaces_one_it_knew(cast: Cast) -> None:
    judged_hourly(cast.reviewers[0], cast, 1)
    assert publish_verdicts(project=cast.project, now=LATER) == 1
    suspicion = suspected(cast.reviewers[0], NOW)
    assert publish_verdicts(project=cast.project, now=LATER + HOUR) == 0
    judge(cast.reviewers[1], now=LATER + HOUR, **REJECT)
    assert publish_verdicts(project=cast.project, now=LATER + 2 * HOUR) == 1
    ledger_is_clean()
    overrule(suspicion=suspicion, actor="person:1", reason="Good.", now=LATER + 3 * HOUR)
    assert publish_verdicts(project=cast.project, now=LATER + 4 * HOUR) == 0


def test_a_verdict_that_nobody_was_told_of_is_told_when_it_is_restored(cast: Cast) -> None:
    judged_hourly(cast.reviewers[0], cast, 1)
    suspicion = suspected(cast.reviewers[0], NOW, now=NOW + timedelta(seconds=1))
    assert not VerdictNotice.objects.exists()
    overrule(suspicion=suspicion, actor="person:1", reason="Good.", now=LATER)
    assert publish_verdicts(project=cast.project, now=LATER) == 1
    ledger_is_clean()


def test_the_sweep_suspects_who_falls_from_the_hour_they_fell(cast: Cast) -> None:
    """Forty right answers, then wrong ones: what they judged before the fall stays."""
    make_noise()
    rae = cast.reviewers[0]
    for number in range(60):
        plant_gold(cast.project, f"g{number}", exposures=1)
    cast.put_in_force(gold_rate=0.5)
    good = judged_hourly(rae, cast, 3)
    answer_gold(rae, cast, [True] * 20, start=NOW + 3 * HOUR)
    moment = NOW + 30 * HOUR
    fallen = answer_gold(rae, cast, [False] * 8, start=moment)
    assert watch_reviewers(now=moment + 10 * HOUR) == 1
    suspicion = Suspicion.objects.get()
    assert (suspicion.kind, suspicion.membership) == (SuspicionKind.GOLD_DRIFT, rae)
    assert suspicion.evidence["gold_answers"] >= 22
    assert states(good) == ["settled"] * 3
    assert suspicion.since < moment
    assert fallen
    rae.refresh_from_db()
    assert rae.paused_at is not None
    assert AuditEntry.objects.filter(verb="reviewer.suspected").count() == 1


def answer_gold(reviewer: Membership, cast: Cast, right: list[bool], *, start: datetime) -> bool:
    """Answers to planted gold, all acceptable cases, a quarter of an hour apart."""
    from labeling.models import Assignment

    answered = 0
    attempt = 0
    while answered < len(right):
        now = start + attempt * timedelta(minutes=15)
        route(cast.project, output_body(), now=now)
        assignment = claim(reviewer, now=now, seed=attempt)
        kind = Assignment.objects.get(pk=assignment.pk).item.kind
        if kind != "gold":
            submit(assignment, now=now)
        elif right[answered]:
            submit(assignment, now=now)
            answered += 1
        else:
            submit(assignment, now=now, **REJECT)
            answered += 1
        attempt += 1
        assert attempt < 400
    return True


def test_honest_slips_raise_nothing(cast: Cast) -> None:
    rae = cast.reviewers[0]
    for number in range(60):
        plant_gold(cast.project, f"g{number}", exposures=1)
    cast.put_in_force(gold_rate=0.5)
    answer_gold(rae, cast, ([True] * 12 + [False]) * 2, start=NOW)
    assert watch_reviewers(now=NOW + 90 * HOUR) == 0
    assert watched(rae).test.current < 3.5


def test_an_overruled_suspicion_is_not_raised_again_on_the_same_answers(cast: Cast) -> None:
    rae = cast.reviewers[0]
    for number in range(40):
        plant_gold(cast.project, f"g{number}", exposures=1)
    cast.put_in_force(gold_rate=0.5)
    answer_gold(rae, cast, [False] * 8, start=NOW)
    assert watch_reviewers(now=NOW + 90 * HOUR) == 1
    overrule(suspicion=Suspicion.objects.get(), actor="person:1", reason="Bad gold.", now=NOW + 91 * HOUR)
    assert watch_reviewers(now=NOW + 92 * HOUR) == 0


def test_a_paused_suspect_stays_paused_for_the_owners_own_reason(cast: Cast) -> None:
    rae = cast.reviewers[0]
    judged_hourly(rae, cast, 1)
    pause_reviewer(membership=rae, actor="person:1", reason="Holiday.", now=LATER)
    rae.refresh_from_db()
    suspicion = suspected(rae, NOW)
    overrule(suspicion=suspicion, actor="person:1", reason="Good.", now=LATER)
    rae.refresh_from_db()
    assert rae.pause_reason == "Holiday."
    assert not Rating.objects.filter(assignment__state=AssignmentState.SET_ASIDE).exists()


def test_the_owners_reason_outlives_the_word_that_overrules_it(cast: Cast) -> None:
    raised = raise_suspicion(
        membership=cast.reviewers[0],
        kind=SuspicionKind.OWNER,
        since=NOW,
        evidence={},
        actor="person:1",
        now=LATER,
        reason="Spot check.",
    )
    overrule(suspicion=raised, actor="person:1", reason="Fine.", now=LATER)
    raised.refresh_from_db()
    assert (raised.evidence["reason"], raised.reason) == ("Spot check.", "Fine.")
    assert AuditEntry.objects.get(verb="reviewer.suspected").data["reason"] == "Spot check."


def test_a_moment_that_lies_ahead_is_refused(cast: Cast) -> None:
    with pytest.raises(SuspicionRefused, match="lies ahead"):
        raise_suspicion(
            membership=cast.reviewers[0],
            kind=SuspicionKind.OWNER,
            since=LATER + HOUR,
            evidence={},
            actor="person:1",
            now=LATER,
            reason="Spot check.",
        )
    assert not Suspicion.objects.exists()
