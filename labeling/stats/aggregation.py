"""One label out of several raters' labels: by majority, or by a model of who errs how.

Labels aggregated by a model are for looking at. They never enter a guarantee on error rates: at few
failures the model is worse than the majority.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from labeling.stats.units import Floats, Value

ErrorModel: TypeAlias = Literal["confusion", "one_coin"]

# Stands in for a probability that the data put at 0, so that logarithms exist.
FLOOR = 1e-15


@dataclass(frozen=True, slots=True)
class Majority:
    """`label` is None on a `tie`, which belongs to adjudication, and without labels. `share` in (0, 1] is
    that of the most frequent label, None without labels."""

    label: Value | None
    status: Literal["ok", "tie", "no_labels"]
    share: float | None
    labels: int


@dataclass(frozen=True, slots=True)
class Aggregated:
    """Posterior probabilities of each label (rows sum to 1) by item, and the most probable label.

    `label` is None where two labels are equally probable. `accuracy` of each rater is the estimated
    probability of a right label, averaged over the estimated prevalence. `errors[rater][said][true]` is
    P(said | true), and `met[rater][true]` the expected number of items of that label it rests on. `converged`
    tells whether the estimates had stopped moving.
    """

    labels: tuple[Value, ...]
    posterior: dict[Hashable, tuple[float, ...]]
    label: dict[Hashable, Value | None]
    prevalence: tuple[float, ...]
    accuracy: dict[Hashable, float]
    errors: dict[Hashable, tuple[tuple[float, ...], ...]]
    met: dict[Hashable, tuple[float, ...]]
    iterations: int
    converged: bool


def majority(labels: Iterable[Value | None]) -> Majority:
    """Most frequent label of one item; None is a missing one. A tie is never broken."""
    counts = Counter(label for label in labels if label is not None)
    total = sum(counts.values())
    if total == 0:
        return Majority(None, "no_labels", None, 0)
    most = max(counts.values())
    leaders = [label for label, count in counts.items() if count == most]
    if len(leaders) > 1:
        return Majority(None, "tie", most / total, total)
    return Majority(leaders[0], "ok", most / total, total)


def dawid_skene(
    votes: Sequence[tuple[Hashable, Hashable, Value]],
    labels: Sequence[Value],
    model: ErrorModel = "confusion",
    *,
    known: Mapping[Hashable, Value] | None = None,
    added: float = 0.0,
    tolerance: float = 1e-9,
    max_iterations: int = 5000,
) -> Aggregated:
    """Maximum likelihood by EM over votes of (item, rater, label), started from the vote shares.

    `confusion` gives every rater a matrix P(label said | true label) (Dawid and Skene 1979, equations
    2.3–2.5); `one_coin` one probability of being right, with errors spread evenly. Prevalence of the labels
    is estimated too, on the items whose label is not `known`; those that are keep it throughout. `added` ≥ 0
    votes of every kind count for every rater, so that nobody looks certain on few votes (the mode under a
    Dirichlet(1 + added) prior). Raises ValueError for a vote or known label off the list and for fewer than two
    labels.
    """
    if len(labels) < 2:
        raise ValueError("aggregation needs at least two labels")
    votes_by = _index_votes(votes, labels)
    fixed, certain = _known_rows(votes_by, labels, known or {})
    posterior = _vote_shares(votes_by, len(labels))
    posterior[fixed] = certain
    free = ~fixed if not fixed.all() else fixed
    errors = np.zeros((len(votes_by.rater_names), len(labels), len(labels)))
    prevalence = np.zeros(len(labels))
    converged = False
    rounds = 0
    while rounds < max_iterations and not converged and len(posterior):
        rounds += 1
        prevalence = posterior[free].mean(axis=0)
        errors = _estimate_errors(votes_by, posterior, model, added)
        updated = _estimate_labels(votes_by, prevalence, errors)
        updated[fixed] = certain
        converged = bool(np.abs(updated - posterior).max() < tolerance)
        posterior = updated
    accuracy = (np.diagonal(errors, axis1=1, axis2=2) * prevalence).sum(axis=1)
    by_item = list(zip(votes_by.item_names, posterior, strict=True))
    met = _said_by_true(votes_by, posterior).sum(axis=1)
    return Aggregated(
        labels=tuple(labels),
        posterior={item: tuple(map(float, row)) for item, row in by_item},
        label={item: _most_probable(row, labels) for item, row in by_item},
        prevalence=tuple(map(float, prevalence)),
        accuracy=dict(zip(votes_by.rater_names, map(float, accuracy), strict=True)),
        errors={
            rater: tuple(tuple(map(float, row)) for row in matrix)
            for rater, matrix in zip(votes_by.rater_names, errors, strict=True)
        },
        met={rater: tuple(map(float, row)) for rater, row in zip(votes_by.rater_names, met, strict=True)},
        iterations=rounds,
        converged=converged,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Votes:
    """The votes as three index arrays of one length; names in order of first appearance."""

    item_names: list[Hashable]
    rater_names: list[Hashable]
    items: npt.NDArray[np.intp]
    raters: npt.NDArray[np.intp]
    labels: npt.NDArray[np.intp]


def _index_votes(votes: Sequence[tuple[Hashable, Hashable, Value]], labels: Sequence[Value]) -> _Votes:
    item_at = {item: index for index, item in enumerate(dict.fromkeys(vote[0] for vote in votes))}
    rater_at = {rater: index for index, rater in enumerate(dict.fromkeys(vote[1] for vote in votes))}
    label_at = {label: index for index, label in enumerate(labels)}
    for _, _, label in votes:
        if label not in label_at:
            raise ValueError(f"the label {label!r} is not among {list(labels)!r}")
    return _Votes(
        list(item_at),
        list(rater_at),
        np.array([item_at[item] for item, _, _ in votes], dtype=np.intp),
        np.array([rater_at[rater] for _, rater, _ in votes], dtype=np.intp),
        np.array([label_at[label] for _, _, label in votes], dtype=np.intp),
    )


def _vote_shares(votes: _Votes, labels: int) -> Floats:
    """Items × labels: the share of each item's votes, where EM starts."""
    said = np.zeros((len(votes.item_names), labels))
    np.add.at(said, (votes.items, votes.labels), 1.0)
    shares: Floats = said / said.sum(axis=1, keepdims=True)
    return shares


def _known_rows(
    votes: _Votes, labels: Sequence[Value], known: Mapping[Hashable, Value]
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Which items have a known label, and for those, in order, rows of 0 and a single 1."""
    label_at = {label: index for index, label in enumerate(labels)}
    for label in known.values():
        if label not in label_at:
            raise ValueError(f"the known label {label!r} is not among {list(labels)!r}")
    fixed = np.array([item in known for item in votes.item_names], dtype=bool)
    columns = [label_at[known[item]] for item in votes.item_names if item in known]
    rows: Floats = np.eye(len(labels))[np.array(columns, dtype=np.intp)]
    return fixed, rows


def _said_by_true(votes: _Votes, posterior: Floats) -> Floats:
    """Raters × label said × true label: expected numbers of votes."""
    count = posterior.shape[1]
    weighted = np.zeros((len(votes.rater_names), count, count))
    np.add.at(weighted, (votes.raters, votes.labels), posterior[votes.items])
    return weighted


def _estimate_errors(votes: _Votes, posterior: Floats, model: ErrorModel, added: float) -> Floats:
    """Raters × label said × true label: P(said | true), the M step."""
    count = posterior.shape[1]
    weighted = _said_by_true(votes, posterior) + added
    if model == "confusion":
        totals = weighted.sum(axis=1, keepdims=True)
        # A true label that a rater never met tells nothing about their errors on it.
        even = np.full_like(weighted, 1.0 / count)
        estimated: Floats = np.divide(weighted, totals, out=even, where=totals > 0)
        return estimated
    right = np.trace(weighted, axis1=1, axis2=2) / weighted.sum(axis=(1, 2))
    wrong = (1.0 - right) / (count - 1)
    identity = np.eye(count)
    matrices: Floats = right[:, None, None] * identity + wrong[:, None, None] * (1.0 - identity)
    return matrices


def _estimate_labels(votes: _Votes, prevalence: Floats, errors: Floats) -> Floats:
    """Items × labels: P(true label | votes), the E step."""
    logs = np.tile(np.log(np.maximum(prevalence, FLOOR)), (len(votes.item_names), 1))
    np.add.at(logs, votes.items, np.log(np.maximum(errors, FLOOR))[votes.raters, votes.labels])
    likelihood: Floats = np.exp(logs - logs.max(axis=1, keepdims=True))
    posterior: Floats = likelihood / likelihood.sum(axis=1, keepdims=True)
    return posterior


def _most_probable(row: npt.NDArray[np.float64], labels: Sequence[Value]) -> Value | None:
    ordered = np.sort(row)
    if ordered[-1] - ordered[-2] < 1e-9:
        return None
    return labels[int(row.argmax())]
