"""Phoenix exports: spans as the REST API and its command line list them, as JSON lines, and as data frames.

A data frame (`get_spans_dataframe`) written by pandas has columns `context.span_id`, `attributes.llm.model_name`, …;
in CSV its lists are written as Python would print them. Annotations by people are left out, as they are no verdicts.
"""

import ast
import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from routing.serializers.ingest.conventions import documents, is_output, is_retrieval, output_body
from routing.serializers.ingest.evaluations import Evaluation
from routing.serializers.ingest.exports import annotations
from routing.serializers.ingest.found import Found, Options
from routing.serializers.ingest.nesting import decoded, flattened
from routing.serializers.ingest.spans import Event, Span, Unusable, moment

HUMAN = "annotations by people in Phoenix (no verdicts)"
OTHER_KINDS = "spans that are no calls of a model"
# Documents of this many traces are remembered for the calls that follow in the file.
MAX_TRACES = 1000
MAX_LITERAL = 200_000


def recognised(data: dict[str, Any]) -> bool:
    if isinstance(data.get("spans"), list):
        return True
    return "context.span_id" in data or "span_kind" in data or {"context", "attributes"} <= data.keys()


def found(data: dict[str, Any], options: Options) -> Iterator[Found]:
    for key in ("spans", "data"):
        if isinstance(data.get(key), list):
            for entry in data[key]:
                yield from found(entry, options) if isinstance(entry, dict) else [Found(fault="not an object")]
            return
    try:
        yield _found(_span(data), data, options)
    except Unusable as fault:
        yield Found(fault=str(fault))


def _found(span: Span, data: dict[str, Any], options: Options) -> Found:
    if is_retrieval(span):
        _remember(span, options.memory)
    if not is_output(span):
        return Found(left_out=[OTHER_KINDS])
    if not span.span_id:
        raise Unusable("the span has no id")
    said, human = _annotated(data)
    left_out = [HUMAN] * human
    context = options.memory.get(span.trace_id, [])
    try:
        body, remarks = output_body(
            span, context=context, evaluations=[*annotations(span), *said], intent=options.intent
        )
    except (Unusable, RecursionError) as fault:
        return Found(fault=f"{span.span_id[:40]}: {str(fault) or 'too deep'}", left_out=left_out)
    return Found(body, left_out=[*left_out, *remarks])


def _span(data: dict[str, Any]) -> Span:
    context = data.get("context")
    row = {**data, **(flattened(context, "context.") if isinstance(context, dict) else {})}
    attributes = {key.removeprefix("attributes."): _literal(row[key]) for key in row if key.startswith("attributes.")}
    if isinstance(whole := decoded(data.get("attributes")), dict):
        attributes |= {key: _literal(value) for key, value in flattened(whole).items()}
    # Evaluations of data frames and of trace data sets stand beside the attributes.
    attributes |= {key: _result(key, row[key]) for key in row if key.startswith(("eval.", "annotation."))}
    if isinstance(kind := row.get("span_kind"), str) and "openinference.span.kind" not in attributes:
        attributes["openinference.span.kind"] = kind
    return Span(
        trace_id=_text(row.get("context.trace_id")),
        span_id=_text(row.get("context.span_id")) or _text(row.get("span_id")),
        parent_id=_text(row.get("parent_id")),
        name=_text(row.get("name")),
        ended_at=moment(row.get("end_time") or row.get("start_time")),
        attributes={key: value for key, value in attributes.items() if value is not None and value == value},
        events=tuple(_events(_literal(data.get("events")))),
    )


def _result(name: str, value: Any) -> Any:
    """A table writes scores as texts."""
    if name.endswith(".score") and isinstance(value, str):
        with contextlib.suppress(ValueError):
            return float(value)
    return value


def _events(told: Any) -> Iterator[Event]:
    for entry in told if isinstance(told, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("attributes"), dict):
            yield Event(_text(entry.get("name")), flattened(entry["attributes"]))


def _annotated(data: Mapping[str, Any]) -> tuple[list[Evaluation], int]:
    """Annotations of the span by programs, and how many there are by people."""
    told = decoded(next((data[key] for key in ("annotations", "span_annotations") if data.get(key)), None))
    said, human = [], 0
    for entry in told if isinstance(told, list) else []:
        if not isinstance(entry, dict):
            continue
        if str(entry.get("annotator_kind", entry.get("annotatorKind"))).upper() == "HUMAN":
            human += 1
            continue
        result = entry["result"] if isinstance(entry.get("result"), dict) else entry
        said.append(
            Evaluation(
                _text(entry.get("name")) or "unnamed",
                result.get("score"),
                result.get("label"),
                result.get("explanation"),
            )
        )
    return said, human


def _remember(span: Span, memory: dict[str, list[Any]]) -> None:
    memory.setdefault(span.trace_id, []).extend(documents(span))
    while len(memory) > MAX_TRACES:
        memory.pop(next(iter(memory)))


def _literal(value: Any) -> Any:
    """A list or an object written as JSON or as Python prints it; anything else as it is."""
    value = decoded(value)
    if not isinstance(value, str) or value[:1] not in ("[", "{") or len(value) > MAX_LITERAL:
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
