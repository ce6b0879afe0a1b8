"""Evaluations in traces: signals where they can be, metadata where not, and never after the decision."""

import json
from typing import Any

import pytest

from routing.models import Decision, Signal
from tests.ingest.traces import CHAT, TRACE, export, signals, span, stored
from tests.people import Caller

pytestmark = pytest.mark.django_db

RESULT = "gen_ai.evaluation.result"
OWN = "eee19b7ec3c1b174"


def result(name: str, value: Any = None, label: str | None = None, explanation: str | None = None) -> dict[str, Any]:
    told = {
        "gen_ai.evaluation.name": name,
        "gen_ai.evaluation.score.value": value,
        "gen_ai.evaluation.score.label": label,
        "gen_ai.evaluation.explanation": explanation,
    }
    return {key: entry for key, entry in told.items() if entry is not None}


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([result("relevance", 0.75)], [{"kind": "score", "name": "relevance", "value": 0.75}]),
        ([result("relevance", 1)], [{"kind": "score", "name": "relevance", "value": 1.0}]),
        ([result("tone", label="Pass")], [{"kind": "judge", "name": "tone", "runs": [{"verdict": "pass"}]}]),
        ([result("tone", 0.2, "pass")], [{"kind": "score", "name": "tone", "value": 0.2}]),
        ([result("tone", 0.9, "fail")], [{"kind": "judge", "name": "tone", "runs": [{"verdict": "fail"}]}]),
        (
            [result("tone", label="pass"), result("tone", label="fail"), result("tone", 0.4)],
            [{"kind": "judge", "name": "tone", "runs": [{"verdict": "pass"}, {"verdict": "fail"}, {"score": 0.4}]}],
        ),
    ],
)
def test_an_event_of_the_span_is_a_signal(
    results: list[dict[str, Any]], expected: list[dict[str, Any]], program: Caller
) -> None:
    assert export(program, span(events=[(RESULT, entry) for entry in results])) == (0, "")
    assert signals(stored()) == expected


@pytest.mark.parametrize(
    "told",
    [
        result("stars", 4.0),
        result("stars", -0.1),
        result("stars", label="rather good"),
        result("stars"),
        result("stars", "0.5"),
        result("mean log-prob", 0.9),
        result("Perplexity", 0.3),
        result("n" * 101, 0.5),
    ],
)
def test_what_cannot_be_a_signal_is_kept_as_metadata_and_said(told: dict[str, Any], program: Caller) -> None:
    rejected, message = export(program, span(events=[(RESULT, told)]))
    assert rejected == 0
    assert "kept as metadata" in message
    assert signals(stored()) == []
    assert stored().metadata["trace"]["evaluations"][0]["name"] == told["gen_ai.evaluation.name"][:100]


def test_the_explanation_is_kept(program: Caller) -> None:
    export(program, span(events=[(RESULT, result("relevance", 0.5, explanation="Half of it."))]))
    assert stored().metadata["trace"]["evaluations"] == [
        {"name": "relevance", "value": 0.5, "explanation": "Half of it."}
    ]


def test_an_evaluation_with_a_span_of_its_own_finds_its_output(program: Caller) -> None:
    """By its parent, or by the response's id."""
    answered = span(CHAT | {"gen_ai.response.id": "resp-1"})
    by_parent = span(result("relevance", 0.5), span_id="00f067aa0ba902b1", parent_id=OWN, name=RESULT)
    by_response = span(
        result("tone", 0.6) | {"gen_ai.response.id": "resp-1"}, span_id="00f067aa0ba902b2", trace_id="b" * 32, name="x"
    )
    evaluator = span(
        {"openinference.span.kind": "EVALUATOR", "output.value": json.dumps({"score": 0.7, "label": "fine"})},
        span_id="00f067aa0ba902b3",
        parent_id=OWN,
        name="faithful",
    )
    assert export(program, by_parent, answered, by_response, evaluator) == (0, "")
    assert [(entry["name"], entry["value"]) for entry in signals(stored())] == [
        ("faithful", 0.7),
        ("relevance", 0.5),
        ("tone", 0.6),
    ]


def test_the_model_calls_of_an_evaluator_are_no_outputs(program: Caller) -> None:
    evaluator = span({"openinference.span.kind": "EVALUATOR"}, span_id="00f067aa0ba902b3", name="judge")
    assert export(program, span(), evaluator, span(span_id="00f067aa0ba902b4", parent_id="00f067aa0ba902b3")) == (0, "")
    assert Decision.objects.filter(output__external_id__startswith=TRACE).count() == 1


def test_results_that_arize_attaches_are_signals(program: Caller) -> None:
    told = {"eval.Correctness.score": 0.8, "eval.Correctness.label": "correct", "annotation.tone.label": "fail"}
    assert export(program, span(CHAT | told)) == (0, "")
    assert [(entry["kind"], entry["name"]) for entry in signals(stored())] == [
        ("judge", "tone"),
        ("score", "Correctness"),
    ]


def test_an_evaluation_after_the_decision_is_late_and_changes_nothing(program: Caller) -> None:
    export(program)
    before = (stored().decision.trace, stored().decision.confidence, Signal.objects.count())
    late = span(result("relevance", 0.99), span_id="00f067aa0ba902b1", parent_id=OWN, name=RESULT)
    rejected, message = export(program, late)
    assert rejected == 1
    assert "late" in message
    assert (stored().decision.trace, stored().decision.confidence, Signal.objects.count()) == before


def test_the_span_again_with_an_evaluation_is_late_as_well(program: Caller) -> None:
    export(program)
    rejected, message = export(program, span(events=[(RESULT, result("relevance", 0.99))]))
    assert rejected == 1
    assert "another body" in message
    assert signals(stored()) == []


@pytest.mark.parametrize("parent", ["00f067aa0ba902ff", "", "\x00", "not hexadecimal"])
def test_an_evaluation_of_nothing_that_is_known_is_rejected(parent: str, program: Caller) -> None:
    rejected, message = export(program, span(result("x", 0.5), parent_id=parent, name=RESULT))
    assert rejected == 1
    assert "no output of this export" in message


def test_another_projects_output_is_not_betrayed(program: Caller) -> None:
    """The noise holds an output of exactly this id."""
    rejected, message = export(program, span(result("x", 0.5), trace_id="case-elsewhere", parent_id="0", name=RESULT))
    assert rejected == 1
    assert "late" not in message
