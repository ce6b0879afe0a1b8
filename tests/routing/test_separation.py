"""What a signal is worth: its area under the curve, and a lower bound that holds."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from routing.policy.separation import USEFUL_ABOVE, clustered_auc, separation


def drawn(
    rng: np.random.Generator, *, prompts: int, each: int, shift: float, alike: float, base: float = 0.8
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Evidence normal with `shift` between bad and good, verdicts and evidence correlated by `alike` in a prompt."""
    group = np.repeat(np.arange(prompts), each)
    quality = np.sqrt(alike) * rng.normal(size=prompts)[group] + np.sqrt(1 - alike) * rng.normal(size=group.size)
    good = (quality < norm.ppf(base)).astype(float)
    evidence = np.sqrt(alike) * rng.normal(size=prompts)[group] + np.sqrt(1 - alike) * rng.normal(size=group.size)
    return evidence + shift * good, good, group.tolist()


def test_the_area_is_that_of_scikit_learn_with_weights_and_ties() -> None:
    rng = np.random.default_rng(1)
    for size in (60, 500):
        evidence = rng.choice([0.0, 0.25, 0.5, 1.0], size=size)
        good = (rng.uniform(size=size) < 0.3 + 0.5 * evidence).astype(float)
        weights = rng.uniform(1, 20, size=size)
        known = roc_auc_score(good, evidence, sample_weight=weights)
        assert separation(evidence, good, weights=weights).auc == pytest.approx(known, abs=1e-12)
        assert separation(evidence, good).auc == pytest.approx(roc_auc_score(good, evidence), abs=1e-12)


def test_without_clusters_the_error_is_that_of_delong() -> None:
    rng = np.random.default_rng(2)
    evidence, good, _ = drawn(rng, prompts=150, each=1, shift=1.0, alike=0.0)
    positives, negatives = evidence[good == 1], evidence[good == 0]
    wins = (positives[:, None] > negatives).astype(float) + 0.5 * (positives[:, None] == negatives)
    variance = wins.mean(axis=1).var(ddof=1) / len(positives) + wins.mean(axis=0).var(ddof=1) / len(negatives)
    _area, error = clustered_auc(evidence, good, np.ones(150), np.arange(150))
    # They differ in the correction for small samples only: one for all against one for each class.
    assert error == pytest.approx(np.sqrt(variance), rel=0.02)


def test_a_group_counts_once_however_often_it_is_repeated() -> None:
    rng = np.random.default_rng(3)
    evidence, good, _ = drawn(rng, prompts=120, each=1, shift=1.0, alike=0.0)
    once = separation(evidence, good)
    five = separation(np.repeat(evidence, 5), np.repeat(good, 5), prompts=np.repeat(np.arange(120), 5).tolist())
    assert (five.labels, five.prompts) == (600, 120)
    assert five.auc == pytest.approx(once.auc)
    assert five.low == pytest.approx(once.low, abs=1e-9)
    assert (separation(np.repeat(evidence, 5), np.repeat(good, 5)).low or 0.0) > (once.low or 1.0) + 0.02


def test_a_weight_has_no_scale() -> None:
    evidence, good, prompts = drawn(np.random.default_rng(4), prompts=80, each=2, shift=0.8, alike=0.3)
    plain, scaled = (separation(evidence, good, weights=np.full(160, w), prompts=prompts) for w in (1.0, 20.0))
    assert (scaled.auc, scaled.low, scaled.high) == pytest.approx((plain.auc, plain.low, plain.high))


COVERAGE: list[dict[str, Any]] = [
    {"prompts": 100, "each": 1, "shift": 0.5, "alike": 0.0},
    {"prompts": 100, "each": 1, "shift": 2.5, "alike": 0.0},
    {"prompts": 40, "each": 5, "shift": 0.5, "alike": 0.5},
    {"prompts": 20, "each": 10, "shift": 0.3, "alike": 0.5},
]


@pytest.mark.parametrize("design", COVERAGE)
def test_the_lower_bound_holds_as_often_as_it_says(design: dict[str, Any]) -> None:
    rng, worlds = np.random.default_rng(5), 300
    true = norm.cdf(design["shift"] / np.sqrt(2))
    low, high, careless = 0, 0, 0
    for _world in range(worlds):
        evidence, good, prompts = drawn(rng, **design)
        found = separation(evidence, good, prompts=prompts)
        if found.low is None or found.high is None:
            low, high = low + 1, high + 1
            continue
        low += found.low <= true
        high += found.high >= true
        careless += (separation(evidence, good).low or 0.0) <= true
    # 95 % less three standard errors of 300 worlds.
    assert min(low, high) >= (0.95 - 0.038) * worlds
    if design["alike"]:
        # Shows that the worlds can tell: as if outputs on one prompt were not alike.
        assert careless < low


def test_a_weighted_bound_holds_too() -> None:
    """Outputs with much evidence are judged one time in five, and each of those stands for five."""
    rng, held = np.random.default_rng(6), 0
    for _world in range(200):
        evidence, good, prompts = drawn(rng, prompts=400, each=2, shift=0.8, alike=0.3)
        rate = np.where(evidence > np.median(evidence), 0.2, 1.0)
        seen = rng.uniform(size=evidence.size) < rate
        kept = [prompt for prompt, known in zip(prompts, seen, strict=True) if known]
        found = separation(evidence[seen], good[seen], weights=1 / rate[seen], prompts=kept)
        assert found.low is not None
        held += found.low <= norm.cdf(0.8 / np.sqrt(2))
    assert held >= 0.9 * 200


@pytest.mark.parametrize(("shift", "status"), [(1.5, "useful"), (0.0, "worthless"), (-1.5, "worthless")])
def test_only_what_is_surely_better_than_a_coin_is_useful(shift: float, status: str) -> None:
    evidence, good, prompts = drawn(np.random.default_rng(7), prompts=150, each=2, shift=shift, alike=0.2)
    found = separation(evidence, good, prompts=prompts)
    assert (found.status, found.useful) == (status, status == "useful")
    assert found.low is not None
    assert (found.low > USEFUL_ABOVE) is found.useful
    assert found.low <= (found.auc or 0.0) <= (found.high or 0.0)


@pytest.mark.parametrize(("each", "status"), [(30, "worthless"), (1000, "useful")])
def test_an_area_above_the_line_needs_labels_to_be_believed(each: int, status: str) -> None:
    # Three in five good outputs have the evidence and two in five bad ones: an area of 0.6.
    evidence = [float(number % 5 < 3) for number in range(each)] + [float(number % 5 < 2) for number in range(each)]
    found = separation(evidence, [1.0] * each + [0.0] * each)
    assert found.auc == pytest.approx(0.6)
    assert found.status == status


def test_perfect_separation_is_not_certainty() -> None:
    found = separation([0.1] * 12 + [0.9] * 60, [0] * 12 + [1] * 60)
    assert found.auc == found.high == 1.0
    assert 0.8 < (found.low or 0.0) < 0.99
    upside_down = separation([0.9] * 12 + [0.1] * 60, [0] * 12 + [1] * 60)
    assert (upside_down.auc, upside_down.low) == (0.0, 0.0)
    assert 0.01 < (upside_down.high or 0.0) < 0.2


def test_evidence_that_never_varies_is_a_coin() -> None:
    found = separation([0.7] * 100, [0, 1] * 50)
    assert (found.auc, found.status) == (0.5, "worthless")
    one_prompt = separation(np.linspace(0, 1, 100), [0] * 50 + [1] * 50, prompts=["the same"] * 100)
    assert one_prompt.status == "worthless"


@pytest.mark.parametrize(
    ("bad", "good", "reason"),
    [
        (0, 0, "fewer than 50 labels"),
        (20, 29, "fewer than 50 labels"),
        (9, 100, "fewer than 10 labels of the rarer verdict"),
        (100, 0, "fewer than 10 labels of the rarer verdict"),
    ],
)
def test_too_few_labels_leave_it_open_and_say_why(bad: int, good: int, reason: str) -> None:
    found = separation([0.1] * bad + [0.9] * good, [0] * bad + [1] * good)
    assert (found.status, found.useful, found.reason) == ("undetermined", False, reason)
    assert (found.auc, found.low, found.high) == (None, None, None)
    assert (found.labels, found.acceptable) == (bad + good, good)


@pytest.mark.parametrize(
    ("evidence", "good", "more"),
    [
        ([0.5], [1, 0], {}),
        ([0.5, 0.5], [1, 2], {}),
        ([0.5, 0.5], [1, 0], {"weights": [1.0, 0.0]}),
        ([0.5, 0.5], [1, 0], {"prompts": ["a"]}),
    ],
)
def test_it_refuses_what_does_not_fit(evidence: list[float], good: list[int], more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"needs|must"):
        separation(evidence, good, **more)
