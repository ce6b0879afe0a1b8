"""The human ceiling: how far people agree with each other, and automatic verdicts with people, on one measure.

Both are kappas of one table: a person's verdict against another person's, or against the automatic one. People
judge mostly what looked doubtful, so every output weighs 1/π (π = inclusion probability of its human label).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labeling.stats.intervals import Interval
from labeling.stats.kappa import CERTAIN

Floats: TypeAlias = NDArray[np.float64]

OUTPUTS_NEEDED = 20
RESAMPLES = 1000
# With a larger share of resamples without a kappa there is too little variation for an interval.
UNDEFINED_MOST = 0.05

Reason: TypeAlias = Literal["too_few_outputs", "no_variation"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One output: how many people passed and failed it, its inclusion probability, and an automatic verdict if any."""

    passed: int
    failed: int
    inclusion_probability: float
    verdict: bool | None = None


@dataclass(frozen=True, slots=True)
class WeightedKappa:
    """`kappa` with its 95 % interval over `outputs`; None with a `reason` when undefined. `agreement` in [0, 1]."""

    outputs: int
    agreement: float | None
    kappa: float | None
    interval: Interval | None
    reason: Reason | None


def people_with_people(rows: Sequence[Judged], *, rng: np.random.Generator) -> WeightedKappa:
    """Any two people on outputs that two or more of them judged.

    Who is first and who second means nothing, so every pair counts both ways: with equal margins Cohen's kappa is
    Scott's pi (1955).
    """
    shared = [row for row in rows if row.passed + row.failed >= 2]
    tables = np.zeros((len(shared), 2, 2))
    for table, row in zip(tables, shared, strict=True):
        people = row.passed + row.failed
        table[0, 0], table[1, 1] = row.passed * (row.passed - 1), row.failed * (row.failed - 1)
        table[0, 1] = table[1, 0] = row.passed * row.failed
        table /= people * (people - 1) * row.inclusion_probability
    return _weighted_kappa(tables, rng)


def people_with_verdicts(rows: Sequence[Judged], *, rng: np.random.Generator) -> WeightedKappa:
    """Any person (row) against the automatic verdict (column), on outputs that have both."""
    judged = [row for row in rows if row.verdict is not None and row.passed + row.failed]
    tables = np.zeros((len(judged), 2, 2))
    for table, row in zip(tables, judged, strict=True):
        column = 0 if row.verdict else 1
        table[0, column], table[1, column] = row.passed, row.failed
        table /= (row.passed + row.failed) * row.inclusion_probability
    return _weighted_kappa(tables, rng)


def above_ceiling(verdicts: WeightedKappa, people: WeightedKappa) -> bool:
    """Whether an automatic verdict agrees with people more than people do with each other, beyond chance: its lower
    bound lies above the upper one of people. Then either it has seen the answers, or people have seen its."""
    if verdicts.interval is None or people.interval is None:
        return False
    return verdicts.interval.low > people.interval.high


def _weighted_kappa(tables: Floats, rng: np.random.Generator) -> WeightedKappa:
    """Kappa of the sum of N tables of weights, with a percentile interval over resampled outputs."""
    outputs = len(tables)
    whole = tables.sum(axis=0)
    weight = float(whole.sum())
    agreement = float(np.trace(whole)) / weight if outputs else None
    if outputs < OUTPUTS_NEEDED:
        return WeightedKappa(outputs, agreement, None, None, "too_few_outputs")
    point = _kappas(whole[None])[0]
    if np.isnan(point):
        return WeightedKappa(outputs, agreement, None, None, "no_variation")
    # Equal tables are drawn together.
    patterns, counts = np.unique(tables.reshape(outputs, 4), axis=0, return_counts=True)
    drawn = rng.multinomial(outputs, counts / outputs, size=RESAMPLES) @ patterns
    kappas = _kappas(drawn.reshape(-1, 2, 2))
    kappas = kappas[~np.isnan(kappas)]
    if len(kappas) < (1.0 - UNDEFINED_MOST) * RESAMPLES:
        return WeightedKappa(outputs, agreement, float(point), None, None)
    low, high = np.quantile(kappas, [0.025, 0.975])
    return WeightedKappa(outputs, agreement, float(point), Interval(float(low), float(high)), None)


def _kappas(tables: Floats) -> Floats:
    """Cohen's kappa (1960) of each of B tables of weights; nan where chance alone agrees."""
    joint = tables / tables.sum(axis=(1, 2), keepdims=True)
    observed = np.trace(joint, axis1=1, axis2=2)
    chance = (joint.sum(axis=1) * joint.sum(axis=2)).sum(axis=1)
    kappas: Floats = np.full(len(joint), np.nan)
    np.divide(observed - chance, 1.0 - chance, out=kappas, where=chance < CERTAIN)
    return kappas
