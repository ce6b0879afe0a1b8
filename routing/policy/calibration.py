"""Calibrators: from the evidence of an output to P(acceptable), fitted on human verdicts.

A fitted model is a plain dict that survives JSON:

- `{"kind": "constant", "keys": […], "value": v}`: the evidence says nothing, v is the base rate;
- `{"kind": "platt", "keys": [key], "clip": c, "slope": a, "intercept": b}`: σ(a·logit(e) + b);
- `{"kind": "isotonic", "keys": [key], "x": […], "y": […]}`: linear between the points, flat outside;
- `{"kind": "logistic", "keys": […], "clip": c, "mean": […], "scale": […], "coefficients": […],
  "intercept": b}`: σ(Σ w_i·(logit(e_i) − mean_i)/scale_i + b).

Evidence is one number in [0, 1] per signal key; `clip` keeps its logit finite. Only fitting imports
scikit-learn; `predict` and `predict_many` need numpy alone, so that a web process starts without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Model = dict[str, Any]

# Fewer labels than this calibrate nothing: everything goes to people.
FEWEST_LABELS = 50
# From here on isotonic regression may win over Platt's two parameters.
ISOTONIC_LABELS = 1000
FOLDS = 5
# Inverse strength of the L2 penalty on standardised evidence.
REGULARISATION_C = 0.1
# Evidence of 0 and 1 is common (all judge runs agree) and must not outweigh all that lies between.
EVIDENCE_CLIP = 1e-3


@dataclass(frozen=True, slots=True)
class CalibrationFit:
    """`model` as described above, or None and the `reason`; out of `labels` verdicts `acceptable` were good.

    `cross_validated_brier` holds the Brier score of each kind in the running, empty where there was no
    choice.
    """

    model: Model | None
    labels: int
    acceptable: int
    reason: str = ""
    cross_validated_brier: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinearFit:
    """σ(x·coefficients + intercept), one coefficient per column of x."""

    coefficients: tuple[float, ...]
    intercept: float

    def probabilities(self, matrix: ArrayLike) -> Floats:
        """P(acceptable) per row of n × k values."""
        return _sigmoid(np.asarray(matrix, dtype=np.float64) @ np.asarray(self.coefficients) + self.intercept)


@dataclass(frozen=True, slots=True)
class VennAbers:
    """Two probabilities of a positive that hold the calibrated one between them, and one to use instead."""

    p0: float
    p1: float
    combined: float


def predict(model: Mapping[str, Any], evidence: Mapping[str, float]) -> float:
    """P(acceptable) of one output; KeyError if the evidence lacks a key of the model, ValueError as below."""
    return float(predict_many(model, [[evidence[key] for key in model["keys"]]])[0])


def predict_many(model: Mapping[str, Any], matrix: ArrayLike) -> Floats:
    """P(acceptable) of n outputs from n × k evidence, columns in the order of `model["keys"]`.

    ValueError for the wrong number of columns, NaN or an unknown kind: an undefined confidence would compare
    as "not below the threshold", and ship.
    """
    rows = np.asarray(matrix, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(model["keys"]) or not np.isfinite(rows).all():
        raise ValueError(f"needs finite evidence for each of {model['keys']}")
    match model["kind"]:
        case "constant":
            return np.full(len(rows), float(model["value"]))
        case "platt":
            return _sigmoid(model["slope"] * logit(rows[:, 0], model["clip"]) + model["intercept"])
        case "isotonic":
            return np.asarray(np.interp(rows[:, 0], model["x"], model["y"]), dtype=np.float64)
        case "logistic":
            standard = (logit(rows, model["clip"]) - model["mean"]) / model["scale"]
            return _sigmoid(standard @ np.asarray(model["coefficients"]) + model["intercept"])
    raise ValueError(f"unknown kind of calibration: {model['kind']!r}")


def fit(
    keys: Sequence[str],
    evidence: ArrayLike,
    acceptable: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    groups: Sequence[object] | None = None,
) -> CalibrationFit:
    """Fit a calibrator on n × k evidence in [0, 1] (columns named by `keys`) and n verdicts (1 acceptable, 0
    not).

    `weights` are 1/π; `groups` name the prompt of each output, so that no prompt is on both sides of a fold.
    One key: Platt, or from 1000 labels the better of Platt and isotonic by cross-validated Brier score.
    Several keys: L2-regularised logistic regression. Evidence that never varies, or that would *lower*
    confidence as it rises, gives a constant. Fewer than 50 labels or a single class give no model.
    Deterministic.
    """
    x, y, w = _checked(keys, evidence, acceptable, weights)
    labels, good = int(y.size), int(y.sum())
    if labels < FEWEST_LABELS:
        return CalibrationFit(None, labels, good, f"fewer than {FEWEST_LABELS} labels")
    if good in (0, labels):
        return CalibrationFit(None, labels, good, "all labels are the same")
    if not np.ptp(x, axis=0).any():
        return CalibrationFit(_constant(keys, y, w), labels, good)
    if len(keys) > 1:
        return CalibrationFit(_logistic_model(keys, x, y, w), labels, good)
    scores: dict[str, float] = {}
    if labels >= ISOTONIC_LABELS:
        scores = _cross_validated_brier(x[:, 0], y, w, groups)
    best = _isotonic_model if scores and scores["isotonic"] < scores["platt"] else _platt_model
    return CalibrationFit(best(keys, x[:, 0], y, w), labels, good, cross_validated_brier=scores)


def logit(values: ArrayLike, clip: float) -> Floats:
    """ln(p/(1 − p)) with p held within [clip, 1 − clip]."""
    p = np.clip(np.asarray(values, dtype=np.float64), clip, 1.0 - clip)
    return np.log(p / (1.0 - p))


def fit_platt(scores: ArrayLike, outcomes: ArrayLike, weights: ArrayLike | None = None) -> LinearFit:
    """σ(slope·score + intercept) for n real scores, by maximum likelihood against smoothed targets (N₊ +
    1)/(N₊ + 2) and 1/(N₋ + 2) (Platt 1999, section 2.2), which keep the slope finite on separable data."""
    s, y, w = _vectors(scores, outcomes, weights)
    positives, negatives = float(w[y == 1.0].sum()), float(w[y == 0.0].sum())
    targets = np.where(y == 1.0, (positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0))
    return _maximum_likelihood(s[:, None], targets, w, np.inf)


def fit_logistic(
    signals: ArrayLike, outcomes: ArrayLike, weights: ArrayLike | None = None, *, c: float = REGULARISATION_C
) -> tuple[LinearFit, Floats, Floats]:
    """L2-penalised logistic regression on standardised columns of n × k signals, intercept unpenalised.

    Minimises c·Σ w·log-loss + ½|coefficients|² with weights scaled to mean 1. Returns the fit, on
    standardised values, with the mean and the population standard deviation of each column (1 where it is 0).
    """
    x = np.asarray(signals, dtype=np.float64)
    y, _, w = _vectors(outcomes, outcomes, weights)
    mean = np.average(x, axis=0, weights=w)
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=w))
    scale = np.where(scale > 1e-12, scale, 1.0)
    return _maximum_likelihood((x - mean) / scale, y, w, c), mean, scale


def venn_abers(scores: ArrayLike, outcomes: ArrayLike, test_scores: Sequence[float]) -> tuple[VennAbers, ...]:
    """Inductive Venn–Abers prediction (Vovk and Petej 2012, section 4): isotonic fits with each test score
    added once as a 0 (p0) and once as a 1 (p1); combined = p1/(1 − p0 + p1)."""
    from sklearn.isotonic import IsotonicRegression

    s, y, _ = _vectors(scores, outcomes, None)

    def added(score: float, label: float) -> float:
        fitted = IsotonicRegression().fit(np.append(s, score), np.append(y, label))
        return float(fitted.predict([score])[0])

    pairs = [(added(score, 0.0), added(score, 1.0)) for score in test_scores]
    return tuple(VennAbers(p0, p1, p1 / (1.0 - p0 + p1)) for p0, p1 in pairs)


def _vectors(values: ArrayLike, outcomes: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    """Values, outcomes and weights scaled to mean 1, so that a penalty means the same at any audit rate."""
    v, y = np.asarray(values, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    if v.shape[:1] != y.shape or w.shape != y.shape:
        raise ValueError(f"{len(v)} values, {len(y)} outcomes and {len(w)} weights")
    if not np.isin(y, (0.0, 1.0)).all() or not (np.isfinite(w) & (w > 0.0)).all():
        raise ValueError("outcomes must be 0 or 1, weights finite and above 0")
    return v, y, w / w.mean() if len(w) else w


def _checked(
    keys: Sequence[str], evidence: ArrayLike, acceptable: ArrayLike, weights: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    x, y, w = _vectors(np.asarray(evidence, dtype=np.float64).reshape(-1, len(keys)), acceptable, weights)
    if not ((x >= 0.0) & (x <= 1.0)).all():
        raise ValueError("evidence must lie in [0, 1]")
    return x, y, w


def _sigmoid(values: Floats) -> Floats:
    # The logistic function is this tangent, which cannot overflow.
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)), dtype=np.float64)


def _maximum_likelihood(matrix: Floats, targets: Floats, weights: Floats, c: float) -> LinearFit:
    """Logistic regression with targets in [0, 1]: each row enters as a 1 and as a 0 in proportion."""
    from sklearn.linear_model import LogisticRegression

    rows = np.vstack([matrix, matrix])
    labels = np.repeat([1.0, 0.0], len(matrix))
    shares = np.concatenate([weights * targets, weights * (1.0 - targets)])
    counted = shares > 0.0
    solver = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-9, max_iter=1000)
    solver.fit(rows[counted], labels[counted], sample_weight=shares[counted])
    return LinearFit(tuple(float(value) for value in solver.coef_[0]), float(solver.intercept_[0]))


def _constant(keys: Sequence[str], y: Floats, w: Floats) -> Model:
    share = _smoothed(np.average(y, weights=w), _effective(w))
    return {"kind": "constant", "keys": list(keys), "value": float(share)}


def _platt_model(keys: Sequence[str], x: Floats, y: Floats, w: Floats) -> Model:
    fitted = fit_platt(logit(x, EVIDENCE_CLIP), y, w)
    slope = fitted.coefficients[0]
    if slope <= 0.0:
        # More evidence cannot mean less confidence: such a signal is noise here, or upside down.
        return _constant(keys, y, w)
    return {
        "kind": "platt",
        "keys": list(keys),
        "clip": EVIDENCE_CLIP,
        "slope": slope,
        "intercept": fitted.intercept,
    }


def _isotonic_model(keys: Sequence[str], x: Floats, y: Floats, w: Floats) -> Model:
    """Blocks of pooled adjacent violators (Ayer et al. 1955), the mean of each drawn towards one half as by
    half a good and half a bad output, (k + ½)/(n + 1) with n its effective size, so that a short clean run at
    the top claims no certainty; pooled once more because short blocks move further."""
    from sklearn.isotonic import IsotonicRegression

    raw = IsotonicRegression().fit(x, y, sample_weight=w).predict(x)
    values, block = np.unique(raw, return_inverse=True)
    members = [block == index for index in range(len(values))]
    sizes = np.array([_effective(w[m]) for m in members])
    drawn = IsotonicRegression().fit(np.arange(len(values)), _smoothed(values, sizes), sample_weight=sizes)
    points: list[tuple[float, float]] = []
    for m, mean in zip(members, drawn.predict(np.arange(len(values))), strict=True):
        points += [(float(x[m].min()), float(mean)), (float(x[m].max()), float(mean))]
    # A block of a single value has one end, not two.
    points = list(dict.fromkeys(points))
    return {"kind": "isotonic", "keys": list(keys), "x": [e for e, _ in points], "y": [p for _, p in points]}


def _logistic_model(keys: Sequence[str], x: Floats, y: Floats, w: Floats) -> Model:
    fitted, mean, scale = fit_logistic(logit(x, EVIDENCE_CLIP), y, w)
    return {
        "kind": "logistic",
        "keys": list(keys),
        "clip": EVIDENCE_CLIP,
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "coefficients": list(fitted.coefficients),
        "intercept": fitted.intercept,
    }


def _cross_validated_brier(x: Floats, y: Floats, w: Floats, groups: Sequence[object] | None) -> dict[str, float]:
    """Weighted Brier score of Platt and of isotonic on held-out prompts; empty when no fold can be
    trained."""
    from sklearn.model_selection import GroupKFold

    names = range(len(y)) if groups is None else groups
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    if len(numbers) < FOLDS:
        return {}
    folds = list(GroupKFold(FOLDS).split(x, y, [numbers[name] for name in names]))
    if any(np.ptp(y[train]) == 0.0 or np.ptp(x[train]) == 0.0 for train, _ in folds):
        return {}
    scores = {}
    for kind, build in (("platt", _platt_model), ("isotonic", _isotonic_model)):
        held_out = np.empty_like(y)
        for train, test in folds:
            held_out[test] = predict_many(build(["e"], x[train], y[train], w[train]), x[test, None])
        scores[kind] = float(np.average((held_out - y) ** 2, weights=w))
    return scores


def _smoothed(share: ArrayLike, size: ArrayLike) -> Floats:
    k = np.asarray(share, dtype=np.float64) * np.asarray(size, dtype=np.float64)
    return np.asarray((k + 0.5) / (np.asarray(size, dtype=np.float64) + 1.0), dtype=np.float64)


def _effective(weights: Floats) -> float:
    """Kish's (Σw)²/Σw²: how many equally weighted outputs say as much."""
    return float(weights.sum() ** 2 / (weights**2).sum())
