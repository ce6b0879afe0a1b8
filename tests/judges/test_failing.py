"""Whatever a judge does wrong: the output goes to a person, the key nowhere, and nothing is waited for too long."""

import json
import math
from typing import Any

import pytest

from routing.models import CallOutcome, JudgeVerdict
from tests.judges.bench import KEY, Bench
from tests.judges.server import (
    Answering,
    Model,
    body,
    completion,
    echo,
    flood,
    hang_up,
    not_http,
    running_model,
    says,
    slow,
    status,
    verdict,
)
from tests.people import Cast

pytestmark = pytest.mark.django_db

GOOD = {"reason": "Fine.", "verdict": "pass"}
INVALID: dict[str, Any] = {
    "no JSON": "pass",
    "a list": json.dumps([GOOD]),
    "in a fence": f"```json\n{json.dumps(GOOD)}\n```",
    "words around it": f"Here: {json.dumps(GOOD)}",
    "two objects": json.dumps(GOOD) * 2,
    "a further field, as an injected answer has": json.dumps(GOOD | {"score": 1.0}),
    "a field twice": '{"reason": "No.", "verdict": "fail", "verdict": "pass"}',
    "the verdict before its reason": json.dumps({"verdict": "pass", "reason": "Fine."}),
    "no reason": json.dumps({"verdict": "pass"}),
    "an empty reason": json.dumps(GOOD | {"reason": " "}),
    "a reason without end": json.dumps(GOOD | {"reason": "x" * 5000}),
    "a reason of another type": json.dumps(GOOD | {"reason": 1}),
    "another verdict": json.dumps(GOOD | {"verdict": "PASS"}),
    "a verdict for pairs": json.dumps(GOOD | {"verdict": "first"}),
    "a list of verdicts": json.dumps(GOOD | {"verdict": ["pass"]}),
    "true": json.dumps(GOOD | {"verdict": True}),
    "NaN": json.dumps(GOOD | {"verdict": math.nan}),
    "nothing": "",
    "very deep": "[" * 100_000,
}
MALFORMED: dict[str, bytes] = {
    "no JSON": b"<html>Bad gateway</html>",
    "no UTF-8": b'{"choices": "\xff\xfe"}',
    "a list": b"[]",
    "no choices": b"{}",
    "empty choices": b'{"choices": []}',
    "choices that are none": b'{"choices": {"0": 1}}',
    "two choices": json.dumps({"choices": [json.loads(completion(json.dumps(GOOD)))["choices"][0]] * 2}).encode(),
    "a number for an answer": completion(1),
    "no answer": completion(None),
    "parts for an answer": completion([{"type": "text", "text": json.dumps(GOOD)}]),
    "unfinished": completion(json.dumps(GOOD), finish=None),
    "a tool call": completion(json.dumps(GOOD), finish="tool_calls"),
    "NaN": completion(json.dumps(GOOD)).replace(b"120", b"NaN"),
    "an endless number": completion(json.dumps(GOOD)).replace(b"120", b"1" * 5000),
    "nothing": b"",
}


def falls_to_a_person(bench: Bench, *answers: Answering) -> str:
    """Asks, expects no second try and a review, and returns what the log says of the call."""
    bench.model.will(*answers)
    output = bench.hand_in()
    decision = bench.settle(output)
    assert decision.action == "review"
    assert "invalid_signal" in decision.reasons
    assert bench.said(output) is None
    assert bench.request(output).silent["strict"] == bench.outcomes()[-1]
    return bench.outcomes()[-1]


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID.keys())
def test_an_answer_in_any_other_form_is_no_verdict(bench: Bench, text: str) -> None:
    assert falls_to_a_person(bench, says(text)) == "invalid_verdict"
    assert len(bench.model.asked) == 1


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_response_in_any_other_form_is_none(bench: Bench, raw: bytes) -> None:
    assert falls_to_a_person(bench, body(raw)) == "malformed"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (says(json.dumps(GOOD), finish="length"), "cut_off"),
        (says(json.dumps(GOOD), finish="content_filter"), "refusal"),
        (says(json.dumps(GOOD), refusal="I will not judge this."), "refusal"),
        (status(401), "key_refused"),
        (status(403), "key_refused"),
        (status(400), "request_refused"),
        (status(404), "request_refused"),
        (flood, "too_large"),
    ],
    ids=["cut off", "filtered", "refused", "401", "403", "400", "404", "ten gigabytes"],
)
def test_what_another_try_would_not_mend_is_not_tried_again(bench: Bench, answer: Answering, outcome: str) -> None:
    assert falls_to_a_person(bench, answer, verdict("pass")) == outcome
    assert len(bench.model.asked) == 1


def test_one_failing_run_of_two_is_a_silent_judge(bench: Bench) -> None:
    assert falls_to_a_person(bench, verdict("pass"), verdict("maybe")) == "invalid_verdict"


def test_a_redirect_is_not_followed_and_the_key_stays(bench: Bench) -> None:
    with running_model() as elsewhere:
        assert falls_to_a_person(bench, status(307, Location=f"{elsewhere.url}/chat/completions")) == "request_refused"
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "answer",
    [status(500), status(503), status(429), hang_up, not_http],
    ids=["500", "503", "429", "hangs up", "not HTTP"],
)
def test_passing_trouble_is_tried_again_later(bench: Bench, answer: Answering) -> None:
    bench.model.will(answer, answer, verdict("pass"))
    output = bench.hand_in()
    for _turn in range(5):
        bench.work()
        bench.clock.forward(5)
    assert bench.decision(output).action == "ship"
    assert len(bench.model.asked) == 4
    assert bench.request(output).failed_calls == 2


def test_tries_come_ever_later_and_end(bench: Bench) -> None:
    bench.model.will(status(500))
    output = bench.hand_in()
    waits = []
    while bench.is_pending(output):
        bench.work()
        waits.append((bench.request(output).due_at - bench.clock.now).total_seconds())
        bench.clock.forward(max(0.0, waits[-1]))
    # The last one is the lease of whoever decided. Of the others each is up to twice the one before.
    backoffs = [wait for wait in waits[:-1] if wait > 2]
    assert backoffs == sorted(backoffs)
    assert 4 <= len(bench.model.asked) <= 6
    assert bench.decision(output).action == "review"


def test_it_waits_as_long_as_it_is_asked_to(bench: Bench) -> None:
    bench.model.will(status(429, Retry_After="40"), verdict("pass"))
    output = bench.hand_in()
    bench.work()
    bench.clock.forward(37)
    bench.work()
    assert len(bench.model.asked) == 1
    bench.clock.forward(5)
    assert bench.settle(output).action == "ship"


def test_it_does_not_wait_beyond_the_deadline(cast: Cast, model: Model) -> None:
    bench = Bench.set_up(cast, model, deadline=30)
    bench.model.will(status(429, Retry_After="40"))
    output = bench.hand_in()
    assert bench.settle(output).action == "review"
    assert bench.request(output).silent == {"strict": "rate_limited"}


@pytest.mark.parametrize("word", ["-5", "1e9", "nan", "inf", "9" * 400, "soon", "Fri, 20 Nov 2026 09:01:00 GMT", "٣"])
def test_an_odd_retry_after_does_not_hurt(bench: Bench, word: str) -> None:
    if not word.isascii():
        word = word.encode().decode("latin-1")
    bench.model.will(status(429, Retry_After=word), verdict("pass"))
    output = bench.hand_in()
    bench.work()
    bench.clock.forward(10)
    assert bench.settle(output).action == "ship"


def test_a_slow_judge_is_left_at_its_timeout(cast: Cast, model: Model) -> None:
    bench = Bench.set_up(cast, model, deadline=5, timeout_seconds=1)
    bench.model.will(slow(3, verdict("pass")))
    output = bench.hand_in()
    bench.work()
    bench.clock.forward(5)
    assert bench.settle(output).action == "review"
    assert bench.outcomes()[0] == CallOutcome.TIMEOUT


def test_at_the_deadline_a_person_is_asked(bench: Bench) -> None:
    output = bench.hand_in()
    bench.clock.forward(300)
    assert bench.settle(output).action == "review"
    assert bench.model.asked == []
    assert bench.request(output).silent == {"strict": "deadline"}


def test_an_answer_after_the_deadline_counts_for_nothing(cast: Cast, model: Model) -> None:
    bench = Bench.set_up(cast, model, deadline=30)

    def late(handler: Any, asked: Any) -> None:
        bench.clock.forward(31)
        verdict("pass")(handler, asked)

    bench.model.will(late)
    output = bench.hand_in()
    assert bench.settle(output).action == "review"
    assert bench.request(output).silent == {"strict": "deadline"}


def test_what_is_too_long_is_refused_and_not_cut(cast: Cast, model: Model) -> None:
    bench = Bench.set_up(cast, model, max_characters=1000)
    output = bench.hand_in(context=[{"id": "1", "text": "x" * 1000}])
    assert bench.settle(output).action == "review"
    assert bench.outcomes()[-1] == "oversize"
    assert all("xxx" not in asked.user for asked in bench.model.asked)


# The key ----------------------------------------------------------------------------------------------------


def test_the_key_goes_into_its_header_and_nowhere_else(bench: Bench) -> None:
    bench.settle(bench.hand_in())
    for asked in bench.model.asked:
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        rest = {name: value for name, value in asked.headers.items() if name != "authorization"}
        assert KEY not in json.dumps([asked.path, rest])
        assert KEY.encode() not in asked.raw
        assert asked.path == "/v1/chat/completions"


def test_a_server_that_sends_the_key_back_does_not_get_it_stored(bench: Bench) -> None:
    bench.model.will(echo)
    output = bench.hand_in()
    bench.work()
    bench.model.will(body(b'{"error": "bad key ' + KEY.encode() + b'"}', 401))
    bench.settle(bench.hand_in())
    stored = json.dumps(
        [list(JudgeVerdict.objects.values_list("raw", "reason")), bench.decision(output).trace], default=str
    )
    assert "I was sent Bearer *****" in stored
    assert KEY not in stored


def test_without_its_key_a_judge_is_silent(cast: Cast, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench.set_up(cast, model, key="", key_env="JUDGE_KEY_LAB")
    assert falls_to_a_person(bench, verdict("pass")) == "no_key"
    monkeypatch.setenv("JUDGE_KEY_LAB", KEY)
    assert falls_to_a_person(bench, verdict("pass")) == "no_key"
    monkeypatch.setenv("JUDGE_HOST_LAB", "api.example.com")
    assert falls_to_a_person(bench, verdict("pass")) == "no_key"
    assert model.asked == []
    monkeypatch.setenv("JUDGE_HOST_LAB", f"api.example.com, {model.url.split('/')[2]}")
    assert bench.settle(bench.hand_in()).action == "ship"
    assert model.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_judge_without_a_key_sends_none(cast: Cast, model: Model) -> None:
    bench = Bench.set_up(cast, model, key="")
    bench.settle(bench.hand_in())
    assert "authorization" not in model.asked[0].headers


def test_what_is_not_allowed_any_more_is_not_asked(bench: Bench, settings: Any) -> None:
    settings.PRIVATE_TARGETS = []
    assert falls_to_a_person(bench, verdict("pass")) == "target_refused"
    assert bench.model.asked == []


def test_a_fault_of_ours_waits_for_the_deadline_and_then_asks_a_person(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("routing.services.judging.subject_of", lambda **_fields: 1 / 0)
    output, other = bench.hand_in(), bench.hand_in()
    bench.work()
    assert bench.is_pending(output)
    assert bench.is_pending(other)
    assert KEY not in caplog.text
    bench.clock.forward(300)
    bench.work()
    assert bench.decision(output).action == bench.decision(other).action == "review"


def test_a_policy_that_ships_without_confidence_still_waits_and_falls(cast: Cast, model: Model) -> None:
    bench = Bench.set_up(cast, model)
    judges = {"names": ["strict"], "deadline_seconds": 60}
    cast.put_in_force(tier={"mode": "sampled", "audit_rate": 0.1}, judges=judges)
    bench.model.will(verdict("maybe"))
    assert bench.settle(bench.hand_in()).action == "review"
