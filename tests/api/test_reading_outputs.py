"""Reading outputs back: one by id, many by filter, page by page."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.problems import pointers, problem
from tests.factories import judge, output_body, pair_body, route
from tests.people import NOW, Caller, Cast

pytestmark = pytest.mark.django_db


def ids(program: Caller, **query: Any) -> list[str]:
    response = program.get("/outputs/", **query)
    assert response.status_code == 200, response.content
    return [row["external_id"] for row in response.json()["results"]]


def test_it_shows_an_output_as_it_was_answered(program: Caller) -> None:
    answer = program.post("/outputs/", output_body()).json()
    assert program.get(f"/outputs/{answer['id']}/").json() == answer


def test_it_shows_the_verdict_once_there_is_one(program: Caller, cast: Cast) -> None:
    [output] = route(cast.project)
    judge(cast.reviewers[0], values={"acceptable": "no", "reason": "wrong"}, correction="Only one charge was made.")
    verdict = program.get(f"/outputs/{output.pk}/").json()["verdict"]
    assert verdict.pop("id")
    assert verdict.pop("decided_at")
    assert verdict == {
        "output": {"id": str(output.pk), "external_id": output.external_id},
        "verdict": "correct",
        "corrected_response": "Only one charge was made.",
        "preferred": None,
        "criteria": {"acceptable": "no", "reason": "wrong"},
        "reached_by": "single",
        "raters": 1,
        "aggregation": {
            "method": "majority",
            "chosen": "majority",
            "asked": 1,
            "votes": {"correct": 1},
            "needed": 1,
            "prior": None,
            "posterior": None,
            "items": None,
            "known": None,
            "fallback": None,
        },
        "rubric": {"name": "acceptability", "version": 1},
    }


def test_it_never_shows_the_words_or_the_source(program: Caller, cast: Cast) -> None:
    body = output_body(source={"model": "alder-one"}, metadata={"customer": "c-77"})
    [output] = route(cast.project, body)
    for path in (f"/outputs/{output.pk}/", "/outputs/"):
        text = program.get(path).content.decode()
        assert not any(word in text for word in (body["prompt"], body["response"], "alder-one", "c-77"))


def test_it_lists_the_newest_first_and_only_this_projects(program: Caller, cast: Cast) -> None:
    route(cast.project, *(output_body(f"case-{number}") for number in range(3)))
    assert ids(program) == ["case-2", "case-1", "case-0"]


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"external_id": "b"}, ["b"]),
    ({"external_id": "B"}, []),
    ({"intent": "shipping"}, ["c"]),
    ({"action": "ship"}, ["d", "b"]),
    ({"action": "review"}, ["c", "a"]),
    ({"stakes": "high"}, ["a"]),
    ({"stakes": "low"}, ["d", "c"]),
    ({"flag": "adversarial"}, ["c"]),
    ({"flag": "incident"}, ["a"]),
    ({"flag": "novel"}, []),
    ({"action": "review", "stakes": "low"}, ["c"]),
    ({"since": (NOW + timedelta(hours=2)).isoformat()}, ["d", "c"]),
    ({"until": (NOW + timedelta(hours=2)).isoformat()}, ["b", "a"]),
    ({"since": NOW.isoformat(), "until": (NOW + timedelta(hours=1)).isoformat()}, ["a"]),
    ({"action": "", "limit": 2}, ["d", "c"]),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS)
def test_it_filters(query: dict[str, Any], expected: list[str], program: Caller, cast: Cast) -> None:
    cast.put_in_force(tier={"mode": "sampled", "audit_rate": 1e-9})
    bodies = [
        output_body("a", stakes="high", flags=["incident"], metadata={"note": '"adversarial"'}),
        output_body("b"),
        output_body("c", stakes="low", intent="shipping", flags=["adversarial"]),
        output_body("d", stakes="low"),
    ]
    for hour, body in enumerate(bodies):
        route(cast.project, body, now=NOW + timedelta(hours=hour))
    assert ids(program, **{name: value for name, value in query.items() if value != ""}) == expected


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"action": "maybe"}, "/action"),
        ({"stakes": "extreme"}, "/stakes"),
        ({"flag": "rude"}, "/flag"),
        ({"since": "yesterday"}, "/since"),
        ({"until": "2026-13-01"}, "/until"),
        ({"limit": 0}, "/limit"),
        ({"limit": 1001}, "/limit"),
        ({"limit": "ten"}, "/limit"),
        ({"cursor": "nonsense"}, "/cursor"),
        ({"cursor": "b2xkZXI6eHl6"}, "/cursor"),  # older:xyz
        ({"cursor": "b2xkZXI6AA"}, "/cursor"),  # older:NUL
        ({"cursor": "ÿ"}, "/cursor"),
        ({"external_id": "a\x00"}, "/external_id"),
        ({"intent": "x" * 101}, "/intent"),
        ({"color": "red"}, "/color"),
    ],
)
def test_it_points_at_a_filter_it_cannot_use(query: dict[str, Any], pointer: str, program: Caller) -> None:
    assert pointers(problem(program.get("/outputs/", **query), 400)) == [pointer]


def follow(program: Caller, link: str) -> dict[str, Any]:
    parts = urlsplit(link)
    assert parts.path == "/api/v1/outputs/"
    page: dict[str, Any] = program.client.get(f"{parts.path}?{parts.query}", headers=program.headers).json()
    return page


def test_it_pages_there_and_back(program: Caller, cast: Cast) -> None:
    route(cast.project, *(output_body(f"case-{number:02}") for number in range(10)))
    page = program.get("/outputs/", limit=4, intent="billing").json()
    assert page["previous"] is None
    seen = [page]
    while page["next"]:
        page = follow(program, page["next"])
        seen.append(page)
    names = [[row["external_id"][-2:] for row in page["results"]] for page in seen]
    assert names == [["09", "08", "07", "06"], ["05", "04", "03", "02"], ["01", "00"]]
    back = follow(program, seen[2]["previous"])
    assert back["results"] == seen[1]["results"]
    assert follow(program, back["previous"])["results"] == seen[0]["results"]


def test_it_misses_and_repeats_nothing_while_outputs_arrive(program: Caller, cast: Cast) -> None:
    route(cast.project, *(output_body(f"old-{number}") for number in range(6)))
    page = program.get("/outputs/", limit=2).json()
    names = [row["external_id"] for row in page["results"]]
    while page["next"]:
        route(cast.project)
        page = follow(program, page["next"])
        names += [row["external_id"] for row in page["results"]]
    assert names == [f"old-{number}" for number in reversed(range(6))]


def test_it_asks_the_same_number_of_questions_whatever_the_length(program: Caller, cast: Cast) -> None:
    counts = set()
    for rows in (1, 30):
        route(cast.project, *(pair_body() if number % 2 else output_body() for number in range(rows)))
        judge(cast.reviewers[0])
        with CaptureQueriesContext(connection) as queries:
            program.get("/outputs/")
        counts.add(len(queries))
    assert len(counts) == 1, counts


def test_it_reads_no_payload_for_a_list(program: Caller, cast: Cast) -> None:
    route(cast.project)
    with CaptureQueriesContext(connection) as queries:
        program.get("/outputs/")
    text = " ".join(query["sql"] for query in queries)
    assert "routing_output" in text
    assert "core_content" not in text
    assert '"metadata"' not in text
