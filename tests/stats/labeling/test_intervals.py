"""Intervals for proportions."""

import itertools
from typing import Any

import pytest

from labeling.stats import intervals
from tests.stats.fixtures import assert_matches, load_cases


@pytest.mark.parametrize("case", load_cases("proportion_intervals"))
def test_fixture_proportion_intervals(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    counts = (inputs["successes"], inputs["trials"], inputs["confidence"])
    actual = {
        "wilson": intervals.wilson(*counts),
        "jeffreys": intervals.jeffreys(*counts),
        "clopper_pearson": intervals.clopper_pearson(*counts),
        "clopper_pearson_one_sided_upper": intervals.clopper_pearson_upper(*counts),
    }
    assert_matches(actual, case["expected"], case["tolerance"])


@pytest.mark.parametrize("method", [intervals.wilson, intervals.jeffreys, intervals.clopper_pearson])
def test_it_never_narrows_with_more_confidence_and_always_holds_the_share(method: Any) -> None:
    for trials in (1, 7, 40):
        for successes in range(trials + 1):
            narrow = method(successes, trials, 0.8)
            wide = method(successes, trials, 0.99)
            assert 0.0 <= wide.low <= narrow.low <= successes / trials <= narrow.high <= wide.high <= 1.0


@pytest.mark.parametrize("method", [intervals.wilson, intervals.jeffreys, intervals.clopper_pearson])
def test_it_moves_up_with_every_success(method: Any) -> None:
    bounds = [method(successes, 30) for successes in range(31)]
    assert all(before.low <= after.low and before.high <= after.high for before, after in itertools.pairwise(bounds))


def test_it_bounds_the_error_rate_at_the_level_that_was_asked_for() -> None:
    # Two independent statements of the same bound: the two-sided interval at 90 % and the one-sided at 95 %.
    two_sided = intervals.clopper_pearson(3, 50, 0.90)
    assert two_sided is not None
    assert intervals.clopper_pearson_upper(3, 50, 0.95) == pytest.approx(two_sided.high, abs=1e-12)


def test_it_has_no_difference_without_both_samples() -> None:
    assert intervals.newcombe(0, 0, 3, 10) is None
    assert intervals.newcombe(3, 10, 0, 0) is None


def test_it_mirrors_the_difference_when_the_samples_change_places() -> None:
    there = intervals.newcombe(9, 10, 3, 10)
    back = intervals.newcombe(3, 10, 9, 10)
    assert there is not None
    assert back is not None
    assert there.low > 0.0
    assert back == pytest.approx((-there.high, -there.low))


@pytest.mark.parametrize(
    ("successes", "trials", "confidence"),
    [
        (-1, 5, 0.95),
        (6, 5, 0.95),  # more successes than trials
        (1, 5, 1.0),
        (1, 5, 0.0),
    ],
)
@pytest.mark.parametrize(
    "method",
    [intervals.wilson, intervals.jeffreys, intervals.clopper_pearson, intervals.clopper_pearson_upper],
)
def test_it_refuses_impossible_counts_and_levels(method: Any, successes: int, trials: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="must lie"):
        method(successes, trials, confidence)
