"""Watching one reviewer's answers to gold cases."""

from typing import Any

import numpy as np
import pytest

from labeling.stats.intervals import wilson
from labeling.stats.sequential import beta_mixture_sequence, cusum, sprt
from tests.stats.fixtures import assert_matches, load_cases

FIRST_RATIOS = "llr_first_"


@pytest.mark.parametrize("case", load_cases("reviewer_sequential"))
def test_fixture_reviewer_sequential(case: dict[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    if "prior" in inputs:
        a, b = inputs["prior"]
        interval = beta_mixture_sequence(inputs["successes"], inputs["trials"], inputs["alpha"], (a, b))
        actual: dict[str, Any] = {"low": interval.low, "high": interval.high}
    elif "threshold" in inputs:
        chart = cusum(inputs["correct"], inputs["p_good"], inputs["p_bad"], inputs["threshold"])
        actual = {"path": chart.path, "alarm_at": chart.alarm_at}
    else:
        test = sprt(*(inputs[key] for key in ("correct", "p_good", "p_bad", "alpha", "beta")))
        actual = {
            "upper": test.upper,
            "lower": test.lower,
            "decision": test.decision,
            "decided_at": test.decided_at,
        }
        for key in expected:
            if key.startswith(FIRST_RATIOS):
                actual[key] = test.path[: int(key.removeprefix(FIRST_RATIOS))]
    assert_matches(actual, expected, case["tolerance"])


def test_it_goes_on_while_neither_bound_is_reached() -> None:
    result = sprt([1, 1, 0, 1])
    assert (result.decision, result.decided_at, len(result.path)) == ("continue", None, 4)


def test_it_keeps_its_first_decision() -> None:
    assert sprt([0] * 5 + [1] * 200).decision == "flag"
    assert sprt([1] * 30 + [0] * 50).decision == "accept"


def test_it_alarms_once_the_threshold_is_reached_and_carries_the_level_over() -> None:
    assert cusum([1] * 50).alarm_at is None
    assert cusum([1] * 50).current == 0.0
    # A wrong answer adds ln(.20/.08) = .916: four of them pass 3.5.
    assert cusum([1, 1, 0, 0, 0, 0]).alarm_at == 6
    half = cusum([0, 0])
    assert half.alarm_at is None
    assert cusum([0, 0], start=half.current).alarm_at == 2


def test_it_raises_false_alarms_about_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(0)
    answers = (rng.random(60_000) < 0.92).tolist()
    gaps, start = [], 0
    while (alarm := cusum(answers[start : start + 6000]).alarm_at) is not None:
        gaps.append(alarm)
        start += alarm
    assert 650 < np.mean(gaps) < 1000


def test_it_holds_the_truth_at_every_look_far_more_often_than_a_wilson_interval() -> None:
    rng = np.random.default_rng(1)
    runs, looks, truth = 150, 300, 0.9
    missed_sequence = missed_wilson = 0
    for _ in range(runs):
        totals = np.cumsum(rng.random(looks) < truth)
        counts = [(int(totals[n - 1]), n) for n in range(10, looks + 1, 5)]
        sequence = [beta_mixture_sequence(k, n) for k, n in counts]
        fixed = [interval for k, n in counts if (interval := wilson(k, n)) is not None]
        missed_sequence += any(not low <= truth <= high for low, high in sequence)
        missed_wilson += any(not low <= truth <= high for low, high in fixed)
    assert missed_sequence / runs <= 0.05
    assert missed_wilson / runs > 0.15


def test_it_knows_nothing_before_the_first_answer() -> None:
    assert beta_mixture_sequence(0, 0) == (0.0, 1.0)


def test_it_mirrors_successes_and_failures() -> None:
    there, back = beta_mixture_sequence(3, 40), beta_mixture_sequence(37, 40)
    assert (1.0 - back.high, 1.0 - back.low) == pytest.approx(there)


@pytest.mark.parametrize(
    ("p_good", "p_bad"),
    [(0.8, 0.92), (0.9, 0.9), (1.0, 0.8), (0.9, 0.0)],
)
def test_it_refuses_levels_that_cannot_be_told_apart(p_good: float, p_bad: float) -> None:
    with pytest.raises(ValueError, match="p_bad < p_good"):
        sprt([1], p_good, p_bad)
    with pytest.raises(ValueError, match="p_bad < p_good"):
        cusum([1], p_good, p_bad)


def test_it_refuses_impossible_error_rates_and_counts() -> None:
    with pytest.raises(ValueError, match="alpha, beta"):
        sprt([1], alpha=0.6, beta=0.5)
    with pytest.raises(ValueError, match="successes"):
        beta_mixture_sequence(3, 2)
    with pytest.raises(ValueError, match="prior"):
        beta_mixture_sequence(1, 2, prior=(0.0, 1.0))
