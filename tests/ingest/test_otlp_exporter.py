"""A real OpenTelemetry SDK exporting to a real server."""

from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from routing.models import Output
from tests.ingest.traces import CHAT, QUESTION, REPLY
from tests.people import make_cast


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_spans_of_a_real_exporter_arrive(live_server: Any, compression: Compression) -> None:
    cast = make_cast()
    exporter = OTLPSpanExporter(
        endpoint=f"{live_server.url}/api/v1/otlp/v1/traces",
        headers={"Authorization": f"Api-Key {cast.key}"},
        compression=compression,
    )
    provider = TracerProvider(resource=Resource.create({"service.name": "parcel-bot", "oversight.intent": "delivery"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("handle request"), tracer.start_as_current_span("chat alder-4") as span:
        span.set_attributes(CHAT)
        span.add_event(
            "gen_ai.evaluation.result", {"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.value": 0.9}
        )
        context = span.get_span_context()
    provider.shutdown()
    output = Output.objects.select_related("content").get(external_id=f"{context.trace_id:032x}-{context.span_id:016x}")
    assert output.intent == "delivery"
    assert output.content.prompt == [{"role": "user", "content": QUESTION}]
    assert output.content.body == {"response": REPLY}
    assert output.signals.get().data == {"kind": "score", "name": "tone", "value": 0.9}
    assert output.metadata["trace"]["service"] == "parcel-bot"


def test_a_real_exporter_reports_a_wrong_key(live_server: Any, caplog: pytest.LogCaptureFixture) -> None:
    make_cast()
    exporter = OTLPSpanExporter(
        endpoint=f"{live_server.url}/api/v1/otlp/v1/traces", headers={"Authorization": "Api-Key ok_wrong"}
    )
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    with provider.get_tracer("tests").start_as_current_span("chat") as span:
        span.set_attributes(CHAT)
    provider.shutdown()
    assert "401" in caplog.text
    assert not Output.objects.exists()
