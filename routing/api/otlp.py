"""`POST /otlp/v1/traces`: spans from any OpenTelemetry exporter, routed as outputs."""

import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviewapp.core.access import key_project
from reviewapp.core.models import Project, Scope
from reviewapp.core.problems import Problem
from routing.models import Output
from routing.serializers.ingest.exports import Mapped, mapped_spans
from routing.serializers.ingest.otlp import (
    response_json,
    response_message,
    spans_from_json,
    spans_from_protobuf,
    status_message,
)
from routing.serializers.ingest.spans import Span
from routing.serializers.ingest.taking_in import shown, take_in

PROTOBUF, JSON = "application/x-protobuf", "application/json"
SHOWN_REASONS = 10
MAX_MEMBERS = 64
MAX_STATUS = 2000
LATE = "the evaluation is late: its output is already decided, and decisions never change"
ASTRAY = "the span that it evaluates is no output of this export"
DESCRIPTION = (
    "An ExportTraceServiceRequest of the OpenTelemetry protocol (OTLP/HTTP), optionally with Content-Encoding: gzip. "
    "Spans that call a model become outputs, `gen_ai.evaluation.result` events and evaluator spans their signals; "
    "other spans are passed over. A span that cannot be used is counted in `partial_success` with the reason, and "
    "never spoils the others; a span that comes again is known already. The answer is in the encoding of the request; "
    "a failure of a protobuf request is a google.rpc.Status, of a JSON request a problem."
)
SPAN: dict[str, Any] = {"type": "object", "properties": {}}
SPANS = {"type": "object", "properties": {"spans": {"type": ["array", "null"], "items": SPAN}}}
# The outer shape; unknown fields are passed over, as the protocol asks.
EXPORT = {
    "type": "object",
    "properties": {
        "resourceSpans": {
            "type": ["array", "null"],
            "items": {"type": "object", "properties": {"scopeSpans": {"type": ["array", "null"], "items": SPANS}}},
        }
    },
}
ANSWERS: dict[Any, Any] = {
    (200, JSON): OpenApiResponse({"type": "object", "properties": {"partialSuccess": {"type": "object"}}}, "Taken in"),
    (200, PROTOBUF): OpenApiResponse(OpenApiTypes.BINARY, "ExportTraceServiceResponse"),
    400: OpenApiResponse(description="Not OTLP in the encoding that the headers announce; do not send it again"),
    401: OpenApiResponse(description="No API key, or none that is valid"),
    403: OpenApiResponse(description="The key lacks the scope route"),
    413: OpenApiResponse(description="Too large, packed or unpacked, or too many spans"),
    415: OpenApiResponse(description="Neither protobuf nor JSON, or packed with something other than gzip"),
}


class SpansParser(BaseParser):
    """A list of spans. Unpacks the body, which may hold no more than any other body once unpacked."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        request = parser_context["request"]
        raw = unpacked(stream.read(settings.MAX_BODY_BYTES + 1), request.headers.get("Content-Encoding", ""))
        return spans_from_protobuf(raw) if self.media_type == PROTOBUF else spans_from_json(raw)


class ProtobufParser(SpansParser):
    media_type = PROTOBUF


class JSONParser(SpansParser):
    media_type = JSON


class OneRenderer(DefaultContentNegotiation):
    """OTLP answers in the encoding of the request, whatever the request would accept."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class TracesView(APIView):
    parser_classes = [ProtobufParser, JSONParser]
    content_negotiation_class = OneRenderer
    # For the document.
    refusals_also_as = (PROTOBUF,)

    @extend_schema(
        description=DESCRIPTION,
        request={JSON: EXPORT, PROTOBUF: OpenApiTypes.BINARY},
        responses=ANSWERS,
    )
    def post(self, request: Request) -> HttpResponse:
        project = key_project(request, Scope.ROUTE)
        rejected, message = routed_export(project, _spans(request), timezone.now())
        if is_protobuf(request):
            return HttpResponse(response_message(rejected, message).SerializeToString(), content_type=PROTOBUF)
        return Response(response_json(rejected, message))

    def handle_exception(self, exc: Exception) -> Response:
        answer = super().handle_exception(exc)
        if not is_protobuf(self.request) or not isinstance(answer.data, dict):
            return answer
        said = [f"{fault['pointer']}: {fault['detail']}" for fault in answer.data.get("errors", [])]
        text = " ".join([str(answer.data.get("detail", "")), *said])
        status = HttpResponse(status_message(shown(text, MAX_STATUS)))
        status.status_code, status["Content-Type"] = answer.status_code, PROTOBUF
        for header in ("WWW-Authenticate", "Retry-After"):
            if header in answer:
                status[header] = answer[header]
        return status  # type: ignore[return-value]


def is_protobuf(request: Request) -> bool:
    return (request.content_type or "").partition(";")[0].strip().lower() == PROTOBUF


def unpacked(raw: bytes, encoding: str) -> bytes:
    """The body without its compression. Raises Problem 413 before a bomb goes off, 400 and 415 for what is no gzip."""
    if len(raw) > settings.MAX_BODY_BYTES:
        raise _too_large()
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return raw
    if encoding not in ("gzip", "x-gzip"):
        raise Problem(415, "Content-Encoding may be gzip or identity.", code="unsupported_encoding")
    body = b""
    # Gzip is one or more members, one after the other; an endless row of empty ones is no export.
    for _member in range(MAX_MEMBERS):
        member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            body += member.decompress(raw, settings.MAX_BODY_BYTES + 1 - len(body))
        except zlib.error:
            raise Problem(400, "The body is not gzip.", code="malformed") from None
        if len(body) > settings.MAX_BODY_BYTES:
            raise _too_large()
        if not member.eof:
            raise Problem(400, "The gzip body is cut off.", code="malformed")
        if not (raw := member.unused_data):
            return body
    raise Problem(400, f"A gzip body may have {MAX_MEMBERS} members.", code="malformed")


def routed_export(project: Project, spans: Sequence[Span], now: datetime) -> tuple[int, str]:
    """How many spans were rejected, and the message about those and about what was left out of the others."""
    mapped = mapped_spans(spans)
    taken = take_in(project=project, bodies=[body for _reference, body in mapped.bodies], now=now)
    refused = [
        *mapped.refused,
        *(
            (reference, entry.reason)
            for (reference, _body), entry in zip(mapped.bodies, taken, strict=True)
            if entry.outcome == "refused"
        ),
        *_strays(project, mapped),
    ]
    return len(refused), _message(refused, mapped.remarks)


def _spans(request: Request) -> list[Span]:
    """An empty body is an empty export in protobuf, and nothing at all in JSON."""
    if isinstance(request.data, list):
        return request.data
    if not is_protobuf(request):
        raise Problem(400, "The body is empty.", code="malformed")
    return []


def _too_large() -> Problem:
    return Problem(413, f"A body may be {settings.MAX_BODY_BYTES} bytes long, unpacked too.", code="too_large")


def _strays(project: Project, mapped: Mapped) -> list[tuple[str, str]]:
    """Evaluations whose output is not in this export: it was decided without them, or is unknown."""
    wanted = [reference for reference in mapped.stray if reference.isascii() and reference.isprintable()]
    decided = set(Output.objects.filter(project=project, external_id__in=wanted).values_list("external_id", flat=True))
    return [(reference, LATE if reference in decided else ASTRAY) for reference in mapped.stray]


def _message(refused: Sequence[tuple[str, str]], remarks: Sequence[str]) -> str:
    """Each reason once, with how many spans it met and the first of them."""
    first: dict[str, str] = {}
    for reference, reason in refused:
        first.setdefault(reason, reference)
    counts = Counter(reason for _reference, reason in refused)
    lines = [f"{count} × {shown(reason)} (first: {shown(first[reason], 60)})" for reason, count in counts.most_common()]
    lines += [f"{count} × {shown(remark)}" for remark, count in Counter(remarks).most_common()]
    more = [f"and {len(lines) - SHOWN_REASONS} more"] if len(lines) > SHOWN_REASONS else []
    return "; ".join(lines[:SHOWN_REASONS] + more)
