"""Bad input: told what is wrong and where, stored nowhere, never a 500."""

import io
import json
from typing import Any

import pytest
from pytest_django import Settings

from reviewapp.core.models import Content
from reviewapp.core.parsers import StrictJSONParser
from reviewapp.core.problems import Problem
from routing.models import Decision, Output
from tests.api.problems import pointers, problem
from tests.factories import output_body, pair_body, run_body
from tests.people import Caller, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_stored(cast: Cast) -> Any:
    """Whatever a test of this module sends, none of it may leave a row."""
    before = _counts()
    yield
    assert _counts() == before


def _counts() -> tuple[int, int, int]:
    return Output.objects.count(), Decision.objects.count(), Content.objects.count()


def raw(body: dict[str, Any], placed: str) -> bytes:
    """The body as JSON text with the word PLACED replaced by something that `json` would not write."""
    return json.dumps(body).replace('"PLACED"', placed).encode()


MALFORMED = {
    "white space": b"  ",
    "half an object": b'{"external_id": "x"',
    "a stray comma": b'{"external_id": "x",}',
    "single quotes": b"{'external_id': 'x'}",
    "two values": b"{} {}",
    "NaN": raw(output_body(metadata={"n": "PLACED"}), "NaN"),
    "Infinity": raw(output_body(metadata={"n": "PLACED"}), "Infinity"),
    "-Infinity": raw(output_body(metadata={"n": "PLACED"}), "-Infinity"),
    "a bare control character": raw(output_body(metadata={"n": "PLACED"}), '"\x07"'),
    "a key twice": b'{"external_id": "x", "external_id": "y"}',
    "a key twice, deep inside": raw(output_body(metadata="PLACED"), '{"a": {"b": 1, "b": 2}}'),
    "no UTF-8": b'{"external_id": "\xff\xfe"}',
    "UTF-16": '{"external_id": "x"}'.encode("utf-16"),
    "a number of ten thousand digits": raw(output_body(metadata={"n": "PLACED"}), "9" * 10_000),
    "a hundred thousand brackets": b"[" * 100_000,
    "a hundred thousand objects": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("path", ["/outputs/", "/outputs/batch/"])
@pytest.mark.parametrize("name", MALFORMED)
def test_it_refuses_what_is_no_json(name: str, path: str, program: Caller) -> None:
    body = problem(program.send(path, MALFORMED[name]), 400)
    assert body["code"] == "malformed"
    assert "Traceback" not in body["detail"]


def test_it_names_what_an_empty_body_lacks(program: Caller) -> None:
    assert "/external_id" in pointers(problem(program.send("/outputs/", b""), 400))


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "text", [], [output_body()], ["a"]])
def test_it_wants_an_object(value: Any, program: Caller) -> None:
    problem(program.send("/outputs/", json.dumps(value)), 400)


# Each field with what it may not be, and where the answer must point.
WRONG: list[tuple[str, Any, str]] = [
    ("external_id", None, "/external_id"),
    ("external_id", "", "/external_id"),
    ("external_id", 417, "/external_id"),
    ("external_id", ["x"], "/external_id"),
    ("external_id", "x" * 201, "/external_id"),
    ("intent", None, "/intent"),
    ("intent", "", "/intent"),
    ("intent", "x" * 101, "/intent"),
    ("intent", True, "/intent"),
    ("prompt", None, "/prompt"),
    ("prompt", 7, "/prompt"),
    ("prompt", [], "/prompt"),
    ("prompt", [{"role": "user"}], "/prompt/0/content"),
    ("prompt", [{"role": "user", "content": 3}], "/prompt/0/content"),
    ("prompt", [{"role": "user", "content": "x", "mood": "y"}], "/prompt/0/mood"),
    ("context", "handbook", "/context"),
    ("context", [{"id": "x"}], "/context/0/text"),
    ("context", [{"id": 1, "text": "x"}], "/context/0/id"),
    ("response", 7, "/response"),
    ("source", "gpt", "/source"),
    ("source", {"model": 4}, "/source/model"),
    ("source", {"vendor": "x"}, "/source/vendor"),
    ("stakes", "extreme", "/stakes"),
    ("stakes", 1, "/stakes"),
    ("flags", "adversarial", "/flags"),
    ("flags", ["novel"], "/flags/0"),
    ("flags", ["adversarial", "mean"], "/flags/1"),
    ("signals", {}, "/signals"),
    ("signals", ["x"], "/signals/0"),
    ("signals", [{"kind": "horoscope"}], "/signals/0"),
    ("signals", [{}], "/signals/0"),
    ("signals", [{"kind": "score", "name": "s"}], "/signals/0/value"),
    ("signals", [{"kind": "score", "name": "s", "value": 1.01}], "/signals/0/value"),
    ("signals", [{"kind": "score", "name": "s", "value": -0.01}], "/signals/0/value"),
    ("signals", [{"kind": "score", "name": "s", "value": "0.5"}], "/signals/0/value"),
    ("signals", [{"kind": "score", "name": "s", "value": True}], "/signals/0/value"),
    ("signals", [{"kind": "score", "name": "", "value": 0.5}], "/signals/0/name"),
    ("signals", [{"kind": "score", "name": "s", "value": 0.5, "p": 1}], "/signals/0/p"),
    ("signals", [{"kind": "judge", "name": "j", "runs": []}], "/signals/0/runs"),
    ("signals", [{"kind": "judge", "name": "j", "runs": [{}]}], "/signals/0/runs/0"),
    ("signals", [{"kind": "judge", "name": "j", "runs": [{"verdict": "maybe"}]}], "/signals/0/runs/0/verdict"),
    ("signals", [{"kind": "judge", "name": "j", "runs": [{"verdict": "pass", "score": 1}]}], "/signals/0/runs/0"),
    ("signals", [{"kind": "pairwise_margin", "value": 2}], "/signals/0/value"),
    ("signals", [{"kind": "grounding", "supported": 3, "total": 2}], "/signals/0"),
    ("signals", [{"kind": "grounding", "supported": -1, "total": 2}], "/signals/0/supported"),
    ("signals", [{"kind": "ensemble", "votes": []}], "/signals/0/votes"),
    ("signals", [{"kind": "ensemble", "votes": ["yes"]}], "/signals/0/votes/0"),
    ("signals", [{"kind": "self_consistency", "agree": 2, "samples": 1}], "/signals/0"),
    ("signals", [{"kind": "self_consistency", "agree": 1.5, "samples": 2}], "/signals/0/agree"),
    ("occurred_at", "yesterday", "/occurred_at"),
    ("occurred_at", "2026-11-20T09:00:00", "/occurred_at"),  # in which zone?
    ("metadata", [], "/metadata"),
    ("metadata", "x", "/metadata"),
    ("colour", "red", "/colour"),
    ("a/b~c", "red", "/a~1b~0c"),
]


@pytest.mark.parametrize(("field", "value", "pointer"), WRONG)
def test_it_points_at_what_is_wrong(field: str, value: Any, pointer: str, program: Caller) -> None:
    body = output_body()
    if value is None:
        del body[field]
    else:
        body[field] = value
    found = pointers(problem(program.post("/outputs/", body), 400))
    assert pointer in found, found


def test_it_points_at_everything_that_is_wrong(program: Caller) -> None:
    body = output_body(intent="", stakes="extreme", colour="red", weight=3)
    found = pointers(problem(program.post("/outputs/", body), 400))
    assert set(found) == {"/intent", "/stakes", "/colour", "/weight"}


@pytest.mark.parametrize(
    "fields",
    [
        {"response": None},
        {"candidates": pair_body()["candidates"]},
        {"trajectory": run_body()["trajectory"]},
        {"response": None, "candidates": pair_body()["candidates"], "trajectory": run_body()["trajectory"]},
        {"response": None, "candidates": pair_body()["candidates"][:1]},
        {"response": None, "candidates": pair_body()["candidates"] * 2},
        {"response": None, "trajectory": []},
        {"response": None, "trajectory": [{"type": "thought", "content": "x"}]},
        {"signals": [{"kind": "grounding", "supported": 1, "total": 2}] * 2},
    ],
)
def test_it_wants_one_thing_to_judge_and_each_signal_once(fields: dict[str, Any], program: Caller) -> None:
    problem(program.post("/outputs/", output_body(**fields)), 400)


UNSTORABLE: list[tuple[dict[str, Any], str, str]] = [
    ({"external_id": "a\x00b"}, "/external_id", "nul"),
    ({"prompt": "a\x00b"}, "/prompt", "nul"),
    ({"response": "\x00"}, "/response", "nul"),
    ({"context": [{"id": "1", "text": "\x00"}]}, "/context/0/text", "nul"),
    ({"metadata": {"a": [{"b": "\x00"}]}}, "/metadata/a/0/b", "nul"),
    ({"metadata": {"a\x00": 1}}, "/metadata/a\x00", "nul"),
    ({"prompt": "\ud800"}, "/prompt", "surrogate"),
    ({"external_id": "\udfff"}, "/external_id", "surrogate"),
    ({"metadata": {"\ud83d": 1}}, "/metadata/\\ud83d", "surrogate"),
    ({"metadata": {"n": 2**63}}, "/metadata/n", "number_too_large"),
    ({"metadata": {"n": -(10**400)}}, "/metadata/n", "number_too_large"),
]


@pytest.mark.parametrize(("fields", "pointer", "code"), UNSTORABLE)
def test_it_refuses_text_and_numbers_no_database_keeps(
    fields: dict[str, Any], pointer: str, code: str, program: Caller
) -> None:
    body = problem(program.post("/outputs/", output_body(**fields)), 400)
    assert [(error["pointer"], error["code"]) for error in body["errors"]] == [(pointer, code)]


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_it_refuses_numbers_that_become_infinite(number: str, program: Caller) -> None:
    body = problem(program.send("/outputs/", raw(output_body(metadata={"n": "PLACED"}), number)), 400)
    assert pointers(body) == ["/metadata/n"]


@pytest.mark.parametrize("depth", [65, 500, 900])
def test_it_refuses_what_is_nested_too_deep(depth: int, program: Caller) -> None:
    deep: Any = "core"
    for _ in range(depth):
        deep = [deep]
    body = problem(program.post("/outputs/", output_body(metadata={"deep": deep})), 400)
    assert body["errors"][0]["code"] == "too_deep"


def test_it_refuses_a_text_of_ten_million_characters(program: Caller) -> None:
    body = problem(program.post("/outputs/", output_body(prompt="x" * 10_000_000)), 413)
    assert body["code"] == "too_large"
    assert pointers(body) == ["/prompt"]


def test_it_refuses_a_body_beyond_the_limit(program: Caller, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 100_000
    body = problem(program.post("/outputs/", output_body(prompt="x" * 100_000)), 413)
    assert body["code"] == "too_large"
    assert "100000 bytes" in body["detail"]


def test_it_stops_reading_at_the_limit_whatever_length_was_announced(settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 1_000
    stream = io.BytesIO(b" " * 5_000)
    with pytest.raises(Problem) as refused:
        StrictJSONParser().parse(stream)
    assert refused.value.status_code == 413
    assert stream.tell() == 1_001


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""],
)
def test_it_reads_json_only(content_type: str, program: Caller) -> None:
    problem(program.send("/outputs/", json.dumps(output_body()), content_type), 415)


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_it_names_the_methods_it_knows(method: str, program: Caller) -> None:
    response = getattr(program.client, method)("/api/v1/outputs/", headers=program.headers)
    problem(response, 405)
    assert "POST" in response["Allow"]


def test_it_answers_problems_where_there_is_nothing(program: Caller) -> None:
    problem(program.get("/nowhere/"), 404)
    problem(program.get("/outputs/not-a-uuid/"), 404)
