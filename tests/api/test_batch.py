"""`POST /outputs/batch/`: a thousand at once, each on its own."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from labeling.models import ReviewItem
from routing.models import Decision, Output
from tests.api.problems import check_shape, pointers, problem
from tests.factories import output_body, pair_body, route
from tests.people import Caller, Cast
from tests.threads import in_threads

pytestmark = pytest.mark.django_db


def post_batch(program: Caller, *bodies: Any) -> list[dict[str, Any]]:
    response = program.post("/outputs/batch/", {"outputs": list(bodies)})
    assert response.status_code == 200, response.content[:2000]
    results: list[dict[str, Any]] = response.json()["results"]
    assert len(results) == len(bodies)
    return results


def test_it_answers_every_row_in_order(program: Caller, cast: Cast) -> None:
    bodies = [output_body() for _ in range(20)]
    results = post_batch(program, *bodies)
    assert [row["status"] for row in results] == [201] * 20
    assert [row["external_id"] for row in results] == [body["external_id"] for body in bodies]
    single = program.get(f"/outputs/{results[3]['id']}/").json()
    assert {"status": 201, **single} == results[3]


def test_it_keeps_the_good_rows_beside_bad_ones(program: Caller, cast: Cast) -> None:
    known = output_body("known")
    changed = output_body("changed")
    post_batch(program, known, changed)
    results = post_batch(
        program,
        output_body("good-1"),
        output_body("bad-1", intent=""),
        known,
        changed | {"response": "Something else."},
        "not an object",
        output_body("bad-2", colour="red"),
        output_body("bad-3", metadata={"text": "NUL \x00"}),
        output_body("good-2"),
    )
    assert [row["status"] for row in results] == [201, 400, 200, 409, 400, 400, 400, 201]
    for row in results:
        if row["status"] >= 400:
            check_shape(row, row["status"])
    assert pointers(results[1]) == ["/intent"]
    assert pointers(results[5]) == ["/colour"]
    assert pointers(results[6]) == ["/metadata/text"]
    stored = Output.objects.filter(project=cast.project).values_list("external_id", flat=True)
    assert sorted(stored) == ["changed", "good-1", "good-2", "known"]


def test_it_knows_a_row_it_has_just_met_in_the_same_batch(program: Caller, cast: Cast) -> None:
    body = output_body("twice")
    results = post_batch(program, body, body, body | {"intent": "other"})
    assert [row["status"] for row in results] == [201, 200, 409]
    assert results[0]["id"] == results[1]["id"]
    assert Output.objects.filter(project=cast.project).count() == 1


def test_it_takes_a_thousand_and_not_one_more(program: Caller, cast: Cast) -> None:
    bodies = [output_body(context=None) for _ in range(1001)]
    body = problem(program.post("/outputs/batch/", {"outputs": bodies}), 400)
    assert pointers(body) == ["/outputs"]
    assert not Output.objects.filter(project=cast.project).exists()
    assert {row["status"] for row in post_batch(program, *bodies[:1000])} == {201}
    assert Output.objects.filter(project=cast.project).count() == 1000
    assert Decision.objects.filter(project=cast.project).count() == 1000
    assert ReviewItem.objects.filter(project=cast.project).count() == 1000


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/outputs"),
        ([], "/outputs"),
        (7, "/outputs"),
        ({"outputs": []}, "/outputs"),
        ({"outputs": {"0": {}}}, "/outputs"),
        ({"outputs": None}, "/outputs"),
        ({"outputs": [{}], "dry_run": True}, "/dry_run"),
    ],
)
def test_it_refuses_what_is_no_batch(body: Any, pointer: str, program: Caller, cast: Cast) -> None:
    assert pointers(problem(program.post("/outputs/batch/", body), 400)) == [pointer]


def test_it_asks_the_database_the_same_number_of_questions_whatever_the_size(program: Caller) -> None:
    post_batch(program, output_body())
    counts = set()
    for size in (2, 40):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            post_batch(program, *(output_body() if number % 2 else pair_body() for number in range(size)))
        counts.add(len(queries))
    assert len(counts) == 1, counts


@pytest.mark.django_db(transaction=True)
def test_it_stores_overlapping_batches_once(cast: Cast) -> None:
    bodies = [output_body() for _ in range(200)]
    orders = [bodies, bodies[::-1]] * 3
    answers = in_threads(6, lambda number: post_batch(cast.program, *orders[number]))
    statuses = [row["status"] for rows in answers for row in rows]
    assert statuses.count(201) == 200
    assert statuses.count(200) == 1000
    assert Output.objects.filter(project=cast.project).count() == 200
    assert ReviewItem.objects.filter(project=cast.project).count() == 200


def wait_for_waiting(number: int) -> None:
    """Until so many connections wait for a lock; on SQLite they wait to begin, which nobody can see."""
    sql = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted"
    deadline = time.monotonic() + 20
    while connection.vendor == "postgresql" and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            if cursor.fetchone() == (number,):
                return
        time.sleep(0.05)
    assert connection.vendor == "sqlite", "the other requests never met the id that is held"
    time.sleep(0.5)


@pytest.mark.django_db(transaction=True)
def test_it_never_lets_two_batches_wait_for_each_other(cast: Cast) -> None:
    """Both meet an id that a third request holds; when that one gives up, each has what the other wants."""
    first, held, last = (output_body(name) for name in ("first", "held", "last"))
    orders = [[first, held, last], [last, held, first]]

    def send(number: int) -> list[dict[str, Any]]:
        try:
            return post_batch(cast.program, *orders[number])
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=2) as pool:
        with transaction.atomic():
            route(cast.project, held)
            waiting = [pool.submit(send, number) for number in range(2)]
            wait_for_waiting(2)
            transaction.set_rollback(True)
        answers = [answer.result(timeout=60) for answer in waiting]
    statuses = [row["status"] for rows in answers for row in rows]
    assert sorted(statuses) == [200, 200, 200, 201, 201, 201]
