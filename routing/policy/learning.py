"""What human verdicts teach the router: a calibrator, and thresholds with a guarantee. Pure.

Rows are split by prompt: one part fits the calibrator, the other chooses thresholds, because a
bound computed on the data that a model was fitted to is no bound.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from routing.policy.confidence import confidence
from routing.policy.error_rate import Stratum
from routing.policy.metrics import Quality, quality
from routing.policy.scopes import MIN_INTENT_LABELS, Logged, fit_scopes, weights_by_signal
from routing.policy.thresholds import Selection, select_threshold, starting_index

FOLDS = 5
# The share of prompts whose rows fit the calibrator; the rest choose the thresholds.
FIT_SHARE = 0.6
# Strict to lax, fixed before any label is seen.
GRID = tuple(round(0.995 - 0.005 * step, 3) for step in range(160))


@dataclass(frozen=True, slots=True)
class JudgeKinship:
    """Of `outputs` that a judge spoke on, `same_family` came from a model of its own family."""

    outputs: int
    same_family: int

    @property
    def share(self) -> float | None:
        return self.same_family / self.outputs if self.outputs else None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibrator's parameters, its quality on rows it was not fitted to, and what it was fitted on.

    `by_intent` is the quality on the intents with 100 held-out labels or more; `judges` by signal key.
    """

    parameters: dict[str, Any]
    quality: Quality
    labels: int
    labels_by_cell: dict[str, int]
    skipped: dict[str, str]
    by_intent: dict[str, Quality] = field(default_factory=dict)
    judges: dict[str, JudgeKinship] = field(default_factory=dict)

    def metrics(self) -> dict[str, Any]:
        """All there is to report, as JSON: quality overall and by intent, every signal by scope with its worth
        and its weights (coefficients by cell), and the share of judgements within the family."""
        return {
            **asdict(self.quality),
            "by_intent": {name: asdict(found) for name, found in self.by_intent.items()},
            "signals": {name: _signals_shown(scope) for name, scope in sorted(self.parameters["scopes"].items())},
            "same_family": {key: {**asdict(found), "share": found.share} for key, found in self.judges.items()},
        }


def fold_of(prompt: str, folds: int, salt: str = "fold") -> int:
    """A fold in 0 … folds-1 that depends on the prompt alone, so that its rows stay together."""
    return int.from_bytes(hashlib.sha256(f"{salt}|{prompt}".encode()).digest()[:4], "big") % folds


def for_fitting(row: Logged) -> bool:
    """Whether a row belongs to the part that fits the calibrator."""
    return fold_of(row.prompt, 100, "split") < FIT_SHARE * 100


def fit_calibrator(rows: Sequence[Logged], *, salt: str = "fold") -> Fitted:
    """Fit every scope and cell that has enough labels; measure on folds of prompts left out.

    `salt` deals the prompts into folds; another one shows how far the measure depends on them.
    """
    found = fit_scopes(rows)
    held_out = held_out_predictions(rows, salt=salt)
    by_intent: dict[str, list[Predicted]] = defaultdict(list)
    for pair in held_out:
        by_intent[pair.row.intent].append(pair)
    return Fitted(
        parameters=found.parameters,
        quality=quality_of(held_out),
        labels=sum(row.counts for row in rows),
        labels_by_cell=found.labels_by_cell,
        skipped=found.skipped,
        by_intent={
            name: quality_of(pairs) for name, pairs in sorted(by_intent.items()) if len(pairs) >= MIN_INTENT_LABELS
        },
        judges=_kinship(rows),
    )


@dataclass(frozen=True, slots=True)
class Predicted:
    """A judged row and the confidence in [0, 1] that it would have got; `by_signals` unless by the base rate."""

    row: Logged
    value: float
    by_signals: bool


def held_out_predictions(rows: Sequence[Logged], *, folds: int = FOLDS, salt: str = "fold") -> list[Predicted]:
    """Each judged row with the confidence that a calibrator gives it that saw none of its prompt's rows.

    Rows that such a calibrator cannot say anything of are left out.
    """
    dealt = [fold_of(row.prompt, folds, salt) for row in rows]
    predicted = []
    for fold in range(folds):
        parameters = fit_scopes([row for row, own in zip(rows, dealt, strict=True) if own != fold]).parameters
        for row, own in zip(rows, dealt, strict=True):
            if own == fold and row.counts:
                found = confidence(parameters, row.intent, row.evidence)
                if found.value is not None:
                    predicted.append(Predicted(row, found.value, bool(found.contributions)))
    return predicted


def confidences(parameters: Mapping[str, Any] | None, rows: Sequence[Logged]) -> list[float | None]:
    return [confidence(parameters, row.intent, row.evidence).value for row in rows]


def quality_of(predicted: Sequence[Predicted]) -> Quality:
    """The quality of held-out predictions, weighted by 1/π. Where no signal spoke there is no order to measure:
    base rates differ between folds by nothing but which outputs were left out, which ranks them backwards."""
    found = quality(
        [pair.value for pair in predicted],
        [float(bool(pair.row.acceptable)) for pair in predicted],
        [1.0 / pair.row.inclusion_probability for pair in predicted],
    )
    if predicted and not any(pair.by_signals for pair in predicted):
        return replace(found, auc=replace(found.auc, value=None, lower=None, reason="no signal is useful"))
    return found


def _signals_shown(scope: Mapping[str, Any]) -> dict[str, Any]:
    weights = weights_by_signal(scope)
    return {key: {**row, "weights": weights.get(key, {})} for key, row in scope["signals"].items()}


def _kinship(rows: Sequence[Logged]) -> dict[str, JudgeKinship]:
    spoke = Counter(key for row in rows for key, value in row.evidence.items() if value is not None)
    akin = Counter(key for row in rows for key in row.same_family if row.evidence.get(key) is not None)
    return {key: JudgeKinship(spoke[key], akin[key]) for key in sorted(spoke) if key.startswith("judge:")}


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
