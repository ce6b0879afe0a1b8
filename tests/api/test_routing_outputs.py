"""`POST /outputs/`: one output in, one decision out, however often it is asked."""

from typing import Any

import pytest

from labeling.models import ReviewItem
from routing.models import Decision, Output, Signal
from tests.api.problems import problem
from tests.factories import make_noise, output_body, pair_body, run_body
from tests.people import Caller, Cast
from tests.threads import in_threads

pytestmark = pytest.mark.django_db


def test_it_answers_a_new_output_with_its_decision(program: Caller, cast: Cast) -> None:
    response = program.post("/outputs/", output_body("case-0417", stakes="mid"))
    assert response.status_code == 201
    body = response.json()
    output = Output.objects.get(project=cast.project)
    item = ReviewItem.objects.get(project=cast.project)
    assert body["id"] == str(output.pk)
    assert output.pk.version == 7
    assert body["external_id"] == "case-0417"
    assert body["verdict"] is None
    decision = body["decision"]
    assert decision.pop("confidence") == pytest.approx(0.72)
    assert decision.pop("review") == {
        "id": str(item.public_id),
        "due_at": item.due_at.isoformat().replace("+00:00", "Z"),
    }
    assert decision == {
        "action": "review",
        "reasons": ["everything_reviewed"],
        "stakes": "mid",
        "flags": [],
        "policy": {"name": "default", "version": 2},
        "calibrator": None,
        "inclusion_probability": 1.0,
        "audited": False,
    }


def test_it_ships_what_the_policy_lets_go(program: Caller, cast: Cast) -> None:
    cast.put_in_force(tier={"mode": "below_threshold", "threshold": 0.5, "audit_rate": 1e-9})
    decision = program.post("/outputs/", output_body()).json()["decision"]
    assert (decision["action"], decision["reasons"], decision["review"]) == ("ship", [], None)
    assert decision["inclusion_probability"] == 1e-9
    assert not ReviewItem.objects.filter(project=cast.project).exists()


def test_it_ships_what_is_audited(program: Caller, cast: Cast) -> None:
    """For the AI application an audited output may go out at once."""
    cast.put_in_force(tier={"mode": "sampled", "audit_rate": 1.0})
    decision = program.post("/outputs/", output_body()).json()["decision"]
    assert (decision["action"], decision["audited"], decision["reasons"]) == ("ship", True, ["audit"])
    assert decision["review"]["id"] == str(ReviewItem.objects.get(project=cast.project, kind="audit").public_id)


def test_it_gives_the_same_decision_again(program: Caller, cast: Cast) -> None:
    body = output_body("case-1")
    first = program.post("/outputs/", body)
    # Another policy now would decide otherwise; the decision stands.
    cast.put_in_force(tier={"mode": "sampled", "audit_rate": 0.5})
    again = program.post("/outputs/", dict(reversed(body.items())))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Output.objects.filter(project=cast.project).count() == 1
    assert Decision.objects.filter(project=cast.project).count() == 1


def test_it_refuses_the_same_id_with_another_body(program: Caller, cast: Cast) -> None:
    program.post("/outputs/", output_body("case-1", response="Yes.", prompt="Well?"))
    stored = list(Output.objects.filter(project=cast.project).values())
    body = problem(program.post("/outputs/", output_body("case-1", response="No.", prompt="Well?")), 409)
    assert body["code"] == "conflict"
    assert list(Output.objects.filter(project=cast.project).values()) == stored
    assert Signal.objects.filter(output__project=cast.project).count() == 1


@pytest.mark.parametrize("change", [{"metadata": {"n": 1}}, {"stakes": "high"}, {"intent": "other"}, {"signals": []}])
def test_it_takes_any_change_of_the_body_for_another_body(change: dict[str, Any], program: Caller) -> None:
    body = output_body("case-1")
    program.post("/outputs/", body)
    problem(program.post("/outputs/", body | change), 409)


def test_it_lets_two_projects_use_one_id(program: Caller, cast: Cast) -> None:
    other = make_noise("third", outputs=0)
    body = output_body("case-1")
    assert program.post("/outputs/", body).status_code == 201
    assert other.program.post("/outputs/", body).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_it_creates_once_when_everybody_posts_at_once(cast: Cast) -> None:
    body = output_body("case-1")
    responses = in_threads(8, lambda _number: cast.program.post("/outputs/", body))
    assert sorted(response.status_code for response in responses) == [200] * 7 + [201]
    assert len({response.json()["id"] for response in responses}) == 1
    assert Decision.objects.filter(project=cast.project).count() == 1
    assert ReviewItem.objects.filter(project=cast.project).count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_lets_one_body_win_when_different_ones_come_at_once(cast: Cast) -> None:
    bodies = [output_body("case-1", response=f"Answer {number}.") for number in range(8)]
    responses = in_threads(8, lambda number: cast.program.post("/outputs/", bodies[number]))
    assert sorted(response.status_code for response in responses) == [201] + [409] * 7


def test_it_takes_every_kind_of_task(program: Caller, cast: Cast) -> None:
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is the shop open?"}]
    for body in (output_body(prompt=chat), pair_body(), run_body()):
        assert program.post("/outputs/", body).status_code == 201
    kinds = Output.objects.filter(project=cast.project).order_by("pk").values_list("task_kind", flat=True)
    assert list(kinds) == ["pointwise", "pairwise", "trajectory"]


SIGNALS: list[tuple[dict[str, Any], str, float | None]] = [
    ({"kind": "judge", "name": "j", "runs": [{"verdict": "pass"}, {"verdict": "fail"}]}, "judge:j", 0.25),
    ({"kind": "judge", "name": "j", "family": "f", "runs": [{"score": 0.25}]}, "judge:j", 0.25),
    ({"kind": "judge", "name": "j", "runs": [{"preferred": "a", "order": "ab"}] * 2}, "judge:j", 1.0),
    ({"kind": "pairwise_margin", "value": -0.5}, "pairwise_margin", 0.5),
    ({"kind": "grounding", "supported": 3, "total": 4}, "grounding", 0.75),
    # Nothing to ground says nothing.
    ({"kind": "grounding", "supported": 0, "total": 0}, "grounding", None),
    ({"kind": "ensemble", "votes": ["pass", "fail", "fail", "fail"]}, "ensemble", 0.25),
    ({"kind": "self_consistency", "agree": 4, "samples": 5}, "self_consistency", 0.8),
    ({"kind": "score", "name": "s", "value": 0}, "score:s", 0.0),
]


@pytest.mark.parametrize(("signal", "key", "evidence"), SIGNALS)
def test_it_takes_every_kind_of_signal(
    signal: dict[str, Any], key: str, evidence: float | None, program: Caller, cast: Cast
) -> None:
    body = pair_body(signals=[signal]) if signal["kind"] == "pairwise_margin" else output_body(signals=[signal])
    assert program.post("/outputs/", body).status_code == 201
    stored = Signal.objects.get(output__project=cast.project)
    assert (stored.key, stored.data) == (key, signal)
    assert stored.evidence == (None if evidence is None else pytest.approx(evidence))


def test_it_tells_why_it_takes_no_token_probability(program: Caller) -> None:
    signal = {"kind": "token_probability", "value": 0.99}
    body = problem(program.post("/outputs/", output_body(signals=[signal])), 400)
    [error] = body["errors"]
    assert error["pointer"].startswith("/signals/0")
    assert "not a calibrated confidence" in error["detail"]
    assert "metadata" in error["detail"]


def test_it_says_where_a_decision_came_from(program: Caller, cast: Cast) -> None:
    cast.put_in_force(
        stakes={"rules": [{"name": "dear", "when": {">": [{"var": "metadata.amount"}, 99]}, "stakes": "high"}]}
    )
    answer = program.post("/outputs/", output_body(metadata={"amount": 250}, flags=["adversarial"])).json()
    assert answer["decision"]["stakes"] == "high"
    assert answer["decision"]["reasons"] == ["adversarial", "high_stakes", "everything_reviewed"]
    assert answer["decision"]["flags"] == ["adversarial"]
    assert Decision.objects.get(project=cast.project).trace["stakes_basis"] == "rule dear"
