"""Exactly what a suspect had a part in is judged anew, once, and comes back when the owner says so."""

from datetime import timedelta

import pytest

from labeling.models import (
    AssignmentState,
    GoldCase,
    GoldResult,
    ItemStatus,
    Rating,
    ReviewItem,
    Seat,
    SeatState,
    SetAside,
    Suspicion,
    SuspicionKind,
    Verdict,
)
from labeling.services.drifting import overrule, raise_suspicion, watch_reviewers
from reviewapp.core.models import AuditEntry, Membership
from routing.ledger import CHECKS
from routing.ledger.checks import examine
from routing.queries import audit_strata, logged_outputs
from tests.factories import REJECT, claim, item_of, judge, output_body, plant_gold, route, submit
from tests.people import NOW, Cast, make_cast
from tests.threads import in_threads

HOUR = timedelta(hours=1)
LATER = NOW + 10 * HOUR


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


def suspected(member: Membership) -> Suspicion:
    return raise_suspicion(
        membership=member, kind=SuspicionKind.OWNER, since=NOW, evidence={}, actor="person:1", now=LATER
    )


def lifted(suspicion: Suspicion) -> None:
    suspicion.refresh_from_db()
    overrule(suspicion=suspicion, actor="person:1", reason="All is well.", now=LATER + HOUR)


def ledger_is_clean() -> None:
    faults = [finding for check in CHECKS if (finding := examine(check, None, most=5)).count]
    assert not faults, faults


def wrong_on_gold(reviewer: Membership, cast: Cast, answers: int) -> None:
    """Every answer wrong, as if handed in in the hours before."""
    for number in range(answers):
        case = plant_gold(cast.project, f"g{number}", exposures=1)
        item = GoldCase.objects.get(pk=case.pk).item
        seat = Seat.objects.filter(item=item).first()
        assert seat is not None
        Seat.objects.filter(pk=seat.pk).update(state=SeatState.SUBMITTED, holder=reviewer)
        at = NOW + number * timedelta(minutes=5)
        assignment = item.assignments.create(
            seat=seat,
            reviewer=reviewer,
            rubric=item.rubric,
            state=AssignmentState.SUBMITTED,
            claimed_at=at,
            opened_at=at,
            lease_expires_at=at,
            ended_at=at,
            fingerprint=item.fingerprint,
        )
        rating = Rating.objects.create(
            assignment=assignment,
            item=item,
            reviewer=reviewer,
            rubric=item.rubric,
            values={"acceptable": "no", "reason": "wrong"},
            verdict="reject",
            server_seconds=30.0,
            idempotency_key="once",
            submitted_at=at,
            undo_until=at,
        )
        ReviewItem.objects.filter(pk=item.pk).update(ratings_counted=1)
        GoldResult.objects.create(rating=rating, gold_case_id=case.pk, reviewer=reviewer, correct=False, at=at)


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_suspect_once_and_requeue_once() -> None:
    cast = make_cast()
    rae = cast.reviewers[0]
    outputs = route(cast.project, *(output_body() for _ in range(6)), now=NOW)
    for _number in range(6):
        judge(rae, now=NOW)
    # Without a single good answer everything since they came is in doubt.
    Membership.objects.filter(pk=rae.pk).update(created_at=NOW - HOUR)
    wrong_on_gold(rae, cast, 8)
    raised = in_threads(3, lambda _index: watch_reviewers(now=LATER))
    assert sorted(raised) == [0, 0, 1]
    assert Suspicion.objects.count() == 1
    assert SetAside.objects.count() == 6
    items = [item_of(output) for output in outputs]
    assert {item.status for item in items} == {ItemStatus.OPEN}
    assert Seat.objects.filter(item__in=items, state=SeatState.OPEN).count() == 6
    assert AuditEntry.objects.filter(verb="reviewer.suspected").count() == 1
    watch_reviewers(now=LATER + HOUR)
    assert SetAside.objects.count() == 6


def test_of_two_ratings_one_is_kept_and_one_other_person_is_asked(cast: Cast) -> None:
    cast.put_in_force(tier={"mode": "always", "raters": 2})
    (output,) = route(cast.project, output_body(), now=NOW)
    first, second, third = cast.reviewers[:3]
    kept = judge(first, now=NOW)
    judge(second, now=NOW)
    before = item_of(output).verdict_id
    suspicion = suspected(second)
    item = item_of(output)
    assert (item.status, item.ratings_counted) == (ItemStatus.OPEN, 1)
    assert Seat.objects.filter(item=item, state=SeatState.OPEN).count() == 1
    fresh = judge(third, now=LATER)
    item = item_of(output)
    assert item.verdict is not None
    assert sorted(item.verdict.rating_ids) == sorted([kept.pk, fresh.pk])
    ledger_is_clean()
    # Nobody needs the second one any more: the later verdict stays in force.
    lifted(suspicion)
    assert item_of(output).verdict_id == item.verdict_id != before
    ledger_is_clean()


def test_of_two_ratings_the_verdict_is_back_when_it_is_overruled_in_time(cast: Cast) -> None:
    cast.put_in_force(tier={"mode": "always", "raters": 2})
    (output,) = route(cast.project, output_body(), now=NOW)
    judge(cast.reviewers[0], now=NOW)
    judge(cast.reviewers[1], now=NOW)
    before = item_of(output).verdict_id
    suspicion = suspected(cast.reviewers[1])
    assert item_of(output).verdict_id is None
    lifted(suspicion)
    assert item_of(output).verdict_id == before
    assert Verdict.objects.count() == 1
    ledger_is_clean()


def disputed(cast: Cast) -> ReviewItem:
    cast.put_in_force(tier={"mode": "always", "overlap_share": 1.0, "overlap_raters": 2})
    (output,) = route(cast.project, output_body(), now=NOW)
    judge(cast.reviewers[0], now=NOW)
    judge(cast.reviewers[1], now=NOW, **REJECT)
    judge(cast.adjudicator, now=NOW, **REJECT, cause="reviewer_slip")
    return item_of(output)


def test_what_a_suspect_adjudicator_decided_is_in_dispute_again(cast: Cast) -> None:
    item = disputed(cast)
    before = item.verdict_id
    suspicion = suspected(cast.adjudicator)
    item.refresh_from_db()
    assert (item.status, item.verdict, item.ratings_counted) == (ItemStatus.DISPUTED, None, 2)
    assert Seat.objects.filter(item=item, number=0, state=SeatState.OPEN).exists()
    cast.adjudicator.refresh_from_db()
    assert cast.adjudicator.paused_at is not None
    ledger_is_clean()
    lifted(suspicion)
    item.refresh_from_db()
    assert (item.status, item.verdict_id, item.ratings_counted) == (ItemStatus.SETTLED, before, 2)
    cast.adjudicator.refresh_from_db()
    assert cast.adjudicator.paused_at is None
    ledger_is_clean()


def test_a_suspect_raters_part_in_a_decided_dispute_queues_nothing(cast: Cast) -> None:
    item = disputed(cast)
    before = item.verdict_id
    suspicion = suspected(cast.reviewers[0])
    item.refresh_from_db()
    assert (item.status, item.verdict_id) == (ItemStatus.SETTLED, before)
    assert not Seat.objects.filter(item=item, state=SeatState.OPEN).exists()
    lifted(suspicion)
    item.refresh_from_db()
    assert (item.verdict_id, item.ratings_counted) == (before, 2)
    ledger_is_clean()


def test_what_a_suspect_held_goes_to_others_and_counts_for_nothing(cast: Cast) -> None:
    (output,) = route(cast.project, output_body(), now=NOW)
    held = claim(cast.reviewers[0], now=LATER)
    suspicion = suspected(cast.reviewers[0])
    late = submit(held, now=LATER + timedelta(minutes=1))
    # Nobody had taken the seat, so it counted for a moment: until the next sweep.
    watch_reviewers(now=LATER + timedelta(minutes=5))
    assert SetAside.objects.filter(rating=late, suspicion=suspicion).count() == 1
    assert item_of(output).status == ItemStatus.OPEN
    watch_reviewers(now=LATER + timedelta(minutes=10))
    assert SetAside.objects.count() == 1
    judge(cast.reviewers[1], now=LATER + timedelta(minutes=11))
    assert item_of(output).status == ItemStatus.SETTLED
    ledger_is_clean()


def test_whoever_the_owner_lets_go_on_is_no_longer_suspect(cast: Cast) -> None:
    rae = cast.reviewers[0]
    route(cast.project, output_body(), output_body(), now=NOW)
    judge(rae, now=NOW)
    suspicion = suspected(rae)
    Membership.objects.filter(pk=rae.pk).update(paused_at=None)
    watch_reviewers(now=LATER + HOUR)
    suspicion.refresh_from_db()
    assert suspicion.ended_at == LATER + HOUR
    rae.refresh_from_db()
    later = judge(rae, now=LATER + 2 * HOUR)
    watch_reviewers(now=LATER + 3 * HOUR)
    # What was set aside stays so; what follows counts.
    assert list(Rating.objects.standing()) == [later]


def judged(cast: Cast) -> tuple[int, int]:
    """Outputs that a calibration would learn from, and audited ones that a certificate would count."""
    learnt = sum(row["output__reviews__item__verdict__value"] is not None for row in logged_outputs(cast.project))
    return learnt, sum(stratum.audited for stratum in audit_strata(cast.project))


def test_set_aside_verdicts_are_in_no_calibration_and_no_certificate(cast: Cast) -> None:
    route(cast.project, *(output_body() for _ in range(2)), now=NOW)
    cast.put_in_force(tier={"mode": "below_threshold", "threshold": 0.1, "audit_rate": 0.999})
    sure = {"signals": [{"kind": "score", "name": "s", "value": 0.95}]}
    audited = route(cast.project, *(output_body(**sure) for _ in range(4)), now=NOW)
    for reviewer in (0, 0, 0, 1, 1, 1):
        judge(cast.reviewers[reviewer], now=NOW)
    before = judged(cast)
    assert before == (6, len(audited))
    theirs = Rating.objects.filter(reviewer=cast.reviewers[0])
    of_audits = theirs.filter(item__kind="audit").count()
    assert of_audits
    suspicion = suspected(cast.reviewers[0])
    assert judged(cast) == (3, len(audited) - of_audits)
    lifted(suspicion)
    assert judged(cast) == before
