"""From a HAR and what a page held to one row of features per task; and how well a classifier reads them."""

import base64
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

MARK = "Zq7sentinel"
FOLDS = 10


@dataclass
class Observed:
    """Tokens in the order of the shift, the features of each, and every place where a marker string was found."""

    tokens: list[str]
    features: dict[str, dict[str, float]]
    leaks: list[str] = field(default_factory=list)
    searched: int = 0
    requests: int = 0


@dataclass(frozen=True)
class Told:
    """How well labels are told from features: 0.5 is chance. Bounds are two-sided, 95 %."""

    auc: float
    lower: float
    upper: float
    strongest: list[tuple[str, float]]


def read_har(path: Path, held: Mapping[str, Mapping[str, Any]]) -> Observed:
    """One row per task: what the page held, and size, headers and timing of every request that names its token."""
    entries = json.loads(path.read_text(encoding="utf-8"))["log"]["entries"]
    observed = Observed(list(held), {token: dict(seen["numbers"]) for token, seen in held.items()})
    for token, seen in held.items():
        for name in ("html", "address", "title", "stored", "names"):
            _search(observed, f"{name} of task {token}", seen[name])
    texts = {token: seen["numbers"]["text"] for token, seen in held.items()}
    order: dict[str, list[float]] = defaultdict(list)
    for entry in entries:
        body = _body(entry)
        _search(observed, entry["request"]["url"], json.dumps(entry["response"]["headers"]) + body)
        observed.requests += 1
        for token in held:
            if token in entry["request"]["url"] or f'data-token="{token}"' in body:
                order[token].append(_moment(entry))
                _add(observed.features[token], entry, body, token, texts[token])
    for place, token in enumerate(observed.tokens):
        row, moments = observed.features[token], order[token]
        row["place"] = place
        row["requests"] = len(moments)
        row["span"] = max(moments) - min(moments) if moments else 0.0
    return observed


def _search(observed: Observed, place: str, text: str) -> None:
    observed.searched += len(text)
    if MARK in text:
        at = text.index(MARK)
        observed.leaks.append(f"{place}: …{text[max(0, at - 60) : at + 60]}…")


def _body(entry: Mapping[str, Any]) -> str:
    content = entry["response"]["content"]
    text = content.get("text", "")
    if content.get("encoding") == "base64":
        return base64.b64decode(text).decode("utf-8", "replace")
    return str(text)


def _moment(entry: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(entry["startedDateTime"].replace("Z", "+00:00")).timestamp()


def _add(row: dict[str, float], entry: Mapping[str, Any], body: str, token: str, text: int) -> None:
    """Features of one request, named for what it asks: the fragment that brings the task, open, draft, submit …"""
    address = entry["request"]["url"].split("?")[0].rstrip("/")
    what = address.rsplit("/", 1)[-1]
    if f'data-token="{token}"' in body:
        what, size = "task", len(body) - text
    else:
        what, size = ("submit" if what == token else what), len(body)
    response = entry["response"]
    row[f"{what}: times asked"] = row.get(f"{what}: times asked", 0) + 1
    row[f"{what}: size"] = size
    row[f"{what}: status"] = response["status"]
    row[f"{what}: headers"] = len(response["headers"])
    row[f"{what}: header size"] = sum(len(h["name"]) + len(h["value"]) for h in response["headers"])
    row[f"{what}: wait"] = entry["timings"]["wait"]
    row[f"{what}: receive"] = entry["timings"]["receive"]


def auc_of(rows: Sequence[Mapping[str, float]], labels: Sequence[bool]) -> Told:
    """Cross-validated AUC of gradient-boosted trees, and the features that tell most by themselves.

    Raises ValueError with fewer than FOLDS of either label: nothing could be said then.
    """
    if min(sum(labels), len(labels) - sum(labels)) < FOLDS:
        raise ValueError(f"{sum(labels)} of {len(labels)} tasks are planted: too few or too many; take more tasks")
    names = sorted({name for row in rows for name in row})
    x = np.array([[row.get(name, np.nan) for name in names] for row in rows], dtype=float)
    y = np.array(labels)
    model = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.05, min_samples_leaf=10, random_state=1)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=1)
    guesses = cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1]
    auc = float(roc_auc_score(y, guesses))
    error = _error(auc, int(y.sum()), int((~y).sum()))
    z = NormalDist().inv_cdf(0.975)
    alone = {}
    for column, name in enumerate(names):
        values = np.nan_to_num(x[:, column], nan=-1.0)
        alone[name] = max(score := float(roc_auc_score(y, values)), 1 - score)
    strongest = sorted(alone.items(), key=lambda pair: -pair[1])
    return Told(auc, auc - z * error, auc + z * error, strongest)


def _error(auc: float, positives: int, negatives: int) -> float:
    """Standard error of an AUC (Hanley and McNeil 1982, equation 1)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return sqrt(variance / (positives * negatives))
