"""Known answers on real ratings, which are not part of this repository.

`REVIEW_DATA` names their directory. What is checked is every number of its `expected.json` that the
statistics here compute, to the four decimals it is given with.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from labeling.stats.aggregation import majority
from labeling.stats.alpha import krippendorff_alpha
from labeling.stats.disagreement import Level
from labeling.stats.kappa import cohen_kappa, mean_pair_kappa, pair_kappas
from labeling.stats.reviewers import GoldProbe, Rate, gold_quality
from labeling.stats.slices import agreement
from labeling.stats.units import UnitRatings, Value
from tests.stats.fixtures import assert_matches

pytestmark = pytest.mark.needs_data

TOLERANCE = 1e-4
REPOSITORY = Path(__file__).resolve().parents[3]
PREFERENCES = ["a", "b", "tie"]
SEVERITIES = [0, 1, 2]

Row = Mapping[str, Any]
# Item, rater and value of every rating of one criterion.
Triples = list[tuple[str, str, Value]]


def data_directory() -> Path:
    return Path(os.environ.get("REVIEW_DATA") or REPOSITORY.parent / "shared" / "data")


@cache
def rows_of(name: str) -> tuple[Row, ...]:
    with (data_directory() / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)


@cache
def expected_of(name: str) -> dict[str, Any]:
    document = json.loads((data_directory() / "expected.json").read_text(encoding="utf-8"))
    block: dict[str, Any] = document[name]
    return block


def triples_of(rows: Iterable[Row], criterion: str) -> Triples:
    return [
        (row["id"], rating["rater"], rating["value"])
        for row in rows
        for rating in row.get("ratings", [])
        if rating["criterion"] == criterion
    ]


def units_of(triples: Triples, domain: list[Value] | None = None) -> UnitRatings:
    by_item: dict[str, list[Value]] = {}
    for item, _, value in triples:
        by_item.setdefault(item, []).append(value)
    return UnitRatings.from_lists(by_item.values(), domain)


def raters_of(triples: Triples) -> dict[str, dict[str, Value]]:
    by_rater: dict[str, dict[str, Value]] = {}
    for item, rater, value in triples:
        by_rater.setdefault(rater, {})[item] = value
    return dict(sorted(by_rater.items()))


def criterion_block(triples: Triples, domain: list[Value] | None, keys: Iterable[str]) -> dict[str, Any]:
    """What is expected of one criterion, with whichever of the optional `keys` it has."""
    units = units_of(triples, domain)
    pairs = pair_kappas(raters_of(triples), units.domain)
    possible: dict[str, Any] = {
        "items": units.units,
        "ratings": len(triples),
        "raters": len(raters_of(triples)),
        "pairwise_agreement": agreement(units).percent_agreement,
        "mean_pair_kappa": mean_pair_kappa(pairs),
        "pairs_with_10_shared": len(pairs),
        "cohen_kappa": {
            f"{pair.first}|{pair.second}": {"n": pair.result.items, "kappa": pair.result.kappa} for pair in pairs
        },
    }
    return {key: possible[key] for key in keys if key in possible}


def check_criterion(block: Mapping[str, Any], triples: Triples, domain: list[Value] | None = None) -> None:
    wanted = {key: value for key, value in block.items() if key not in ("alpha", "mean_by_source")}
    assert wanted
    assert_matches(criterion_block(triples, domain, wanted), wanted, TOLERANCE)
    levels: list[Level] = list(block["alpha"])
    units = units_of(triples, domain)
    alphas = {level: krippendorff_alpha(units, level).alpha for level in levels}
    assert_matches(alphas, block["alpha"], TOLERANCE)


def judged(row: Row, judge: str) -> Value | None:
    """What the judge said, None where that could not be read; KeyError where it was not asked."""
    for signal in row.get("signals", []):
        if signal["name"] == judge:
            value: Value | None = signal.get("value")
            return value
    raise KeyError(judge)


@cache
def pandalm_majority() -> dict[str, Value]:
    by_item: dict[str, list[Value]] = {}
    for item, _, value in triples_of(rows_of("pandalm"), "preference"):
        by_item.setdefault(item, []).append(value)
    # Three raters with three different answers prefer neither.
    return {item: majority(values).label or "tie" for item, values in by_item.items()}


def test_it_meets_the_agreement_on_pandalm_preferences() -> None:
    triples = triples_of(rows_of("pandalm"), "preference")
    check_criterion(expected_of("pandalm")["preference"], triples, list(PREFERENCES))


def test_it_meets_the_pandalm_majority() -> None:
    assert dict(Counter(pandalm_majority().values())) == expected_of("pandalm")["majority"]


@pytest.mark.parametrize("judge", ["judge_gpt-3.5-turbo", "judge_pandalm-7b"])
def test_it_meets_the_pandalm_judges(judge: str) -> None:
    expected = dict(expected_of("pandalm")[f"{judge} vs majority"])
    expected.pop("macro_f1_unreadable_as_tie")
    truth = pandalm_majority()
    said = {row["id"]: judged(row, judge) for row in rows_of("pandalm")}
    answered = {item: value for item, value in said.items() if value is not None}
    readable = cohen_kappa(list(answered.values()), [truth[item] for item in answered], PREFERENCES)
    everything = cohen_kappa([value or "tie" for value in said.values()], [truth[item] for item in said], PREFERENCES)
    actual = {
        "answered": readable.items,
        "accuracy_answered": readable.percent_agreement,
        "kappa_answered": readable.kappa,
        "accuracy_unreadable_as_tie": everything.percent_agreement,
        "kappa_unreadable_as_tie": everything.kappa,
    }
    assert_matches(actual, expected, TOLERANCE)


@pytest.mark.parametrize("criterion", ["correctness", "selection", "overall"])
@pytest.mark.parametrize("models_only", [False, True])
def test_it_meets_the_agreement_on_squality(criterion: str, models_only: bool) -> None:
    rows = [row for row in rows_of("squality") if not (models_only and row["source"] == "human")]
    name = f"{criterion} (models only)" if models_only else criterion
    check_criterion(expected_of("squality")[name], triples_of(rows, criterion), list(range(101)))


@pytest.mark.parametrize("criterion", ["accuracy", "fluency", "style", "terminology"])
def test_it_meets_the_agreement_on_wmt_severities(criterion: str) -> None:
    triples = triples_of(rows_of("wmt_ende"), criterion)
    check_criterion(expected_of("wmt_ende")[criterion], triples, list(SEVERITIES))


def test_it_meets_alpha_of_wmt_scores_without_a_fixed_scale() -> None:
    check_criterion(expected_of("wmt_ende")["mqm"], triples_of(rows_of("wmt_ende"), "mqm"))


def test_it_meets_the_rate_of_probes_found() -> None:
    by_rater: dict[str, list[bool]] = {}
    for row in rows_of("wmt_ende"):
        for probe in row.get("probes", []):
            by_rater.setdefault(probe["rater"], []).append(bool(probe["found"]))

    def block(found: list[bool]) -> dict[str, Any]:
        rate = Rate.of(sum(found), len(found))
        return {"n": rate.trials, "found": rate.rate}

    actual = {
        "all": block([found for several in by_rater.values() for found in several]),
        "by_rater": {rater: block(found) for rater, found in by_rater.items()},
    }
    assert_matches(actual, expected_of("wmt_ende")["probes"], TOLERANCE)


def test_it_meets_the_agreement_of_nq301_annotators() -> None:
    expected = dict(expected_of("nq301")["first two annotators"])
    triples = triples_of(rows_of("nq301"), "acceptable")
    two = [triple for triple in triples if triple[1] in ("annotator1", "annotator2")]
    # Seven answers have one of the two only.
    shared = {item for item, count in Counter(item for item, _, _ in two).items() if count == 2}
    both = [triple for triple in two if triple[0] in shared]
    (pair,) = pair_kappas(raters_of(both), [0, 1])
    assert pair.result.kappa == pytest.approx(expected.pop("cohen_kappa"), abs=TOLERANCE)
    check_criterion(expected, both, [0, 1])
    alpha = krippendorff_alpha(units_of(triples, [0, 1]), "nominal").alpha
    assert_matches({"nominal": alpha}, expected_of("nq301")["all three, as given"]["alpha"], TOLERANCE)


def verdict_block(probes: list[GoldProbe]) -> dict[str, Any]:
    """Against `gold` = 1 for an error, where a `label` of 0 (not acceptable) is a catch."""
    quality = gold_quality([GoldProbe(probe.gold, 1 - int(probe.label)) for probe in probes], failing=1)
    kappa = cohen_kappa([1 - int(probe.label) for probe in probes], [probe.gold for probe in probes], [0, 1])
    assert quality.specificity.rate is not None
    return {
        "n": quality.accuracy.trials,
        "accuracy": quality.accuracy.rate,
        "kappa": kappa.kappa,
        "catches_errors": quality.sensitivity.rate,
        "false_alarms": 1.0 - quality.specificity.rate,
    }


@pytest.mark.parametrize("rater", ["annotator1", "annotator2"])
def test_it_meets_the_rates_of_nq301_annotators(rater: str) -> None:
    gold = {row["id"]: row["gold"]["error"] for row in rows_of("nq301")}
    triples = triples_of(rows_of("nq301"), "acceptable")
    block = verdict_block([GoldProbe(gold[item], value) for item, who, value in triples if who == rater])
    expected = expected_of("nq301")[f"{rater} vs gold"]
    assert_matches({key: block[key] for key in ("n", "catches_errors", "false_alarms")}, expected, TOLERANCE)


@pytest.mark.parametrize("judge", ["judge_gpt-4", "judge_text-davinci-003"])
def test_it_meets_the_rates_and_kappa_of_nq301_judges(judge: str) -> None:
    probes, unreadable = [], 0
    for row in rows_of("nq301"):
        try:
            said = judged(row, judge)
        except KeyError:
            continue
        if said is None:
            unreadable += 1
        else:
            probes.append(GoldProbe(row["gold"]["error"], said))
    block = verdict_block(probes)
    block["answered"] = block.pop("n")
    block["unreadable"] = unreadable
    assert_matches(block, expected_of("nq301")[f"{judge} vs gold"], TOLERANCE)


def error_rate(rows: Iterable[Row]) -> Rate:
    outcomes = [bool(row["gold"]["error"]) for row in rows]
    return Rate.of(sum(outcomes), len(outcomes))


@pytest.mark.parametrize("name", ["wmt_ende", "nq301", "evouna_nq", "summedits"])
def test_it_meets_the_error_rates(name: str) -> None:
    rate = error_rate(rows_of(name))
    assert rate.rate == pytest.approx(expected_of(name)["error_rate"], abs=TOLERANCE)
    if "items" in expected_of(name):
        assert rate.trials == expected_of(name)["items"]


def test_it_meets_the_error_rates_by_source_and_intent() -> None:
    def grouped(key: str, show: Callable[[Rate], Any]) -> dict[str, Any]:
        rows = rows_of("evouna_nq")
        return {
            part: show(error_rate(row for row in rows if row[key] == part)) for part in {str(row[key]) for row in rows}
        }

    expected = expected_of("evouna_nq")
    assert_matches(grouped("source", lambda rate: rate.rate), expected["error_rate_by_source"], TOLERANCE)
    by_intent = grouped("intent", lambda rate: [rate.trials, rate.rate])
    assert_matches(by_intent, expected["error_rate_by_intent"], TOLERANCE)
