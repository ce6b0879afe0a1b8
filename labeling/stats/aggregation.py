"""One label out of several raters' labels: by majority, or by a model of who errs how.

Labels aggregated by a model are for looking at. They never enter a guarantee on error rates: at few
failures the model is worse than the majority.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
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
    probability of a right label, averaged over the estimated prevalence. `converged` tells whether the
    estimates had stopped moving.
    """

    labels: tuple[Value, ...]
    posterior: dict[Hashable, tuple[float, ...]]
    label: dict[Hashable, Value | None]
    prevalence: tuple[float, ...]
    accuracy: dict[Hashable, float]
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
    tolerance: float = 1e-9,
    max_iterations: int = 5000,
) -> Aggregated:
    """Maximum likelihood by EM over votes of (item, rater, label), started from the vote shares.

    `confusion` gives every rater a matrix P(label said | true label) (Dawid and Skene 1979, equations
    2.3–2.5); `one_coin` one probability of being right, with errors spread evenly. Prevalence of the labels
    is estimated too. Raises ValueError for a vote off the list and for fewer than two labels.
    """
    if len(labels) < 2:
        raise ValueError("aggregation needs at least two labels")
    items = list(dict.fromkeys(item for item, _, _ in votes))
    raters = list(dict.fromkeys(rater for _, rater, _ in votes))
    tensor = _vote_tensor(votes, items, raters, labels)
    said = tensor.sum(axis=1)
    posterior = said / np.maximum(said.sum(axis=1, keepdims=True), 1.0)
    errors = np.zeros((len(raters), len(labels), len(labels)))
    prevalence = np.zeros(len(labels))
    converged = False
    rounds = 0
    while rounds < max_iterations and not converged and items:
        rounds += 1
        prevalence = posterior.mean(axis=0)
        errors = _estimate_errors(tensor, posterior, model)
        logs = np.log(np.maximum(prevalence, FLOOR)) + np.tensordot(
            tensor, np.log(np.maximum(errors, FLOOR)), axes=([1, 2], [0, 2])
        )
        updated = np.exp(logs - logs.max(axis=1, keepdims=True))
        updated /= updated.sum(axis=1, keepdims=True)
        converged = bool(np.abs(updated - posterior).max() < tolerance)
        posterior = updated
    accuracy = (np.diagonal(errors, axis1=1, axis2=2) * prevalence).sum(axis=1)
    return Aggregated(
        labels=tuple(labels),
        posterior={item: tuple(map(float, row)) for item, row in zip(items, posterior, strict=True)},
        label={item: _most_probable(row, labels) for item, row in zip(items, posterior, strict=True)},
        prevalence=tuple(map(float, prevalence)),
        accuracy={rater: float(value) for rater, value in zip(raters, accuracy, strict=True)},
        iterations=rounds,
        converged=converged,
    )


def _vote_tensor(
    votes: Sequence[tuple[Hashable, Hashable, Value]],
    items: Sequence[Hashable],
    raters: Sequence[Hashable],
    labels: Sequence[Value],
) -> Floats:
    """Items × raters × labels: how often that rater gave that item that label."""
    item_at = {item: index for index, item in enumerate(items)}
    rater_at = {rater: index for index, rater in enumerate(raters)}
    label_at = {label: index for index, label in enumerate(labels)}
    tensor = np.zeros((len(items), len(raters), len(labels)))
    for item, rater, label in votes:
        if label not in label_at:
            raise ValueError(f"the label {label!r} is not among {list(labels)!r}")
        tensor[item_at[item], rater_at[rater], label_at[label]] += 1.0
    return tensor


def _estimate_errors(tensor: Floats, posterior: Floats, model: ErrorModel) -> Floats:
    """Raters × true label × label said: the M step."""
    weighted: Floats = np.einsum("irl,it->rtl", tensor, posterior)
    if model == "confusion":
        totals = weighted.sum(axis=2, keepdims=True)
        even = np.full_like(weighted, 1.0 / weighted.shape[2])
        # A true label that a rater never met tells nothing about their errors on it.
        return np.divide(weighted, totals, out=even, where=totals > 0)
    right = np.trace(weighted, axis1=1, axis2=2) / weighted.sum(axis=(1, 2))
    count = weighted.shape[2]
    wrong = (1.0 - right) / (count - 1)
    identity = np.eye(count)
    matrices: Floats = right[:, None, None] * identity + wrong[:, None, None] * (1.0 - identity)
    return matrices


def _most_probable(row: npt.NDArray[np.float64], labels: Sequence[Value]) -> Value | None:
    ordered = np.sort(row)
    if ordered[-1] - ordered[-2] < 1e-9:
        return None
    return labels[int(row.argmax())]
