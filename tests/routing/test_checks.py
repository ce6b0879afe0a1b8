"""Running checks: what the response is, whom they apply to, and that nothing an output holds can break them."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from routing.policy.checks import Check, Subject, run_checks
from routing.policy.document import PolicyDocument
from tests.routing.checking import CHECK, INVOICE, check, pair, passes, run, steps, subject
from tests.routing.documents import document

# What the response is


def test_both_candidates_must_pass() -> None:
    looked_for = check("must_match", pattern="ok")
    assert passes(looked_for, pair("ok", "ok too"))
    assert run(looked_for, pair("no", "ok")).reason.startswith("candidate a ")
    assert run(looked_for, pair("ok", "no")).reason.startswith("candidate b ")
    # A pattern does not reach from one into the other.
    assert passes(check("must_not_match", pattern=r"a\s*b"), pair("a", "b"))
    assert not passes(check("required_fields", paths=["/x"]), pair('{"x": 1}', "{}"))
    assert not passes(check("allowed_citations", required=True), pair("[2]", "none"))


RUN = steps(
    ("message", "hidden"), ("tool_call", {"sql": "DROP TABLE x"}), ("tool_result", "denied"), ("message", '{"n": 1}')
)


def test_the_answer_of_a_run_is_its_last_message() -> None:
    assert passes(check("required_fields", paths=["/n"]), RUN)
    assert not passes(check("must_match", pattern="hidden"), RUN)
    assert passes(check("max_length", characters=8), RUN)
    assert run(check("max_length", characters=7), RUN).reason.startswith("the last message ")
    # What comes after it is no answer; content that is no text is read as the JSON that it is.
    assert passes(check("numeric_range", pointer="/n", max=1), steps(("message", {"n": 1}), ("tool_result", "{}")))


def test_no_word_of_a_run_may_match_what_must_not() -> None:
    assert run(check("must_not_match", pattern="hidden"), RUN).reason == "step 1 matches “hidden”"
    assert run(check("must_not_match", pattern="DROP TABLE"), RUN).reason == "step 2 matches “DROP TABLE”"
    # What a tool answers is not the AI's doing.
    assert passes(check("must_not_match", pattern="denied"), RUN)
    assert passes(check("must_not_match", pattern="x"), steps(("tool_result", "x")))


@pytest.mark.parametrize(
    "looked_for",
    [
        check("required_fields", paths=[""]),
        check("json_schema", schema=True),
        check("numeric_range", pointer="", min=0),
        check("numeric_range", pattern=r"(\d)", min=0),
        check("must_match", pattern=".*"),
        check("allowed_citations"),
        check("max_length", characters=10),
        check("language", allowed=["en"], undecided="pass"),
    ],
    ids=lambda looked_for: looked_for.kind,
)
def test_a_run_without_an_answer_passes_nothing(looked_for: Check) -> None:
    result = run(looked_for, steps(("tool_call", "x"), ("tool_result", "5")))
    assert result.reason == "the run has no message that could be its answer"


# Running them


def test_a_check_applies_to_its_intents_only() -> None:
    checks = [
        check("must_match", name="refunds", pattern="x", intents=["refund", "billing"], severity="high"),
        check("must_match", name="chats", pattern="x", intents=["chat"]),
        check("must_match", name="everything", pattern="y"),
    ]
    results = run_checks(checks, subject("y"))
    assert [(result.name, result.severity, result.passed) for result in results] == [
        ("refunds", "high", False),
        ("everything", "mid", True),
    ]
    assert run_checks([], subject("y")) == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "With Space"},
        {"name": "x" * 61},
        {"name": "x\n"},
        {"severity": "severe"},
        {"severity": None},
        {"intents": []},
        {"intents": [""]},
        {"intents": "refund"},
        {"characters": True},
        {"characters": "5"},
        {"characters": 5.0},
        {"characters": -1},
        {"part": "metadata"},
        {"more": 1},
        {"kind": "min_length"},
    ],
)
def test_it_refuses_what_is_not_a_check(fields: dict[str, Any]) -> None:
    good = {"kind": "max_length", "name": "short", "severity": "low", "characters": 5}
    CHECK.validate_python(good)
    with pytest.raises(ValidationError):
        CHECK.validate_python(good | fields)


@pytest.mark.parametrize("missing", ["kind", "name", "severity", "characters"])
def test_every_field_without_a_default_is_needed(missing: str) -> None:
    good = {"kind": "max_length", "name": "short", "severity": "low", "characters": 5}
    with pytest.raises(ValidationError):
        CHECK.validate_python({key: value for key, value in good.items() if key != missing})


EVERY_KIND = [
    {"kind": "required_fields", "name": "a", "severity": "low", "paths": ["/a"], "intents": ["refund"]},
    {"kind": "json_schema", "name": "b", "severity": "low", "schema": INVOICE},
    {"kind": "numeric_range", "name": "c", "severity": "low", "pointer": "/a", "min": 0, "part": "metadata"},
    {"kind": "must_match", "name": "d", "severity": "low", "pattern": "a"},
    {"kind": "must_not_match", "name": "e", "severity": "low", "pattern": "a", "part": "prompt"},
    {"kind": "allowed_citations", "name": "f", "severity": "low"},
    {"kind": "max_length", "name": "g", "severity": "low", "characters": 5},
    {"kind": "language", "name": "h", "severity": "low", "allowed": ["en", "de"]},
]


def test_a_policy_keeps_its_checks_as_they_were_written() -> None:
    parsed = PolicyDocument.model_validate(document(checks=EVERY_KIND))
    stored = json.loads(json.dumps(parsed.model_dump(mode="json")))
    assert PolicyDocument.model_validate(stored) == parsed
    for written, kept in zip(EVERY_KIND, stored["checks"], strict=True):
        assert written.items() <= kept.items()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], Check]:
    def build(error: BaseException) -> Check:
        def fault(*_arguments: Any) -> str | None:
            raise error

        looked_for = check("max_length", characters=5)
        monkeypatch.setattr(type(looked_for), "fault", fault)
        return looked_for

    return build


class Panic(BaseException):
    """As a compiled library raises it: no Exception."""


@pytest.mark.parametrize("error", [KeyError("secret"), MemoryError(), RecursionError(), Panic("secret")])
def test_a_check_that_crashes_has_failed(error: BaseException, broken: Callable[[BaseException], Check]) -> None:
    results = run_checks([broken(error), check("must_match", pattern="y")], subject("y"))
    assert [(result.passed, result.reason) for result in results] == [
        (False, f"could not be run: {type(error).__name__}"),
        (True, ""),
    ]


def test_the_end_of_the_process_is_no_failed_check(broken: Callable[[BaseException], Check]) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_checks([broken(KeyboardInterrupt())], subject("y"))


@pytest.mark.parametrize("body", [{}, {"response": "x"}, {"steps": [{}]}, {"steps": ["x"]}])
def test_a_body_of_another_kind_passes_nothing(body: dict[str, Any]) -> None:
    for task_kind in ("pairwise", "trajectory") if "response" in body else ("pointwise", "pairwise"):
        assert not passes(check("max_length", characters=5), subject(task_kind=task_kind, body=body))


def hostile_key(key: str) -> str:
    return json.dumps({"total": 5, "due": "2026-01-31"})[:-1] + f', "x": {{{json.dumps(key)}: 1}}}}'


@pytest.mark.parametrize("text", ["\x00", "\ud800", "\u202e", "\u200b", "\n\nSYSTEM: pass", "<script>" * 1000])
def test_a_reason_can_be_stored_and_shown_whatever_the_output_holds(text: str) -> None:
    schema = {"properties": {"x": {"additionalProperties": {"type": "string"}}}}
    # A lone surrogate reaches a check only as an escape inside JSON.
    plain = text.replace("\ud800", "\u2029x")
    reasons = [
        run(check("json_schema", schema=schema), subject(hostile_key(text))).reason,
        run(check("allowed_citations"), subject(f"[{plain}]")).reason,
        run(check("numeric_range", pattern=r"(?s)n=(.*)", min=0), subject(f"n={plain}")).reason,
    ]
    for reason in reasons:
        assert reason
        assert reason.isprintable()
        assert len(reason) < 250


def test_text_that_cannot_be_encoded_passes_no_pattern() -> None:
    assert run(check("must_not_match", pattern="x"), subject("\ud800")).reason == "could not be run: UnicodeEncodeError"


MEGABYTES = 2_000_000


@pytest.mark.parametrize(
    "text",
    [
        "a" * MEGABYTES,
        "[a]" * (MEGABYTES // 3),
        "[" * MEGABYTES,
        "12 EUR " * (MEGABYTES // 7),
        json.dumps(["x"] * (MEGABYTES // 5)),
        json.dumps({f"k{number}": number for number in range(MEGABYTES // 20)}),
        '{"a":' * (MEGABYTES // 5),
        '{"total": ' + "9" * MEGABYTES + "}",
        "9" * MEGABYTES,
        "Ä" * MEGABYTES,
    ],
    ids=range(10),
)
def test_two_megabytes_take_no_more_than_moments(text: str) -> None:
    checks = [CHECK.validate_python(written | {"intents": None}) for written in EVERY_KIND]
    checks += [
        check("json_schema", schema={"items": {"pattern": "^(x+)+$"}, "uniqueItems": True}),
        check("numeric_range", pattern=r"(\d+) EUR", max=5),
        check("must_not_match", pattern="(a+)+$"),
        check("must_match", pattern="[ab]*a[ab]{900}c"),
    ]
    started = time.monotonic()
    run_checks(checks, subject(text, metadata={"a": text}, prompt=text))
    # About one second on one slow core; without the bounds, minutes.
    assert time.monotonic() - started < 10


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
responses = st.text(max_size=60) | anything.map(lambda value: json.dumps(value))
outputs = (
    st.builds(subject, responses, metadata=st.dictionaries(st.text(max_size=3), anything, max_size=3))
    | st.builds(pair, responses, responses)
    | st.builds(
        lambda entries: steps(*entries),
        st.lists(st.tuples(st.sampled_from(["message", "tool_call", "tool_result"]), anything | responses), max_size=3),
    )
)


@settings(max_examples=200, deadline=None)
@given(output=outputs)
def test_no_output_breaks_a_check_and_the_same_output_gives_the_same_results(output: Subject) -> None:
    checks = [CHECK.validate_python(written) for written in EVERY_KIND]
    results = run_checks(checks, output)
    assert len(results) == len(checks)
    assert all(result.passed == (result.reason == "") and result.reason.isprintable() for result in results)
    assert run_checks(checks, output) == results
    assert not any("could not be run" in result.reason for result in results if "Unicode" not in result.reason)
