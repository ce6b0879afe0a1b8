"""Spans as outputs: OpenTelemetry's GenAI semantic conventions, old and new, and OpenInference.

A span is an output when it is a call of a model: by `openinference.span.kind`, else by `gen_ai.operation.name`,
else because it names a model. `oversight.route` overrules either way. Attributes of ours:

| attribute (of the span, or of the resource for all spans of a process) | becomes |
| --- | --- |
| `oversight.route` (span only; true, false) | whether the span is an output, whatever its kind |
| `oversight.intent` | the intent |
| `oversight.intent_from` | the name of the attribute that holds the intent, or `span.name` |
| `oversight.stakes` | the stakes |
| `oversight.external_id` (span only) | the external id, instead of `<trace id>-<span id>` |
| `oversight.metadata.<name>` | metadata, for the policy's rules |
"""

from collections.abc import Mapping, Sequence
from typing import Any

from routing.serializers.ingest.conversation import Answer, answer_of, prompt_of, turn
from routing.serializers.ingest.evaluations import Evaluation, read_evaluations
from routing.serializers.ingest.nesting import decoded, gathered, nested, plain
from routing.serializers.ingest.spans import Event, Span, Unusable

INFERENCE = {"chat", "chat.completions", "completion", "generate_content", "message", "text_completion"}
NO_INFERENCE = {"create_agent", "embeddings", "execute_tool", "invoke_agent", "invoke_workflow", "retrieval", "rerank"}
MODEL_KEYS = ("gen_ai.request.model", "gen_ai.response.model", "llm.request.type", "llm.model_name")
DETAILS = "gen_ai.client.inference.operation.details"
MESSAGE_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
METADATA = "oversight.metadata."
MAX_INTENT = 100
NO_CONTENT = (
    "the span has no {}: turn on the capture of content in the instrumentation "
    "(OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT for OpenTelemetry's own)"
)
FACTS = {
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
    "operation": ("gen_ai.operation.name", "llm.request.type"),
    "response_id": ("gen_ai.response.id",),
    "conversation": ("gen_ai.conversation.id", "session.id"),
    "finish_reasons": ("gen_ai.response.finish_reasons",),
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
}


def is_output(span: Span) -> bool:
    """Whether somebody should answer for the span: a call of a model, unless the span says otherwise."""
    wanted = span.attributes.get("oversight.route")
    return calls_a_model(span) if wanted is None else wanted is True or wanted == "true"


def calls_a_model(span: Span) -> bool:
    kind = span.attributes.get("openinference.span.kind")
    if isinstance(kind, str) and kind:
        return kind.upper() == "LLM"
    operation = span.attributes.get("gen_ai.operation.name")
    if isinstance(operation, str) and operation in INFERENCE | NO_INFERENCE:
        return operation in INFERENCE
    return any(key in span.attributes for key in MODEL_KEYS) and span.attributes.get("llm.request.type") != "embedding"


def is_retrieval(span: Span) -> bool:
    kind = str(span.attributes.get("openinference.span.kind")).upper()
    return kind in ("RETRIEVER", "RERANKER") or span.attributes.get("gen_ai.operation.name") == "retrieval"


def output_body(
    span: Span, *, context: Sequence[dict[str, str]], evaluations: Sequence[Evaluation], intent: str | None = None
) -> tuple[dict[str, Any], list[str]]:
    """A body of `POST /outputs/` with remarks on what it leaves out. Raises Unusable where there is nothing to judge.

    `context` comes from other spans and counts where the span has none; `intent` where the span says none.
    """
    run = not calls_a_model(span)
    prompt, answer = _prompt(span), _answer(span, run=run)
    if prompt is None:
        raise Unusable(NO_CONTENT.format("prompt"))
    if answer is None:
        raise Unusable(NO_CONTENT.format("response"))
    read = read_evaluations(evaluations)
    body: dict[str, Any] = {
        "external_id": span.attributes.get("oversight.external_id") or span.reference,
        "intent": _intent(span, intent),
        "prompt": prompt,
        "context": documents(span) or list(context),
        "stakes": _own(span, "stakes"),
        "source": _source(span),
        "signals": read.signals,
        "occurred_at": span.ended_at.isoformat() if span.ended_at else None,
        "metadata": _metadata(span, answer, read.metadata),
    }
    body |= {"trajectory": list(answer.steps)} if answer.steps else {"response": answer.text}
    return {key: value for key, value in body.items() if value is not None and value != []}, read.remarks


def documents(span: Span) -> list[dict[str, str]]:
    """The span's retrieved documents as context."""
    found = gathered(span.attributes, "retrieval.documents") or decoded(
        span.attributes.get("gen_ai.retrieval.documents")
    )
    context = []
    for place, entry in enumerate(found if isinstance(found, list) else []):
        document = entry.get("document", entry) if isinstance(entry, dict) else {"content": entry}
        if not isinstance(document, dict):
            continue
        text = document.get("content")
        if text is not None:
            identity = document.get("id")
            context.append({"id": str(place + 1 if identity is None else identity), "text": plain(text)})
    return context


def _own(span: Span, name: str) -> Any:
    """An attribute of ours, of the span or else of the process."""
    value = span.attributes.get(f"oversight.{name}")
    return span.resource.get(f"oversight.{name}") if value is None else value


def _intent(span: Span, fallback: str | None) -> Any:
    if (told := _own(span, "intent")) is not None:
        return told
    chosen = _own(span, "intent_from")
    sources = {**span.resource, **span.attributes, "span.name": span.name}
    if isinstance(chosen, str) and isinstance(named := sources.get(chosen), str) and named:
        return named[:MAX_INTENT]
    service = span.resource.get("service.name")
    # The word that SDKs put where nobody named the service.
    known = service if isinstance(service, str) and not service.startswith("unknown_service") else None
    choices = (fallback, known, span.attributes.get("gen_ai.operation.name"), span.name)
    return next((choice[:MAX_INTENT] for choice in choices if isinstance(choice, str) and choice), "unnamed")


def _source(span: Span) -> dict[str, str] | None:
    """The model by the name it was asked for; the name it answered under, where that is another, as its version."""
    read = span.attributes.get
    asked = read("gen_ai.request.model") or read("llm.model_name")
    answered = read("gen_ai.response.model")
    source = {"model": asked or answered, "version": answered if asked and answered != asked else None}
    source["prompt_version"] = read("llm.prompt_template.version")
    return {key: value for key, value in source.items() if value is not None} or None


def _metadata(span: Span, answer: Answer, evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    facts: dict[str, Any] = {"trace_id": span.trace_id, "span_id": span.span_id, "span": span.name}
    facts["service"] = span.resource.get("service.name")
    for name, keys in FACTS.items():
        facts[name] = next((span.attributes[key] for key in keys if span.attributes.get(key) is not None), None)
    facts["alternatives"] = answer.alternatives if answer.alternatives > 1 else None
    facts["evaluations"] = evaluations or None
    told = decoded(span.attributes.get("metadata"))
    own = {
        **(told if isinstance(told, dict) else {}),
        **_below(span.attributes, "metadata."),
        **_below(span.resource, METADATA),
        **_below(span.attributes, METADATA),
    }
    return {**own, "trace": {key: value for key, value in facts.items() if value is not None}}


def _below(attributes: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in attributes.items() if key.startswith(prefix)}


def _prompt(span: Span) -> str | list[dict[str, str]] | None:
    """What was asked, from the newest convention that the span follows."""
    attributes = span.attributes
    prompt = prompt_of(attributes.get("gen_ai.input.messages"))
    for name in ("llm.input_messages", "gen_ai.prompt"):
        prompt = prompt or prompt_of(gathered(attributes, name))
    prompt = prompt or _prompt_in_events(span.events)
    prompt = prompt or _texts_below(attributes, "llm.prompts", "prompt") or prompt_of(attributes.get("input.value"))
    system = decoded(attributes.get("gen_ai.system_instructions"))
    if not system or prompt is None:
        return prompt
    rest = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
    return [turn("system", system), *rest]


def _answer(span: Span, *, run: bool) -> Answer | None:
    attributes = span.attributes
    answer = answer_of(attributes.get("gen_ai.output.messages"), run=run)
    for name in ("llm.output_messages", "gen_ai.completion"):
        answer = answer or answer_of(gathered(attributes, name), run=run)
    answer = answer or _answer_in_events(span.events, run=run)
    answer = answer or answer_of(_texts_below(attributes, "llm.choices", "completion"))
    return answer or answer_of(attributes.get("output.value"), run=run)


def _texts_below(attributes: Mapping[str, Any], name: str, wrapper: str) -> str | None:
    """OpenInference's completions: `llm.prompts.0.prompt.text`."""
    found = gathered(attributes, name)
    for entry in found if isinstance(found, list) else []:
        inner = entry.get(wrapper, entry) if isinstance(entry, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get("text"), str):
            return str(inner["text"])
    return None


def _prompt_in_events(events: Sequence[Event]) -> str | list[dict[str, str]] | None:
    """Contents that older conventions record as events of the span."""
    messages = []
    for event in events:
        if event.name == DETAILS:
            return prompt_of(event.attributes.get("gen_ai.input.messages"))
        if event.name == "gen_ai.content.prompt":
            return prompt_of(event.attributes.get("gen_ai.prompt"))
        if event.name in MESSAGE_EVENTS:
            messages.append({"role": MESSAGE_EVENTS[event.name], **_event_body(event)})
    return prompt_of(messages) if messages else None


def _answer_in_events(events: Sequence[Event], *, run: bool) -> Answer | None:
    choices = []
    for event in events:
        if event.name == DETAILS:
            return answer_of(event.attributes.get("gen_ai.output.messages"), run=run)
        if event.name == "gen_ai.content.completion":
            return answer_of(event.attributes.get("gen_ai.completion"), run=run)
        if event.name == "gen_ai.choice":
            body = _event_body(event)
            message = decoded(body.get("message"))
            inner = message if isinstance(message, dict) else {"content": message} if message else body
            choices.append({"role": "assistant", **inner})
    return answer_of(choices, run=run) if choices else None


def _event_body(event: Event) -> dict[str, Any]:
    """The attributes of one message, or the JSON that some instrumentations put in a single one."""
    body = decoded(event.attributes.get("gen_ai.event.content"))
    if isinstance(body, dict):
        return body
    read = nested(dict(event.attributes))
    return {key: decoded(value) if key == "tool_calls" else value for key, value in read.items()} if read else {}
