"""The ledger finds what the constraints and triggers exist to prevent, once they are out of the way."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from labeling.models import (
    Assignment,
    AssignmentState,
    GoldenCase,
    GoldenSet,
    ItemStatus,
    Lane,
    Rating,
    RatingWithdrawal,
    ReviewItem,
    Seat,
    SeatState,
    Verdict,
)
from labeling.services.enqueue import new_public_id
from labeling.services.submitting import undo_rating
from reviewapp.core.models import Content
from routing.ledger import CHECKS, examine
from routing.ledger.books import CHECKS_OF_BOOKS
from routing.models import ActivePolicy, Decision, JudgeRequest, Output, OutputReview, ReviewOrigin
from routing.services.golden import freeze_from_verdicts
from tests.commands.sabotage import (
    checks_ignored,
    disable_triggers,
    drop_primary_key,
    drop_triggers,
    drop_unique,
    forgo_final_check,
    run,
)
from tests.factories import claim, item_of, judge, make_noise, output_body, plant_gold, route, submit
from tests.people import NOW, Cast

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class World:
    """One output of each state, and a golden set."""

    cast: Cast
    settled: Output
    leased: Assignment
    waiting: Output
    rating: Rating
    golden_set: GoldenSet


@pytest.fixture
def world(cast: Cast) -> World:
    project = cast.project
    make_noise()
    plant_gold(project)
    [settled] = route(project)
    rating = judge(cast.reviewers[0])
    golden_set = freeze_from_verdicts(project=project, actor="test", now=NOW)
    [_leased] = route(project)
    leased = claim(cast.reviewers[1])
    [waiting] = route(project)
    return World(cast, settled, leased, waiting, rating, golden_set)


def report(**options: Any) -> dict[str, Any]:
    """What `verify_ledger --json` says, with its exit code."""
    out = io.StringIO()
    try:
        call_command("verify_ledger", as_json=True, stdout=out, **options)
    except CommandError as error:
        return json.loads(out.getvalue()) | {"code": error.returncode}
    return json.loads(out.getvalue()) | {"code": 0}


def found(check: str, **options: Any) -> list[dict[str, Any]]:
    told = report(**options)
    checks = {entry["check"]: entry for entry in told["checks"]}
    rows = checks[check]["rows"]
    assert len(rows) == checks[check]["count"]
    assert told["code"] == (0 if told["clean"] else 1)
    return rows


def test_it_finds_a_living_database_clean(world: World) -> None:
    told = report()
    assert told["clean"], [entry for entry in told["checks"] if entry["count"]]
    assert len(told["checks"]) == len(CHECKS)
    assert told["code"] == 0


def test_it_says_what_each_check_means() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert check.meaning.endswith("."), check.name


# One function per check: it plants the fault and returns what the report must name ----------------------


def lose_a_decision(world: World) -> dict[str, Any]:
    drop_triggers(Decision)
    Decision.objects.filter(output=world.waiting).delete()
    return {"id": world.waiting.pk, "external_id": world.waiting.external_id}


def wait_beyond_the_deadline(world: World) -> dict[str, Any]:
    named = lose_a_decision(world)
    _ask(world, state="pending", decided_at=None)
    return named


def lose_the_decision_of_a_judged_one(world: World) -> dict[str, Any]:
    lose_a_decision(world)
    _ask(world, state="decided", decided_at=NOW)
    return {"output_id": world.waiting.pk, "state": "decided"}


def _ask(world: World, *, state: str, decided_at: datetime | None) -> None:
    """Judges of ours were asked about the output, and should have answered by now."""
    JudgeRequest.objects.create(
        output=world.waiting,
        project=world.cast.project,
        policy=ActivePolicy.objects.get(project=world.cast.project).policy,
        stakes="mid",
        given={},
        judges=[],
        state=state,
        decided_at=decided_at,
        asked_at=NOW,
        deadline_at=NOW,
        due_at=NOW,
    )


def decide_twice(world: World) -> dict[str, Any]:
    drop_primary_key(Decision)
    run("INSERT INTO routing_decision SELECT * FROM routing_decision WHERE output_id = %s", (_key(world.waiting),))
    return {"output_id": world.waiting.pk, "decisions": 2}


def lose_the_item(world: World) -> dict[str, Any]:
    drop_triggers(OutputReview)
    OutputReview.objects.filter(output=world.waiting).delete()
    return {"output_id": world.waiting.pk, "action": "review"}


def give_two_items(world: World) -> dict[str, Any]:
    drop_unique(OutputReview, "one_item_per_decision")
    drop_triggers(OutputReview)
    spare = item_of(world.leased.item.content.output)
    OutputReview.objects.filter(item=spare).update(output=world.waiting)
    return {"output_id": world.waiting.pk, "items": 2}


def review_what_shipped(world: World) -> dict[str, Any]:
    drop_triggers(Decision)
    Decision.objects.filter(output=world.waiting).update(action="ship")
    return {"output_id": world.waiting.pk, "origin": "decision"}


def call_a_review_an_audit(world: World) -> dict[str, Any]:
    drop_triggers(OutputReview)
    OutputReview.objects.filter(output=world.waiting).update(origin=ReviewOrigin.AUDIT)
    return {"output_id": world.waiting.pk, "origin": "audit"}


def make_an_item_of_nothing(world: World) -> dict[str, Any]:
    drop_triggers(OutputReview)
    item = item_of(world.waiting)
    OutputReview.objects.filter(item=item).delete()
    return {"id": item.pk, "kind": "live"}


def lose_a_seat(world: World) -> dict[str, Any]:
    item = item_of(world.waiting)
    Seat.objects.filter(item=item).delete()
    return {"id": item.pk, "raters_needed": 1, "rater_seats": 0}


def add_a_seat(world: World) -> dict[str, Any]:
    drop_triggers(Seat)
    seat = Seat.objects.get(item=item_of(world.waiting))
    seat.pk, seat.number = None, 2
    seat.save(force_insert=True)
    return {"id": seat.item_id, "raters_needed": 1, "rater_seats": 2}


def close_the_last_seat(world: World) -> dict[str, Any]:
    item = item_of(world.waiting)
    Seat.objects.filter(item=item).update(state=SeatState.CLOSED)
    return {"id": item.pk, "status": "open"}


def dispute_without_adjudicator(world: World) -> dict[str, Any]:
    item = item_of(world.waiting)
    ReviewItem.objects.filter(pk=item.pk).update(status=ItemStatus.DISPUTED)
    return {"id": item.pk, "status": "disputed"}


def submit_without_rating(world: World) -> dict[str, Any]:
    Seat.objects.filter(pk=world.leased.seat_id).update(state=SeatState.SUBMITTED, lease_expires_at=None)
    return {"id": world.leased.seat_id, "holder_id": world.leased.reviewer_id, "standing_ratings": 0}


def give_the_seat_to_another(world: World) -> dict[str, Any]:
    """Its rating is then not its holder's."""
    other = world.cast.reviewers[2]
    Seat.objects.filter(pk=world.rating.assignment.seat_id).update(holder=other)
    return {"id": world.rating.assignment.seat_id, "holder_id": other.pk, "standing_ratings": 0}


def lose_a_rating(world: World) -> dict[str, Any]:
    drop_triggers(Rating)
    Rating.objects.filter(pk=world.rating.pk).delete()
    return {"id": world.rating.assignment_id, "standing_ratings": 0}


def forget_that_it_was_handed_in(world: World) -> dict[str, Any]:
    Assignment.objects.filter(pk=world.rating.assignment_id).update(state=AssignmentState.RELEASED)
    return {"id": world.rating.pk, "assignment__state": "released"}


def free_the_seat_of_a_rating(world: World) -> dict[str, Any]:
    Seat.objects.filter(pk=world.rating.assignment.seat_id).update(state=SeatState.OPEN, holder=None)
    return {"id": world.rating.pk, "reviewer_id": world.rating.reviewer_id}


def count_one_too_few(world: World) -> dict[str, Any]:
    ReviewItem.objects.filter(pk=world.rating.item_id).update(ratings_counted=0)
    return {"id": world.rating.item_id, "ratings_counted": 0, "recounted": 1}


def withdraw_behind_the_count(world: World) -> dict[str, Any]:
    RatingWithdrawal.objects.create(rating=world.rating, at=NOW)
    return {"id": world.rating.item_id, "ratings_counted": 1, "recounted": 0}


def overlook_a_newer_verdict(world: World) -> dict[str, Any]:
    verdict = Verdict.objects.get(item=world.rating.item)
    old = verdict.pk
    verdict.pk, verdict.public_id, verdict.sequence = None, new_public_id(), 2
    verdict.save(force_insert=True)
    return {"id": world.rating.item_id, "verdict_id": old, "newest": verdict.pk}


def settle_without_verdict(world: World) -> dict[str, Any]:
    with checks_ignored(ReviewItem, "item_settled_means_verdict"):
        ReviewItem.objects.filter(pk=world.rating.item_id).update(verdict=None)
    return {"id": world.rating.item_id, "verdict_id": None}


def rest_a_verdict_on_nothing(world: World) -> dict[str, Any]:
    drop_triggers(Verdict)
    Verdict.objects.filter(item=world.rating.item).update(rating_ids=[world.rating.pk + 1000])
    return {"item_id": world.rating.item_id, "raters": 1, "ratings_found": 0}


def rest_a_verdict_on_another_item(world: World) -> dict[str, Any]:
    drop_triggers(Verdict)
    elsewhere = Rating.objects.exclude(item=world.rating.item).first()
    assert elsewhere is not None
    Verdict.objects.filter(item=world.rating.item).update(rating_ids=[elsewhere.pk])
    return {"item_id": world.rating.item_id, "ratings_found": 0}


def use_an_external_id_twice(world: World) -> dict[str, Any]:
    drop_unique(Output, "output_external_id_unique")
    content = world.waiting.content
    copy = Content.objects.create(
        project=content.project,
        task_kind=content.task_kind,
        prompt=content.prompt,
        body=content.body,
        fingerprint=content.fingerprint,
    )
    world.waiting.pk, world.waiting.content = new_public_id(), copy
    world.waiting.save(force_insert=True)
    return {"external_id": world.waiting.external_id, "outputs": 2}


def seat_one_person_twice(world: World) -> dict[str, Any]:
    drop_unique(Seat, "one_seat_per_person")
    drop_triggers(Seat)
    seat = Seat.objects.get(pk=world.leased.seat_id)
    seat.pk, seat.number = None, 2
    seat.save(force_insert=True)
    return {"item_id": seat.item_id, "holder_id": world.leased.reviewer_id, "seats": 2}


def judge_twice(world: World) -> dict[str, Any]:
    rating = _copied(world.rating, revision=2, idempotency_key="again")
    return {"item_id": rating.item_id, "reviewer_id": rating.reviewer_id, "ratings": 2}


def fill_a_seat_twice(world: World) -> dict[str, Any]:
    second = _copied_assignment(world.rating.assignment, reviewer=world.cast.reviewers[2])
    _copied(world.rating, assignment=second, reviewer=second.reviewer)
    return {"assignment__seat_id": world.rating.assignment.seat_id, "ratings": 2}


def hold_a_seat_twice(world: World) -> dict[str, Any]:
    second = _copied_assignment(world.leased, reviewer=world.cast.reviewers[2])
    return {"id": second.pk, "seat_id": world.leased.seat_id, "seat__holder_id": world.leased.reviewer_id}


def lease_to_nobody(world: World) -> dict[str, Any]:
    Assignment.objects.filter(pk=world.leased.pk).update(state=AssignmentState.RELEASED)
    return {"id": world.leased.seat_id, "holder_id": world.leased.reviewer_id}


def leave_a_seat_open(world: World) -> dict[str, Any]:
    """As after a dispute that forgot to close the seats nobody is needed in any more."""
    item = item_of(world.waiting)
    ReviewItem.objects.filter(pk=item.pk).update(status=ItemStatus.DISPUTED)
    return {"item_id": item.pk, "item__status": "disputed"}


def drop_a_constraint(world: World) -> dict[str, Any]:
    drop_unique(Seat, "one_seat_per_person")
    return {"table": "labeling_seat", "constraint": "one_seat_per_person"}


def drop_a_trigger(world: World) -> dict[str, Any]:
    drop_triggers(Verdict)
    return {"table": "labeling_verdict"}


def disable_a_trigger(world: World) -> dict[str, Any]:
    """PostgreSQL can leave it in place and without effect."""
    disable_triggers(Rating)
    return {"table": "labeling_rating"}


def change_a_golden_line(world: World) -> dict[str, Any]:
    drop_triggers(GoldenCase)
    run("UPDATE labeling_goldencase SET line = '{}'")
    return {"name": world.golden_set.name, "case_count": 1, "cases": 1, "sha256_matches": False}


def lose_a_golden_case(world: World) -> dict[str, Any]:
    drop_triggers(GoldenCase)
    GoldenCase.objects.all().delete()
    return {"name": world.golden_set.name, "case_count": 1, "cases": 0, "sha256_matches": False}


def _key(output: Output) -> object:
    """The primary key as raw SQL has to say it on this engine."""
    return Output._meta.pk.get_db_prep_value(output.pk, connection=connection)


def _copied(rating: Rating, **changes: Any) -> Rating:
    copy = Rating.objects.get(pk=rating.pk)
    copy.pk, copy.receipt = None, new_public_id()
    for name, value in changes.items():
        setattr(copy, name, value)
    copy.save(force_insert=True)
    return copy


def _copied_assignment(assignment: Assignment, **changes: Any) -> Assignment:
    copy = Assignment.objects.get(pk=assignment.pk)
    copy.pk, copy.token = None, assignment.token[::-1]
    for name, value in changes.items():
        setattr(copy, name, value)
    copy.save(force_insert=True)
    return copy


PLANTS: list[tuple[str, Callable[[World], dict[str, Any]]]] = [
    ("outputs without decision", lose_a_decision),
    ("outputs without decision", wait_beyond_the_deadline),
    ("answered requests without decision", lose_the_decision_of_a_judged_one),
    ("outputs with several decisions", decide_twice),
    ("reviews without item", lose_the_item),
    ("reviews with several items", give_two_items),
    ("reviews nobody asked for", review_what_shipped),
    ("reviews nobody asked for", call_a_review_an_audit),
    ("items of no output", make_an_item_of_nothing),
    ("items with wrong seats", lose_a_seat),
    ("items with wrong seats", add_a_seat),
    ("unfinished items without seat", close_the_last_seat),
    ("unfinished items without seat", dispute_without_adjudicator),
    ("submitted seats without rating", submit_without_rating),
    ("submitted seats without rating", give_the_seat_to_another),
    ("submitted work without rating", lose_a_rating),
    ("ratings of unfinished work", forget_that_it_was_handed_in),
    ("ratings without seat", free_the_seat_of_a_rating),
    ("miscounted items", count_one_too_few),
    ("miscounted items", withdraw_behind_the_count),
    ("settled items with stale verdict", overlook_a_newer_verdict),
    ("settled items with stale verdict", settle_without_verdict),
    ("verdicts without ratings", rest_a_verdict_on_nothing),
    ("verdicts without ratings", rest_a_verdict_on_another_item),
    ("external ids used twice", use_an_external_id_twice),
    ("people with several seats", seat_one_person_twice),
    ("people who judged twice", judge_twice),
    ("seats filled twice", fill_a_seat_twice),
    ("seats held twice", hold_a_seat_twice),
    ("leased seats without lease", lease_to_nobody),
    ("seats open for nothing", leave_a_seat_open),
    ("missing constraints", drop_a_constraint),
    ("missing triggers", drop_a_trigger),
    ("missing triggers", disable_a_trigger),
    ("altered golden sets", change_a_golden_line),
    ("altered golden sets", lose_a_golden_case),
]


def test_it_has_a_planted_fault_for_every_check() -> None:
    """Those of the way back are in tests/delivery/test_delivery_ledger.py."""
    assert {check.name for check in CHECKS_OF_BOOKS} == {name for name, _plant in PLANTS}


@pytest.mark.parametrize(("check", "plant"), PLANTS, ids=[plant.__name__ for _check, plant in PLANTS])
def test_it_finds_the_planted_fault(check: str, plant: Callable[[World], dict[str, Any]], world: World) -> None:
    [checked] = [entry for entry in CHECKS if entry.name == check]
    assert examine(checked, None, most=5).clean
    named = {name: _told(value) for name, value in plant(world).items()}
    rows = found(check)
    assert any(named.items() <= row.items() for row in rows), rows
    forgo_final_check()


def _told(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int) else str(value)


def test_it_looks_at_one_project_when_asked_to(world: World) -> None:
    ReviewItem.objects.filter(project=world.cast.project).update(raters_needed=F("raters_needed") + 1)
    assert found("items with wrong seats", project="elsewhere") == []
    assert (
        len(found("items with wrong seats", project="shop"))
        == ReviewItem.objects.filter(project=world.cast.project).count()
    )


def test_it_lists_twenty_rows_and_counts_them_all(cast: Cast) -> None:
    route(cast.project, *(output_body() for _ in range(25)))
    Seat.objects.filter(lane=Lane.WORK).delete()
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"2 of \d+ checks failed, with 50 rows at fault"):
        call_command("verify_ledger", stdout=out)
    text = out.getvalue()
    assert text.count("rater_seats=0") == 20
    assert "… and 5 more" in text
    assert "The ledger is clean" not in text


def test_it_keeps_to_one_line_per_check_when_all_is_well(world: World) -> None:
    out = io.StringIO()
    call_command("verify_ledger", stdout=out)
    assert len(out.getvalue().splitlines()) == len(CHECKS) + 1


def test_it_names_a_project_that_is_not_there(cast: Cast) -> None:
    with pytest.raises(CommandError, match="There is no project 'shap'") as refused:
        call_command("verify_ledger", project="shap")
    assert refused.value.returncode == 2


def test_it_takes_an_undone_extra_rating_for_what_it_is(cast: Cast) -> None:
    """Its author has the item on their desk again, without a seat: nothing is held twice."""
    route(cast.project)
    slow = claim(cast.reviewers[0])
    later = NOW + timedelta(hours=1)
    judge(cast.reviewers[1], now=later)
    extra = submit(slow, now=later)
    assert extra.extra
    undo_rating(assignment=slow, now=later)
    told = report()
    assert told["clean"], [entry for entry in told["checks"] if entry["count"]]
