"""From judged outputs to the parameters of a calibrator: which signals are worth something, and one model for
every set of them. Pure. The shape of the parameters is described in routing.policy.confidence."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from routing.policy.calibration import CalibrationFit, coefficients_of, fit
from routing.policy.confidence import ANY_INTENT, FORMAT, cell_name, signature
from routing.policy.separation import FEWEST_LABELS, FEWEST_OF_EACH, Separation, separation

# An intent speaks for itself from this many labels, and enough of either verdict to tell what a signal is worth;
# below, all such intents share one scope.
MIN_INTENT_LABELS = 100
# A useful signal that came with at least this share of a scope's outputs is expected with every one.
EXPECTED_SHARE = 0.95
# Scores are probabilities by nature; the other kinds are shares and words, taken as they are (see calibration).
PROBABILITIES = "score:"


@dataclass(frozen=True, slots=True)
class Logged:
    """One past output as learning sees it. `acceptable` is None where no person judged it; `prompt` is the same
    for outputs on the same prompt; `same_family` names the judges that share the source model's family; `by_model`:
    a model weighs its raters, so whatever they said, `acceptable` is None."""

    intent: str
    stakes: str
    evidence: Mapping[str, float | None]
    inclusion_probability: float
    acceptable: bool | None
    prompt: str
    same_family: frozenset[str] = frozenset()
    by_model: bool = False

    @property
    def counts(self) -> bool:
        """Whether its verdict may teach: one that had no chance to be drawn stands for nothing."""
        return self.acceptable is not None and self.inclusion_probability > 0


@dataclass(frozen=True, slots=True)
class Scopes:
    """`parameters` of a calibrator; per cell ("<scope>|<signals>") its labels, and why it has no model."""

    parameters: dict[str, Any]
    labels_by_cell: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def fit_scopes(rows: Sequence[Logged]) -> Scopes:
    """Fit every scope and cell that has enough labels. `rows` are all outputs, judged or not."""
    found = Scopes({"format": FORMAT, "scopes": {}})
    by_intent: dict[str, list[Logged]] = defaultdict(list)
    for row in rows:
        by_intent[row.intent].append(row)
    # An intent with the name of all of them has no scope of its own.
    own = {name for name, members in by_intent.items() if name != ANY_INTENT and _enough(members)}
    if sum(row.counts for row in rows) >= FEWEST_LABELS:
        everything = _fit_scope(ANY_INTENT, rows, found)
        others = sorted(by_intent.keys() - own)
        everything["intents"] = {name: _expected(everything["signals"], by_intent[name]) for name in others}
        found.parameters["scopes"][ANY_INTENT] = everything
    for name in sorted(own):
        found.parameters["scopes"][name] = _fit_scope(name, by_intent[name], found)
    return found


def weights_by_signal(scope: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """The coefficient of each useful signal, by the cells of a scope that it is in; None in a curve."""
    weights: dict[str, dict[str, float | None]] = defaultdict(dict)
    for model in scope["cells"].values():
        for key, weight in coefficients_of(model).items():
            weights[key]["+".join(model["keys"])] = weight
    return dict(weights)


def _enough(rows: Sequence[Logged]) -> bool:
    verdicts = Counter(row.acceptable for row in rows if row.counts)
    return sum(verdicts.values()) >= MIN_INTENT_LABELS and min(verdicts[True], verdicts[False]) >= FEWEST_OF_EACH


def _fit_scope(name: str, rows: Sequence[Logged], found: Scopes) -> dict[str, Any]:
    labelled = [row for row in rows if row.counts]
    signals = _signals(rows, labelled)
    cells: dict[frozenset[str], list[Logged]] = defaultdict(list)
    for row in labelled:
        cells[frozenset(key for key in _speaking(row) if signals[key]["useful"])].append(row)
    models: dict[str, Any] = {}
    for keys, members in sorted(cells.items(), key=lambda cell: sorted(cell[0])):
        shown, result = cell_name(name, keys), _fit_cell(sorted(keys), members)
        found.labels_by_cell[shown] = len(members)
        if result.model is None:
            found.skipped[shown] = result.reason
        else:
            models[signature(keys)] = result.model
    return {
        "labels": len(labelled),
        "signals": signals,
        "expected": _expected(signals, rows),
        "base_rate": models.pop(signature(()), None),
        "cells": models,
    }


def _signals(rows: Sequence[Logged], labelled: Sequence[Logged]) -> dict[str, Any]:
    """What each signal of a scope is worth, in key order."""
    speaking = Counter(key for row in rows for key in _speaking(row))
    return {key: _shown(_worth(key, labelled), speaking[key] / len(rows)) for key in sorted(speaking)}


def _worth(key: str, labelled: Sequence[Logged]) -> Separation:
    pairs = [(value, row) for row in labelled if (value := row.evidence.get(key)) is not None]
    return separation(
        [value for value, _row in pairs],
        [float(bool(row.acceptable)) for _value, row in pairs],
        weights=[1.0 / row.inclusion_probability for _value, row in pairs],
        prompts=[row.prompt for _value, row in pairs],
    )


def _shown(worth: Separation, present: float) -> dict[str, Any]:
    return {**asdict(worth), "useful": worth.useful, "present": present}


def _expected(signals: Mapping[str, Any], rows: Sequence[Logged]) -> list[str]:
    speaking = Counter(key for row in rows for key in _speaking(row))
    return [key for key in signals if signals[key]["useful"] and speaking[key] >= EXPECTED_SHARE * len(rows)]


def _speaking(row: Logged) -> Iterable[str]:
    return (key for key, value in row.evidence.items() if value is not None)


def _fit_cell(keys: Sequence[str], rows: Sequence[Logged]) -> CalibrationFit:
    """Rows of one cell share their set of signals, so the evidence is a full matrix."""
    return fit(
        keys,
        [[value for key in keys if (value := row.evidence[key]) is not None] for row in rows],
        [float(bool(row.acceptable)) for row in rows],
        weights=[1.0 / row.inclusion_probability for row in rows],
        groups=[row.prompt for row in rows],
        linear=[key for key in keys if not key.startswith(PROBABILITIES)],
    )
