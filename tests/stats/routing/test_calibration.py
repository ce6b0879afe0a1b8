"""Calibrators: evidence into P(acceptable)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from routing.policy.calibration import (
    CalibrationFit,
    fit,
    fit_logistic,
    fit_platt,
    logit,
    predict,
    predict_many,
    venn_abers,
)
from routing.policy.metrics import Reliability, brier, equal_mass_bins, equal_width_bins, log_loss
from tests.stats.fixtures import assert_matches, load_cases
from tests.stats.routing.selection import like


@pytest.mark.parametrize("case", load_cases("calibration"))
def test_fixture_calibration(case: dict[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    if "brier" in expected:
        actual = _metrics(inputs)
    elif "signals" in inputs:
        actual = _logistic(inputs)
    elif "test_scores" in inputs:
        found = venn_abers(inputs["p"], inputs["y"], inputs["test_scores"])
        actual = {name: [getattr(row, name) for row in found] for name in ("p0", "p1", "combined")}
    else:
        scores = logit(inputs["p"], 1e-12)
        platt = fit_platt(scores, inputs["y"])
        actual = {
            "slope": platt.coefficients[0],
            "intercept": platt.intercept,
            "calibrated_first_10": platt.probabilities(scores[:10, None]).tolist(),
        }
    assert_matches(like(actual, expected), expected, case["tolerance"])


def _metrics(inputs: dict[str, Any]) -> dict[str, Any]:
    p, y, bins = inputs["p"], inputs["y"], inputs["bins"]
    return {
        "brier": brier(p, y),
        "log_loss": log_loss(p, y),
        "equal_width": _bins(equal_width_bins(p, y, bins=bins)),
        "equal_mass": _bins(equal_mass_bins(p, y, bins=bins)),
    }


def _bins(found: Reliability) -> dict[str, Any]:
    names = ("n", "mean_predicted", "observed")
    rows = [{name: getattr(row, name) for name in names} for row in found.bins]
    return {"ece": found.ece, "mce": found.mce, "bins": rows}


def _logistic(inputs: dict[str, Any]) -> dict[str, Any]:
    fitted, mean, scale = fit_logistic(inputs["signals"], inputs["y"], c=inputs["C"])
    standard = (np.array(inputs["signals"][:10]) - mean) / scale
    return {
        "intercept": fitted.intercept,
        "coefficients": list(fitted.coefficients),
        "probabilities_first_10": fitted.probabilities(standard).tolist(),
    }


def _traffic(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Evidence that says something, with an acceptable share of 0.2 at 0 to 0.95 at 1."""
    rng = np.random.default_rng(seed)
    evidence = rng.random(n)
    return evidence, (rng.random(n) < 0.2 + 0.75 * evidence).astype(int)


def _steps(n: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Two plateaus, which no logistic curve on the logit can follow."""
    rng = np.random.default_rng(seed)
    evidence = rng.random(n)
    return evidence, (rng.random(n) < np.where(evidence < 0.9, 0.5, 0.98)).astype(int)


def _model(found: CalibrationFit) -> dict[str, Any]:
    assert found.model is not None, found.reason
    return found.model


def test_it_calibrates_one_signal_with_platt() -> None:
    evidence, good = _traffic(400)
    model = _model(fit(["score:a"], evidence, good))
    assert model["kind"] == "platt"
    assert predict(model, {"score:a": 0.95}) == pytest.approx(0.9, abs=0.07)
    assert predict(model, {"score:a": 0.05}) == pytest.approx(0.24, abs=0.1)


def test_it_combines_several_signals_and_leaves_out_a_silent_one() -> None:
    evidence, good = _traffic(600)
    noise = np.random.default_rng(2).random(600)
    model = _model(fit(["a", "b", "c"], np.column_stack([evidence, noise, np.ones(600)]), good))
    assert model["kind"] == "logistic"
    assert abs(model["coefficients"][1]) < 0.3 * model["coefficients"][0]
    assert model["coefficients"][2] == pytest.approx(0.0, abs=1e-9)
    high, low = ({"a": value, "b": 0.5, "c": 1.0} for value in (0.95, 0.05))
    assert predict(model, high) - predict(model, low) > 0.4


@pytest.mark.parametrize("build", [_traffic, _steps])
@pytest.mark.parametrize("n", [60, 400, 2000])
def test_it_gives_the_same_model_every_time_and_survives_json(build: Any, n: int) -> None:
    evidence, good = build(n)
    first, again = (_model(fit(["a"], evidence, good)) for _ in range(2))
    assert first == again
    restored = json.loads(json.dumps(first))
    assert predict_many(restored, evidence[:, None]).tolist() == predict_many(first, evidence[:, None]).tolist()
    assert predict(restored, {"a": float(evidence[0])}) == predict_many(first, evidence[:1, None])[0]


def test_it_takes_isotonic_only_with_many_labels_and_only_when_it_is_better() -> None:
    evidence, good = _steps(3000)
    many, few = fit(["a"], evidence, good), fit(["a"], evidence[:900], good[:900])
    assert _model(many)["kind"] == "isotonic"
    assert many.cross_validated_brier["isotonic"] < many.cross_validated_brier["plain"]
    assert (_model(few)["kind"], few.cross_validated_brier) == ("platt", {})
    # Exactly what Platt assumes: σ(logit).
    logistic = np.random.default_rng(5).random(1500)
    good = (np.random.default_rng(6).random(1500) < logistic).astype(int)
    assert _model(fit(["a"], logistic, good))["kind"] == "platt"


def test_it_does_not_let_a_prompt_vouch_for_itself() -> None:
    # Within a prompt all outputs are equally good and the evidence is the prompt's fingerprint: isotonic can learn
    # the prompts by heart, which looks good on the prompts it has seen and is worth nothing on others.
    rng = np.random.default_rng(9)
    prompts = np.repeat(np.arange(60), 20)
    evidence, good = rng.random(60)[prompts], (rng.random(60) < 0.6).astype(int)[prompts]
    apart, together = fit(["a"], evidence, good, groups=prompts.tolist()), fit(["a"], evidence, good)
    assert together.cross_validated_brier["isotonic"] < 0.8 * apart.cross_validated_brier["isotonic"]


def test_it_keeps_isotonic_monotone_and_away_from_certainty() -> None:
    evidence, good = _steps(3000)
    good[evidence > 0.97], good[evidence < 0.02] = 1, 0
    model = _model(fit(["a"], evidence, good))
    assert model["kind"] == "isotonic"
    values = predict_many(model, np.linspace(0.0, 1.0, 500)[:, None])
    assert (np.diff(values) >= 0.0).all()
    assert 0.0 < values[0] < 0.05
    assert 0.95 < values[-1] < 1.0


def test_it_weights_outputs_that_people_rarely_see() -> None:
    # Shipped outputs (high evidence) are audited one time in seven, the others always reviewed; no logistic curve
    # fits both, so the fit must go where the traffic is and not where the labels are.
    rng = np.random.default_rng(4)
    evidence = rng.random(1500)
    good = (rng.random(1500) < np.where(evidence < 0.5, 0.5, 0.97)).astype(int)
    rate = np.where(evidence < 0.5, 1.0, 1 / 7)
    seen = rng.random(1500) < rate
    assert seen.sum() < 1000
    weighted = _model(fit(["a"], evidence[seen], good[seen], weights=1.0 / rate[seen]))
    plain = _model(fit(["a"], evidence[seen], good[seen]))
    assert predict_many(weighted, evidence[:, None]).mean() == pytest.approx(good.mean(), abs=0.03)
    assert predict_many(plain, evidence[:, None]).mean() < good.mean() - 0.08


def test_it_reads_a_weight_as_a_number_of_outputs_at_any_scale() -> None:
    evidence, good = _traffic(300)
    model, scaled = (_model(fit(["a"], evidence, good, weights=np.full(300, w))) for w in (1.0, 20.0))
    assert scaled == pytest.approx(model)


@pytest.mark.parametrize(
    ("n", "good", "reason"),
    [(0, 0, "fewer than 50 labels"), (49, 20, "fewer than 50 labels"), (80, 80, "the same"), (80, 0, "the same")],
)
def test_it_calibrates_nothing_on_too_little(n: int, good: int, reason: str) -> None:
    found = fit(["a"], np.linspace(0.1, 0.9, n), [1] * good + [0] * (n - good))
    assert (found.model, found.labels, found.acceptable) == (None, n, good)
    assert reason in found.reason


@pytest.mark.parametrize("evidence", [np.full(200, 0.7), np.linspace(1.0, 0.0, 200)], ids=["same", "upside down"])
def test_it_falls_back_to_the_base_rate_where_evidence_says_nothing(evidence: np.ndarray) -> None:
    good = [0] * 50 + [1] * 150
    model = _model(fit(["a"], evidence, good))
    assert model["kind"] == "constant"
    assert predict(model, {"a": 0.99}) == predict(model, {"a": 0.01}) == pytest.approx(150.5 / 201)


def test_it_fits_separable_labels_without_certainty() -> None:
    model = _model(fit(["a"], [0.1] * 50 + [0.9] * 50, [0] * 50 + [1] * 50))
    assert 0.95 < predict(model, {"a": 0.9}) < 0.99
    both = _model(fit(["a", "b"], [[0.1, 0.2]] * 50 + [[0.9, 0.8]] * 50, [0] * 50 + [1] * 50))
    assert 0.85 < predict(both, {"a": 0.9, "b": 0.8}) < 1.0


def test_it_never_answers_with_something_that_is_not_a_probability() -> None:
    model = _model(fit(["a"], *_traffic(200)))
    for odd in (0.0, 1.0):
        assert 0.0 < predict(model, {"a": odd}) < 1.0
    with pytest.raises(ValueError, match="finite evidence"):
        predict(model, {"a": float("nan")})
    with pytest.raises(KeyError):
        predict(model, {"b": 0.5})
    with pytest.raises(ValueError, match="unknown kind"):
        predict({"kind": "oracle", "keys": ["a"]}, {"a": 0.5})
    with pytest.raises(ValueError, match="finite evidence"):
        predict_many(model, [[0.5, 0.5]])


@pytest.mark.parametrize(
    ("evidence", "good", "weights"),
    [([1.2] * 60, [0, 1] * 30, None), ([0.5] * 60, [0, 2] * 30, None), ([0.5] * 60, [0, 1] * 30, [0.0] * 60)],
    ids=["evidence", "verdict", "weight"],
)
def test_it_refuses_evidence_verdicts_and_weights_out_of_range(evidence: Any, good: Any, weights: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        fit(["a"], evidence, good, weights=weights)


def test_it_predicts_without_loading_scikit_learn_or_scipy() -> None:
    program = """
import sys
from routing.policy.calibration import predict
print(predict({"kind": "platt", "keys": ["a"], "clip": 0.001, "slope": 1.0, "intercept": 0.0}, {"a": 0.25}))
print(predict({"kind": "isotonic", "keys": ["a"], "x": [0.0, 1.0], "y": [0.2, 0.8]}, {"a": 0.25}))
print(sorted({name.split(".")[0] for name in sys.modules} & {"sklearn", "scipy", "pandas", "statsmodels"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    platt, isotonic, loaded = done.stdout.splitlines()
    assert [float(platt), float(isotonic)] == pytest.approx([0.25, 0.35])
    assert loaded == "[]"
