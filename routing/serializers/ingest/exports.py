"""One export of spans, taken together: outputs, the context they were given, and the evaluations made of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from routing.serializers.ingest.conventions import calls_a_model, documents, is_output, is_retrieval, output_body
from routing.serializers.ingest.evaluations import Evaluation, evaluation_in
from routing.serializers.ingest.nesting import decoded
from routing.serializers.ingest.spans import Span, Unusable

RESULT = "gen_ai.evaluation.result"
MAX_CONTEXT = 1000
NO_IDS = "a trace id is 32 and a span id 16 hexadecimal digits, not all of them zero"


@dataclass(slots=True)
class Mapped:
    """`bodies` by the reference of their span; `stray` are references of spans evaluated that are not outputs here."""

    bodies: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def mapped_spans(spans: Sequence[Span]) -> Mapped:
    """Every span is an output, an evaluation of one, context for one, or none of this application's business."""
    mapped = Mapped()
    evaluating = {span.reference for span in spans if _is_evaluation(span)}
    outputs = [span for span in spans if is_output(span) and not (evaluating & {span.reference, span.parent_reference})]
    evaluations = _evaluations_by_output(spans, outputs, evaluating, mapped)
    retrievals = _retrievals_by_trace(spans)
    for span in outputs:
        if not span.has_otel_ids:
            mapped.refused.append((span.reference, NO_IDS))
            continue
        try:
            context = list(_context(span, retrievals.get(span.trace_id, [])))
            body, remarks = output_body(span, context=context, evaluations=evaluations.get(span.reference, []))
        except Unusable as fault:
            mapped.refused.append((span.reference, str(fault)))
        except RecursionError:
            mapped.refused.append((span.reference, "its values are nested too deeply"))
        else:
            mapped.bodies.append((span.reference, body))
            mapped.remarks.extend(remarks)
    return mapped


def _is_evaluation(span: Span) -> bool:
    """A span that is itself an evaluation's result, or makes one: no output, and neither are its own calls."""
    if str(span.attributes.get("openinference.span.kind")).upper() == "EVALUATOR" or span.name == RESULT:
        return True
    return evaluation_in(span.attributes) is not None and not calls_a_model(span)


def _evaluations_by_output(
    spans: Sequence[Span], outputs: Sequence[Span], evaluating: set[str], mapped: Mapped
) -> dict[str, list[Evaluation]]:
    """Events and attributes of the output's own span first, then spans of their own that point at it."""
    known = {span.reference for span in outputs}
    responses = {str(span.attributes["gen_ai.response.id"]): span.reference for span in outputs if _responds(span)}
    found: dict[str, list[Evaluation]] = {}
    for span in spans:
        own = span.reference in known
        said = list(_said(span, own=own))
        if not said:
            continue
        answered = responses.get(str(span.attributes.get("gen_ai.response.id")))
        target = span.reference if own else answered or span.parent_reference
        if target in known:
            found.setdefault(target, []).extend(said)
        elif span.reference in evaluating:
            mapped.stray.append(target)
        else:
            mapped.remarks.append("an evaluation of a span that is no output is left out")
    return found


def _responds(span: Span) -> bool:
    return isinstance(span.attributes.get("gen_ai.response.id"), str)


def _said(span: Span, *, own: bool) -> Iterator[Evaluation]:
    for event in span.events:
        if event.name == RESULT and (evaluation := evaluation_in(event.attributes)):
            yield evaluation
    if evaluation := evaluation_in(span.attributes):
        yield evaluation
    elif own:
        yield from annotations(span)
    elif str(span.attributes.get("openinference.span.kind")).upper() == "EVALUATOR":
        told = decoded(span.attributes.get("output.value"))
        if isinstance(told, dict):
            yield Evaluation(span.name, told.get("score"), told.get("label"), told.get("explanation"))


def annotations(span: Span) -> Iterator[Evaluation]:
    """`eval.<name>.score`, `.label` and `.explanation`, as Phoenix and Arize attach results to a span."""
    named: dict[str, dict[str, Any]] = {}
    for key, value in span.attributes.items():
        prefix, _dot, rest = key.partition(".")
        name, _dot, what = rest.rpartition(".")
        if prefix in ("eval", "annotation") and name and what in ("score", "label", "explanation"):
            named.setdefault(name, {})[what] = value
    for name, said in named.items():
        yield Evaluation(name, said.get("score"), said.get("label"), said.get("explanation"))


def _retrievals_by_trace(spans: Sequence[Span]) -> dict[str, list[Span]]:
    by_trace: dict[str, list[Span]] = {}
    for span in spans:
        if is_retrieval(span):
            by_trace.setdefault(span.trace_id, []).append(span)
    return by_trace


def _context(span: Span, retrievals: Sequence[Span]) -> Iterator[dict[str, str]]:
    """What was retrieved in the same trace before the model had answered."""
    count = 0
    for retrieval in retrievals:
        if span.ended_at and retrieval.ended_at and retrieval.ended_at > span.ended_at:
            continue
        for document in documents(retrieval):
            if count < MAX_CONTEXT:
                count += 1
                yield document
