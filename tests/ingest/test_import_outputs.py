"""`manage.py import_outputs`: what it takes, what it refuses, and what its exit code means."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from routing.models import Decision, Output, Signal
from tests.factories import output_body
from tests.people import Cast

pytestmark = pytest.mark.django_db


def run(path: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON object, and what stderr said."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("import_outputs", str(path), "--project", "shop", "--json", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
    return code, json.loads(out.getvalue() or "{}"), err.getvalue()


def written(folder: Path, *rows: Any, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def test_it_keeps_the_good_lines_and_names_the_bad_ones(files: Path, cast: Cast) -> None:
    before = Output.objects.filter(project=cast.project).count()
    code, told, said = run(files / "outputs.jsonl")
    assert code == 1
    counts = {key: told[key] for key in ("format", "rows", "created", "known", "refused", "dry_run")}
    assert counts == {"format": "jsonl", "rows": 7, "created": 3, "known": 0, "refused": 4, "dry_run": False}
    faults = {fault["line"]: fault["reason"] for fault in told["faults"]}
    assert list(faults) == [2, 4, 6, 8]
    assert faults[2].startswith("/signals/0/value")
    assert (faults[4], faults[6]) == ("not JSON", "not a JSON object")
    assert "another body" in faults[8]
    assert "line 4: not JSON" in said
    assert Output.objects.filter(project=cast.project).count() == before + 3
    kinds = dict(Output.objects.filter(external_id__startswith="ticket-").values_list("external_id", "task_kind"))
    assert kinds == {"ticket-101": "pointwise", "ticket-104": "pairwise", "ticket-106": "trajectory"}
    assert Signal.objects.get(output__external_id="ticket-101").data["value"] == 0.91
    assert Decision.objects.filter(output__external_id="ticket-101").exists()


def test_twice_changes_nothing(files: Path, cast: Cast) -> None:
    run(files / "outputs.jsonl")
    before = list(Output.objects.order_by("pk").values())
    code, told, _said = run(files / "outputs.jsonl")
    assert (code, told["created"], told["known"], told["refused"]) == (1, 0, 3, 4)
    assert list(Output.objects.order_by("pk").values()) == before


def test_a_dry_run_says_the_same_and_stores_nothing(files: Path, cast: Cast) -> None:
    before = Output.objects.count()
    _code, rehearsed, _said = run(files / "outputs.jsonl", "--dry-run")
    assert Output.objects.count() == before
    _code, told, _said = run(files / "outputs.jsonl")
    assert rehearsed == told | {"dry_run": True}
    _code, again, _said = run(files / "outputs.jsonl", "--dry-run")
    assert (again["created"], again["known"]) == (0, 3)


def test_it_exits_zero_when_everything_is_in(tmp_path: Path, cast: Cast) -> None:
    path = written(tmp_path, output_body("a"), output_body("b"))
    assert run(path)[0] == 0
    assert run(path)[0] == 0


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        (b"", [], "choose one with --format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, [], "no export"),
        (b"a;b;c\n1;2;3\n", [], "no export"),
        (b'{"unknown": 1}\n', [], "no export"),
        (b"[[]]", [], "no export"),
        (b"[", [], "no JSON"),
        (b"\x1f\x8bbroken", [], "damaged"),
        (b'{"external_id": "x", "prompt": 1}\n', [], "holds no output"),
        (b"{}\n", ["--format", "jsonl"], "holds no output"),
    ],
)
def test_it_exits_two_when_nothing_can_be_read(
    content: bytes, arguments: list[str], said: str, tmp_path: Path, cast: Cast
) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(CommandError) as refused:
        call_command("import_outputs", str(tmp_path / "file"), "--project", "shop", *arguments, stdout=io.StringIO())
    assert refused.value.returncode == 2
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("file", "project", "said"),
    [("nowhere.jsonl", "shop", "cannot be read"), (".", "shop", "cannot be read"), ("x", "y", "no project")],
)
def test_it_exits_two_when_it_cannot_begin(file: str, project: str, said: str, tmp_path: Path, cast: Cast) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("import_outputs", str(tmp_path / file), "--project", project)
    assert refused.value.returncode == 2
    assert said in str(refused.value)


def test_it_tells_people_in_plain_words(files: Path, cast: Cast) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError, match="4 rows were refused"):
        call_command(
            "import_outputs", str(files / "outputs.jsonl"), "--project", "shop", stdout=out, stderr=io.StringIO()
        )
    assert out.getvalue() == "jsonl, 7 rows: 3 outputs routed, 0 there already, 4 refused.\n"


def test_only_the_named_project_gets_the_outputs(tmp_path: Path, cast: Cast) -> None:
    run(written(tmp_path, output_body("mine")))
    assert Output.objects.get(external_id="mine").project == cast.project


def test_an_intent_can_be_given_for_rows_that_name_none(tmp_path: Path, cast: Cast) -> None:
    path = written(tmp_path, output_body("a", intent=None), output_body("b"))
    assert run(path, "--intent", "fallback")[0] == 0
    assert dict(Output.objects.filter(project=cast.project).values_list("external_id", "intent")) == {
        "a": "fallback",
        "b": "billing",
    }


def test_a_json_array_a_batch_and_a_packed_file_are_read_too(tmp_path: Path, cast: Cast) -> None:
    bodies = [output_body(f"row-{number}") for number in range(3)]
    text = "\ufeff [\n" + ",\n ".join(json.dumps(body, indent=2) for body in bodies) + "\n]\n"
    (tmp_path / "array.json").write_text(text, encoding="utf-8")
    assert run(tmp_path / "array.json")[1]["created"] == 3
    (tmp_path / "batch.json").write_text(json.dumps({"outputs": bodies}, indent=1), encoding="utf-8")
    assert run(tmp_path / "batch.json")[1]["known"] == 3
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress("\n".join(json.dumps(body) for body in bodies).encode()))
    assert run(tmp_path / "packed.jsonl.gz")[1]["known"] == 3


def test_a_table_of_bodies_is_read_with_line_breaks_in_its_cells(tmp_path: Path, cast: Cast) -> None:
    text = (
        "external_id,intent,prompt,response,signals\r\n"
        'r-1,billing,"Line one\nline two",Yes.,"[{""kind"": ""score"", ""name"": ""s"", ""value"": 0.5}]"\r\n'
        "r-2,billing,too few\r\n"
        'r-3,billing,"[{""role"": ""user"", ""content"": ""Hi""}]",[not json,\r\n'
    )
    (tmp_path / "table.csv").write_text(text, encoding="utf-8", newline="")
    code, told, _said = run(tmp_path / "table.csv")
    assert (code, told["created"]) == (1, 2)
    assert told["faults"] == [{"line": 4, "reason": "3 cells, but the header has 5"}]
    assert Output.objects.get(external_id="r-1").content.prompt == "Line one\nline two"
    assert Output.objects.get(external_id="r-3").content.body == {"response": "[not json"}


def test_an_array_that_breaks_off_keeps_what_came_before(tmp_path: Path, cast: Cast) -> None:
    whole = json.dumps([output_body("a"), output_body("b"), output_body("c")], indent=1)
    (tmp_path / "cut.json").write_text(whole[: whole.index('"c"')], encoding="utf-8")
    code, told, _said = run(tmp_path / "cut.json")
    assert (code, told["created"], told["refused"]) == (1, 2, 1)
    line = whole[: whole.index('"c"')].count("\n") - 0
    assert told["faults"][0]["line"] == line
    assert "no JSON from here on" in told["faults"][0]["reason"]


@pytest.mark.parametrize(
    "nasty", [b'"\xff\xfe"', b'"\\ud800"', b'"\\u0000"', b"NaN", b"1e999", b"[" * 500 + b"]" * 500]
)
def test_a_line_that_no_database_can_hold_spoils_only_itself(nasty: bytes, tmp_path: Path, cast: Cast) -> None:
    good = json.dumps(output_body("good")).encode()
    bad = json.dumps(output_body("bad", metadata={"x": "PLACED"})).encode().replace(b'"PLACED"', nasty)
    for name, content in {"x.jsonl": good + b"\n" + bad + b"\n", "x.json": b"[" + good + b",\n" + bad + b"]"}.items():
        (tmp_path / name).write_bytes(content)
        code, told, _said = run(tmp_path / name)
        assert (code, told["refused"], told["faults"][0]["line"]) == (1, 1, 2)
    assert Output.objects.filter(external_id="good").exists()
    assert not Output.objects.filter(external_id="bad").exists()


def test_a_line_that_is_too_long_spoils_only_itself(tmp_path: Path, cast: Cast, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 2000
    path = written(tmp_path, output_body("a"), output_body("b", response="x" * 600_000), output_body("c"))
    code, told, _said = run(path)
    assert (code, told["created"]) == (1, 2)
    assert told["faults"] == [{"line": 2, "reason": "the line is longer than 2000 characters"}]


def test_a_long_file_is_routed_in_batches_and_read_in_pieces(
    tmp_path: Path, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An element of the array may lie across any number of pieces."""
    monkeypatch.setattr("routing.serializers.ingest.files.CHUNK", 37)
    bodies = [output_body(f"row-{number:04}", metadata={"brackets": "]},{[", "n": number}) for number in range(603)]
    (tmp_path / "long.json").write_text(json.dumps(bodies, indent=1), encoding="utf-8")
    assert run(tmp_path / "long.json")[1]["created"] == 603
    assert run(written(tmp_path, *bodies))[1]["known"] == 603
