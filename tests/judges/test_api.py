"""Judges over HTTP: made, read, changed, tried; and outputs that wait for them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from reviewapp.core.models import AuditEntry
from routing.models import Judge, JudgeRequest, JudgeState, JudgeVerdict
from tests.factories import REJECT, judge, output_body, route
from tests.judges.bench import KEY, SURE, Bench, ask_in_force, make_judge
from tests.judges.server import Model, slow, status, verdict
from tests.people import PREFIX, Caller, Cast, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def now_bench(bench: Bench) -> Bench:
    """Over HTTP time is the present."""
    bench.clock.now = timezone.now()
    return bench


def patch(caller: Caller, path: str, body: Any) -> Any:
    return caller.client.patch(PREFIX + path, json.dumps(body), content_type="application/json", headers=caller.headers)


def body_for(model: Model, **fields: Any) -> dict[str, Any]:
    return {"name": "strict", "base_url": model.url, "model": "rowan-2", "key": KEY} | fields


# Judges -------------------------------------------------------------------------------------------------------


def test_a_judge_is_made_read_and_changed(cast: Cast, model: Model) -> None:
    made = cast.program.post("/judges/", body_for(model, monthly_budget="20.00", price_input="0.15", price_output=0.6))
    assert made.status_code == 201
    shown = made.json()
    assert shown["key"] == {"source": "stored", "variable": None, "usable": True, "problem": None}
    assert (shown["version"], shown["active"], shown["monthly_budget"], shown["price_input"]) == (1, True, 20.0, 0.15)
    assert shown["state"]["circuit"] == "closed"
    assert shown["agreement"] == {"rate": None, "agree": 0, "of": 0, "reason": "no_verdicts"}
    assert cast.program.get("/judges/strict/").json() == shown
    changed = patch(cast.program, "/judges/strict/", {"model": "rowan-3", "active": False})
    assert changed.status_code == 200
    assert (changed.json()["version"], changed.json()["active"], changed.json()["model"]) == (2, False, "rowan-3")
    owner = person(cast.owner)
    listed = owner.get(f"/projects/{cast.project.slug}/judges/").json()
    assert [row["name"] for row in listed["results"]] == ["strict"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": "a/b"}, "/name"),
        ({"name": "new"}, "/name"),
        ({"name": ""}, "/name"),
        ({"base_url": "https://169.254.169.254/latest"}, "/base_url"),
        ({"base_url": "file:///etc/passwd"}, "/base_url"),
        ({"key_env": "SECRET_KEY"}, "/key_env"),
        ({"key": "two words"}, "/key"),
        ({"key_env": "JUDGE_KEY_X"}, "/key"),
        ({"timeout_seconds": 0}, "/timeout_seconds"),
        ({"timeout_seconds": 100_000}, "/timeout_seconds"),
        ({"runs": 3}, "/runs"),
        ({"monthly_budget": "-1"}, "/monthly_budget"),
        ({"monthly_budget": "NaN"}, "/monthly_budget"),
        ({"monthly_budget": "5"}, "/monthly_budget"),
        ({"price_input": 1e30}, "/price_input"),
        ({"currency": "euro"}, "/currency"),
        ({"requests_per_minute": True}, "/requests_per_minute"),
        ({"sealed_key": "x"}, "/sealed_key"),
        ({"spent": 0}, "/spent"),
    ],
)
def test_what_does_not_fit_is_named(cast: Cast, model: Model, fields: dict[str, Any], pointer: str) -> None:
    answer = cast.program.post("/judges/", body_for(model, **fields))
    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert KEY not in answer.content.decode()


def test_the_key_is_in_no_answer_and_no_audit_entry(cast: Cast, model: Model) -> None:
    answers = [cast.program.post("/judges/", body_for(model))]
    answers.append(cast.program.post("/judges/", body_for(model)))
    answers.append(patch(cast.program, "/judges/strict/", {"key": KEY, "base_url": "https://169.254.169.254/"}))
    answers.append(patch(cast.program, "/judges/strict/", {"key": KEY + " x"}))
    model.will(status(401))
    answers.append(cast.program.post("/judges/strict/try/", {"prompt": "Why?", "response": "So."}))
    answers += [cast.program.get("/judges/"), cast.program.get("/judges/strict/")]
    assert [answer.status_code for answer in answers] == [201, 400, 400, 400, 200, 200, 200]
    sealed = Judge.objects.get(name="strict").sealed_key
    said = "".join(answer.content.decode() for answer in answers) + json.dumps(
        list(AuditEntry.objects.values_list("data"))
    )
    assert KEY not in said
    assert sealed not in said


@pytest.mark.parametrize(
    ("scopes", "read", "write"), [(["read"], 200, 403), (["admin"], 403, 201), (["route", "goldens"], 403, 403)]
)
def test_who_may_do_what_with_a_key(cast: Cast, model: Model, scopes: list[str], read: int, write: int) -> None:
    caller = cast.key_with(*scopes)
    assert caller.post("/judges/", body_for(model)).status_code == write
    assert caller.get("/judges/").status_code == read


def test_auditors_read_and_reviewers_do_not_know_of_it(cast: Cast, model: Model) -> None:
    make_judge(cast, model)
    path = f"/projects/{cast.project.slug}/judges/"
    assert person(cast.auditor).get(path).status_code == 200
    assert patch(person(cast.auditor), f"{path}strict/", {"active": False}).status_code == 404
    assert person(cast.reviewers[0]).get(path).status_code == 404
    assert Caller().get(path).status_code == 401


def test_it_says_how_a_judge_is_doing(now_bench: Bench) -> None:
    bench = now_bench
    bench.settle(bench.hand_in(prompt="Same?", response="Same.", context=[]))
    bench.settle(bench.hand_in(prompt="Same?", response="Same.", context=[]))
    bench.model.will(verdict("maybe"))
    bench.settle(bench.hand_in())
    bench.hand_in()
    until = timezone.now() + timedelta(minutes=5)
    JudgeState.objects.filter(judge=bench.judge).update(
        failures=7, open_until=until, spent=1_500_000, month=f"{timezone.now():%Y-%m}"
    )
    shown = bench.cast.program.get("/judges/strict/").json()
    state = shown["state"]
    assert (state["answered"], state["failed"], state["cache_hits"]) == (2, {"invalid_verdict": 1}, 2)
    assert (state["circuit"], state["failures_in_a_row"], state["spent"]) == ("open", 7, 1.5)
    assert state["waiting_outputs"] == 1
    assert shown["asked_by_policy_in_force"] is True


def test_agreement_counts_runs_on_judged_outputs(bench: Bench) -> None:
    bench.model.will(verdict("pass"), verdict("fail"))
    bench.settle(bench.hand_in())
    judge(bench.cast.reviewers[0], **REJECT)
    assert bench.cast.program.get("/judges/strict/").json()["agreement"] == {
        "rate": 0.5, "agree": 1, "of": 2, "reason": None
    }  # fmt: skip


# Trials -------------------------------------------------------------------------------------------------------


def test_a_trial_is_one_call_that_counts_for_nothing(now_bench: Bench) -> None:
    bench = now_bench
    words = {"prompt": "Same?", "response": "Same."}
    answer = bench.cast.program.post("/judges/strict/try/", words | {"context": [{"id": "1", "text": "Same."}]})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["outcome"], found["verdict"], found["input_tokens"]) == ("answered", "pass", 120)
    assert len(bench.model.asked) == 1
    row = JudgeVerdict.objects.get()
    assert row.output is None
    bench.clock.now = timezone.now()
    bench.settle(bench.hand_in(**words, context=[{"id": "1", "text": "Same."}]))
    assert len(bench.model.asked) == 3


def test_a_trial_of_a_pair(bench: Bench) -> None:
    bench.model.will(verdict("second"))
    answer = bench.cast.program.post("/judges/strict/try/", {"prompt": "Which?", "candidates": ["This.", "That."]})
    assert answer.json()["verdict"] == "b"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt": "x"},
        {"prompt": "x", "response": "x", "candidates": ["x", "y"]},
        {"prompt": "x", "candidates": ["x"]},
        {"prompt": "x", "response": "x" * 100_001},
        {"prompt": "x", "response": "x", "context": ["x"]},
        {"prompt": "x", "response": "x", "key": "x"},
    ],
)
def test_a_trial_of_nothing_is_refused(bench: Bench, body: dict[str, Any]) -> None:
    assert bench.cast.program.post("/judges/strict/try/", body).status_code == 400
    assert bench.model.asked == []


def test_a_trial_waits_no_longer_than_the_judges_timeout(cast: Cast, model: Model) -> None:
    Bench.set_up(cast, model, timeout_seconds=1)
    model.will(slow(3, verdict("pass")))
    answer = cast.program.post("/judges/strict/try/", {"prompt": "x", "response": "x"})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "timeout")


# Pending outputs ------------------------------------------------------------------------------------------------


def test_an_output_is_pending_until_its_judges_were_heard(now_bench: Bench) -> None:
    bench, program = now_bench, now_bench.cast.program
    body = output_body(stakes="low", signals=SURE)
    answer = program.post("/outputs/", body)
    assert answer.status_code == 201
    version = JudgeRequest.objects.get().policy.version
    assert answer.json()["decision"] == {
        "action": "pending",
        "reasons": [],
        "confidence": None,
        "stakes": "low",
        "flags": [],
        "policy": {"name": "default", "version": version},
        "calibrator": None,
        "inclusion_probability": None,
        "audited": False,
        "review": None,
    }
    again = program.post("/outputs/", body)
    assert (again.status_code, again.json()) == (200, answer.json())
    assert program.post("/outputs/", body | {"response": "Other."}).status_code == 409
    bench.clock.now = timezone.now()
    bench.work()
    later = program.post("/outputs/", body)
    assert (later.status_code, later.json()["decision"]["action"]) == (200, "ship")


def test_a_batch_says_of_each_whether_it_waits(now_bench: Bench) -> None:
    bodies = [output_body(signals=SURE), output_body(signals=[])]
    rows = now_bench.cast.program.post("/outputs/batch/", {"outputs": bodies}).json()["results"]
    assert [row["decision"]["action"] for row in rows] == ["pending", "review"]


def test_pending_outputs_are_listed_filtered_and_paged(now_bench: Bench) -> None:
    bench, program = now_bench, now_bench.cast.program
    done = bench.hand_in("done", stakes="high")
    bench.work()
    waiting = [bench.hand_in(f"waiting-{number}", stakes="low") for number in range(3)]

    def names(**query: Any) -> list[str]:
        return [row["external_id"] for row in program.get("/outputs/", **query).json()["results"]]

    assert names() == ["waiting-2", "waiting-1", "waiting-0", done.external_id]
    assert names(action="pending") == ["waiting-2", "waiting-1", "waiting-0"]
    assert names(action="ship") == names(stakes="high") == ["done"]
    assert names(stakes="low") == names(action="pending")
    assert names(action="pending", stakes="high") == []
    assert names(flag="incident") == []
    first = program.get("/outputs/", action="pending", limit=2).json()
    assert [row["external_id"] for row in first["results"]] == ["waiting-2", "waiting-1"]
    assert first["next"]
    assert program.get(f"/outputs/{waiting[0].pk}/").json()["decision"]["action"] == "pending"


def test_flags_of_what_is_pending_can_be_filtered(now_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    output = now_bench.hand_in()
    JudgeRequest.objects.filter(output=output).update(flags=["novel"])
    found = now_bench.cast.program.get("/outputs/", flag="novel").json()["results"]
    assert [row["id"] for row in found] == [str(output.pk)]


def test_lists_cost_the_same_however_many_wait(now_bench: Bench, django_assert_max_num_queries: Any) -> None:
    bodies = [output_body(signals=SURE) for _number in range(30)]
    route(now_bench.cast.project, *bodies, now=now_bench.clock.now)
    with django_assert_max_num_queries(6):
        assert len(now_bench.cast.program.get("/outputs/").json()["results"]) == 30


def test_the_list_of_judges_costs_the_same_however_many(
    cast: Cast, model: Model, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        make_judge(cast, model, f"judge-{number}")
    with django_assert_max_num_queries(8):
        assert len(cast.program.get("/judges/").json()["results"]) == 10


def test_the_explanation_says_whom_it_waits_for(now_bench: Bench) -> None:
    output = now_bench.hand_in()
    shown = now_bench.cast.program.get(f"/outputs/{output.pk}/explain/").json()
    assert (shown["status"], shown["awaited"]["judges"]) == ("pending", ["strict"])
    now_bench.work()
    assert now_bench.cast.program.get(f"/outputs/{output.pk}/explain/").json()["status"] == "decided"


def test_activating_a_policy_without_its_judge_is_a_problem(cast: Cast, model: Model) -> None:
    judge = make_judge(cast, model)
    ask_in_force(cast, "strict")
    Judge.objects.filter(pk=judge.pk).update(active=False)
    active = cast.program.get("/policies/").json()["results"][0]["version"]
    answer = cast.program.post(f"/policies/{active}/activate/", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "judge_missing")


# Pages ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def console(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.owner.person)
    return client


FORM = {
    "name": "strict",
    "model": "rowan-2",
    "key": KEY,
    "timeout_seconds": 30,
    "runs": 2,
    "requests_per_minute": 60,
    "currency": "USD",
    "price_input": "0.15",
    "price_output": "0.6",
    "max_tokens": 1024,
    "max_characters": 100_000,
    "active": "on",
}


def test_pages_make_change_and_try_a_judge(cast: Cast, model: Model, console: Client) -> None:
    base = f"/projects/{cast.project.slug}/judges/"
    assert console.get(base).status_code == console.get(f"{base}new/").status_code == 200
    wrong = console.post(f"{base}new/", FORM | {"base_url": "https://10.1.2.3/v1"})
    assert wrong.status_code == 400
    assert "PRIVATE_TARGETS" in wrong.content.decode()
    assert console.post(f"{base}new/", FORM | {"base_url": model.url}).status_code == 302
    changed = FORM | {"base_url": model.url, "key": "", "model": "<b>rowan-3</b>", "instructions": "<script>"}
    assert console.post(f"{base}strict/change/", changed).status_code == 302
    assert Judge.objects.get(name="strict").sealed_key
    model.will(verdict("fail", "<img src=x onerror=alert(1)>"))
    tried = console.post(f"{base}strict/try/", {"prompt": "Why?", "response": "So."})
    pages = [tried, console.get(base), console.get(f"{base}strict/"), console.get(f"{base}strict/change/")]
    assert [page.status_code for page in pages] == [200] * 4
    text = "".join(page.content.decode() for page in pages)
    assert "answered: fail" in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    for live in ("<img src=x", "<script>\n", "<b>rowan", KEY, Judge.objects.get(name="strict").sealed_key):
        assert live not in text


def test_pages_show_what_waits(now_bench: Bench, console: Client) -> None:
    output = now_bench.hand_in("waiting-1")
    base = f"/projects/{now_bench.cast.project.slug}/outputs/"
    listed = console.get(base, {"action": "pending"}).content.decode()
    assert "waiting-1" in listed
    page = console.get(f"{base}{output.pk}/")
    assert page.status_code == 200
    assert "judges are asked first" in page.content.decode()
    assert "nobody judges it" not in page.content.decode()
    assert console.get(f"/projects/{now_bench.cast.project.slug}/console/").status_code == 200
    now_bench.work()
    assert "Judges asked" in console.get(f"{base}{output.pk}/").content.decode()


def test_auditors_see_no_buttons(cast: Cast, model: Model) -> None:
    make_judge(cast, model)
    client = Client()
    client.force_login(cast.auditor.person)
    base = f"/projects/{cast.project.slug}/judges/"
    assert "New judge" not in client.get(base).content.decode()
    assert "<form" not in client.get(f"{base}strict/").content.decode().split('class="sheet"')[1]
    assert client.post(f"{base}strict/try/", {"prompt": "x", "response": "x"}).status_code == 404
