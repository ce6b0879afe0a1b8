"""Golden sets: frozen under a name, with a digest of every byte, drawn so that they can only grow."""

import hashlib
import json
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from labeling.models import GoldenCase, GoldenSet
from labeling.services.golden import FreezeRefused, intact, jsonl
from reviewapp.core.models import AuditEntry
from routing.models import Decision, Output
from routing.services.golden import freeze_from_verdicts
from tests.commands.sabotage import drop_triggers
from tests.factories import REJECT, judge, judged, output_body, pair_body, plant_gold, route
from tests.learning.history import SHIPPING, hand_in, live_through
from tests.people import NOW, Cast


def freeze(cast: Cast, **options: Any) -> GoldenSet:
    return freeze_from_verdicts(project=cast.project, actor="person:1", **({"now": NOW} | options))


def lines_of(golden_set: GoldenSet) -> list[dict[str, Any]]:
    return [json.loads(line) for line in jsonl(golden_set)]


def by_stratum(golden_set: GoldenSet) -> dict[str, list[str]]:
    """Case ids of each stratum, in the order of the file."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines_of(golden_set):
        found[line["stratum"]].append(line["id"])
    return found


# Names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        (datetime(2026, 11, 21, 12, tzinfo=UTC), "2026-w47"),
        (datetime(2026, 1, 5, tzinfo=UTC), "2026-w02"),
        # The ISO year is not always the calendar's.
        (datetime(2027, 1, 1, tzinfo=UTC), "2026-w53"),
        (datetime(2024, 12, 30, tzinfo=UTC), "2025-w01"),
    ],
)
def test_it_is_named_after_project_and_iso_week(cast: Cast, moment: datetime, week: str) -> None:
    judged(cast, [output_body()])
    names = [freeze(cast, now=moment).name for _turn in range(2)]
    assert names == [f"shop-{week}-v1", f"shop-{week}-v2"]
    assert all(re.fullmatch(r"shop-\d{4}-w\d{2}-v\d+", name) for name in names)


def test_each_version_knows_the_one_before_and_each_project_counts_for_itself(cast: Cast, noise: Cast) -> None:
    judged(cast, [output_body()])
    first, second = freeze(cast), freeze(cast)
    other = freeze(noise)
    assert (first.parent, second.parent, other.parent) == (None, first, None)
    assert other.name == "elsewhere-2026-w47-v1"


# Contents ------------------------------------------------------------------------------------------


def test_it_holds_the_words_the_verdict_and_the_reference_of_each_case(cast: Cast, noise: Cast) -> None:
    (good,) = judged(cast, [output_body(response="Fine as it is.")])
    (mended,) = judged(cast, [output_body(response="Nearly.")], values={"acceptable": "no"}, correction="Mended.")
    (bad,) = judged(cast, [output_body(response="Wrong.")], **REJECT)
    route(cast.project, pair_body(), output_body(intent="not judged yet"))
    plant_gold(cast.project)
    preferred = judge(cast.reviewers[0], values={}, preferred="tie")
    cases = {case["id"]: case for case in lines_of(freeze(cast))}
    pair = Output.objects.get(content=preferred.item.content)
    assert set(cases) == {str(output.pk) for output in (good, mended, bad, pair)}
    found = {name: cases[str(output.pk)] for name, output in {"good": good, "mended": mended, "bad": bad}.items()}
    assert {name: case["verdict"] for name, case in found.items()} == {
        "good": "accept",
        "mended": "correct",
        "bad": "reject",
    }
    # What is right to answer: the accepted words, the correction, or nothing that anybody knows.
    assert [found[name]["reference"] for name in ("good", "mended", "bad")] == ["Fine as it is.", "Mended.", None]
    assert found["good"]["stratum"] == "natural|billing"
    assert found["mended"]["stratum"] == found["bad"]["stratum"] == "hard|billing"
    assert found["good"]["prompt"] == good.content.prompt
    assert found["good"]["rubric"] == {"name": "acceptability", "version": 1}
    assert cases[str(pair.pk)]["preferred"] == "tie"


def test_it_tells_nothing_about_sources_or_people(cast: Cast) -> None:
    secret = {"model": "alder-one", "version": "ver-77", "prompt_version": "pv-88"}
    judged(cast, [output_body(source=secret, metadata={"customer": "Ms Quillon"})])
    text = "".join(jsonl(freeze(cast)))
    hidden = [*secret.values(), "Ms Quillon", cast.reviewers[0].rater_code, cast.reviewers[0].person.email]
    assert [word for word in hidden if word in text] == []


def test_weights_say_how_many_outputs_a_case_stands_for(cast: Cast, rng: np.random.Generator) -> None:
    cast.put_in_force(tier=SHIPPING)
    live_through(cast, 300, rng)
    for size in (None, 40):
        golden_set = freeze(cast, size=size)
        total = sum(line["weight"] for line in lines_of(golden_set))
        judged_rows = Decision.objects.filter(project=cast.project, output__reviews__item__verdict__isnull=False)
        stands_for = sum(1 / chance for chance in judged_rows.values_list("inclusion_probability", flat=True))
        assert total == pytest.approx(stands_for, rel=1e-3)
    # An audited case stands for more than a reviewed one.
    assert total == pytest.approx(300, rel=0.2)


def test_its_composition_adds_up(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 60, rng)
    live_through(cast, 30, rng, intent="refund", flags=["adversarial"])
    found = freeze(cast)
    assert found.case_count == 90 == sum(found.composition["intents"].values())
    assert found.composition["intents"] == {"billing": 60, "refund": 30}
    assert sum(found.composition["strata"].values()) == sum(found.composition["verdicts"].values()) == 90
    # Whatever was flagged is a hard case.
    assert found.composition["strata"]["hard|refund"] == 30


def test_without_a_verdict_there_is_nothing_to_freeze(cast: Cast, noise: Cast, rng: np.random.Generator) -> None:
    hand_in(cast.project, 5, rng)
    with pytest.raises(FreezeRefused, match="No case has a verdict yet"):
        freeze(cast)
    assert not GoldenSet.objects.exists()


# Draws ---------------------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_bytes(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 80, rng)
    first, again, other = (
        freeze(cast, size=30, seed="a"),
        freeze(cast, size=30, seed="a"),
        freeze(cast, size=30, seed="b"),
    )
    assert first.sha256 == again.sha256 != other.sha256
    assert first.case_count == again.case_count == other.case_count == 30
    assert "".join(jsonl(first)) == "".join(jsonl(again))


def test_a_larger_set_only_appends_within_each_stratum(cast: Cast, rng: np.random.Generator) -> None:
    for intent, count in {"billing": 70, "refund": 40, "delivery": 15}.items():
        live_through(cast, count, rng, intent=intent)
    smaller = by_stratum(freeze(cast, size=25))
    for size in (26, 30, 60, 100, None):
        larger = by_stratum(freeze(cast, size=size))
        for stratum, ids in smaller.items():
            assert larger[stratum][: len(ids)] == ids, (size, stratum)
        smaller = larger


def test_one_case_in_five_is_a_hard_one_as_far_as_there_are_any(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 200, rng)
    found = freeze(cast, size=50).composition["strata"]
    assert found == {"hard|billing": 10, "natural|billing": 40}
    # More natural cases do not make up for hard ones that there are not.
    everything = freeze(cast, size=10_000)
    assert everything.case_count == 200


# Bytes ---------------------------------------------------------------------------------------------


def test_the_digest_is_that_of_the_bytes_exported_over_http(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 20, rng, context=[{"id": "ä", "text": "Zeilen\u2028trenner, “quotes”, 😀 and a\ttab\r\n."}])
    golden_set = freeze(cast)
    response = cast.program.get(f"/golden-sets/{golden_set.name}/export/", format="jsonl")
    body = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert hashlib.sha256(body).hexdigest() == golden_set.sha256 == response["X-Content-SHA256"]
    assert body.endswith(b"}\n")
    assert body.count(b"\n") == 20
    assert f'filename="{golden_set.name}.jsonl"' in response["Content-Disposition"]
    assert intact(golden_set)


def test_the_digest_is_that_of_the_bytes_written_by_the_command(
    cast: Cast, rng: np.random.Generator, tmp_path: Path
) -> None:
    live_through(cast, 20, rng, prompt="Was heißt „früher“?\r\nUnd \u2028 dann?")
    golden_set = freeze(cast)
    call_command("golden", "export", golden_set.name, out=str(tmp_path))
    written = tmp_path / f"{golden_set.name}.jsonl"
    assert hashlib.sha256(written.read_bytes()).hexdigest() == golden_set.sha256
    call_command("golden", "verify", golden_set.name)
    call_command("golden", "verify", golden_set.name, file=str(written))


def swap_a_verdict(data: bytes) -> bytes:
    return data.replace(b'"verdict":"accept"', b'"verdict":"reject"', 1)


@pytest.mark.parametrize(
    "tamper",
    [
        swap_a_verdict,
        lambda data: data + b'{"id":"smuggled in"}\n',
        lambda data: data + b'{"id":"smuggled in without a line end"}',
        lambda data: data[:-1],
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\n".join(data.split(b"\n")[1:]),
        lambda data: b"\n".join(sorted(data.split(b"\n"))),
        lambda data: data.replace(b"?", b"\xff", 1),
        lambda data: b"",
    ],
    ids=["verdict", "line", "tail", "line end", "line ends", "lost line", "order", "not UTF-8", "empty"],
)
def test_a_file_that_was_tampered_with_is_found(
    cast: Cast, rng: np.random.Generator, tmp_path: Path, tamper: Any
) -> None:
    live_through(cast, 8, rng)
    golden_set = freeze(cast)
    call_command("golden", "export", golden_set.name, out=str(tmp_path))
    written = tmp_path / f"{golden_set.name}.jsonl"
    changed = tamper(written.read_bytes())
    assert changed != written.read_bytes()
    written.write_bytes(changed)
    with pytest.raises(CommandError, match="not what was frozen"):
        call_command("golden", "verify", golden_set.name, file=str(written))


def test_a_file_or_set_that_is_not_there_is_named(cast: Cast, rng: np.random.Generator, tmp_path: Path) -> None:
    live_through(cast, 3, rng)
    with pytest.raises(CommandError, match="no golden set 'shop-1999-w01-v1'"):
        call_command("golden", "verify", "shop-1999-w01-v1")
    name = freeze(cast).name
    with pytest.raises(CommandError, match=r"nowhere\.jsonl"):
        call_command("golden", "verify", name, file=str(tmp_path / "nowhere.jsonl"))
    with pytest.raises(CommandError, match="nowhere"):
        call_command("golden", "export", name, out=str(tmp_path / "nowhere"))


def test_a_set_that_was_tampered_with_in_the_database_is_found(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 8, rng)
    golden_set = freeze(cast)
    case = GoldenCase.objects.filter(golden_set=golden_set)
    for refused in (
        lambda: case.update(line="{}"),
        lambda: case._raw_delete(case.db),
        lambda: GoldenSet.objects.filter(pk=golden_set.pk).update(sha256="0" * 64),
        lambda: GoldenCase.objects.create(
            golden_set=golden_set, position=8, case_id="x", stratum="s", weight=1, line="{}"
        ),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            refused()
    call_command("golden", "verify", golden_set.name)
    # As somebody with the database's own password might.
    drop_triggers(GoldenCase)
    first = case.order_by("position")[0]
    GoldenCase.objects.filter(pk=first.pk).update(line=first.line.replace("billing", "selling"))
    assert not intact(golden_set)
    with pytest.raises(CommandError, match="not what was frozen"):
        call_command("golden", "verify", golden_set.name)
    answer = cast.program.get(f"/golden-sets/{golden_set.name}/")
    assert json.loads(answer.content)["intact"] is False


def test_a_freeze_is_written_down(cast: Cast, rng: np.random.Generator) -> None:
    live_through(cast, 3, rng)
    golden_set = freeze(cast, now=NOW + timedelta(days=1))
    entry = AuditEntry.objects.get(project=cast.project, verb="golden_set.frozen")
    assert (entry.actor, entry.target, entry.data) == ("person:1", golden_set.name, {"sha256": golden_set.sha256})


def test_the_command_freezes_and_says_what_it_made(
    cast: Cast, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    live_through(cast, 12, rng)
    call_command("golden", "freeze", project="shop", size=5, seed="x", as_json=True)
    told = json.loads(capsys.readouterr().out)
    made = GoldenSet.objects.get(name=told["name"])
    assert (told["cases"], told["sha256"]) == (5, made.sha256)
    with pytest.raises(CommandError, match="no project 'shoe'"):
        call_command("golden", "freeze", project="shoe")
    with pytest.raises(CommandError, match="at least 1"):
        call_command("golden", "freeze", project="shop", size=0)
