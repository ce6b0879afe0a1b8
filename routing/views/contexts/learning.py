"""What verdicts taught: proposals and certificates, and how reliable a calibrator is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils import translation
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import ngettext

from reviewapp.core.reading import moment
from routing.models import Action, Certificate, Output, Recalibration
from routing.policy.sentences import joined
from routing.queries import right_or_wrong
from routing.services.told import all_told, told
from routing.views.charts import Dot, reliability_dots
from routing.views.contexts.policies import Change, ReplayTable, change_rows, replay_table_of
from routing.views.contexts.words import STAKES, actor_names, stakes_label, stakes_within
from routing.views.figures import decimal, fixed, percent, percent_range, reason_text, undefined

THRESHOLD_STATUS = {
    "certified": later("certified"),
    "budget": later("set by the budget, no guarantee"),
    "too_few_labels": later("reviewed: too few verdicts"),
    "not_enough_evidence": later("left as it is: nothing could be certified"),
    "raised": later("changed for the sake of lower stakes"),
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
    left_out: int
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
    left_out: int
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
        (
            _("Verdicts"),
            _("%(count)s, worth %(effective)s by their weights")
            % {"count": metrics["n"], "effective": f"{metrics['effective_n']:.0f}"},
        ),
        (_("Brier score"), _or_reason(metrics["brier"], 3)),
        (_("Log-loss"), _or_reason(metrics["log_loss"], 3)),
        (_("Calibration error"), _or_reason(metrics["equal_width"]["ece"], 3)),
        (_("Area under the curve"), _auc(auc)),
    ]
    return Reliability(
        figures=figures,
        bins=[_bin(row) for row in bins],
        dots=reliability_dots(bins),
        reason=""
        if bins
        else _("no verdict could be predicted without being fitted to (n = %(count)s)") % {"count": metrics["n"]},
    )


def _or_reason(value: float | None, digits: int) -> str:
    return undefined(_("no verdicts (n = 0)")) if value is None else decimal(value, digits)


def _auc(auc: Mapping[str, Any]) -> str:
    counts = _("%(good)s good, %(wrong)s wrong") % {"good": auc["positives"], "wrong": auc["negatives"]}
    if auc["value"] is None:
        return undefined(f"{reason_text(auc['reason'])} ({counts})")
    return _("%(area)s, above %(lower)s at %(level)s (%(counts)s)") % {
        "area": fixed(auc["value"], 2),
        "lower": fixed(auc["lower"], 2),
        "level": percent(auc["confidence"], 0),
        "counts": counts,
    }


def _bin(row: Mapping[str, Any]) -> BinLine:
    low, high = row["interval"]
    return BinLine(
        between=f"{fixed(row['low'], 1)}–{fixed(row['high'], 1)}",
        n=row["n"],
        predicted=decimal(row["mean_predicted"]),
        observed=decimal(row["observed"]),
        interval=f"{fixed(low, 2)}–{fixed(high, 2)}",
    )


def recalibration_row(proposal: Recalibration, names: Mapping[str, str]) -> RecalibrationRow:
    return RecalibrationRow(
        pk=proposal.pk,
        status=proposal.status,
        policy_version=proposal.policy.version,
        calibrator_version=proposal.calibrator.version,
        labels=proposal.labels_used,
        left_out=proposal.calibrator.fitted_on.get("left_out", 0),
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
        certificate=told(proposal.certificate.statement) if proposal.certificate else "",
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
    status = str(THRESHOLD_STATUS.get(basis["status"], basis["status"]))
    if "labels" in basis:
        status += f" (n = {basis['labels']})"
    if "together_with" in basis:
        others = joined([stakes_within(other) for other in basis["together_with"]], words=translation)
        status = _("%(status)s, together with %(others)s stakes") % {"status": status, "others": others}
    status = "; ".join([status, *all_told(basis.get("raised", ()))])
    return ThresholdLine(
        stakes=stakes_label(stakes),
        status=status,
        threshold="–" if threshold is None else fixed(threshold, 3),
        bound="–" if bound is None else percent(bound, 2),
        need=_need(basis.get("need_more")),
        tested=[_tested(row) for row in basis.get("rows", ())],
    )


def _need(need: Mapping[str, Any] | None) -> str:
    if not need:
        return ""
    text = _("At %(threshold)s: %(reason)s.") % {
        "threshold": fixed(need["at_threshold"], 3),
        "reason": reason_text(need["reason"]),
    }
    if need["hopeless"]:
        hopeless = _("More verdicts will not help; the outputs have to get better.")
        return f"{text} {hopeless}"
    more, slower = need["if_no_more_errors"], need["at_observed_rate"]
    if more is None:
        return text
    would_do = ngettext(
        "%(more)d more audit verdict without an error would do.",
        "%(more)d more audit verdicts without an error would do.",
        more,
    )
    if slower:
        would_do = ngettext(
            "%(more)d more audit verdict without an error would do, %(slower)d at the error rate seen so far.",
            "%(more)d more audit verdicts without an error would do, %(slower)d at the error rate seen so far.",
            more,
        )
    return f"{text} {would_do % {'more': more, 'slower': slower}}"


def _tested(row: Mapping[str, Any]) -> TestedLine:
    return TestedLine(
        threshold=fixed(row["threshold"], 3),
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
        statement=told(certificate.statement),
        window=_("since %(moment)s") % {"moment": moment(since)} if since else _("from the first output"),
        stakes=stakes_label(inputs["stakes"]) if inputs["stakes"] else _("all"),
        level=percent(inputs["level"], 0),
        outputs=inputs["outputs"],
        left_out=inputs.get("left_out", 0),
        strata=[_stratum(row) for row in result["per_stratum"]],
        estimate=_certified(result),
        author=names.get(certificate.created_by, certificate.created_by),
        created_at=certificate.created_at,
        sha256=certificate.sha256,
    )


def _certified(result: Mapping[str, Any]) -> str:
    if result["poststratified"] is None:
        return _("not estimable: %(reason)s (n = %(count)s)") % {
            "reason": told(result["reason"]),
            "count": result["audited"],
        }
    low, high = result["interval"]
    return f"{percent(result['poststratified'], 2)} ({percent_range(low, high, 2)}), n = {result['audited']}"


def _stratum(row: Mapping[str, Any]) -> StratumLine:
    return StratumLine(
        name=row["name"],
        shipped=row["shipped"],
        audited=row["audited"],
        errors=row["errors"],
        rate=undefined(_("no verdict (n = 0)")) if row["rate"] is None else percent(row["rate"], 2),
        upper="–" if row["upper"] is None else percent(row["upper"], 2),
    )
