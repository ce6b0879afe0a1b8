"""A calibrator as its page shows it: what each signal is worth, the models, and how far they can be believed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from routing.models import Calibrator
from routing.policy.confidence import ANY_INTENT, cell_name
from routing.policy.separation import USEFUL_ABOVE
from routing.services.told import told
from routing.views.contexts.learning import Reliability, reliability_of
from routing.views.figures import fixed, listed, part_of, percent, undefined

# What a signal's status means, and the look of its tag.
STATUS = {
    "useful": (later("useful"), "right"),
    "worthless": (later("worthless: no weight"), "wrong"),
    "undetermined": (later("undetermined: no weight"), ""),
}

# The kinds of model.
MODELS = {
    "constant": later("constant"),
    "platt": later("platt"),
    "isotonic": later("isotonic"),
    "logistic": later("logistic"),
}


@dataclass(frozen=True, slots=True)
class SignalLine:
    """One signal within one scope. `area` and `interval` say why there are none where there are none."""

    intent: str
    signal: str
    status: str
    tag: str
    area: str
    interval: str
    labels: int
    present: str
    expected: bool
    weight: str


@dataclass(frozen=True, slots=True)
class CellLine:
    """One model of a calibrator: the intent and the signals it is for, its verdicts, and how it came out."""

    intent: str
    signals: str
    labels: int
    model: str


@dataclass(frozen=True, slots=True)
class KinshipLine:
    """How often a judge spoke on outputs of its own family."""

    judge: str
    share: str
    count: str


@dataclass(frozen=True, slots=True)
class IntentLine:
    """The reliability of one intent, in four figures."""

    intent: str
    labels: int
    brier: str
    error: str
    area: str


@dataclass(frozen=True, slots=True)
class CalibratorDetail:
    version: int
    created_at: datetime
    labels: int
    left_out: int
    useful_above: str
    signals: Sequence[SignalLine]
    cells: Sequence[CellLine]
    reliability: Reliability
    intents: Sequence[IntentLine]
    judges: Sequence[KinshipLine]

    @property
    def worthless(self) -> int:
        """Signals without weight that were measured, over all scopes."""
        return sum(line.tag == "wrong" for line in self.signals)


def calibrator_detail(calibrator: Calibrator) -> CalibratorDetail:
    fitted, metrics = calibrator.fitted_on, calibrator.metrics
    scopes: Mapping[str, Any] = calibrator.parameters["scopes"]
    kinds = {
        cell_name(scope, keys): model["kind"] for scope in scopes for keys, model in _models(scopes[scope]) if model
    }
    return CalibratorDetail(
        version=calibrator.version,
        created_at=calibrator.created_at,
        labels=fitted["labels"],
        left_out=fitted.get("left_out", 0),
        useful_above=fixed(USEFUL_ABOVE, 2),
        signals=[
            _signal(scope, key, row, expected=key in scopes[scope]["expected"])
            for scope, rows in metrics["signals"].items()
            for key, row in rows.items()
        ],
        cells=[
            _cell(name, scopes, count, _model(kinds.get(name), fitted["skipped"].get(name)))
            for name, count in fitted["cells"].items()
        ],
        reliability=reliability_of(metrics),
        intents=[_intent(name, row) for name, row in metrics["by_intent"].items()],
        judges=[_kinship(key, row) for key, row in metrics["same_family"].items()],
    )


def _models(scope: Mapping[str, Any]) -> list[tuple[list[str], Mapping[str, Any] | None]]:
    """The keys and the model of each cell, the base rate among them."""
    return [([], scope["base_rate"]), *((json.loads(keys), model) for keys, model in scope["cells"].items())]


def _signal(scope: str, key: str, row: Mapping[str, Any], *, expected: bool) -> SignalLine:
    status, tag = STATUS[row["status"]]
    known = row["auc"] is not None
    return SignalLine(
        intent=_scope(scope),
        signal=key,
        status=str(status),
        tag=tag,
        area=fixed(row["auc"], 2) if known else undefined(told(row["reason"])),
        interval=f"{fixed(row['low'], 2)}–{fixed(row['high'], 2)}" if known else "–",
        labels=row["labels"],
        present=percent(row["present"], 0),
        expected=expected,
        weight=_weight(row["weights"]),
    )


def _weight(weights: Mapping[str, float | None]) -> str:
    """The coefficient in each model that the signal is in, in the order of the models."""
    shown = [_("curve") if weight is None else fixed(weight, 2) for weight in weights.values()]
    return listed(shown) or _("none")


def _cell(name: str, scopes: Iterable[str], labels: int, model: str) -> CellLine:
    # The sign that parts the intent from the signals may occur in the names of both.
    intent = max((scope for scope in scopes if name.startswith(f"{scope}|")), key=len)
    return CellLine(_scope(intent), name[len(intent) + 1 :].replace("+", ", "), labels, model)


def _model(kind: str | None, skipped: str | None) -> str:
    """What kind of model it is, or why there is none."""
    if kind:
        return str(MODELS.get(kind, kind))
    return _("none: %(reason)s") % {"reason": told(skipped) if skipped else _("skipped")}


def _intent(name: str, row: Mapping[str, Any]) -> IntentLine:
    area = row["auc"]["value"]
    return IntentLine(
        intent=name,
        labels=row["n"],
        brier=fixed(row["brier"], 3),
        error=fixed(row["equal_width"]["ece"], 3),
        area=undefined(told(row["auc"]["reason"])) if area is None else fixed(area, 2),
    )


def _kinship(key: str, row: Mapping[str, Any]) -> KinshipLine:
    share = undefined(_("no judgement")) if row["share"] is None else percent(row["share"], 0)
    return KinshipLine(key, share, part_of(row["same_family"], row["outputs"]))


def _scope(name: str) -> str:
    return _("all others") if name == ANY_INTENT else name
