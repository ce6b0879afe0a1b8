"""The demo world holds together: every planted mistake is judgeable, every signal is honest noise."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

Row = dict[str, Any]

WORLD = Path(__file__).resolve().parents[1] / "reviewapp" / "demo" / "world"
INTENTS = {
    "allergies", "business", "complaints", "gift_cards", "offers", "payment", "privacy",
    "product_safety", "refunds", "returns", "shipping", "small_talk", "store_hours", "warranty",
}  # fmt: skip
WORTHLESS_INTENT = "small_talk"
MODELS = {"hearth-large", "hearth-small", "cobble-2"}
MISTAKES = {
    "wrong_fact", "invented_policy", "missed_exception", "wrong_arithmetic", "unsafe_advice",
    "ignored_question", "rude_tone", "privacy_leak", "self_contradiction",
}  # fmt: skip


def read_rows(name: str) -> list[Row]:
    """Rows of one JSON Lines file of the demo world."""
    return [json.loads(line) for line in (WORLD / name).read_text(encoding="utf-8").splitlines()]


def strings_in(value: object) -> Iterator[str]:
    """Every string anywhere inside a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)


def signal(row: Row, kind: str) -> Row | None:
    return next((s for s in row.get("signals", []) if s["kind"] == kind), None)


def pass_share(row: Row) -> float | None:
    """Share of the judge's runs that passed the answer, or None where the judge is missing."""
    judge = signal(row, "judge")
    if judge is None:
        return None
    verdicts = [run["verdict"] for run in judge["runs"]]
    return verdicts.count("pass") / len(verdicts)


def auc(rows: list[Row]) -> float:
    """P(judge's pass share is higher on a correct answer than on a wrong one), ties count half."""
    scored = [(share, row["gold"]["error"]) for row in rows if (share := pass_share(row)) is not None]
    right = [share for share, error in scored if not error]
    wrong = [share for share, error in scored if error]
    wins = sum(float(r > w) + 0.5 * float(r == w) for r in right for w in wrong)
    return wins / (len(right) * len(wrong))


def error_share(rows: list[Row]) -> float:
    return [row["gold"]["error"] for row in rows].count(1) / len(rows)


def prompt_text(row: Row) -> str:
    return json.dumps(row["prompt"], ensure_ascii=False)


def answers(row: Row) -> list[str]:
    """The texts a reviewer would judge in this row."""
    if row["kind"] == "trajectory":
        return [json.dumps(row["steps"], ensure_ascii=False)]
    return [row[key] for key in ("response", "response_a", "response_b") if key in row]


@pytest.fixture(scope="module")
def handbook() -> dict[str, Row]:
    return {section["id"]: section for section in read_rows("handbook.jsonl")}


@pytest.fixture(scope="module")
def outputs() -> list[Row]:
    return read_rows("outputs.jsonl")


@pytest.fixture(scope="module")
def gold() -> list[Row]:
    return read_rows("gold.jsonl")


@pytest.fixture(scope="module")
def everything(outputs: list[Row], gold: list[Row]) -> list[Row]:
    return outputs + gold


@pytest.fixture(scope="module")
def singles(outputs: list[Row]) -> list[Row]:
    return [row for row in outputs if row["kind"] == "single"]


def test_it_has_enough_rows_of_every_kind(outputs: list[Row], gold: list[Row]) -> None:
    kinds = Counter(row["kind"] for row in outputs)
    assert set(kinds) == {"single", "pairwise", "trajectory"}
    assert kinds["single"] >= 480
    assert kinds["pairwise"] >= 40
    assert kinds["trajectory"] >= 12
    assert Counter(row["kind"] for row in gold) == {"single": 24, "pairwise": 12}


def test_it_gives_every_row_its_own_id(everything: list[Row]) -> None:
    ids = [row["id"] for row in everything + read_rows("handbook.jsonl")]
    assert len(ids) == len(set(ids))


def test_it_repeats_no_answer_to_the_same_prompt(everything: list[Row]) -> None:
    pairs = Counter((prompt_text(row), *answers(row)) for row in everything)
    assert [pair for pair, times in pairs.items() if times > 1] == []


def test_it_writes_handbook_sections_of_readable_length(handbook: dict[str, Row]) -> None:
    assert len(handbook) >= 25
    for section in handbook.values():
        assert set(section) == {"id", "title", "text"}
        assert 30 <= len(section["text"].split()) <= 120, section["id"]


def test_it_uses_every_handbook_section_somewhere(outputs: list[Row], handbook: dict[str, Row]) -> None:
    used = {passage["id"] for row in outputs for passage in row["context"]}
    assert used == set(handbook)


def test_it_quotes_the_handbook_word_for_word(everything: list[Row], handbook: dict[str, Row]) -> None:
    for row in everything:
        assert 1 <= len(row["context"]) <= 3, row["id"]
        for passage in row["context"]:
            assert passage == {"id": passage["id"], "text": handbook[passage["id"]]["text"]}, row["id"]


def test_it_explains_and_corrects_every_mistake(everything: list[Row]) -> None:
    judged = [row for row in everything if row["kind"] != "pairwise"]
    assert {row["mistake"]["kind"] for row in judged if row["gold"]["error"]} == MISTAKES
    for row in judged:
        if not row["gold"]["error"]:
            assert "mistake" not in row, row["id"]
            assert "correction" not in row, row["id"]
            continue
        sections = [passage["id"] for passage in row["context"]]
        assert any(section in row["mistake"]["explanation"] for section in sections), row["id"]
        given = row["response"] if "response" in row else row["steps"][-1]["content"]
        assert row["correction"].strip(), row["id"]
        assert row["correction"] != given, row["id"]


def test_it_plants_mistakes_unevenly_but_near_three_in_ten(singles: list[Row]) -> None:
    assert 0.25 <= error_share(singles) <= 0.35
    by_intent = {i: error_share([r for r in singles if r["intent"] == i]) for i in INTENTS}
    by_model = {m: error_share([r for r in singles if r["source"]["model"] == m]) for m in MODELS}
    assert max(by_intent.values()) - min(by_intent.values()) > 0.1
    assert all(0.1 <= share <= 0.5 for share in by_intent.values())
    assert by_model["hearth-large"] < by_model["cobble-2"] < by_model["hearth-small"]


def test_it_covers_all_intents_and_models(singles: list[Row], outputs: list[Row]) -> None:
    assert {row["intent"] for row in singles} == INTENTS
    assert min(Counter(row["intent"] for row in singles).values()) >= 20
    assert {row["source"]["model"] for row in outputs if "source" in row} == MODELS


def test_it_keeps_one_intent_and_one_context_per_group(everything: list[Row]) -> None:
    seen: dict[str, tuple[str, tuple[str, ...]]] = {}
    for row in everything:
        about = (row["intent"], tuple(passage["id"] for passage in row["context"]))
        assert seen.setdefault(row["group"], about) == about, row["group"]


def test_it_keeps_gold_apart_from_live_rows(outputs: list[Row], gold: list[Row]) -> None:
    live = {(prompt_text(row), text) for row in outputs for text in answers(row)}
    planted = {(prompt_text(row), text) for row in gold for text in answers(row)}
    assert live.isdisjoint(planted)


def test_it_makes_gold_look_like_live_rows(singles: list[Row], gold: list[Row]) -> None:
    planted = [row for row in gold if row["kind"] == "single"]
    assert sum(row["gold"]["error"] for row in planted) == 12
    assert {row["intent"] for row in gold} <= INTENTS
    lengths = sorted(len(row["response"]) for row in singles)
    for row in planted:
        assert row["origin"] == ("planted_failure" if row["gold"]["error"] else "human_reference")
        assert lengths[0] <= len(row["response"]) <= lengths[-1], row["id"]
        assert set(row) - {"origin"} <= {key for single in singles for key in single}


def test_it_writes_pairs_with_two_sources_and_no_favoured_side(outputs: list[Row]) -> None:
    pairs = [row for row in outputs if row["kind"] == "pairwise"]
    preferred = Counter(row["gold"]["preferred"] for row in pairs)
    assert set(preferred) == {"a", "b", "tie"}
    assert abs(preferred["a"] - preferred["b"]) <= len(pairs) * 0.2
    for row in pairs:
        assert row["response_a"] != row["response_b"]
        assert row["source_a"]["model"] != row["source_b"]["model"]


def test_it_ends_every_trajectory_with_a_message(outputs: list[Row]) -> None:
    for row in (row for row in outputs if row["kind"] == "trajectory"):
        assert all(set(step) == {"type", "name", "content"} for step in row["steps"])
        assert {step["type"] for step in row["steps"]} <= {"message", "tool_call", "tool_result"}
        assert (row["steps"][-1]["type"], row["steps"][-1]["name"]) == ("message", "assistant")
        for step in row["steps"]:
            if step["type"] != "message":
                assert isinstance(json.loads(step["content"]), dict)


def test_it_handles_prompt_injections_both_ways(outputs: list[Row]) -> None:
    attacks = [row for row in outputs if row.get("flags") == ["adversarial"]]
    assert len(attacks) >= 6
    assert {row["gold"]["error"] for row in attacks} == {0, 1}
    assert all("flags" not in row for row in outputs if row not in attacks)


def test_it_names_models_in_a_few_answers_so_that_masking_has_work(singles: list[Row]) -> None:
    for name in ("Hearth-Large", "Hearth-Small", "Cobble-2"):
        telling = [row for row in singles if name in row["response"]]
        assert telling
        assert {row["source"]["model"] for row in telling} == {name.lower()}


def assert_well_formed(item: Row, pairwise: bool) -> None:
    if item["kind"] == "judge":
        assert (item["name"], item["family"]) == ("shop-judge", "cobble")
        if pairwise:
            assert [run["order"] for run in item["runs"]] == ["ab", "ba"]
            assert {run["preferred"] for run in item["runs"]} <= {"a", "b", "tie"}
        else:
            assert len(item["runs"]) == 2
            assert {run["verdict"] for run in item["runs"]} <= {"pass", "fail"}
    elif item["kind"] == "grounding":
        assert 0 <= item["supported"] <= item["total"] > 0
    elif item["kind"] == "self_consistency":
        assert 0 < item["agree"] <= item["samples"]
    else:
        assert item["kind"] == "pairwise_margin"
        assert -1 <= item["value"] <= 1


def test_it_carries_well_formed_signals(everything: list[Row]) -> None:
    for row in everything:
        kinds = [item["kind"] for item in row.get("signals", [])]
        assert len(kinds) == len(set(kinds)), row["id"]
        for item in row.get("signals", []):
            assert_well_formed(item, row["kind"] == "pairwise")


def test_it_lacks_a_signal_now_and_then(singles: list[Row]) -> None:
    lacking = [row for row in singles if len(row.get("signals", [])) < 3]
    assert 0.02 <= len(lacking) / len(singles) <= 0.05
    assert any("signals" not in row for row in lacking)


def test_it_has_a_judge_that_helps_without_telling_the_truth(singles: list[Row]) -> None:
    assert 0.75 <= auc(singles) <= 0.95
    shares = [pass_share(row) for row in singles]
    assert 0.02 <= sum(share == 0.5 for share in shares) / len(shares) <= 0.2


def test_it_has_one_intent_whose_judge_is_worthless(singles: list[Row]) -> None:
    small_talk = [row for row in singles if row["intent"] == WORTHLESS_INTENT]
    assert 0.4 <= auc(small_talk) <= 0.6


def test_it_writes_clean_text(everything: list[Row], handbook: dict[str, Row]) -> None:
    rubrics = json.loads((WORLD / "rubrics.json").read_text(encoding="utf-8"))
    for text in strings_in([everything, list(handbook.values()), rubrics]):
        assert text, "empty text"
        assert text == text.strip(), text
        assert "  " not in text, text
        assert all(c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"} for c in text), text


def test_it_describes_two_rubrics_with_anchored_levels() -> None:
    rubrics = {r["name"]: r for r in json.loads((WORLD / "rubrics.json").read_text(encoding="utf-8"))}
    assert set(rubrics) == {"support-answer", "support-preference"}
    assert [c["name"] for c in rubrics["support-answer"]["criteria"]] == [
        "correct", "grounded", "tone", "problem",
    ]  # fmt: skip
    assert rubrics["support-preference"]["pairwise"] is True
    for rubric in rubrics.values():
        for criterion in rubric["criteria"]:
            values = [level["value"] for level in criterion["levels"]]
            assert len(values) == len(set(values)) >= 2
            assert set(criterion["fail_values"]) < set(values)
            assert all(level["label"] and level["description"] for level in criterion["levels"])
    problems = {level["value"] for level in rubrics["support-answer"]["criteria"][3]["levels"]}
    assert problems == MISTAKES | {"other"}
