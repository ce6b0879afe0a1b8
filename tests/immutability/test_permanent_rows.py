"""Promise 7: the database itself refuses to change what is published, on both engines."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from labeling.models import GoldenCase, GoldenSet, Lane, Seat
from reviewapp.core.triggers import trigger_names
from routing.models import Policy
from routing.services.golden import freeze_from_verdicts
from routing.services.policies import draft_policy
from tests.factories import judge, output_body, plant_gold, route
from tests.judges.standing import stand_judge
from tests.people import NOW, Cast, make_cast, policy_document

pytestmark = pytest.mark.django_db

# Every table whose rows are permanent, with a column that an UPDATE could set.
PERMANENT = {
    "core_auditentry": "verb",
    "labeling_goldencase": "line",
    "labeling_goldenset": "sha256",
    "labeling_goldresult": "correct",
    "labeling_rating": "rationale",
    "labeling_ratingwithdrawal": "at",
    "labeling_verdict": "value",
    "routing_calibrator": "metrics",
    "routing_certificate": "statement",
    "routing_decision": "action",
    "routing_judgeversion": "model",
    "routing_judgeverdict": "raw",
    "routing_output": "intent",
    "routing_outputreview": "origin",
    "routing_policyactivation": "reason",
    "routing_signal": "data",
}
PUBLISHED = {"labeling_criterion": "question", "labeling_rubric": "instructions", "routing_policy": "note"}


@pytest.fixture
def cast() -> Cast:
    """A project with a row of every kind."""
    from labeling.services.submitting import undo_rating
    from routing.services import recalibration

    cast = make_cast()
    route(cast.project, *(output_body() for _ in range(2)))
    rating = judge(cast.reviewers[0])
    undo_rating(assignment=rating.assignment, now=NOW)
    judge(cast.reviewers[1])
    plant_gold(cast.project)
    cast.put_in_force(gold_rate=0.5)
    for _turn in range(20):
        route(cast.project, output_body())
        judge(cast.reviewers[2])
    freeze_from_verdicts(project=cast.project, actor="test", now=NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recalibration, "MIN_LABELS", 1)
        recalibration.propose_recalibration(project=cast.project, actor="test", now=NOW)
    stand_judge(cast.project, "strict", now=NOW)
    return cast


def refused(sql: str) -> None:
    refusal = pytest.raises(DatabaseError, match=r"permanent|no further cases|more seats")
    with refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(("table", "column"), sorted(PERMANENT.items()))
def test_a_permanent_row_can_be_neither_changed_nor_deleted(cast: Cast, table: str, column: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}")
        if table != "labeling_goldresult":
            assert cursor.fetchone()[0] > 0
    refused(f"UPDATE {table} SET {column} = {column}")
    refused(f"DELETE FROM {table}")


@pytest.mark.parametrize(("table", "column"), sorted(PUBLISHED.items()))
def test_what_is_published_can_be_neither_changed_nor_deleted(cast: Cast, table: str, column: str) -> None:
    refused(f"UPDATE {table} SET {column} = 'other'")
    refused(f"DELETE FROM {table}")


def test_a_draft_may_still_be_changed(cast: Cast) -> None:
    draft = draft_policy(project=cast.project, document=policy_document(), actor="test")
    assert Policy.objects.filter(pk=draft.pk).update(note="second thoughts") == 1


def test_a_frozen_golden_set_takes_no_further_case(cast: Cast) -> None:
    golden_set = GoldenSet.objects.get()
    with pytest.raises(DatabaseError, match="no further cases"), transaction.atomic():
        GoldenCase.objects.create(
            golden_set=golden_set, position=golden_set.case_count, case_id="late", stratum="s", weight=1, line="{}"
        )


def test_an_item_takes_no_further_seat(cast: Cast) -> None:
    seat = Seat.objects.filter(lane=Lane.WORK).first()
    assert seat
    with pytest.raises(DatabaseError, match="more seats"), transaction.atomic():
        Seat.objects.create(
            item=seat.item, project=seat.project, number=seat.item.raters_needed + 1, lane=Lane.WORK, due_at=NOW
        )


def test_nobody_holds_two_seats_of_one_item(cast: Cast) -> None:
    cast.put_in_force(tier={"raters": 2})
    route(cast.project, output_body())
    first, second = Seat.objects.order_by("-pk")[:2]
    holder = cast.reviewers[0]
    Seat.objects.filter(pk=first.pk).update(state="leased", holder=holder, lease_expires_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Seat.objects.filter(pk=second.pk).update(state="leased", holder=holder, lease_expires_at=NOW)


def test_every_permanent_table_has_its_triggers() -> None:
    names = " ".join(trigger_names())
    for table in {**PERMANENT, **PUBLISHED}:
        assert f"refuse_update_{table}" in names
        assert f"refuse_delete_{table}" in names
