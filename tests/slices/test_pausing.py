"""Slices in which people agree too little are paused; lifting and new versions end that."""

import random
from datetime import datetime, timedelta
from math import comb

import pytest

from labeling.models import Alarm, PauseCause, QueueSettings, ReviewItem, Rubric, SlicePause
from labeling.services.claiming import claim_seat
from labeling.services.drifting import raise_suspicion
from labeling.services.holding import extend_lease
from labeling.services.pauses import PauseRefused, lift_pause, pause_slice
from labeling.services.rubrics import active_rubric, draft_next, publish_rubric
from labeling.services.slices import PAUSE_ITEMS, watch_slices
from reviewapp.core.models import AuditEntry, Membership
from routing.ledger import CHECKS, examine
from tests.factories import ACCEPT, REJECT, claim, judge, make_noise, output_body, plant_gold, route, submit
from tests.people import NOW, Cast
from tests.slices.judging import AFTER, judged_by_two


def rubric_of(cast: Cast) -> Rubric:
    return active_rubric(cast.project, "pointwise")


def pause(cast: Cast, *, intent: str = "billing", now: datetime = NOW) -> SlicePause:
    return pause_slice(
        project=cast.project,
        intent=intent,
        rubric=rubric_of(cast),
        cause=PauseCause.OWNER,
        evidence={},
        actor="test",
        now=now,
    )


def offered(reviewer: Membership, *, now: datetime = AFTER) -> str | None:
    """The intent of what a claim gives."""
    assignment = claim_seat(reviewer=reviewer, now=now, rng=random.Random(3))
    return assignment.item.intent if assignment else None


@pytest.mark.parametrize(("same", "paused"), [(15, False), (14, True)])
def test_it_pauses_below_the_floor_and_not_at_it(cast: Cast, same: int, paused: bool) -> None:
    judged_by_two(cast, items=20, same=same)
    assert watch_slices(now=AFTER) == paused
    found = SlicePause.objects.filter(project=cast.project)
    assert found.count() == paused
    if paused:
        evidence = found[0].evidence
        assert (evidence["criterion"], evidence["percent"], evidence["items"]) == ("acceptable", 0.7, 20)
        low, high = evidence["interval"]
        assert low < 0.7 < high
        assert evidence["floor"] == 0.75


def test_it_says_nothing_of_fewer_than_twenty_items(cast: Cast) -> None:
    judged_by_two(cast, items=PAUSE_ITEMS - 1, same=0)
    assert watch_slices(now=AFTER) == 0


def test_it_holds_the_owners_floor_against_each_intent_apart(cast: Cast) -> None:
    make_noise()
    QueueSettings.objects.filter(project=cast.project).update(agreement_floor=0.9)
    judged_by_two(cast, items=20, same=17, intent="billing")
    judged_by_two(cast, items=20, same=19, intent="returns")
    assert watch_slices(now=AFTER) == 1
    assert SlicePause.objects.get().intent == "billing"


def test_it_leaves_out_what_can_still_be_undone_and_whom_it_cannot_trust(cast: Cast) -> None:
    judged_by_two(cast, items=20, same=0)
    assert watch_slices(now=NOW) == 0
    raise_suspicion(membership=cast.reviewers[1], kind="owner", since=NOW, evidence={}, actor="test", now=NOW)
    assert watch_slices(now=AFTER) == 0


def test_its_second_sweep_does_nothing_further(cast: Cast) -> None:
    judged_by_two(cast, items=20, same=0)
    assert [watch_slices(now=AFTER), watch_slices(now=AFTER)] == [1, 0]
    assert SlicePause.objects.count() == 1
    assert AuditEntry.objects.filter(verb="slice.paused").count() == 1


def test_its_seats_are_not_handed_out_and_its_outputs_still_come_to_review(cast: Cast) -> None:
    pause(cast)
    route(cast.project, output_body(intent="billing"))
    assert ReviewItem.objects.get().seats.count() == 2
    assert offered(cast.reviewers[0]) is None
    route(cast.project, output_body(intent="returns"))
    assert offered(cast.reviewers[0]) == "returns"


def test_it_plants_no_gold_of_a_paused_slice(cast: Cast) -> None:
    QueueSettings.objects.filter(project=cast.project).update(gold_rate=0.5)
    plant_gold(cast.project)
    pause(cast)
    route(cast.project, *(output_body(intent="returns") for _number in range(3)))
    assert [claim(cast.reviewers[0], seed=seed).item.kind for seed in range(3)] == ["live"] * 3


def test_what_somebody_holds_may_be_handed_in(cast: Cast) -> None:
    route(cast.project, output_body())
    held = claim(cast.reviewers[0])
    pause(cast)
    extend_lease(assignment=held, now=NOW)
    assert submit(held).extra is False


def test_adjudicators_go_on(cast: Cast) -> None:
    judged_by_two(cast, items=1, same=0)
    pause(cast)
    assert offered(cast.adjudicator) == "billing"


def test_its_alarm_stands_while_the_pause_does(cast: Cast) -> None:
    paused = pause(cast)
    assert Alarm.objects.get(kind="slice_paused", cleared_at=None).subject == "billing"
    lift_pause(pause=paused, actor="test", reason="The rubric is clear.", now=AFTER)
    assert not Alarm.objects.filter(kind="slice_paused", cleared_at=None).exists()


def test_lifted_it_is_handed_out_again_and_the_same_evidence_does_not_pause_it_again(cast: Cast) -> None:
    judged_by_two(cast, items=20, same=0)
    watch_slices(now=AFTER)
    route(cast.project, output_body(), now=AFTER)
    assert offered(cast.reviewers[0]) is None
    lift_pause(pause=SlicePause.objects.get(), actor="test", reason="They were told.", now=AFTER)
    assert watch_slices(now=AFTER) == 0
    assert offered(cast.reviewers[0]) == "billing"
    later = AFTER + timedelta(minutes=1)
    judge_again(cast, later)
    assert watch_slices(now=later + timedelta(hours=1)) == 1


def judge_again(cast: Cast, now: datetime) -> None:
    """Twenty further items on which nobody agrees; one more is held from before, and takes one of two raters."""
    route(cast.project, *(output_body() for _number in range(21)), now=now)
    for _number in range(21):
        judge(cast.reviewers[2], now=now, **ACCEPT)
        judge(cast.reviewers[1], now=now, **REJECT)


def test_lifting_takes_a_reason_and_happens_once(cast: Cast) -> None:
    paused = pause(cast)
    with pytest.raises(PauseRefused):
        lift_pause(pause=paused, actor="test", reason="  ", now=AFTER)
    lift_pause(pause=paused, actor="test", reason="Done.", now=AFTER)
    with pytest.raises(PauseRefused):
        lift_pause(pause=paused, actor="test", reason="Done.", now=AFTER)
    assert pause(cast).pk != paused.pk


def test_pausing_is_safe_to_repeat(cast: Cast) -> None:
    assert pause(cast) == pause(cast)
    other = make_noise()
    with pytest.raises(PauseRefused):
        pause_slice(
            project=other.project,
            intent="billing",
            rubric=rubric_of(cast),
            cause=PauseCause.OWNER,
            evidence={},
            actor="test",
            now=NOW,
        )


def test_a_new_version_ends_the_pauses_under_the_old_one(cast: Cast) -> None:
    paused = pause(cast)
    route(cast.project, output_body())
    following = draft_next(rubric=rubric_of(cast), actor="test")
    assert offered(cast.reviewers[0]) is None
    publish_rubric(rubric=following, actor="test", now=AFTER)
    paused.refresh_from_db()
    assert (paused.lifted_at, paused.lifted_by) == (AFTER, "system")
    assert str(following) in paused.reason
    assert offered(cast.reviewers[0]) == "billing"


def test_the_ledger_is_clean_with_a_pause(cast: Cast) -> None:
    judged_by_two(cast, items=20, same=10)
    watch_slices(now=AFTER)
    assert [found.check.name for check in CHECKS if not (found := examine(check, cast.project, most=5)).clean] == []


def below_at_first_look(share: float, *, items: int = 20, floor: int = 15) -> float:
    """P(X < floor) for X ~ Binomial(items, share)."""
    return sum(comb(items, k) * share**k * (1 - share) ** (items - k) for k in range(floor))


@pytest.mark.parametrize(("share", "told"), [(0.75, 38.3), (0.80, 19.6), (0.85, 6.7), (0.90, 1.1)])
def test_the_error_rates_that_the_documents_tell_are_these(share: float, told: float) -> None:
    assert 100 * below_at_first_look(share) == pytest.approx(told, abs=0.05)
