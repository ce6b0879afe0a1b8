"""One label out of several raters' labels."""

from typing import Any

import numpy as np
import pytest

from labeling.stats.aggregation import ErrorModel, dawid_skene, majority
from tests.stats.fixtures import assert_matches, load_cases

POSTERIOR = "posterior_of_"


@pytest.mark.parametrize("case", load_cases("label_aggregation"))
def test_fixture_label_aggregation(case: dict[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    if "items" in inputs:
        results = {item: majority(labels) for item, labels in inputs["items"].items()}
        actual: dict[str, Any] = {
            item: {"label": result.label, "status": result.status, "share": result.share}
            for item, result in results.items()
        }
    else:
        # The two models have inputs and outputs of one shape; the id is all that tells them apart.
        model: ErrorModel = "one_coin" if "one_coin" in case["id"] else "confusion"
        votes = [(item, rater, label) for item, rater, label in inputs["votes"]]
        result = dawid_skene(votes, inputs["labels"], model)
        actual = {"labels": result.label}
        for key in expected:
            if key.startswith(POSTERIOR):
                column = [str(label) for label in inputs["labels"]].index(key.removeprefix(POSTERIOR))
                actual[key] = {item: row[column] for item, row in result.posterior.items()}
    assert_matches(actual, expected, case["tolerance"])


def simulated_votes(seed: int = 4) -> tuple[list[tuple[str, str, str]], dict[str, str]]:
    """Five raters on 200 balanced items: four are right in nine of ten cases, one mostly wrong."""
    rng = np.random.default_rng(seed)
    truth = {f"i{i}": ("fail", "pass")[i % 2] for i in range(200)}
    votes = []
    for item, label in truth.items():
        for rater, accuracy in (("a", 0.9), ("b", 0.9), ("c", 0.9), ("d", 0.9), ("e", 0.2)):
            other = "pass" if label == "fail" else "fail"
            votes.append((item, rater, label if rng.random() < accuracy else other))
    return votes, truth


@pytest.mark.parametrize("model", ["confusion", "one_coin"])
def test_it_finds_the_rater_who_is_mostly_wrong_and_listens_the_other_way(model: ErrorModel) -> None:
    votes, truth = simulated_votes()
    result = dawid_skene(votes, ["pass", "fail"], model)
    assert result.converged
    assert result.accuracy["e"] < 0.35 < 0.8 < result.accuracy["a"]
    right = sum(result.label[item] == label for item, label in truth.items())
    by_majority = sum(
        majority([label for one, _, label in votes if one == item]).label == truth[item] for item in truth
    )
    assert right > by_majority


def test_it_gives_probabilities_that_sum_to_one() -> None:
    votes, _ = simulated_votes()
    result = dawid_skene(votes, ["pass", "fail", "unsure"])
    assert all(sum(row) == pytest.approx(1.0) for row in result.posterior.values())
    assert sum(result.prevalence) == pytest.approx(1.0)


def test_it_does_not_choose_between_equally_probable_labels() -> None:
    result = dawid_skene([("i1", "ann", 0), ("i1", "bob", 1)], [0, 1])
    assert result.label == {"i1": None}


def test_it_says_when_it_was_stopped_early() -> None:
    votes, _ = simulated_votes()
    assert not dawid_skene(votes, ["pass", "fail"], max_iterations=2).converged


def test_it_aggregates_nothing_out_of_no_votes() -> None:
    result = dawid_skene([], [0, 1])
    assert (result.posterior, result.label, result.iterations) == ({}, {}, 0)


def test_it_refuses_labels_off_the_list_and_lists_without_a_choice() -> None:
    with pytest.raises(ValueError, match="not among"):
        dawid_skene([("i1", "ann", 2)], [0, 1])
    with pytest.raises(ValueError, match="two labels"):
        dawid_skene([("i1", "ann", 0)], [0])
