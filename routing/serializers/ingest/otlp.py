"""OTLP/HTTP trace exports (OpenTelemetry Protocol 1.x), as protobuf and as JSON.

OTLP's JSON is read by hand: it writes ids in hexadecimal where protobuf's own JSON mapping expects base64.
"""

import io
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from reviewapp.core.parsers import StrictJSONParser
from reviewapp.core.problems import Problem
from routing.serializers.ingest.nesting import MAX_DEPTH
from routing.serializers.ingest.spans import EPOCH, Event, Span

MAX_SPANS = 20_000
INVALID_ARGUMENT = 3
FIELDS = ("stringValue", "boolValue", "intValue", "doubleValue", "bytesValue", "arrayValue", "kvlistValue")


def spans_from_protobuf(raw: bytes) -> list[Span]:
    """Raises Problem 400 for what is no ExportTraceServiceRequest, 413 for too many spans."""
    try:
        request = ExportTraceServiceRequest.FromString(raw)
    except (DecodeError, RecursionError):
        raise Problem(400, "The body is not a protobuf ExportTraceServiceRequest.", code="malformed") from None
    return _counted(
        Span(
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            name=span.name,
            ended_at=_ended_at(span.end_time_unix_nano),
            attributes=_pairs(span.attributes),
            events=tuple(Event(event.name, _pairs(event.attributes)) for event in span.events),
            resource=_pairs(resource_spans.resource.attributes),
        )
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    )


def spans_from_json(raw: bytes) -> list[Span]:
    """Raises Problem 400 for what is no OTLP JSON, with a pointer to it, and 413 for too many spans."""
    body = StrictJSONParser().parse(io.BytesIO(raw))
    if not isinstance(body, dict):
        raise _misfit("", "an object")
    return _counted(_json_spans(body))


def response_message(rejected: int, message: str) -> ExportTraceServiceResponse:
    """OTLP wants `partial_success` left out where all is well; a message without rejections is a warning."""
    if not rejected and not message:
        return ExportTraceServiceResponse()
    return ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
    )


def response_json(rejected: int, message: str) -> dict[str, Any]:
    """As `response_message`; 64-bit numbers are texts in protobuf's JSON."""
    if not rejected and not message:
        return {}
    return {"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": message}}


def status_message(message: str) -> bytes:
    """A google.rpc.Status (field 1: code, field 2: message) in protobuf, which OTLP answers failures with."""
    text = message.encode()
    return bytes([0x08, INVALID_ARGUMENT, 0x12]) + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def _counted(spans: Iterator[Span]) -> list[Span]:
    found: list[Span] = []
    for span in spans:
        if len(found) == MAX_SPANS:
            raise Problem(413, f"One export may hold {MAX_SPANS} spans.", code="too_large")
        found.append(span)
    return found


def _ended_at(nanoseconds: int) -> datetime | None:
    """64 bits of nanoseconds reach from 1677 to 2554; zero is protobuf's word for not told."""
    return EPOCH + timedelta(microseconds=nanoseconds // 1000) if nanoseconds else None


# Protobuf ------------------------------------------------------------------------------------------------


def _pairs(attributes: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value, 0) for pair in attributes}


def _value(value: Any, depth: int) -> Any:
    """An AnyValue as plain JSON; bytes as hexadecimal, NaN and infinities as None."""
    kind = value.WhichOneof("value")
    if kind is None or depth > MAX_DEPTH:
        return None
    content = getattr(value, kind)
    match kind:
        case "array_value":
            return [_value(entry, depth + 1) for entry in content.values]
        case "kvlist_value":
            return {pair.key: _value(pair.value, depth + 1) for pair in content.values}
        case "bytes_value":
            return content.hex()
        case "double_value":
            return content if math.isfinite(content) else None
    return content


# JSON ----------------------------------------------------------------------------------------------------


def _json_spans(body: dict[str, Any]) -> Iterator[Span]:
    for resource_spans, at in _objects(body, "resourceSpans", ""):
        resource = _json_pairs(_object(resource_spans, "resource", at), f"{at}/resource")
        for scope_spans, inner in _objects(resource_spans, "scopeSpans", at):
            for span, place in _objects(scope_spans, "spans", inner):
                yield _json_span(span, place, resource)


def _json_span(span: dict[str, Any], at: str, resource: dict[str, Any]) -> Span:
    return Span(
        # Hexadecimal may come in either case; protobuf's comes in the lower one.
        trace_id=_text(span, "traceId", at).lower(),
        span_id=_text(span, "spanId", at).lower(),
        parent_id=_text(span, "parentSpanId", at).lower(),
        name=_text(span, "name", at),
        ended_at=_ended_at(_integer(_member(span, "endTimeUnixNano"), f"{at}/endTimeUnixNano")),
        attributes=_json_pairs(span, at),
        events=tuple(
            Event(_text(event, "name", place), _json_pairs(event, place))
            for event, place in _objects(span, "events", at)
        ),
        resource=resource,
    )


def _member(holder: dict[str, Any], name: str) -> Any:
    """A field by its lowerCamelCase name, or by its name in the .proto file, as some writers have it."""
    if name in holder:
        return holder[name]
    return holder.get("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name))


def _objects(holder: dict[str, Any], name: str, at: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects of a list with their pointers. Null is protobuf's word for nothing there."""
    entries = _member(holder, name)
    if entries is None:
        return
    if not isinstance(entries, list):
        raise _misfit(f"{at}/{name}", "a list")
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise _misfit(f"{at}/{name}/{index}", "an object")
        yield entry, f"{at}/{name}/{index}"


def _object(holder: dict[str, Any], name: str, at: str) -> dict[str, Any]:
    value = _member(holder, name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _misfit(f"{at}/{name}", "an object")
    return value


def _text(holder: dict[str, Any], name: str, at: str) -> str:
    value = _member(holder, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _misfit(f"{at}/{name}", "a text")
    return value


def _integer(value: Any, at: str) -> int:
    """A 64-bit integer, which JSON may hold as a number or as a text."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _misfit(at, "an integer")
    try:
        number = int(value)
    except ValueError:
        raise _misfit(at, "an integer") from None
    if not -(2**63) <= number < 2**64:
        raise _misfit(at, "an integer of 64 bits")
    return number


def _json_pairs(holder: dict[str, Any], at: str) -> dict[str, Any]:
    return {
        _text(pair, "key", place): _json_value(_object(pair, "value", place), f"{place}/value", 0)
        for pair, place in _objects(holder, "attributes", at)
    }


def _json_value(value: dict[str, Any], at: str, depth: int) -> Any:
    """As `_value`; an AnyValue that names no field that is known says nothing."""
    field = next((name for name in FIELDS if _member(value, name) is not None), None)
    if field is None or depth > MAX_DEPTH:
        return None
    content, place = _member(value, field), f"{at}/{field}"
    match field:
        case "stringValue" | "bytesValue":
            return _text(value, field, at)
        case "boolValue":
            if not isinstance(content, bool):
                raise _misfit(place, "true or false")
            return content
        case "intValue":
            return _integer(content, place)
        case "doubleValue":
            return _double(content, place)
        case "arrayValue":
            entries = _objects(_object(value, field, at), "values", place)
            return [_json_value(entry, inner, depth + 1) for entry, inner in entries]
    return {
        _text(pair, "key", inner): _json_value(_object(pair, "value", inner), f"{inner}/value", depth + 1)
        for pair, inner in _objects(_object(value, field, at), "values", place)
    }


def _double(content: Any, at: str) -> float | int | None:
    """A number, or its text: protobuf's JSON writes NaN and infinities as texts."""
    try:
        number = content if isinstance(content, int | float) and not isinstance(content, bool) else float(content)
        return number if math.isfinite(number) else None
    except (TypeError, ValueError, OverflowError):
        raise _misfit(at, "a number") from None


def _misfit(pointer: str, wanted: str) -> Problem:
    errors = [{"pointer": pointer, "code": "type", "detail": f"Here should be {wanted}."}]
    return Problem(400, "The body is not OTLP JSON; see errors.", code="malformed", errors=errors)
