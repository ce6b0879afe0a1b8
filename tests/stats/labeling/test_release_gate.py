"""A candidate against the baseline on the same golden items."""

from typing import Any

import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from labeling.stats.intervals import normal_quantile
from labeling.stats.multiplicity import holm
from labeling.stats.release_gate import (
    PairedCounts,
    compare_paired,
    decide_release,
    noninferiority_items,
    regression_exact,
    tango_bound,
    tango_score,
)
from tests.stats.fixtures import assert_matches, load_cases


def counts_of(block: dict[str, Any]) -> PairedCounts:
    return PairedCounts(
        block["candidate_only_pass"], block["baseline_only_pass"], block["items"], block.get("name", "")
    )


def actual_slices(inputs: dict[str, Any]) -> dict[str, Any]:
    slices = [counts_of(block) for block in inputs["slices"]]
    decision = decide_release(slices, inputs["margin"], inputs["alpha"])
    overall = decision.overall
    return {
        "regression_p": {test.counts.name: test.regression_p for test in decision.slices},
        "holm_p": {test.counts.name: test.holm_p for test in decision.slices},
        "overall": {
            "b": overall.counts.candidate_only,
            "c": overall.counts.baseline_only,
            "n": overall.counts.items,
            "noninferiority_z": overall.noninferiority_z,
            "non_inferior": overall.non_inferior,
        },
        "blocked_by": list(decision.blocked_by),
        "release": decision.release,
    }


def actual_pair(inputs: dict[str, Any]) -> dict[str, Any]:
    result = compare_paired(counts_of(inputs), inputs["margin"])
    return {
        "difference": result.difference,
        "mcnemar_exact_p": result.mcnemar_p,
        "regression_p_one_sided": result.regression_p,
        "tango95": result.interval,
        "lower95_one_sided": result.lower,
        "noninferiority_z": result.noninferiority_z,
        "non_inferior": result.non_inferior,
    }


@pytest.mark.parametrize("case", load_cases("release_gate"))
def test_fixture_release_gate(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    if "slices" in inputs:
        actual = actual_slices(inputs)
    elif "rows" in inputs:
        actual = {"items": [noninferiority_items(**row) for row in inputs["rows"]]}
    else:
        actual = actual_pair(inputs)
    assert_matches(actual, case["expected"], case["tolerance"])


def test_it_inverts_the_score_test() -> None:
    z = normal_quantile(0.95)
    for counts in ((15, 6, 200), (0, 4, 60), (3, 0, 25), (0, 0, 40), (1, 30, 31)):
        bound = tango_bound(*counts, z)
        assert tango_score(*counts, bound) == pytest.approx(z, abs=1e-6)


def test_it_mirrors_the_interval_when_the_candidates_change_places() -> None:
    there = compare_paired(PairedCounts(9, 4, 80), 0.02).interval
    back = compare_paired(PairedCounts(4, 9, 80), 0.02).interval
    assert there is not None
    assert back is not None
    assert (-back.high, -back.low) == pytest.approx(there)


def test_it_ends_the_interval_where_every_item_speaks_for_one_side() -> None:
    won = compare_paired(PairedCounts(8, 0, 8), 0.02).interval
    lost = compare_paired(PairedCounts(0, 8, 8), 0.02).interval
    assert won is not None
    assert lost is not None
    assert won.high == 1.0
    assert lost.low == -1.0


def test_it_is_never_non_inferior_without_items() -> None:
    result = compare_paired(PairedCounts(0, 0, 0), 0.05)
    assert (result.difference, result.interval, result.lower, result.non_inferior) == (None, None, None, None)
    assert decide_release([], 0.05).release is False


def test_it_decides_by_the_bound_and_by_the_score_alike() -> None:
    for baseline_only in range(12):
        result = compare_paired(PairedCounts(5, baseline_only, 300), 0.02)
        assert result.lower is not None
        assert result.non_inferior == (result.lower > -0.02)


def test_it_becomes_less_sure_with_every_item_lost() -> None:
    scores = [compare_paired(PairedCounts(5, lost, 300), 0.02).noninferiority_z or 0.0 for lost in range(20)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 20


def test_it_tests_regressions_with_the_exact_binomial() -> None:
    for candidate_only, baseline_only in ((3, 9), (9, 3), (0, 5), (40, 61)):
        theirs = stats.binomtest(baseline_only, candidate_only + baseline_only, 0.5, alternative="greater").pvalue
        assert regression_exact(candidate_only, baseline_only) == pytest.approx(theirs, abs=1e-12)


def test_it_adjusts_like_statsmodels_and_keeps_the_order() -> None:
    raw = {"a": 0.04, "b": 0.01, "c": 0.03, "d": 0.9, "e": 0.01}
    theirs = multipletests(list(raw.values()), method="holm")[1]
    adjusted = holm(raw)
    assert list(adjusted) == list(raw)
    assert list(adjusted.values()) == pytest.approx(theirs.tolist())
    assert holm({}) == {}


def test_it_names_slices_that_could_never_block() -> None:
    decision = decide_release(
        [PairedCounts(0, 4, 40, "few"), PairedCounts(0, 5, 40, "enough"), PairedCounts(0, 0, 40, "none")],
        0.05,
    )
    assert [test.underpowered for test in decision.slices] == [True, False, True]


def test_it_holds_a_release_for_one_bad_slice_though_the_whole_is_fine() -> None:
    decision = decide_release([PairedCounts(60, 20, 2000, "en"), PairedCounts(0, 9, 100, "safety")], margin=0.02)
    assert decision.overall.non_inferior is True
    assert decision.blocked_by == ("safety",)
    assert decision.release is False


def test_it_refuses_impossible_counts_margins_and_names() -> None:
    with pytest.raises(ValueError, match="impossible"):
        PairedCounts(3, 3, 5)
    with pytest.raises(ValueError, match="margin"):
        compare_paired(PairedCounts(1, 1, 5), -0.1)
    with pytest.raises(ValueError, match="same name"):
        decide_release([PairedCounts(0, 0, 5, "en"), PairedCounts(0, 0, 5, "en")], 0.02)


def test_it_needs_more_items_for_a_smaller_margin_and_none_would_do_below_it() -> None:
    assert noninferiority_items(0.1, 0.0, 0.02) == 1546
    assert noninferiority_items(0.1, 0.0, 0.03) == 687
    with pytest.raises(ValueError, match="worse by the margin"):
        noninferiority_items(0.1, -0.02, 0.02)
    with pytest.raises(ValueError, match="discordant"):
        noninferiority_items(0.01, 0.05, 0.02)
