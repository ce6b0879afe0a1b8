"""What verdicts taught: proposals and certificates, and how reliable a calibrator is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils.dateparse import parse_datetime

from routing.models import Action, Certificate, Output, Recalibration
from routing.queries import right_or_wrong
from routing.views.charts import Dot, reliability_dots
from routing.views.contexts.policies import Change, ReplayTable, change_rows, replay_table_of
from routing.views.contexts.words import STAKES, actor_names
from routing.views.figures import decimal, percent, percent_range, reason_text

THRESHOLD_STATUS = {
    "certified": "certified",
    "budget": "set by the budget, no guarantee",
    "too_few_labels": "reviewed: too few verdicts",
    "not_enough_evidence": "left as it is: nothing could be certified",
    "raised": "changed for the sake of lower stakes",
}


@dataclass(frozen=True, slots=True)
class BinLine:
    between: str
    n: int
    predicted: str
    observed: str
    interval: str


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the calibrator's probabilities can be believed, measured on prompts it was not fitted to.

    `figures` are (name, value) pairs; without any verdict `reason` says why there are none.
    """

    figures: Sequence[tuple[str, str]]
    bins: Sequence[BinLine]
    dots: Sequence[Dot]
    reason: str


@dataclass(frozen=True, slots=True)
class ThresholdLine:
    """What one tier's threshold rests on. `tested` are the steps of the certified search."""

    stakes: str
    status: str
    threshold: str
    bound: str
    need: str
    tested: Sequence["TestedLine"]


@dataclass(frozen=True, slots=True)
class TestedLine:
    threshold: str
    shipped: int
    labels: int
    errors: int
    rate: str
    upper: str
    passes: bool


@dataclass(frozen=True, slots=True)
class RecalibrationRow:
    pk: int
    status: str
    policy_version: int
    calibrator_version: int
    labels: int
    author: str
    created_at: datetime
    decider: str
    decided_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class RejectedCase:
    """An output that the draft would ship although a person found it wrong."""

    output_id: str
    external_id: str


@dataclass(frozen=True, slots=True)
class RecalibrationDetail:
    row: RecalibrationRow
    undecided: bool
    reliability: Reliability
    thresholds: Sequence[ThresholdLine]
    replay: ReplayTable
    rejected: Sequence[RejectedCase]
    certificate: str
    certificate_pk: int | None
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class StratumLine:
    name: str
    shipped: int
    audited: int
    errors: int
    rate: str
    upper: str


@dataclass(frozen=True, slots=True)
class CertificateDetail:
    pk: int
    statement: str
    window: str
    stakes: str
    level: str
    outputs: int
    strata: Sequence[StratumLine]
    estimate: str
    author: str
    created_at: datetime
    sha256: str


def reliability_of(metrics: Mapping[str, Any]) -> Reliability:
    """From a calibrator's stored metrics; the diagram shows the bins of equal width."""
    bins = metrics["equal_width"]["bins"]
    auc = metrics["auc"]
    figures = [
        ("Verdicts", f"{metrics['n']}, worth {metrics['effective_n']:.0f} by their weights"),
        ("Brier score", _or_reason(metrics["brier"], 3)),
        ("Log-loss", _or_reason(metrics["log_loss"], 3)),
        ("Calibration error", _or_reason(metrics["equal_width"]["ece"], 3)),
        ("Area under the curve", _auc(auc)),
    ]
    return Reliability(
        figures=figures,
        bins=[_bin(row) for row in bins],
        dots=reliability_dots(bins),
        reason="" if bins else f"no verdict could be predicted without being fitted to (n = {metrics['n']})",
    )


def _or_reason(value: float | None, digits: int) -> str:
    return "undefined: no verdicts (n = 0)" if value is None else decimal(value, digits)


def _auc(auc: Mapping[str, Any]) -> str:
    counts = f"{auc['positives']} good, {auc['negatives']} wrong"
    if auc["value"] is None:
        return f"undefined: {reason_text(auc['reason'])} ({counts})"
    return f"{auc['value']:.2f}, above {auc['lower']:.2f} at {percent(auc['confidence'], 0)} ({counts})"


def _bin(row: Mapping[str, Any]) -> BinLine:
    low, high = row["interval"]
    return BinLine(
        between=f"{row['low']:.1f}–{row['high']:.1f}",
        n=row["n"],
        predicted=decimal(row["mean_predicted"]),
        observed=decimal(row["observed"]),
        interval=f"{low:.2f}–{high:.2f}",
    )


def recalibration_row(proposal: Recalibration, names: Mapping[str, str]) -> RecalibrationRow:
    return RecalibrationRow(
        pk=proposal.pk,
        status=proposal.status,
        policy_version=proposal.policy.version,
        calibrator_version=proposal.calibrator.version,
        labels=proposal.labels_used,
        author=names.get(proposal.created_by, proposal.created_by),
        created_at=proposal.created_at,
        decider=names.get(proposal.decided_by, proposal.decided_by),
        decided_at=proposal.decided_at,
        reason=proposal.reason,
    )


def recalibration_detail(proposal: Recalibration) -> RecalibrationDetail:
    policy = proposal.policy
    replay = replay_table_of(proposal.replay, before=as_decided(proposal))
    return RecalibrationDetail(
        row=recalibration_row(proposal, actor_names(proposal.project)),
        undecided=proposal.decided_at is None,
        reliability=reliability_of(proposal.calibrator.metrics),
        thresholds=[_threshold(stakes, basis) for stakes, basis in proposal.thresholds.items()],
        replay=replay,
        rejected=_rejected(proposal, replay.rejected),
        certificate=proposal.certificate.statement if proposal.certificate else "",
        certificate_pk=proposal.certificate_id,
        changes=change_rows(policy.parent.document, policy.document) if policy.parent else [],
    )


def as_decided(proposal: Recalibration) -> dict[str, Any]:
    """What really was done with the traffic that the proposal was replayed on, in the shape of a replay.

    The error rate is the certificate's, which was issued with the proposal over the same window.
    """
    certificate = proposal.certificate
    since = certificate.inputs.get("since") if certificate else None
    rows = right_or_wrong(proposal.project, since=parse_datetime(since) if since else None, until=proposal.created_at)
    audited, shipped = Q(audited=True), Q(action=Action.SHIP)
    found = rows.aggregate(
        outputs=Count("pk"),
        shipped=Count("pk", filter=shipped),
        audited=Count("pk", filter=audited),
        ratings=Sum("output__reviews__item__raters_needed", default=0),
    )
    tiers = rows.values("stakes").annotate(
        ship=Count("pk", filter=shipped & ~audited),
        audited=Count("pk", filter=audited),
        review=Count("pk", filter=Q(action=Action.REVIEW)),
    )
    nothing = {"ship": 0, "audited": 0, "review": 0}
    by_stakes: dict[str, Any] = {row["stakes"]: dict(row) for row in tiers.order_by()}
    result: dict[str, Any] = certificate.result if certificate else {}
    return {
        **found,
        "reviewed": found["outputs"] - found["shipped"],
        "review_hours": _hours(proposal.replay, found["ratings"]),
        "by_stakes": {stakes: {name: by_stakes.get(stakes, nothing)[name] for name in nothing} for stakes in STAKES},
        "error_rate": result.get("poststratified"),
        "error_interval": result.get("interval"),
        "error_status": result.get("reason", "no certificate was issued"),
        "verdicts_used": result.get("audited", 0),
    }


def _hours(replay: Mapping[str, Any], ratings: int) -> float | None:
    """At the pace that the replay was reckoned with."""
    if not replay["ratings"] or replay["review_hours"] is None:
        return None
    return float(ratings * replay["review_hours"] / replay["ratings"])


def _rejected(proposal: Recalibration, external_ids: Sequence[str]) -> list[RejectedCase]:
    found = Output.objects.filter(project=proposal.project, external_id__in=external_ids)
    ids = dict(found.values_list("external_id", "pk"))
    return [RejectedCase(str(ids[external_id]), external_id) for external_id in external_ids if external_id in ids]


def _threshold(stakes: str, basis: Mapping[str, Any]) -> ThresholdLine:
    threshold, bound = basis.get("threshold"), basis.get("bound")
    status = THRESHOLD_STATUS.get(basis["status"], basis["status"])
    if "labels" in basis:
        status += f" (n = {basis['labels']})"
    if "together_with" in basis:
        status += f", together with {' and '.join(basis['together_with'])} stakes"
    status = "; ".join([status, *basis.get("raised", ())])
    return ThresholdLine(
        stakes=STAKES[stakes],
        status=status,
        threshold="–" if threshold is None else f"{threshold:.3f}",
        bound="–" if bound is None else percent(bound, 2),
        need=_need(basis.get("need_more")),
        tested=[_tested(row) for row in basis.get("rows", ())],
    )


def _need(need: Mapping[str, Any] | None) -> str:
    if not need:
        return ""
    text = f"At {need['at_threshold']:.3f}: {reason_text(need['reason'])}."
    if need["hopeless"]:
        return f"{text} More verdicts will not help; the outputs have to get better."
    if need["if_no_more_errors"] is not None:
        text += f" {need['if_no_more_errors']} more audit verdicts without an error would do"
        text += f", {need['at_observed_rate']} at the error rate seen so far." if need["at_observed_rate"] else "."
    return text


def _tested(row: Mapping[str, Any]) -> TestedLine:
    return TestedLine(
        threshold=f"{row['threshold']:.3f}",
        shipped=row["shipped"],
        labels=row["audited"],
        errors=row["errors"],
        rate="–" if row["rate"] is None else percent(row["rate"], 2),
        upper="–" if row["upper"] is None else percent(row["upper"], 2),
        passes=row["passes"],
    )


def certificate_detail(certificate: Certificate, names: Mapping[str, str]) -> CertificateDetail:
    inputs, result = certificate.inputs, certificate.result
    since = parse_datetime(inputs["since"]) if inputs["since"] else None
    return CertificateDetail(
        pk=certificate.pk,
        statement=certificate.statement,
        window=f"since {since:%-d %b %Y %H:%M}" if since else "from the first output",
        stakes=STAKES.get(inputs["stakes"], "all"),
        level=percent(inputs["level"], 0),
        outputs=inputs["outputs"],
        strata=[_stratum(row) for row in result["per_stratum"]],
        estimate=_certified(result),
        author=names.get(certificate.created_by, certificate.created_by),
        created_at=certificate.created_at,
        sha256=certificate.sha256,
    )


def _certified(result: Mapping[str, Any]) -> str:
    if result["poststratified"] is None:
        return f"not estimable: {result['reason']} (n = {result['audited']})"
    low, high = result["interval"]
    return f"{percent(result['poststratified'], 2)} ({percent_range(low, high, 2)}), n = {result['audited']}"


def _stratum(row: Mapping[str, Any]) -> StratumLine:
    return StratumLine(
        name=row["name"],
        shipped=row["shipped"],
        audited=row["audited"],
        errors=row["errors"],
        rate="undefined: no verdict (n = 0)" if row["rate"] is None else percent(row["rate"], 2),
        upper="–" if row["upper"] is None else percent(row["upper"], 2),
    )
