"""OTLP exports for tests: written once as plain values, sent as JSON and as protobuf."""

import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from routing.models import Output
from tests.people import PREFIX, Caller

PATH = "/otlp/v1/traces"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACE = "5b8efff798038103d269b633813fc60c"
ENDED = 1_763_629_200_123_456_789
QUESTION, REPLY = "When does my parcel arrive?", "It arrives on Tuesday."

CHAT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "alder-4",
    "gen_ai.response.model": "alder-4-0613",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 8,
    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}]),
    "gen_ai.output.messages": json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": REPLY}], "finish_reason": "stop"}]
    ),
}


def span(attributes: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A chat call, unless told otherwise. `events` are (name, attributes)."""
    return {
        "trace_id": TRACE,
        "span_id": "eee19b7ec3c1b174",
        "parent_id": "",
        "name": "chat alder-4",
        "ended": ENDED,
        "attributes": CHAT if attributes is None else attributes,
        "events": (),
    } | fields


def as_json(spans: Sequence[Mapping[str, Any]], resource: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """OTLP's JSON as exporters write it: hexadecimal ids, 64-bit numbers as texts."""
    written = [
        {
            "traceId": entry["trace_id"],
            "spanId": entry["span_id"],
            "parentSpanId": entry["parent_id"],
            "name": entry["name"],
            "kind": 3,
            "startTimeUnixNano": str(entry["ended"] - 10**9),
            "endTimeUnixNano": str(entry["ended"]),
            "attributes": json_pairs(entry["attributes"]),
            "events": [
                {"timeUnixNano": str(entry["ended"]), "name": name, "attributes": json_pairs(attributes)}
                for name, attributes in entry["events"]
            ],
            "status": {"code": "STATUS_CODE_OK"},
        }
        for entry in spans
    ]
    scope = {"scope": {"name": "tests", "version": "1"}, "spans": written}
    return {"resourceSpans": [{"resource": {"attributes": json_pairs(resource or {})}, "scopeSpans": [scope]}]}


def json_pairs(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": json_value(value)} for key, value in attributes.items()]


def json_value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [json_value(entry) for entry in value]}}
        case dict():
            return {"kvlistValue": {"values": json_pairs(value)}}
    return {"stringValue": value}


def as_protobuf(spans: Sequence[Mapping[str, Any]], resource: Mapping[str, Any] | None = None) -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    _fill(resource_spans.resource.attributes, resource or {})
    scope = resource_spans.scope_spans.add()
    for entry in spans:
        written = scope.spans.add(
            trace_id=bytes.fromhex(entry["trace_id"]),
            span_id=bytes.fromhex(entry["span_id"]),
            parent_span_id=bytes.fromhex(entry["parent_id"]),
            name=entry["name"],
            end_time_unix_nano=entry["ended"],
        )
        _fill(written.attributes, entry["attributes"])
        for name, attributes in entry["events"]:
            _fill(written.events.add(name=name).attributes, attributes)
    return request.SerializeToString()


def _fill(pairs: Any, attributes: Mapping[str, Any]) -> None:
    for key, value in attributes.items():
        pairs.add(key=key).value.CopyFrom(any_value(value))


def any_value(value: Any) -> AnyValue:
    made = AnyValue()
    match value:
        case bool():
            made.bool_value = value
        case int():
            made.int_value = value
        case float():
            made.double_value = value
        case list():
            made.array_value.values.extend(any_value(entry) for entry in value)
        case dict():
            made.kvlist_value.SetInParent()
            _fill(made.kvlist_value.values, value)
        case _:
            made.string_value = value
    return made


def post(caller: Caller, raw: bytes, content_type: str = JSON, *, encoding: str = "") -> Any:
    # Named here as well: the test client would leave the type of an empty body out.
    headers = caller.headers | {"Content-Type": content_type} | ({"Content-Encoding": encoding} if encoding else {})
    body = gzip.compress(raw) if encoding == "gzip" else raw
    return caller.client.post(PREFIX + PATH, body, content_type=content_type, headers=headers)


def export(caller: Caller, *spans: Mapping[str, Any], resource: Mapping[str, Any] | None = None) -> tuple[int, str]:
    """Send the spans as JSON, which must be taken; how many were rejected, and the message."""
    answer = post(caller, json.dumps(as_json(spans or [span()], resource)).encode())
    assert answer.status_code == 200, answer.content
    told = answer.json().get("partialSuccess", {})
    return int(told.get("rejectedSpans", 0)), told.get("errorMessage", "")


def partial_success(answer: Any) -> tuple[int, str]:
    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    return told.rejected_spans, told.error_message


def status_of(answer: Any) -> Status:
    assert answer["Content-Type"] == PROTOBUF
    return Status.FromString(answer.content)


def stored(external_id: str = f"{TRACE}-eee19b7ec3c1b174") -> Output:
    """The one output with this id, of the project under test."""
    return Output.objects.select_related("content", "project").get(external_id=external_id, project__slug="shop")


def signals(output: Output) -> list[dict[str, Any]]:
    return list(output.signals.order_by("key").values_list("data", flat=True))
