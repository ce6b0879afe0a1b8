"""What human verdicts teach the router: a calibrator, and thresholds with a guarantee. Pure.

Rows are split by prompt: one part fits the calibrator, the other chooses thresholds, because a
bound computed on the data that a model was fitted to is no bound.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from routing.policy.calibration import CalibrationFit, fit
from routing.policy.confidence import ANY_INTENT, cell_name, confidence, signature
from routing.policy.document import PolicyDocument
from routing.policy.error_rate import Stratum
from routing.policy.metrics import Quality, quality
from routing.policy.thresholds import Selection, select_threshold, starting_index

# An intent gets a model of its own from this many labels; below, all intents with the same signals share one.
MIN_INTENT_LABELS = 100
FOLDS = 5
# The share of prompts whose rows fit the calibrator; the rest choose the thresholds.
FIT_SHARE = 0.6
# Strict to lax, fixed before any label is seen.
GRID = tuple(round(0.995 - 0.005 * step, 3) for step in range(160))


@dataclass(frozen=True, slots=True)
class Logged:
    """One past output as learning sees it. `acceptable` is None where no person judged it."""

    intent: str
    stakes: str
    evidence: Mapping[str, float | None]
    inclusion_probability: float
    acceptable: bool | None
    prompt: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibrator's parameters, its quality on rows it was not fitted to, and what it was fitted on."""

    parameters: dict[str, Any]
    quality: Quality
    labels: int
    labels_by_cell: dict[str, int]
    skipped: dict[str, str]


def fold_of(prompt: str, folds: int, salt: str = "fold") -> int:
    """A fold in 0 … folds-1 that depends on the prompt alone, so that its rows stay together."""
    return int.from_bytes(hashlib.sha256(f"{salt}|{prompt}".encode()).digest()[:4], "big") % folds


def for_fitting(row: Logged) -> bool:
    """Whether a row belongs to the part that fits the calibrator."""
    return fold_of(row.prompt, 100, "split") < FIT_SHARE * 100


def fit_calibrator(rows: Sequence[Logged]) -> Fitted:
    """Fit every cell that has enough labels; measure on folds of prompts left out."""
    labelled = [row for row in rows if row.acceptable is not None and row.inclusion_probability > 0]
    parameters, counts, skipped = _fit_cells(labelled)
    predicted, outcomes, weights = [], [], []
    for fold in range(FOLDS):
        inside = [row for row in labelled if fold_of(row.prompt, FOLDS) != fold]
        outside = [row for row in labelled if fold_of(row.prompt, FOLDS) == fold]
        held_out, _counts, _skipped = _fit_cells(inside)
        for row in outside:
            value = confidence(held_out, row.intent, row.evidence).value
            if value is not None:
                predicted.append(value)
                outcomes.append(float(bool(row.acceptable)))
                weights.append(1.0 / row.inclusion_probability)
    return Fitted(
        parameters=parameters,
        quality=quality(predicted, outcomes, weights),
        labels=len(labelled),
        labels_by_cell=counts,
        skipped=skipped,
    )


def _fit_cells(labelled: Sequence[Logged]) -> tuple[dict[str, Any], dict[str, int], dict[str, str]]:
    cells: dict[str, list[Logged]] = defaultdict(list)
    by_intent = Counter((row.intent, signature(row.evidence)) for row in labelled)
    for row in labelled:
        signals = signature(row.evidence)
        if not signals:
            continue
        cells[cell_name(ANY_INTENT, signals)].append(row)
        if by_intent[row.intent, signals] >= MIN_INTENT_LABELS:
            cells[cell_name(row.intent, signals)].append(row)
    models: dict[str, Any] = {}
    skipped: dict[str, str] = {}
    for name, members in sorted(cells.items()):
        result = _fit_cell(members)
        if result.model is None:
            skipped[name] = result.reason
        else:
            models[name] = result.model
    counts = {name: len(members) for name, members in sorted(cells.items())}
    return {"cells": models}, counts, skipped


def _fit_cell(rows: Sequence[Logged]) -> CalibrationFit:
    """Rows of one cell share their set of signals, so the evidence is a full matrix."""
    keys = sorted(key for key, value in rows[0].evidence.items() if value is not None)
    return fit(
        keys,
        [[value for key in keys if (value := row.evidence[key]) is not None] for row in rows],
        [float(bool(row.acceptable)) for row in rows],
        weights=[1.0 / row.inclusion_probability for row in rows],
        groups=[row.prompt for row in rows],
    )


def confidences(parameters: Mapping[str, Any] | None, rows: Sequence[Logged]) -> list[float | None]:
    return [confidence(parameters, row.intent, row.evidence).value for row in rows]


def choose_threshold(
    rows: Sequence[Logged], values: Sequence[float | None], *, max_error_rate: float, level: float
) -> Selection | None:
    """The laxest threshold of GRID whose shipped slice is certified, on rows that did not fit `values`.

    None when no threshold is expected to gather enough labels to certify anything.
    """
    scored = [(value, row) for row, value in zip(rows, values, strict=True) if value is not None]
    # Strict to lax, each threshold only adds rows to the one before.
    waiting = sorted(scored, key=lambda pair: pair[0])
    tally = _Tally()
    strata, expected = [], []
    for threshold in GRID:
        while waiting and waiting[-1][0] >= threshold:
            row = waiting.pop()[1]
            tally.add(row.inclusion_probability, row.acceptable)
        strata.append(tally.strata())
        # Expected labels come from inclusion probabilities alone: no label decides where the search starts.
        expected.append(sum(probability * count for probability, count in tally.shipped.items()))
    start = starting_index(expected, max_error_rate=max_error_rate, delta=1 - level)
    if start is None:
        return None
    return select_threshold(GRID, strata, max_error_rate=max_error_rate, delta=1 - level, start=start)


class _Tally:
    """Counts by inclusion probability, row by row: what is under review today has probability 1."""

    def __init__(self) -> None:
        self.shipped: Counter[float] = Counter()
        self.audited: Counter[float] = Counter()
        self.errors: Counter[float] = Counter()

    def add(self, probability: float, acceptable: bool | None) -> None:
        self.shipped[probability] += 1
        if acceptable is not None:
            self.audited[probability] += 1
            self.errors[probability] += not acceptable

    def strata(self) -> list[Stratum]:
        return [
            Stratum(
                shipped=self.shipped[probability],
                audited=self.audited[probability],
                errors=self.errors[probability],
                audit_rate=probability or None,
                name=f"inclusion {probability:g}",
            )
            for probability in sorted(self.shipped)
        ]


def strata_of(pairs: Iterable[tuple[float, bool | None]]) -> list[Stratum]:
    """Strata of (inclusion probability, acceptable or None) pairs, in order of probability.

    Rows with probability 0 never had a chance of a verdict: they make an unaudited stratum.
    """
    tally = _Tally()
    for probability, acceptable in pairs:
        tally.add(probability, acceptable)
    return tally.strata()


def threshold_for_share(values: Sequence[float | None], share: float) -> float:
    """The largest threshold in [0, 1] that sends at most `share` of these outputs to review.

    Outputs without a confidence are reviewed whatever the threshold.
    """
    if not values:
        return 1.0
    known = np.sort(np.array([value for value in values if value is not None], dtype=float))
    # Rounding must not cost an output: 0.29 · 100 is 28.999999999999996.
    allowed = int(share * len(values) + 1e-9) - (len(values) - known.size)
    if allowed < 0 or known.size == 0:
        return 0.0
    # Review is "below the threshold", so the value at this rank still ships.
    return float(known[allowed]) if allowed < known.size else 1.0


def with_thresholds(
    document: PolicyDocument, thresholds: Mapping[str, float], *, audit_rate: float, uncertified: Sequence[str] = ()
) -> dict[str, Any]:
    """The document with these tiers shipping above their threshold, audited at `audit_rate`.

    A tier's own audit rate stays when it ships already. Tiers not named stay as they are, and so do
    the tiers of intents that were set apart. `uncertified` tiers that ship by a threshold go back to review:
    an old threshold means nothing under a new calibrator.
    """
    draft = document.model_dump(mode="json")
    for stakes, threshold in thresholds.items():
        tier = draft["tiers"][stakes]
        if tier["mode"] == "always":
            tier["audit_rate"] = audit_rate
        tier.update(mode="below_threshold", threshold=threshold)
    for stakes in uncertified:
        tier = draft["tiers"][stakes]
        if tier["mode"] == "below_threshold":
            tier.update(mode="always", threshold=None)
    return draft


def selection_as_json(selection: Selection) -> dict[str, Any]:
    """A selection without the untested rows."""
    shown = asdict(selection)
    shown["rows"] = [row for row in shown["rows"] if row["tested"]]
    return shown
