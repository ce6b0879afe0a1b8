"""Calibrators: from the evidence of an output to P(acceptable), fitted on human verdicts.

A fitted model is a plain dict that survives JSON:

- `{"kind": "constant", "keys": […], "value": v}`: the evidence says nothing, v is the base rate;
- `{"kind": "platt", "keys": [key], "clip": c, "slope": a, "intercept": b}`: σ(a·f(e) + b);
- `{"kind": "isotonic", "keys": [key], "x": […], "y": […]}`: linear between the points, flat outside;
- `{"kind": "logistic", "keys": […], "clip": c, "mean": […], "scale": […], "coefficients": […],
  "intercept": b}`: p = σ(Σ w_i·(f(e_i) − mean_i)/scale_i + b); where it has `x` and `y` too, the mean of p and
  of what the line between those points has at p.

Evidence is one number in [0, 1] per signal key. f is the logit, with `clip` to keep it finite, or for the keys
in `linear` the evidence itself: a judge's "pass" is a word and no probability of 1. No coefficient is below 0, so
that more evidence never lowers confidence. `base` is the share of acceptable outputs that a model was fitted on.
Only fitting imports scikit-learn; the rest needs numpy alone, so that a web process starts without it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
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
            return _sigmoid(model["slope"] * _features(model, rows)[:, 0] + model["intercept"])
        case "isotonic":
            return np.asarray(np.interp(rows[:, 0], model["x"], model["y"]), dtype=np.float64)
        case "logistic":
            found = _sigmoid(_parts(model, rows).sum(axis=1) + model["intercept"])
            return (found + np.interp(found, model["x"], model["y"])) / 2.0 if "x" in model else found
    raise ValueError(f"unknown kind of calibration: {model['kind']!r}")


def contributions(model: Mapping[str, Any], evidence: Mapping[str, float]) -> dict[str, float]:
    """What each signal adds to the log-odds of acceptable, against the average output of the model.

    Of a logistic model before its last step between points; a constant has none.
    """
    keys: list[str] = model["keys"]
    rows = np.array([[evidence[key] for key in keys]], dtype=np.float64)
    if model["kind"] == "logistic":
        return dict(zip(keys, _parts(model, rows)[0].tolist(), strict=True))
    if model["kind"] == "constant":
        return dict.fromkeys(keys, 0.0)
    odds = logit([float(predict_many(model, rows)[0]), model.get("base", 0.5)], EVIDENCE_CLIP)
    return {keys[0]: float(odds[0] - odds[1])}


def coefficients_of(model: Mapping[str, Any]) -> dict[str, float | None]:
    """The weight of each signal in a model: log-odds per standard deviation (logistic) or per unit of f
    (platt), 0 in a constant, None where the model is a curve (isotonic)."""
    keys: list[str] = model["keys"]
    match model["kind"]:
        case "logistic":
            return dict(zip(keys, model["coefficients"], strict=True))
        case "platt":
            return {keys[0]: model["slope"]}
        case "constant":
            return dict.fromkeys(keys, 0.0)
    return dict.fromkeys(keys, None)


def fit(
    keys: Sequence[str],
    evidence: ArrayLike,
    acceptable: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    groups: Sequence[object] | None = None,
    linear: Collection[str] = (),
) -> CalibrationFit:
    """Fit a calibrator on n × k evidence in [0, 1] (columns named by `keys`) and n verdicts (1 acceptable, 0
    not).

    `weights` are 1/π; `groups` name the prompt of each output, so that no prompt is on both sides of a fold;
    `linear` names the keys to take as they are instead of their logit. One key: Platt; several: L2-regularised
    logistic regression. From 1000 labels isotonic, by itself or after the regression, where it has the better
    cross-validated Brier score. Evidence that never varies, or that would *lower* confidence as it rises, has
    no weight, and without any other leaves a constant. Without keys the base rate. Fewer than 50 labels or a
    single class give no model. Deterministic.
    """
    x, y, w = _checked(keys, evidence, acceptable, weights)
    labels, good = int(y.size), int(y.sum())
    if labels < FEWEST_LABELS:
        return CalibrationFit(None, labels, good, f"fewer than {FEWEST_LABELS} labels")
    if good in (0, labels):
        return CalibrationFit(None, labels, good, "all labels are the same")
    scaled = tuple(key for key in keys if key in linear)
    plain, curved = (_platt_model, _isotonic_model) if len(keys) == 1 else (_logistic_model, _curved_model)
    data = _Data(tuple(keys), scaled, x, y, w)
    if not x.size or not np.ptp(x, axis=0).any():
        return CalibrationFit(_constant(data), labels, good)
    scores: dict[str, float] = {}
    if labels >= ISOTONIC_LABELS:
        scores = _cross_validated_brier(data, {"plain": plain, "isotonic": curved}, groups)
    best = curved if scores and scores["isotonic"] < scores["plain"] else plain
    return CalibrationFit(best(data), labels, good, cross_validated_brier=scores)


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
    x, y, w = _vectors(
        np.asarray(evidence, dtype=np.float64).reshape(len(np.asarray(acceptable)), len(keys)), acceptable, weights
    )
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


@dataclass(frozen=True, slots=True)
class _Data:
    """What a model is fitted on: n × k evidence, n verdicts, n weights of mean 1."""

    keys: tuple[str, ...]
    linear: tuple[str, ...]
    x: Floats
    y: Floats
    w: Floats

    def of(self, rows: NDArray[np.int_]) -> "_Data":
        return _Data(self.keys, self.linear, self.x[rows], self.y[rows], self.w[rows])

    def head(self, kind: str) -> Model:
        """What every model says of itself."""
        base = float(np.average(self.y, weights=self.w))
        return {"kind": kind, "keys": list(self.keys), "linear": list(self.linear), "clip": EVIDENCE_CLIP, "base": base}


def _features(model: Mapping[str, Any], rows: Floats) -> Floats:
    """f of n × k evidence: its logit, or itself for the keys in `linear`."""
    linear = np.array([key in model.get("linear", ()) for key in model["keys"]], dtype=bool)
    return np.where(linear, rows, logit(rows, model["clip"]))


def _parts(model: Mapping[str, Any], rows: Floats) -> Floats:
    """Each signal's part of the log-odds of a logistic model, n × k."""
    standard = (_features(model, rows) - np.asarray(model["mean"])) / np.asarray(model["scale"])
    return np.asarray(standard * np.asarray(model["coefficients"]), dtype=np.float64)


def _constant(data: _Data) -> Model:
    share = _smoothed(np.average(data.y, weights=data.w), _effective(data.w))
    return {"kind": "constant", "keys": list(data.keys), "value": float(share)}


def _platt_model(data: _Data) -> Model:
    model = data.head("platt")
    fitted = fit_platt(_features(model, data.x)[:, 0], data.y, data.w)
    slope = fitted.coefficients[0]
    if slope <= 0.0:
        # More evidence cannot mean less confidence: such a signal is noise here, or upside down.
        return _constant(data)
    return model | {"slope": slope, "intercept": fitted.intercept}


def _isotonic_model(data: _Data) -> Model:
    return data.head("isotonic") | _curve(data.x[:, 0], data.y, data.w)


def _curve(x: Floats, y: Floats, w: Floats) -> dict[str, list[float]]:
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
    return {"x": [e for e, _ in points], "y": [p for _, p in points]}


def _logistic_model(data: _Data) -> Model:
    """The signal with the most negative coefficient leaves, until none is left with one: beside others a signal
    can come out upside down although it is not, and more evidence must never lower confidence."""
    model = data.head("logistic")
    features = _features(model, data.x)
    kept = np.arange(len(data.keys))
    while True:
        fitted, mean, scale = fit_logistic(features[:, kept], data.y, data.w)
        coefficients = np.array(fitted.coefficients)
        if coefficients.min() >= 0.0:
            break
        kept = np.delete(kept, coefficients.argmin())
        if not kept.size:
            return _constant(data)
    means, scales, weights = np.zeros(len(data.keys)), np.ones(len(data.keys)), np.zeros(len(data.keys))
    means[kept], scales[kept], weights[kept] = mean, scale, coefficients
    return model | {
        "mean": means.tolist(),
        "scale": scales.tolist(),
        "coefficients": weights.tolist(),
        "intercept": fitted.intercept,
    }


def _curved_model(data: _Data) -> Model:
    """The mean of a logistic regression and of its isotonic correction: the correction alone would give all
    outputs of a block one probability, and with it lose the order that the regression knows."""
    model = _logistic_model(data)
    if model["kind"] == "constant":
        return model
    return model | _curve(predict_many(model, data.x), data.y, data.w)


def _cross_validated_brier(
    data: _Data, builders: Mapping[str, Callable[[_Data], Model]], groups: Sequence[object] | None
) -> dict[str, float]:
    """Weighted Brier score of each kind on held-out prompts; empty when no fold can be trained."""
    from sklearn.model_selection import GroupKFold

    x, y = data.x, data.y
    names = range(len(y)) if groups is None else groups
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    if len(numbers) < FOLDS:
        return {}
    folds = list(GroupKFold(FOLDS).split(x, y, [numbers[name] for name in names]))
    if any(np.ptp(y[train]) == 0.0 or not np.ptp(x[train], axis=0).any() for train, _ in folds):
        return {}
    scores = {}
    for kind, build in builders.items():
        held_out = np.empty_like(y)
        for train, test in folds:
            held_out[test] = predict_many(build(data.of(train)), x[test])
        scores[kind] = float(np.average((held_out - y) ** 2, weights=data.w))
    return scores


def _smoothed(share: ArrayLike, size: ArrayLike) -> Floats:
    k = np.asarray(share, dtype=np.float64) * np.asarray(size, dtype=np.float64)
    return np.asarray((k + 0.5) / (np.asarray(size, dtype=np.float64) + 1.0), dtype=np.float64)


def _effective(weights: Floats) -> float:
    """Kish's (Σw)²/Σw²: how many equally weighted outputs say as much."""
    return float(weights.sum() ** 2 / (weights**2).sum())
