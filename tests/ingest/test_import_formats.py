"""Exports of other tools, in their real shapes, through the command and back from the database."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from routing.models import Output
from tests.ingest.test_import_outputs import run
from tests.ingest.traces import signals
from tests.people import Cast

pytestmark = pytest.mark.django_db

FILES = {
    "outputs.jsonl": "jsonl",
    "langfuse_observations.json": "langfuse",
    "langfuse_observations.csv": "langfuse",
    "langfuse_trace.json": "langfuse",
    "langfuse_api_page.json": "langfuse",
    "langfuse_blob.jsonl": "langfuse",
    "langfuse_traces.jsonl": "langfuse",
    "phoenix_spans.json": "phoenix",
    "phoenix_trace.json": "phoenix",
    "phoenix_frame.csv": "phoenix",
    "phoenix_frame.jsonl": "phoenix",
    "label_studio.json": "label-studio",
    "label_studio_min.json": "label-studio",
    "label_studio.csv": "label-studio",
}


def get(external_id: str) -> Output:
    return Output.objects.select_related("content").get(external_id=external_id, project__slug="shop")


def test_there_is_a_test_for_every_file(files: Path) -> None:
    assert {path.name for path in files.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_the_format_is_told_and_reading_twice_changes_nothing(name: str, files: Path, cast: Cast) -> None:
    code, told, _said = run(files / name)
    assert code in (0, 1)
    assert told["format"] == FILES[name]
    assert told["created"] > 0
    before = list(Output.objects.order_by("pk").values())
    _code, again, _said = run(files / name, "--format", FILES[name])
    assert (again["created"], again["known"]) == (0, told["created"] + told["known"])
    assert list(Output.objects.order_by("pk").values()) == before


# Langfuse -----------------------------------------------------------------------------------------------

MESSAGES = [
    {"role": "system", "content": "Answer from the handbook."},
    {"role": "user", "content": "How long is the warranty, part 1?"},
]


@pytest.mark.parametrize("name", ["langfuse_observations.json", "langfuse_observations.csv"])
def test_a_table_of_langfuse_observations(name: str, files: Path, cast: Cast) -> None:
    _code, told, _said = run(files / name)
    output = get("trace-7f3a-obs-1")
    assert output.content.prompt == MESSAGES
    assert output.content.body == {"response": "Two years for part 1."}
    assert (output.intent, output.source_model, output.source_prompt_version) == (
        "warranty-bot",
        "alder-4",
        "warranty 3",
    )
    assert output.occurred_at == datetime(2026, 2, 11, 10, 1, 2, 480_000, UTC)
    assert output.metadata["amount"] == 41
    assert output.metadata["langfuse"]["usageDetails"] == {"input": 31, "output": 9, "total": 40}
    assert signals(output) == [
        {"kind": "judge", "name": "verdict", "runs": [{"verdict": "pass"}]},
        {"kind": "score", "name": "faithfulness", "value": 0.83},
    ]
    assert told["left_out"]["observations that are no generations"] == 1


def test_langfuse_observations_without_output_and_with_tool_calls(files: Path, cast: Cast) -> None:
    code, told, _said = run(files / "langfuse_observations.json")
    assert code == 1
    assert [fault["reason"] for fault in told["faults"]] == ["obs-2 has no output"]
    run_of_tools = get("trace-7f3a-obs-3")
    assert run_of_tools.content.body == {"steps": [{"type": "tool_call", "name": "look_up", "content": {"part": 3}}]}
    # Two values of one name are two runs of a judge; what is out of 0..1 is no signal.
    assert signals(run_of_tools) == [
        {"kind": "judge", "name": "faithfulness", "runs": [{"score": 0.9}, {"score": 0.7}]}
    ]
    assert {entry["value"] for entry in run_of_tools.metadata["langfuse"]["evaluations"]} == {0.9, 0.7, 4}


def test_texts_in_a_langfuse_table_stay_texts(files: Path, cast: Cast) -> None:
    run(files / "langfuse_observations.csv")
    output = get("trace-7f3a-obs-4")
    assert (output.content.prompt, output.content.body) == (
        "What does\nthe second line say?",
        {"response": 'It says "nothing".'},
    )


def test_a_langfuse_trace_gives_each_generation_its_own_scores_and_no_people(files: Path, cast: Cast) -> None:
    code, told, _said = run(files / "langfuse_trace.json")
    assert (code, told["created"]) == (0, 2)
    assert signals(get("trace-7f3a-obs-1")) == [{"kind": "score", "name": "faithfulness", "value": 0.83}]
    assert signals(get("trace-7f3a-obs-3")) == [{"kind": "judge", "name": "verdict", "runs": [{"verdict": "fail"}]}]
    assert told["left_out"] == {
        "observations that are no generations": 1,
        "scores of a trace with several generations": 1,
        "scores that people gave in Langfuse (no verdicts)": 1,
    }


def test_the_api_and_the_table_agree_on_ids(files: Path, cast: Cast) -> None:
    code, told, _said = run(files / "langfuse_api_page.json")
    assert (code, told["created"]) == (0, 2)
    assert get("trace-7f3a-obs-1").intent == "answer-question"


def test_langfuse_blob_storage_names_things_its_own_way(files: Path, cast: Cast) -> None:
    code, told, _said = run(files / "langfuse_blob.jsonl")
    assert (code, told["created"], told["refused"]) == (1, 1, 1)
    output = get("trace-9c-b-1")
    assert output.content.prompt == [{"role": "user", "content": "Sum up the minutes."}]
    assert (output.intent, output.source_model) == ("minutes", "birch-2")
    assert output.occurred_at == datetime(2026, 1, 5, 7, 30, 1, 250_000, UTC)


def test_a_table_of_langfuse_traces(files: Path, cast: Cast) -> None:
    code, told, _said = run(files / "langfuse_traces.jsonl")
    assert (code, told["created"], told["refused"]) == (1, 1, 1)
    output = get("t-1")
    assert (output.content.prompt, output.content.body) == ("Good morning", {"response": "Good morning to you."})
    assert signals(output) == [{"kind": "score", "name": "polite", "value": 0.95}]


# Phoenix ------------------------------------------------------------------------------------------------

SPAN = "9d3f0c1b2a4e5f60718293a4b5c6d7e8-a1b2c3d4e5f60712"


@pytest.mark.parametrize(
    "name", ["phoenix_spans.json", "phoenix_trace.json", "phoenix_frame.csv", "phoenix_frame.jsonl"]
)
def test_phoenix_spans_and_data_frames(name: str, files: Path, cast: Cast) -> None:
    run(files / name)
    output = get(SPAN)
    assert output.task_kind == "pointwise"
    assert output.content.prompt[0]["content"].startswith("Who signs for")
    assert output.content.body["response"].startswith("The reception")
    assert output.content.context[0]["id"] == "house-rules"
    assert output.source_model == "cedar-1"
    assert output.occurred_at == datetime(2026, 4, 9, 12, 0, 2, 500_000, UTC)
    assert signals(output) == [{"kind": "score", "name": "correctness", "value": 1.0}]
    assert output.metadata["desk"] == 4
    # A data frame writes whole numbers beside gaps as fractions, and CSV writes all as texts.
    assert float(output.metadata["trace"]["input_tokens"]) == 22


def test_what_phoenix_holds_besides_is_counted(files: Path, cast: Cast) -> None:
    code, told, _said = run(files / "phoenix_spans.json")
    assert (code, told["refused"]) == (1, 1)
    assert "has no response" in told["faults"][0]["reason"]
    assert told["left_out"] == {
        "annotations by people in Phoenix (no verdicts)": 1,
        "spans that are no calls of a model": 2,
    }


# Label Studio -------------------------------------------------------------------------------------------


def test_label_studio_tasks(files: Path, cast: Cast) -> None:
    code, told, _said = run(files / "label_studio.json", "--intent", "plants")
    assert (code, told["created"], told["refused"]) == (1, 3, 1)
    assert "task 4 has no prompt" in told["faults"][0]["reason"]
    answered = get("label-studio-12-1")
    assert (answered.content.prompt, answered.content.body) == (
        "How much light does a fern need?",
        {"response": "Half shade."},
    )
    assert answered.content.context == [{"id": "1", "text": "Ferns like half shade."}]
    assert (answered.intent, answered.source_model, answered.metadata["shelf"]) == ("plants", "dogwood-2", "B4")
    predicted = get("label-studio-12-2")
    assert predicted.content.body == {"response": "Water it once a week."}
    assert predicted.source_model == "dogwood-3"
    assert get("label-studio-12-3").content.body == {"a": "Ivy.", "b": "An orchid."}


def test_neither_predictions_scores_nor_annotations_decide_anything(files: Path, cast: Cast) -> None:
    _code, told, _said = run(files / "label_studio.json")
    for external_id in ("label-studio-12-1", "label-studio-12-2", "label-studio-12-3"):
        assert signals(get(external_id)) == []
    stored: dict[str, Any] = get("label-studio-12-2").metadata["label_studio"]
    assert stored["predictions"] == [{"model_version": "dogwood-3", "score": 0.97}]
    assert told["left_out"] == {
        "annotations (no verdicts)": 4,
        "scores of predictions (no calibrated signals: kept as metadata)": 1,
    }


@pytest.mark.parametrize("name", ["label_studio_min.json", "label_studio.csv"])
def test_flat_exports_of_label_studio_are_one_output_per_task(name: str, files: Path, cast: Cast) -> None:
    code, told, _said = run(files / name)
    assert (code, told["created"], told["known"]) == (0, 1, told["rows"] - 1)
    assert told["left_out"] == {"annotations (no verdicts)": told["rows"]}
    output = get("label-studio-task-1")
    assert output.content.body == {"response": "Half shade."}
    assert "good" not in str(output.metadata)
