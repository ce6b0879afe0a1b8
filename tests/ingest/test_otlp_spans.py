"""Spans as outputs: every convention by which instrumentations say what was asked and answered."""

import json
from typing import Any

import pytest

from routing.models import Output
from tests.ingest.traces import CHAT, QUESTION, REPLY, TRACE, export, signals, span, stored
from tests.people import Caller

pytestmark = pytest.mark.django_db

BARE: dict[str, Any] = {key: value for key, value in CHAT.items() if not key.endswith(".messages")}
LLM = {"openinference.span.kind": "LLM", "llm.model_name": "birch-2"}
OPENAI_MESSAGE = [{"role": "user", "content": QUESTION}]
OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "track", "arguments": '{"parcel": 7}'}}

# Each convention with the attributes and the events that follow it: all say the same.
CONVENTIONS: dict[str, tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]] = {
    "gen_ai messages as JSON": (CHAT, []),
    "gen_ai messages as structures": (
        BARE
        | {
            "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}],
            "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": REPLY}]}],
        },
        [],
    ),
    "gen_ai.prompt and gen_ai.completion": (
        BARE
        | {
            "gen_ai.prompt": json.dumps(OPENAI_MESSAGE),
            "gen_ai.completion": json.dumps([{"role": "a", "content": REPLY}]),
        },
        [],
    ),
    "gen_ai.prompt.0.content": (
        {"gen_ai.system": "openai", "gen_ai.request.model": "alder-4", "llm.request.type": "chat"}
        | {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": QUESTION}
        | {"gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": REPLY, "gen_ai.prompt.name": "p"},
        [],
    ),
    "content events": (
        BARE,
        [
            ("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps(OPENAI_MESSAGE)}),
            ("gen_ai.content.completion", {"gen_ai.completion": json.dumps([{"role": "assistant", "content": REPLY}])}),
        ],
    ),
    "message events": (
        BARE,
        [
            ("gen_ai.user.message", {"content": QUESTION}),
            ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": json.dumps({"content": REPLY})}),
        ],
    ),
    "message events with one JSON attribute": (
        BARE,
        [
            ("gen_ai.user.message", {"gen_ai.event.content": json.dumps({"content": QUESTION})}),
            ("gen_ai.choice", {"gen_ai.event.content": json.dumps({"index": 0, "message": {"content": REPLY}})}),
        ],
    ),
    "choice events with dotted names": (
        BARE,
        [
            ("gen_ai.user.message", {"content": QUESTION}),
            ("gen_ai.choice", {"index": 0, "message.role": "assistant", "message.content": REPLY}),
        ],
    ),
    "details event": (
        BARE,
        [
            (
                "gen_ai.client.inference.operation.details",
                {key: CHAT[key] for key in ("gen_ai.input.messages", "gen_ai.output.messages")},
            )
        ],
    ),
    "OpenInference": (
        LLM
        | {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": QUESTION}
        | {"llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": REPLY}
        | {"input.value": "{}", "output.value": "{}"},
        [],
    ),
    "OpenInference with parts": (
        LLM
        | {
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.contents.0.message_content.type": "text",
            "llm.input_messages.0.message.contents.0.message_content.text": QUESTION,
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.contents.0.message_content.type": "text",
            "llm.output_messages.0.message.contents.0.message_content.text": REPLY,
        },
        [],
    ),
    "OpenInference input and output as JSON": (
        LLM
        | {
            "input.value": json.dumps({"messages": OPENAI_MESSAGE, "model": "birch-2"}),
            "input.mime_type": "application/json",
        }
        | {"output.value": json.dumps({"choices": [{"message": {"role": "assistant", "content": REPLY}}]})},
        [],
    ),
}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_convention_gives_the_same_output(name: str, program: Caller) -> None:
    attributes, events = CONVENTIONS[name]
    assert export(program, span(attributes, events=events)) == (0, "")
    output = stored()
    assert output.content.prompt == [{"role": "user", "content": QUESTION}]
    assert output.content.body == {"response": REPLY}
    assert output.task_kind == "pointwise"
    assert output.source_model in ("alder-4", "birch-2")


def test_bare_texts_stay_texts(program: Caller) -> None:
    export(program, span(LLM | {"input.value": QUESTION, "output.value": REPLY}))
    assert (stored().content.prompt, stored().content.body) == (QUESTION, {"response": REPLY})


def test_completions_of_the_text_api_are_read(program: Caller) -> None:
    told = {"llm.prompts.0.prompt.text": QUESTION, "llm.choices.0.completion.text": REPLY}
    export(program, span(LLM | told))
    assert (stored().content.prompt, stored().content.body) == (QUESTION, {"response": REPLY})


def test_a_conversation_keeps_its_turns_and_names_what_is_no_text(program: Caller) -> None:
    said = [
        {
            "role": "user",
            "parts": [{"type": "text", "content": "Look:"}, {"type": "blob", "modality": "image", "content": "QUJD"}],
        },
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "track", "arguments": {"parcel": 7}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "Tuesday"}]},
    ]
    system = [{"type": "text", "content": "Be brief."}]
    told = {"gen_ai.input.messages": json.dumps(said), "gen_ai.system_instructions": json.dumps(system)}
    export(program, span(CHAT | told))
    assert stored().content.prompt == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Look:\n[image]"},
        {"role": "assistant", "content": '[call track] {"parcel": 7}'},
        {"role": "tool", "content": "[result] Tuesday"},
    ]


@pytest.mark.parametrize(
    "attributes",
    [
        CHAT
        | {
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "parts": [{"type": "tool_call", "name": "track", "arguments": {"parcel": 7}}]}]
            )
        },
        CHAT
        | {"gen_ai.output.messages": json.dumps([{"role": "assistant", "content": None, "tool_calls": [OPENAI_CALL]}])},
        LLM
        | {
            "input.value": QUESTION,
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "track",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"parcel": 7}',
        },
    ],
)
def test_an_answer_that_calls_a_tool_is_a_trajectory(attributes: dict[str, Any], program: Caller) -> None:
    assert export(program, span(attributes)) == (0, "")
    assert stored().task_kind == "trajectory"
    assert stored().content.body == {"steps": [{"type": "tool_call", "name": "track", "content": {"parcel": 7}}]}


def test_of_several_alternatives_the_first_counts_and_the_number_is_kept(program: Caller) -> None:
    choices = [{"role": "assistant", "parts": [{"type": "text", "content": text}]} for text in (REPLY, "On Friday.")]
    export(program, span(CHAT | {"gen_ai.output.messages": json.dumps(choices)}))
    assert stored().content.body == {"response": REPLY}
    assert stored().metadata["trace"]["alternatives"] == 2


OTHERS: list[dict[str, Any]] = [
    {"http.request.method": "GET"},
    {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m"},
    {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "track"},
    CHAT | {"openinference.span.kind": "TOOL"},
    CHAT | {"openinference.span.kind": "CHAIN"},
    CHAT | {"oversight.route": False},
    CHAT | {"oversight.route": "no"},
]


@pytest.mark.parametrize("attributes", OTHERS)
def test_other_spans_are_passed_over_without_a_word(attributes: dict[str, Any], program: Caller) -> None:
    assert export(program, span(attributes)) == (0, "")
    assert not Output.objects.filter(external_id__startswith=TRACE).exists()


def test_an_agent_run_is_an_output_where_its_span_says_so(program: Caller) -> None:
    messages = [
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "track", "arguments": {"parcel": 7}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "Tuesday"}]},
        {"role": "assistant", "parts": [{"type": "text", "content": REPLY}]},
    ]
    agent = {"gen_ai.operation.name": "invoke_agent", "oversight.route": True, "input.value": QUESTION}
    assert export(program, span(agent | {"gen_ai.output.messages": json.dumps(messages)})) == (0, "")
    assert [step["type"] for step in stored().content.body["steps"]] == ["tool_call", "tool_result", "message"]


# Context, intent, source, stakes, metadata --------------------------------------------------------------


def test_documents_retrieved_before_the_answer_are_its_context(program: Caller) -> None:
    def retrieval(span_id: str, text: str, **fields: Any) -> dict[str, Any]:
        told = {"openinference.span.kind": "RETRIEVER", "retrieval.documents.0.document.content": text}
        told |= {"retrieval.documents.0.document.id": "faq-3", "retrieval.documents.0.document.score": 0.7}
        return span(told, span_id=span_id, name="retrieve", **fields)

    export(
        program,
        span(ended=2 * 10**18),
        retrieval("00f067aa0ba902b1", "Parcels arrive on Tuesdays.", ended=10**18),
        retrieval("00f067aa0ba902b2", "Too late to count.", ended=2 * 10**18 + 10**9),
        retrieval("00f067aa0ba902b3", "Of another trace.", ended=10**18, trace_id="a" * 32),
    )
    assert stored().content.context == [{"id": "faq-3", "text": "Parcels arrive on Tuesdays."}]


def test_documents_on_the_span_itself_come_first(program: Caller) -> None:
    told = {"retrieval.documents.1.document.content": "Second.", "retrieval.documents.0.document.content": "First."}
    export(program, span(CHAT | told))
    assert [passage["text"] for passage in stored().content.context] == ["First.", "Second."]


@pytest.mark.parametrize(
    ("attributes", "resource", "intent"),
    [
        ({"oversight.intent": "delivery"}, {"oversight.intent": "shop", "service.name": "s"}, "delivery"),
        ({}, {"oversight.intent": "shop", "service.name": "s"}, "shop"),
        ({"app.feature": "returns"}, {"oversight.intent_from": "app.feature", "service.name": "s"}, "returns"),
        ({}, {"oversight.intent_from": "span.name", "service.name": "s"}, "chat alder-4"),
        ({}, {"oversight.intent_from": "app.feature", "service.name": "s"}, "s"),
        ({}, {"service.name": "unknown_service:python"}, "chat"),
        ({}, {"service.name": "s" * 200}, "s" * 100),
    ],
)
def test_the_intent_is_told_or_derived(
    attributes: dict[str, Any], resource: dict[str, Any], intent: str, program: Caller
) -> None:
    assert export(program, span(CHAT | attributes), resource=resource) == (0, "")
    assert stored().intent == intent


def test_attributes_of_ours_say_the_rest(program: Caller) -> None:
    told = {"oversight.external_id": "case-9", "oversight.stakes": "high", "oversight.metadata.amount": 12.5}
    assert export(program, span(CHAT | told), resource={"oversight.metadata.region": "north"}) == (0, "")
    output = stored("case-9")
    assert output.decision.stakes == "high"
    assert (output.metadata["amount"], output.metadata["region"]) == (12.5, "north")
    trace = output.metadata["trace"]
    assert (trace["trace_id"], trace["provider"], trace["input_tokens"]) == (TRACE, "openai", 12)
    assert (output.source_model, output.source_version) == ("alder-4", "alder-4-0613")


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"oversight.stakes": "extreme"}, "/stakes"),
        ({"oversight.intent": "x" * 101}, "/intent"),
        ({"oversight.external_id": 7}, "/external_id"),
        ({"gen_ai.request.model": 7}, "/source/model"),
        ({"oversight.metadata.name": "nul \x00"}, "/metadata/name"),
    ],
)
def test_what_does_not_fit_an_output_is_rejected_and_named(told: dict[str, Any], pointer: str, program: Caller) -> None:
    rejected, message = export(program, span(CHAT | told))
    assert rejected == 1
    assert pointer in message


def test_a_moment_off_the_calendar_is_rejected(program: Caller) -> None:
    rejected, message = export(program, span(ended=2**64 - 1))
    assert rejected == 1
    assert "/occurred_at" in message


def test_token_probabilities_are_no_signals(program: Caller) -> None:
    told = {"gen_ai.response.logprobs": [0.99], "gen_ai.evaluation.name": "token_logprob"}
    rejected, message = export(program, span(CHAT | told | {"gen_ai.evaluation.score.value": 0.99}))
    assert rejected == 0
    assert "token probability" in message
    assert signals(stored()) == []
