"""`POST /assignments/{id}/submit/` and what goes with it: drafts, release, escalation."""

from datetime import timedelta
from typing import Any

import pytest

from labeling.models import Assignment, GoldResult, ItemStatus, Rating, ReviewItem, Seat
from labeling.services.holding import escalate
from labeling.services.rubrics import draft_rubric, publish_rubric
from labeling.services.settings import change_queue_settings
from routing.models import Output
from tests.api.desk import Desk
from tests.api.problems import pointers, problem
from tests.factories import claim, item_of, judge, output_body, pair_body, plant_gold, route
from tests.people import NOW, Cast
from tests.threads import in_threads

pytestmark = pytest.mark.django_db


@pytest.fixture
def output(cast: Cast) -> Output:
    return route(cast.project)[0]


@pytest.fixture
def robin(cast: Cast, output: Output) -> Desk:
    return Desk(cast.reviewers[0])


def test_it_answers_with_a_receipt(robin: Desk, output: Output) -> None:
    claimed = robin.claim()
    response = robin.submit(claimed, rationale="As the handbook says.", client_seconds=12.5)
    assert response.status_code == 201
    assert response.json().keys() == {"receipt", "undo_until"}
    rating = Rating.objects.get(item__project=robin.member.project)
    assert str(rating.receipt) == response.json()["receipt"]
    assert (rating.reviewer, rating.values, rating.verdict) == (robin.member, {"acceptable": "yes"}, "accept")
    assert (rating.rationale, rating.client_seconds) == ("As the handbook says.", 12.5)
    assert 0 <= rating.server_seconds < 60
    assert (rating.extra, rating.adjudication, rating.cause) == (False, False, "")
    item = item_of(output)
    assert (item.status, item.ratings_counted) == (ItemStatus.SETTLED, 1)
    assert item.verdict is not None
    assert item.verdict.rating_ids == [rating.pk]


def test_it_gives_the_same_receipt_for_the_same_key(robin: Desk) -> None:
    claimed = robin.claim()
    first = robin.submit(claimed, idempotency_key="once")
    again = robin.submit(claimed, idempotency_key="once")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Rating.objects.filter(item__project=robin.member.project).count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_stores_one_rating_when_the_button_is_pressed_eight_times(robin: Desk) -> None:
    claimed = robin.claim()
    responses = in_threads(8, lambda _number: Desk(robin.member, robin.caller).submit(claimed, idempotency_key="once"))
    assert sorted(response.status_code for response in responses) == [200] * 7 + [201]
    assert len({response.json()["receipt"] for response in responses}) == 1
    assert Rating.objects.filter(item__project=robin.member.project).count() == 1


def test_it_takes_no_second_rating_under_another_key(robin: Desk) -> None:
    claimed = robin.claim()
    robin.submit(claimed)
    body = problem(robin.submit(claimed, values={"acceptable": "no"}), 409)
    assert body["code"] == "assignment_ended"
    assert Rating.objects.filter(item__project=robin.member.project).count() == 1


VERBS: list[tuple[str, Any]] = [
    ("submit", {"idempotency_key": "k", "values": {"acceptable": "yes"}}),
    ("undo", None),
    ("heartbeat", None),
    ("draft", {"values": {}}),
    ("release", None),
    ("escalate", {"reason": "x"}),
]


@pytest.mark.parametrize(("verb", "body"), VERBS)
def test_it_knows_no_assignment_of_somebody_else(verb: str, body: Any, robin: Desk, cast: Cast) -> None:
    claimed = robin.claim()
    before = Assignment.objects.filter(token=claimed["assignment"]).values().get()
    for other in (cast.reviewers[1], cast.adjudicator, cast.owner):
        problem(Desk(other).do(claimed, verb, body), 404)
    problem(cast.program.post(f"/assignments/{claimed['assignment']}/{verb}/", body), 404)
    problem(robin.do({"assignment": "n" * 24}, verb, body), 404)
    assert Assignment.objects.filter(token=claimed["assignment"]).values().get() == before


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"values": {}}, ["/values/acceptable"]),
    ({"values": {"acceptable": None}}, ["/values/acceptable"]),
    ({"values": {"acceptable": "maybe"}}, ["/values/acceptable"]),
    ({"values": {"acceptable": True}}, ["/values/acceptable"]),
    ({"values": {"acceptable": ["yes"]}}, ["/values/acceptable"]),
    ({"values": {"acceptable": {"is": "yes"}}}, ["/values/acceptable"]),
    ({"values": {"acceptable": "yes", "reason": "moon"}}, ["/values/reason"]),
    ({"values": {"acceptable": "yes", "colour": "red"}}, ["/values/colour"]),
    ({"values": {"acceptable": "maybe", "colour": "red"}}, ["/values/acceptable", "/values/colour"]),
    ({"values": "yes"}, ["/values"]),
    ({"values": []}, ["/values"]),
    ({"preferred": "a"}, ["/preferred"]),
    ({"preferred": "left"}, ["/preferred"]),
    ({"verdict": "perhaps"}, ["/verdict"]),
    ({"verdict": "correct"}, ["/correction"]),
    ({"verdict": "accept", "values": {"acceptable": "no"}}, ["/verdict"]),
    ({"cause": "reviewer_slip"}, ["/cause"]),
    ({"correction": "x" * 200_001}, ["/correction"]),
    ({"rationale": "x" * 20_001}, ["/rationale"]),
    ({"rationale": "a\x00b"}, ["/rationale"]),
    ({"correction": "\ud800"}, ["/correction"]),
    ({"client_seconds": -1}, ["/client_seconds"]),
    ({"client_seconds": 90_000}, ["/client_seconds"]),
    ({"client_seconds": "soon"}, ["/client_seconds"]),
    ({"idempotency_key": ""}, ["/idempotency_key"]),
    ({"idempotency_key": None}, ["/idempotency_key"]),
    ({"idempotency_key": "k" * 101}, ["/idempotency_key"]),
    ({"mood": "good"}, ["/mood"]),
]


@pytest.mark.parametrize(("fields", "where"), WRONG)
def test_it_points_at_what_does_not_fit_the_rubric(fields: dict[str, Any], where: list[str], robin: Desk) -> None:
    claimed = robin.claim()
    found = pointers(problem(robin.submit(claimed, **fields), 400))
    assert sorted(found) == where
    assert not Rating.objects.filter(item__project=robin.member.project).exists()
    assert robin.submit(claimed).status_code == 201, "a refused submission costs nothing"


def test_it_wants_a_key_and_an_object(robin: Desk) -> None:
    claimed = robin.claim()
    assert pointers(problem(robin.do(claimed, "submit", {"values": {"acceptable": "yes"}}), 400)) == [
        "/idempotency_key"
    ]
    for body in ([], "text", 7):
        problem(robin.do(claimed, "submit", body), 400)


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"values": {"acceptable": "yes"}}, "accept"),
        ({"values": {"acceptable": "no"}}, "reject"),
        ({"values": {"acceptable": "no"}, "correction": "Better."}, "correct"),
        ({"values": {"acceptable": "yes"}, "correction": "Shorter."}, "correct"),
        ({"values": {"acceptable": "yes"}, "verdict": "reject"}, "reject"),
        ({"values": {"acceptable": "no"}, "verdict": "correct", "correction": "Better."}, "correct"),
    ],
)
def test_it_draws_the_verdict_from_the_answers(
    fields: dict[str, Any], verdict: str, robin: Desk, output: Output
) -> None:
    robin.judge(**fields)
    settled = item_of(output).verdict
    assert settled is not None
    assert settled.value == verdict
    assert settled.corrected_response == fields.get("correction", "")


NUMERIC = {
    "name": "score",
    "type": "numeric",
    "question": "How good is it?",
    "minimum": 0.0,
    "maximum": 10.0,
    "fail_below": 5.0,
}


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (7, "accept"),
        (5, "accept"),
        (4.9, "reject"),
        (0, "reject"),
        (10.1, "/values/score"),
        (-0.1, "/values/score"),
        (True, "/values/score"),
        ("seven", "/values/score"),
        ("7", "/values/score"),
        ([7], "/values/score"),
        ({"score": 7}, "/values/score"),
    ],
)
def test_it_judges_by_numbers_too(value: Any, outcome: str, cast: Cast) -> None:
    rubric = draft_rubric(project=cast.project, name="score", task_kind="pointwise", criteria=[NUMERIC], actor="test")
    publish_rubric(rubric=rubric, actor="test", now=NOW)
    [output] = route(cast.project)
    robin = Desk(cast.reviewers[0])
    claimed = robin.claim()
    assert claimed["rubric"]["criteria"][0]["min"] == 0.0
    response = robin.submit(claimed, values={"score": value})
    if outcome.startswith("/"):
        assert pointers(problem(response, 400)) == [outcome]
    else:
        assert response.status_code == 201
        assert ReviewItem.objects.get(pk=item_of(output).pk).verdict.value == outcome  # type: ignore[union-attr]


def test_it_keeps_an_item_on_the_rubric_it_was_begun_with(cast: Cast, output: Output, robin: Desk) -> None:
    begun = robin.claim()
    rubric = draft_rubric(project=cast.project, name="score", task_kind="pointwise", criteria=[NUMERIC], actor="test")
    publish_rubric(rubric=rubric, actor="test", now=NOW)
    assert robin.submit(begun).status_code == 201
    assert Rating.objects.get(item__project=cast.project).rubric.name == "acceptability"


def test_it_counts_gold_apart(cast: Cast, output: Output, robin: Desk) -> None:
    plant_gold(cast.project, acceptable=False, body={"response": "planted"})
    change_queue_settings(project=cast.project, actor="test", gold_rate=0.5)
    route(cast.project, *(output_body() for _ in range(30)))
    while robin.judge()["task"]["response"] != "planted":
        pass
    result = GoldResult.objects.get()
    assert (result.reviewer, result.correct) == (robin.member, False)
    item = result.gold_case.item
    assert (item.status, item.verdict, item.ratings_counted) == (ItemStatus.OPEN, None, 1)


# Drafts -------------------------------------------------------------------------------------------------


def test_it_keeps_a_draft(robin: Desk) -> None:
    claimed = robin.claim()
    draft = {"values": {"acceptable": "no"}, "rationale": "half a thou"}
    response = robin.do(claimed, "draft", draft)
    assert response.status_code == 200
    assert response.json().keys() == {"saved_at"}
    assert Assignment.objects.get(token=claimed["assignment"]).draft == draft
    assert Seat.objects.get(holder=robin.member).state == "leased"


@pytest.mark.parametrize(
    ("draft", "status"),
    [
        ([], 400),
        ("text", 400),
        (None, 200),
        ({"rationale": "\x00"}, 400),
        ({"rationale": "\udc00"}, 400),
        ({"a": {"b": {"c": [1, 2.5, None, True]}}}, 200),
        ({"rationale": "x" * 400_001}, 413),
    ],
)
def test_it_keeps_any_object_it_can_store(draft: Any, status: int, robin: Desk) -> None:
    claimed = robin.claim()
    response = robin.do(claimed, "draft", draft)
    assert response.status_code == status
    if status != 200:
        problem(response, status)
        assert Assignment.objects.get(token=claimed["assignment"]).draft is None


def test_it_takes_no_draft_of_what_was_handed_in(robin: Desk) -> None:
    claimed = robin.judge()
    problem(robin.do(claimed, "draft", {"rationale": "late"}), 409)


# Release and escalation ---------------------------------------------------------------------------------


def test_it_gives_a_released_item_to_somebody_else(robin: Desk, cast: Cast) -> None:
    claimed = robin.claim()
    assert robin.do(claimed, "release", {"reason": "not my field"}).status_code == 204
    assert robin.ask().status_code == 204, "it does not come back to the same person"
    assert Desk(cast.reviewers[1]).claim()["task"] == claimed["task"]
    for verb in ("submit", "release", "heartbeat", "undo"):
        body = {"idempotency_key": "k", "values": {"acceptable": "yes"}} if verb == "submit" else None
        assert problem(robin.do(claimed, verb, body), 409)["code"] == "assignment_ended"


def test_it_wants_a_reason_for_an_escalation(robin: Desk) -> None:
    claimed = robin.claim()
    assert pointers(problem(robin.do(claimed, "escalate"), 400)) == ["/reason"]
    assert pointers(problem(robin.do(claimed, "escalate", {"reason": " "}), 400)) == ["/reason"]
    assert pointers(problem(robin.do(claimed, "escalate", {"reason": "x" * 1001}), 400)) == ["/reason"]
    assert robin.do(claimed, "escalate", {"reason": "needs a lawyer"}).status_code == 204


def test_it_hands_an_escalated_item_to_the_adjudicator(robin: Desk, cast: Cast, output: Output) -> None:
    claimed = robin.claim()
    robin.do(claimed, "escalate", {"reason": "needs a lawyer"})
    assert item_of(output).status == ItemStatus.DISPUTED
    assert Desk(cast.reviewers[1]).ask().status_code == 204
    ada = Desk(cast.adjudicator).claim()
    assert ada["task"] == claimed["task"]
    assert ada["adjudication"]["ratings"] == [
        {
            "values": {},
            "preferred": None,
            "verdict": "escalated",
            "correction": "",
            "rationale": "needs a lawyer",
            "spans": [],
        }
    ]


def test_it_leaves_a_settled_item_alone_when_a_late_escalation_comes(cast: Cast, output: Output) -> None:
    slow = claim(cast.reviewers[0])
    later = NOW + timedelta(hours=1)
    judge(cast.reviewers[1], now=later)
    escalate(assignment=slow, reason="too late", now=later)
    assert item_of(output).status == ItemStatus.SETTLED
    assert Desk(cast.adjudicator).ask().status_code == 204


def test_it_takes_a_preference_where_there_are_two(cast: Cast) -> None:
    route(cast.project, pair_body())
    robin = Desk(cast.reviewers[0])
    claimed = robin.claim()
    assert pointers(problem(robin.submit(claimed, values={}), 400)) == ["/preferred"]
    assert pointers(problem(robin.submit(claimed, values={}, preferred="tie", correction="x"), 400)) == ["/correction"]
    assert robin.submit(claimed, values={"strength": 2}, preferred="tie").status_code == 201
