"""Whatever is sent to the traces endpoint, it answers like an OTLP server and never with a 500."""

import gzip
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from routing.models import Decision, Output
from tests.ingest.test_otlp_spans import CONVENTIONS
from tests.ingest.traces import CHAT, JSON, PROTOBUF, as_json, as_protobuf, export, post, span
from tests.people import Caller

pytestmark = pytest.mark.django_db
RUN = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}

TEXTS = st.one_of(
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(
        ["\x00", "\ud800", "a\x00b", "[", "{", "[[]]", '{"a": NaN}', "1e999", "\u202e", "x" * 300, "[" * 3000]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    TEXTS,
    st.sampled_from([1e999, -(2**63), 2**64]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
KEYS = st.sampled_from(
    sorted(
        {key for attributes, events in CONVENTIONS.values() for key in attributes}
        | {key for _attributes, events in CONVENTIONS.values() for _name, told in events for key in told}
        | {"gen_ai.evaluation.name", "gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label"}
        | {"gen_ai.response.id", "gen_ai.response.finish_reasons", "gen_ai.system_instructions", "metadata"}
        | {"oversight.intent", "oversight.stakes", "oversight.external_id", "oversight.route", "oversight.intent_from"}
        | {"oversight.metadata.x", "oversight.metadata.", "eval.x.score", "eval..score", "annotation.a.label"}
        | {"retrieval.documents", "retrieval.documents.0.document.content", "retrieval.documents.999999.document.id"}
        | {"llm.input_messages." + "9" * 5000, "llm.input_messages" + ".0" * 3000, "gen_ai.prompt.0.content.x.y"}
        | {"service.name", "unknown.thing", ""}
    )
)
EVENT_NAMES = st.sampled_from(
    [
        "gen_ai.evaluation.result",
        "gen_ai.choice",
        "gen_ai.user.message",
        "gen_ai.content.prompt",
        "gen_ai.content.completion",
        "gen_ai.client.inference.operation.details",
        "exception",
        "",
    ]
)
# A span that would be taken, but for what hypothesis puts over it.
OVERLAID = st.dictionaries(KEYS, ANYTHING, max_size=6).map(lambda told: CHAT | told)
IDS = st.one_of(st.sampled_from(["eee19b7ec3c1b174", "00f067aa0ba902b7"]), TEXTS)
SPANS = st.builds(
    lambda attributes, events, span_id, parent, name: span(
        attributes, events=events, span_id=span_id, parent_id=parent, name=name
    ),
    OVERLAID,
    st.lists(st.tuples(EVENT_NAMES, st.dictionaries(KEYS, ANYTHING, max_size=3)), max_size=3),
    IDS,
    IDS,
    TEXTS,
)
# Spellings of values that no writer of OTLP uses, and so no reader may trip over.
ODD_VALUES = st.one_of(
    ANYTHING,
    st.dictionaries(
        st.sampled_from(
            ["stringValue", "intValue", "boolValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue"]
        ),
        st.one_of(ANYTHING, st.builds(lambda values: {"values": values}, ANYTHING)),
        max_size=2,
    ),
)


def answered(answer: Any) -> None:
    assert answer.status_code in (200, 400, 413, 415), answer.content[:500]
    if answer["Content-Type"] == JSON:
        told = answer.json().get("partialSuccess", {})
        assert int(told.get("rejectedSpans", 0)) >= 0


def whole(program: Caller) -> None:
    """Whatever got in is whole: every output has its decision, and can be read back."""
    assert Output.objects.count() == Decision.objects.count()
    assert program.get("/outputs/").status_code == 200


@examples(max_examples=150, **RUN)
@given(spans=st.lists(SPANS, max_size=3), resource=st.dictionaries(KEYS, ANYTHING, max_size=3))
def test_hostile_values_in_a_well_formed_export_never_break_it(
    spans: list[dict[str, Any]], resource: dict[str, Any], program: Caller
) -> None:
    raw = json.dumps(as_json(spans, resource)).replace("Infinity", "1e999").encode()
    answered(post(program, raw, encoding="gzip"))
    whole(program)


@examples(max_examples=100, **RUN)
@given(data=st.data())
def test_odd_shapes_anywhere_in_the_json_never_break_it(data: st.DataObject, program: Caller) -> None:
    body: Any = as_json([span(events=[("gen_ai.choice", {"index": 0})])], {"service.name": "s"})
    # One place of the export, wherever it is, holds something else.
    places = list(_places(body))
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(ODD_VALUES)
    answered(post(program, json.dumps(body).replace("Infinity", "1e999").encode()))
    whole(program)


def _places(value: Any) -> Any:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


@examples(max_examples=100, **RUN)
@given(seed=st.integers(0, 2**32), flips=st.integers(1, 20))
def test_damaged_protobuf_never_breaks_it(seed: int, flips: int, program: Caller) -> None:
    rng = random.Random(seed)
    raw = bytearray(
        as_protobuf([span(), span({"a": [1, {"b": "c"}]}, span_id="00f067aa0ba902b7")], {"service.name": "s"})
    )
    for _flip in range(flips):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    answered(post(program, bytes(raw), PROTOBUF))
    answered(post(program, gzip.compress(bytes(raw))[: rng.randrange(20, 400)], PROTOBUF, encoding="gzip"))
    whole(program)


@examples(max_examples=50, **RUN)
@given(raw=st.binary(max_size=300), content_type=st.sampled_from([JSON, PROTOBUF, "text/plain", ""]))
def test_noise_never_breaks_it(raw: bytes, content_type: str, program: Caller) -> None:
    answered(post(program, raw, content_type))
    answered(post(program, raw, content_type, encoding="identity"))


@pytest.mark.parametrize("depth", [20, 40, 70, 150])
def test_deep_values_are_cut_or_rejected(depth: int, program: Caller) -> None:
    deep: Any = "bottom"
    for _level in range(depth):
        deep = [deep]
    text = "[" * depth * 10 + "]" * depth * 10
    spans = [
        span(CHAT | {"oversight.metadata.deep": deep}, span_id="00f067aa0ba902b1"),
        span(CHAT | {"gen_ai.input.messages": text}, span_id="00f067aa0ba902b2"),
        span(
            CHAT | {"gen_ai.output.messages": deep, "llm.output_messages" + ".0" * depth: "x"},
            span_id="00f067aa0ba902b3",
        ),
        span(span_id="00f067aa0ba902b4"),
    ]
    answer = post(program, json.dumps(as_json(spans)).encode())
    answered(answer)
    if answer.status_code == 200:
        assert Output.objects.filter(external_id__endswith="b4", project__slug="shop").exists()


def test_one_very_long_text_spoils_only_its_own_span(program: Caller, settings: Any) -> None:
    settings.MAX_TEXT_CHARS = 10_000
    long = span({**CHAT, "oversight.metadata.note": "x" * 20_000}, span_id="00f067aa0ba902b1")
    rejected, message = export(program, long, span())
    assert rejected == 1
    assert "20000 characters" in message
