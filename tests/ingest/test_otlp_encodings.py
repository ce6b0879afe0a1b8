"""OTLP/HTTP on the wire: both encodings, packed and not, and what a failure looks like."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from routing.models import Output
from routing.serializers.ingest import otlp
from tests.api.problems import pointers, problem
from tests.ingest.traces import (
    CHAT,
    ENDED,
    JSON,
    PATH,
    PROTOBUF,
    QUESTION,
    REPLY,
    TRACE,
    as_json,
    as_protobuf,
    export,
    partial_success,
    post,
    span,
    status_of,
    stored,
)
from tests.people import Caller, Cast, person

pytestmark = pytest.mark.django_db


def raw_json(*spans: dict[str, Any]) -> bytes:
    return json.dumps(as_json(spans or [span()])).encode()


@pytest.mark.parametrize("encoding", ["", "gzip"])
@pytest.mark.parametrize("content_type", [JSON, PROTOBUF, f"{JSON}; charset=utf-8"])
def test_it_takes_a_span_in_every_encoding(content_type: str, encoding: str, program: Caller) -> None:
    raw = as_protobuf([span()]) if content_type == PROTOBUF else raw_json()
    answer = post(program, raw, content_type, encoding=encoding)
    assert answer.status_code == 200
    assert answer["Content-Type"] == content_type.partition(";")[0]
    assert answer.content == (b"" if content_type == PROTOBUF else b"{}")
    output = stored()
    assert output.content.prompt == [{"role": "user", "content": QUESTION}]
    assert output.content.body == {"response": REPLY}
    assert output.decision.action == "review"


def test_both_encodings_mean_the_same(program: Caller) -> None:
    """The second is known already: same id, same body."""
    attributes = CHAT | {
        "oversight.metadata.nested": {"a": [1, 2.5, True, "x"], "b": {}},
        "oversight.metadata.amount": 2**53 + 1,
    }
    assert post(program, raw_json(span(attributes))).json() == {}
    assert partial_success(post(program, as_protobuf([span(attributes)]), PROTOBUF)) == (0, "")
    assert stored().metadata["amount"] == 2**53 + 1
    assert stored().metadata["nested"] == {"a": [1, 2.5, True, "x"], "b": {}}


def test_hexadecimal_ids_stay_what_they_are(program: Caller) -> None:
    """Read as base64, as protobuf's own JSON mapping would, they would be other ids."""
    export(program, span(trace_id=TRACE.upper(), span_id="EEE19B7EC3C1B174"))
    assert stored().external_id == f"{TRACE}-eee19b7ec3c1b174"


@pytest.mark.parametrize("written", [ENDED, str(ENDED)])
def test_64_bit_numbers_come_as_numbers_and_as_texts(written: Any, program: Caller) -> None:
    body = as_json([span()])
    body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["endTimeUnixNano"] = written
    assert post(program, json.dumps(body).encode()).json() == {}
    assert stored().occurred_at.isoformat() == "2025-11-20T09:00:00.123456+00:00"


def test_it_reads_names_as_the_proto_file_has_them_and_nulls_as_nothing(program: Caller) -> None:
    inner = as_json([span()])["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    entry = {"trace_id": inner["traceId"], "span_id": inner["spanId"], "parent_span_id": None, "events": None}
    entry |= {"name": "chat", "attributes": inner["attributes"], "unheard_of": {"x": 1}}
    body = {"resource_spans": [{"resource": None, "scope_spans": [{"spans": [entry]}]}]}
    assert post(program, json.dumps(body).encode()).json() == {}
    assert stored().content.body == {"response": REPLY}


@pytest.mark.parametrize("raw", [b"{}", b'{"resourceSpans": []}', b'{"resourceSpans": null}'])
def test_an_export_without_spans_is_fine(raw: bytes, program: Caller) -> None:
    assert post(program, raw).json() == {}
    assert post(program, b"", PROTOBUF).status_code == 200


def test_it_rejects_one_span_and_keeps_the_others(program: Caller) -> None:
    silent = {key: value for key, value in CHAT.items() if key != "gen_ai.output.messages"}
    spans = [span(silent, span_id="00f067aa0ba902b7"), span(), span(silent, span_id="00f067aa0ba902b8")]
    rejected, message = partial_success(post(program, as_protobuf(spans), PROTOBUF))
    assert rejected == 2
    assert message.startswith("2 × the span has no response")
    assert "CAPTURE_MESSAGE_CONTENT" in message
    assert f"first: {TRACE}-00f067aa0ba902b7" in message
    assert stored().content.body == {"response": REPLY}
    told = post(program, raw_json(*spans)).json()["partialSuccess"]
    assert told == {"rejectedSpans": "2", "errorMessage": message}


def test_a_span_that_comes_again_changes_nothing(program: Caller) -> None:
    assert export(program, span(), span()) == (0, "")
    before = stored()
    assert export(program) == (0, "")
    assert stored().received_at == before.received_at
    rejected, message = export(program, span(CHAT | {"oversight.metadata.retry": 1}))
    assert rejected == 1
    assert "another body" in message
    assert stored().metadata == before.metadata


@pytest.mark.parametrize("bad", ["", "xyz", "0" * 32, TRACE[:-1], TRACE + "0", "W47/95gDgQPSabYzgT/GDA=="])
def test_a_span_needs_ids_that_opentelemetry_allows(bad: str, program: Caller) -> None:
    rejected, message = export(program, span(trace_id=bad))
    assert rejected == 1
    assert "hexadecimal" in message


MISFITS: list[tuple[Any, str]] = [
    ([], ""),
    ({"resourceSpans": {}}, "/resourceSpans"),
    ({"resourceSpans": [[]]}, "/resourceSpans/0"),
    ({"resourceSpans": [{"resource": []}]}, "/resourceSpans/0/resource"),
    ({"resourceSpans": [{"scopeSpans": [{"spans": [1]}]}]}, "/resourceSpans/0/scopeSpans/0/spans/0"),
    (
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": 5}]}]}]},
        "/resourceSpans/0/scopeSpans/0/spans/0/traceId",
    ),
]
MISFIT_VALUES: list[tuple[Any, str]] = [
    ({"intValue": "twelve"}, "intValue"),
    ({"intValue": 1.5}, "intValue"),
    ({"intValue": "9" * 30}, "intValue"),
    ({"intValue": "9" * 9999}, "intValue"),
    ({"boolValue": "true"}, "boolValue"),
    ({"doubleValue": []}, "doubleValue"),
    ({"stringValue": 5}, "stringValue"),
    ({"arrayValue": {"values": {}}}, "arrayValue/values"),
    ({"kvlistValue": {"values": [{"key": 1}]}}, "kvlistValue/values/0/key"),
]


@pytest.mark.parametrize(("body", "pointer"), MISFITS)
def test_it_says_where_json_is_no_otlp(body: Any, pointer: str, program: Caller) -> None:
    assert pointers(problem(post(program, json.dumps(body).encode()), 400)) == [pointer]


@pytest.mark.parametrize(("value", "place"), MISFIT_VALUES)
def test_it_says_which_value_is_none(value: Any, place: str, program: Caller) -> None:
    body = as_json([span()])
    body["resourceSpans"][0]["resource"]["attributes"] = [{"key": "k", "value": value}]
    where = pointers(problem(post(program, json.dumps(body).encode()), 400))
    assert where == [f"/resourceSpans/0/resource/attributes/0/value/{place}"]
    assert not Output.objects.filter(external_id__startswith=TRACE).exists()


@pytest.mark.parametrize("raw", [b"", b" ", b"{", b"\xff\xfe{}", b'{"a": NaN}', b"[" * 100_000, b'{"a": 1, "a": 2}'])
def test_it_refuses_what_is_no_json(raw: bytes, program: Caller) -> None:
    assert problem(post(program, raw), 400)["code"] == "malformed"
    assert problem(post(program, raw, encoding="gzip"), 400)["code"] == "malformed"


@pytest.mark.parametrize("raw", [b"\xff", b"\x0a\xff", b"{}", b"\x0a\x05abc", as_protobuf([span()])[:-1]])
def test_a_bad_protobuf_body_is_answered_with_a_protobuf_status(raw: bytes, program: Caller) -> None:
    answer = post(program, raw, PROTOBUF)
    assert answer.status_code == 400
    assert status_of(answer).code == 3  # INVALID_ARGUMENT
    assert "ExportTraceServiceRequest" in status_of(answer).message


def test_what_is_no_gzip_or_cut_off_is_malformed(program: Caller) -> None:
    packed = gzip.compress(raw_json())
    for raw in (b"no gzip", packed[:-9], packed[:20], packed + b"rest", b"", gzip.compress(b"") * 1000):
        answer = program.client.post(
            f"/api/v1{PATH}", raw, content_type=JSON, headers=program.headers | {"Content-Encoding": "gzip"}
        )
        problem(answer, 400)


def test_gzip_may_come_in_several_members(program: Caller) -> None:
    raw = raw_json()
    packed = gzip.compress(raw[:50]) + gzip.compress(raw[50:])
    headers = program.headers | {"Content-Encoding": "GZIP"}
    assert program.client.post(f"/api/v1{PATH}", packed, content_type=JSON, headers=headers).json() == {}


def test_other_packings_and_other_types_are_not_supported(program: Caller) -> None:
    assert problem(post(program, raw_json(), encoding="zstd"), 415)["code"] == "unsupported_encoding"
    problem(post(program, b"a=b", "application/x-www-form-urlencoded"), 415)
    problem(post(program, raw_json(), "text/plain"), 415)
    assert post(program, b"x", PROTOBUF, encoding="br").status_code == 415


def test_a_bomb_is_refused_before_it_goes_off(program: Caller, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 100_000
    assert problem(post(program, b" " * 200_000, encoding="gzip"), 413)["code"] == "too_large"
    answer = post(program, bytes(200_000), PROTOBUF, encoding="gzip")
    assert (answer.status_code, status_of(answer).code) == (413, 3)


def test_an_export_may_hold_only_so_many_spans(program: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "MAX_SPANS", 2)
    spans = [span({}, span_id=f"00f067aa0ba902b{number}") for number in range(3)]
    problem(post(program, raw_json(*spans)), 413)
    assert post(program, as_protobuf(spans), PROTOBUF).status_code == 413
    assert export(program, *spans[:2]) == (0, "")


def test_it_answers_in_the_encoding_of_the_request_whatever_is_accepted(program: Caller) -> None:
    headers = program.headers | {"Accept": PROTOBUF}
    answer = program.client.post(f"/api/v1{PATH}", raw_json(), content_type=JSON, headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON)


def test_only_a_key_that_may_route_gets_in(cast: Cast) -> None:
    problem(post(Caller(), raw_json()), 401)
    problem(post(cast.key_with("read", "goldens"), raw_json()), 403)
    problem(post(person(cast.owner), raw_json()), 401)
    answer = post(Caller("Api-Key ok_nobody"), as_protobuf([span()]), PROTOBUF)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Api-Key"
    assert "API key" in status_of(answer).message
    assert post(cast.key_with("route"), raw_json()).status_code == 200


def test_a_get_is_a_problem(program: Caller) -> None:
    problem(program.get(PATH), 405)


def test_the_example_of_the_documentation_works(program: Caller) -> None:
    text = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text(encoding="utf-8")
    example = text.partition("-d '")[2].partition("'\n")[0]
    assert post(program, example.encode()).json() == {}
    assert (stored().intent, stored().decision.stakes) == ("parcel-bot", "mid")
