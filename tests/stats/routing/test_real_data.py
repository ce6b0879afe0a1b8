"""Signals and judges of real outputs against their published or recomputed figures (expected.json)."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from routing.policy.judges import kappa_of, macro_f1, weighted_table
from routing.policy.metrics import auc

pytestmark = pytest.mark.needs_data
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def expected(review_data: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((review_data / "expected.json").read_text(encoding="utf-8"))
    return loaded


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _signal(row: dict[str, Any], name: str) -> Any:
    """Its value, or None where the signal is absent or could not be read."""
    return next((signal.get("value") for signal in row["signals"] if signal["name"] == name), None)


@pytest.mark.parametrize(
    ("name", "signal", "sign", "path"),
    [
        ("wmt_ende", "peer_chrf4", -1.0, ("auc_error_of_1-peer_chrf4",)),
        ("nq301", "bem", -1.0, ("bem", "auc_error_of_1-bem")),
        ("evouna_nq", "peer_overlap", -1.0, ("auc_error_of_1-peer_overlap",)),
        ("summedits", "novel_token_rate", 1.0, ("auc_error_of_novel_token_rate",)),
    ],
)
def test_it_ranks_errors_by_a_signal_as_well_as_known(
    review_data: Path, expected: dict[str, Any], name: str, signal: str, sign: float, path: tuple[str, ...]
) -> None:
    rows = [row for row in _rows(review_data, name) if _signal(row, signal) is not None]
    known = expected[name]
    for key in path:
        known = known[key]
    found = auc([sign * _signal(row, signal) for row in rows], [row["gold"]["error"] for row in rows])
    assert found.value == pytest.approx(known, abs=TOLERANCE)
    assert found.lower is not None
    # The worthless signal shows by its bound, which is below a coin's.
    assert (found.lower > 0.5) is (name != "summedits")


@pytest.mark.parametrize("judge", ["judge_gpt-4", "judge_text-davinci-003"])
def test_it_measures_a_judge_against_gold(review_data: Path, expected: dict[str, Any], judge: str) -> None:
    known = expected["nq301"][f"{judge} vs gold"]
    asked = [row for row in _rows(review_data, "nq301") if any(s["name"] == judge for s in row["signals"])]
    rows = [row for row in asked if _signal(row, judge) is not None]
    truth = [row["gold"]["error"] for row in rows]
    table = weighted_table(truth, [1 - _signal(row, judge) for row in rows], (0, 1))
    assert (len(rows), len(asked) - len(rows)) == (known["answered"], known["unreadable"])
    assert table.trace() / table.sum() == pytest.approx(known["accuracy"], abs=TOLERANCE)
    assert kappa_of(table) == pytest.approx(known["kappa"], abs=TOLERANCE)
    assert table[1, 1] / table[1].sum() == pytest.approx(known["catches_errors"], abs=TOLERANCE)
    assert table[0, 1] / table[0].sum() == pytest.approx(known["false_alarms"], abs=TOLERANCE)


@pytest.mark.parametrize("judge", ["judge_gpt-3.5-turbo", "judge_pandalm-7b"])
def test_it_measures_a_judge_against_the_majority(review_data: Path, expected: dict[str, Any], judge: str) -> None:
    known = expected["pandalm"][f"{judge} vs majority"]
    rows = _rows(review_data, "pandalm")
    majority = [_majority([rating["value"] for rating in row["ratings"]]) for row in rows]
    verdicts = [_signal(row, judge) for row in rows]
    assert Counter(majority) == expected["pandalm"]["majority"]
    answered = [(human, verdict) for human, verdict in zip(majority, verdicts, strict=True) if verdict is not None]
    table = weighted_table([human for human, _ in answered], [said for _, said in answered], ("a", "b", "tie"))
    assert len(answered) == known["answered"]
    assert table.trace() / table.sum() == pytest.approx(known["accuracy_answered"], abs=TOLERANCE)
    assert kappa_of(table) == pytest.approx(known["kappa_answered"], abs=TOLERANCE)
    table = weighted_table(majority, [verdict or "tie" for verdict in verdicts], ("a", "b", "tie"))
    assert table.trace() / table.sum() == pytest.approx(known["accuracy_unreadable_as_tie"], abs=TOLERANCE)
    assert kappa_of(table) == pytest.approx(known["kappa_unreadable_as_tie"], abs=TOLERANCE)
    assert macro_f1(table) == pytest.approx(known["macro_f1_unreadable_as_tie"], abs=TOLERANCE)


def _majority(values: list[str]) -> str:
    value, count = Counter(values).most_common(1)[0]
    return value if 2 * count > len(values) else "tie"
