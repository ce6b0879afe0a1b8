"""Thresholds into the draft of a policy: certified or within a budget, and never laxer for higher stakes. Pure."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from routing.policy.decide import required_signals
from routing.policy.document import STAKES_RANK, STRICTNESS, PolicyDocument
from routing.policy.learning import choose_threshold, confidences, for_fitting
from routing.policy.scopes import Logged
from routing.policy.thresholds import Selection

# The settings that make one tier stricter than another; audit rates and raters are its own affair.
SHIPPING = ("mode", "threshold")


@dataclass(frozen=True, slots=True)
class Draft:
    """`document` as a policy's JSON. `raised` says by stakes which tiers were made stricter than asked for, and why."""

    document: dict[str, Any]
    raised: dict[str, list[str]] = field(default_factory=dict)


def certified_thresholds(
    rows: Sequence[Logged], parameters: Mapping[str, Any] | None, document: PolicyDocument, tiers: Sequence[str]
) -> tuple[dict[str, float], dict[str, Any]]:
    """Per tier the laxest certified threshold on the rows that did not fit `parameters`, and what each rests on.

    A tier that too few verdicts were given on is certified together with the next higher one, by one threshold
    for both: without, it would be reviewed, and the higher one with it, because the dearer output must not be
    the one that ships. Their threshold is the stricter of the common one and of the higher tier's own: fixed-
    sequence testing certifies every threshold between the strictest it tested and the one it recommends.

    The guarantee is on outputs that people label: rows whose raters a model weighs are no part of it.
    """
    held_out = [row for row in rows if not for_fitting(row) and not row.by_model]
    values = deciding_confidences(held_out, parameters, document)
    chosen: dict[str, float] = {}
    basis: dict[str, Any] = {}
    above: list[str] = []
    for stakes in sorted(tiers, key=STAKES_RANK.__getitem__):
        selection, labels = _select([stakes], held_out, values, document)
        together: list[str] = []
        if selection is None and above and above[-1] in chosen:
            # The tiers above that are tied together already stay so.
            tied = basis[above[-1]].get("together_with", [])
            together = [*tied, above[-1]]
            selection, _labels = _select([*together, stakes], held_out, values, document)
        above.append(stakes)
        if selection is None:
            basis[stakes] = {"status": "too_few_labels", "labels": labels}
            continue
        basis[stakes] = selection_as_json(selection)
        if selection.threshold is None:
            continue
        chosen[stakes] = selection.threshold
        if together:
            strictest = max(selection.threshold, chosen[together[-1]])
            chosen |= dict.fromkeys([*together, stakes], strictest)
            basis[stakes] |= {"threshold": strictest, "together_with": together, "labels": labels}
    return chosen, basis


def budget_thresholds(
    rows: Sequence[Logged],
    parameters: Mapping[str, Any] | None,
    document: PolicyDocument,
    tiers: Sequence[str],
    *,
    review_share: float,
    audit_rate: float,
) -> tuple[dict[str, float], dict[str, Any]]:
    """One threshold for all `tiers` that spends `review_share` of traffic on people, audit included."""
    own = [row for row in rows if row.stakes in tiers]
    # share = s + audit_rate · (1 − s), solved for the share s below the threshold; an audit of the whole budget
    # or more leaves nothing to put below it.
    below = (review_share - audit_rate) / (1.0 - audit_rate) if review_share > audit_rate else 0.0
    threshold = threshold_for_share(deciding_confidences(own, parameters, document), below)
    basis = {"status": "budget", "review_share": review_share, "threshold": threshold, "certified": False}
    return dict.fromkeys(tiers, threshold), {stakes: dict(basis) for stakes in tiers}


def deciding_confidences(
    rows: Sequence[Logged], parameters: Mapping[str, Any] | None, document: PolicyDocument
) -> list[float | None]:
    """The confidence of each row, None also where a person sees it whatever its confidence is: without any
    signal, with one that says nothing, or without one that the policy requires."""
    return [
        value
        if row.evidence
        and None not in row.evidence.values()
        and required_signals(row.intent, document, parameters) <= row.evidence.keys()
        else None
        for row, value in zip(rows, confidences(parameters, rows), strict=True)
    ]


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
) -> Draft:
    """The document with these tiers shipping above their threshold, audited at `audit_rate`.

    A tier's own audit rate stays when it ships already. `uncertified` tiers that ship by a threshold go back to
    review: an old threshold means nothing under a new calibrator. Tiers not named stay as they are, and so do the
    tiers of intents that were set apart, unless one would be laxer than a tier of lower stakes: then it is made as
    strict, because no output may ship for having more at stake.
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
    raised: dict[str, list[str]] = {}
    for stakes, reason in _raise_tiers(draft["tiers"], draft["tiers"]).items():
        raised.setdefault(stakes, []).append(reason)
    for intent, own in sorted(draft["intents"].items()):
        effective = {stakes: own.get(stakes) or draft["tiers"][stakes] for stakes in STAKES_RANK}
        for stakes, reason in _raise_tiers(effective, own).items():
            raised.setdefault(stakes, []).append(f"for intent {intent}, {reason}")
    return Draft(draft, raised)


def _raise_tiers(effective: Mapping[str, Any], into: dict[str, Any]) -> dict[str, str]:
    """Make every tier at least as strict as the one below it, from low to high; those that change are written
    `into` the tiers they came from. Returns why, by stakes."""
    tiers = dict(effective)
    reasons = {}
    for lower, higher in pairwise(sorted(STAKES_RANK, key=STAKES_RANK.__getitem__, reverse=True)):
        if _strictness(tiers[higher]) >= _strictness(tiers[lower]):
            continue
        tier = deepcopy(tiers[higher]) | {name: tiers[lower][name] for name in SHIPPING}
        tiers[higher] = into[higher] = tier
        rule = "always reviewed" if tier["mode"] == "always" else f"reviewed below {tier['threshold']:.3f}"
        reasons[higher] = f"made stricter: {lower} stakes are {rule}, and higher stakes never ship more easily"
    return reasons


def _strictness(tier: Mapping[str, Any]) -> tuple[int, float]:
    """As of `Tier.strictness`, of a tier as JSON."""
    return STRICTNESS[tier["mode"]], tier["threshold"] or 0.0


def _select(
    stakes: Sequence[str], rows: Sequence[Logged], values: Sequence[float | None], document: PolicyDocument
) -> tuple[Selection | None, int]:
    """The selection on the rows of these tiers, and how many of them have a verdict."""
    own = [(row, value) for row, value in zip(rows, values, strict=True) if row.stakes in stakes]
    selection = choose_threshold(
        [row for row, _value in own],
        [value for _row, value in own],
        max_error_rate=document.targets.undetected_error,
        level=document.targets.level,
    )
    return selection, sum(row.acceptable is not None for row, _value in own)


def selection_as_json(selection: Selection) -> dict[str, Any]:
    """A selection without the untested rows."""
    shown = asdict(selection)
    shown["rows"] = [row for row in shown["rows"] if row["tested"]]
    return shown
