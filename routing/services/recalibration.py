"""Recalibration: verdicts into a proposal, and a person's word on it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from reviewapp.core.models import Project
from reviewapp.core.reading import word
from reviewapp.core.services.audit import record
from routing.models import ActivePolicy, Calibrator, Recalibration, RecalibrationStatus
from routing.policy.document import STAKES_RANK
from routing.policy.drafting import Draft, budget_thresholds, certified_thresholds, with_thresholds
from routing.policy.learning import Fitted, fit_calibrator, for_fitting
from routing.policy.replay import replay
from routing.policy.scopes import Logged
from routing.queries import logged_outputs, median_seconds_per_rating
from routing.services.certificates import issue_certificate
from routing.services.policies import activate_policy, draft_policy, parse_document
from routing.services.replays import acceptable_of, by_model, past_under

MIN_LABELS = 50
# High stakes are reviewed whatever the numbers say, unless the owner names them.
DEFAULT_TIERS = ("mid", "low")
DEFAULT_AUDIT_RATE = 0.05


class RecalibrationRefused(Exception):
    """There is nothing to propose, or the proposal was decided before; the message says which."""


@transaction.atomic
def propose_recalibration(
    *,
    project: Project,
    actor: str,
    now: datetime,
    review_share: float | None = None,
    tiers: Sequence[str] = DEFAULT_TIERS,
    audit_rate: float = DEFAULT_AUDIT_RATE,
    since: datetime | None = None,
) -> Recalibration:
    """Fit a calibrator on the verdicts and draft a policy with new thresholds, its replay and its certificate.

    Without `review_share` a tier's threshold is the laxest that is certified to keep the policy's target error,
    and a tier that cannot be certified is reviewed; a tier is made as strict as those of lower stakes. With it,
    `tiers` share one threshold that sends that share of their logged traffic to people (audit included; what
    flags send comes on top), and no guarantee
    is claimed. Raises RecalibrationRefused with fewer than 50 verdicts, or an audit that alone overspends the share.
    """
    if review_share is not None and audit_rate > review_share:
        raise RecalibrationRefused(
            _("Auditing %(audit_rate)s of what ships spends more than %(review_share)s of it; lower the audit rate.")
            % {"audit_rate": f"{audit_rate:.0%}", "review_share": f"{review_share:.0%}"}
        )
    Project.objects.select_for_update().get(pk=project.pk)
    logged = logged_outputs(project, since=since)
    rows = [_labelled(row) for row in logged]
    labels = sum(row.acceptable is not None for row in rows)
    left_out = sum(by_model(row) and row["output__reviews__item__verdict__value"] is not None for row in logged)
    if labels < MIN_LABELS:
        raise RecalibrationRefused(_too_few(labels, left_out))
    document = parse_document(ActivePolicy.objects.select_related("policy").get(project=project).policy.document)
    fitted = fit_calibrator(rows if review_share is not None else [row for row in rows if for_fitting(row)])
    if review_share is None:
        chosen, basis = certified_thresholds(rows, fitted.parameters, document, tiers)
    else:
        chosen, basis = budget_thresholds(
            rows, fitted.parameters, document, tiers, review_share=review_share, audit_rate=audit_rate
        )
    uncertified = [stakes for stakes in STAKES_RANK if stakes not in chosen]
    drafted = with_thresholds(document, chosen, audit_rate=audit_rate, uncertified=uncertified)
    draft = parse_document(drafted.document)
    calibrator = _store_calibrator(project, fitted, left_out, now)
    policy = draft_policy(
        project=project,
        document=draft.model_dump(mode="json"),
        calibrator=calibrator,
        actor=actor,
        note=f"Recalibration on {labels} verdicts.",
    )
    outcome = replay(
        list(past_under(project, draft, logged)),
        policy=draft,
        calibrator=calibrator.parameters,
        key=bytes(project.draw_key),
        seconds_per_rating=median_seconds_per_rating(project),
        level=draft.targets.level,
    )
    proposal = Recalibration.objects.create(
        project=project,
        policy=policy,
        calibrator=calibrator,
        certificate=issue_certificate(project=project, actor=actor, now=now, since=since),
        thresholds=_with_reasons(basis, drafted),
        replay=outcome.as_json(),
        labels_used=fitted.labels,
        created_by=actor,
        created_at=now,
    )
    record(project=project, actor=actor, verb="recalibration.proposed", target=f"recalibration:{proposal.pk}")
    return proposal


def _too_few(labels: int, left_out: int) -> str:
    counts = {"needed": MIN_LABELS, "there": labels, "left_out": left_out}
    if left_out:
        return (
            _(
                "A calibration needs %(needed)s verdicts; there are %(there)s, and %(left_out)s more whose raters were "
                "weighed by a model, which do not count. Review more first."
            )
            % counts
        )
    return _("A calibration needs %(needed)s verdicts; there are %(there)s. Review more first.") % counts


def _with_reasons(basis: dict[str, Any], drafted: Draft) -> dict[str, Any]:
    """What the thresholds rest on, with the reasons of the tiers that were made stricter for those below them."""
    for stakes, reasons in drafted.raised.items():
        basis.setdefault(stakes, {"status": "raised"})["raised"] = reasons
    return basis


@transaction.atomic
def approve_recalibration(*, proposal: Recalibration, actor: str, now: datetime, reason: str = "") -> Recalibration:
    """Put the proposed policy in force. Raises RecalibrationRefused when it was decided before or overtaken."""
    # Two approvals at once must not both find their parent in force.
    Project.objects.select_for_update().get(pk=proposal.project_id)
    proposal = _undecided(proposal)
    active = ActivePolicy.objects.get(project=proposal.project)
    if proposal.policy.parent_id != active.policy_id:
        raise RecalibrationRefused(_("Another policy has come into force since this was proposed; propose again."))
    _decide(proposal, RecalibrationStatus.APPROVED, actor=actor, now=now, reason=reason)
    activate_policy(policy=proposal.policy, actor=actor, now=now, reason=f"recalibration {proposal.pk}: {reason}")
    return proposal


@transaction.atomic
def reject_recalibration(*, proposal: Recalibration, actor: str, now: datetime, reason: str) -> Recalibration:
    """Keep things as they are, with the reason. Raises RecalibrationRefused when it was decided before."""
    proposal = _undecided(proposal)
    _decide(proposal, RecalibrationStatus.REJECTED, actor=actor, now=now, reason=reason)
    return proposal


def _undecided(proposal: Recalibration) -> Recalibration:
    locked = Recalibration.objects.select_for_update(of=("self",)).select_related("policy", "project")
    proposal = locked.get(pk=proposal.pk)
    if proposal.status != RecalibrationStatus.PROPOSED:
        raise RecalibrationRefused(_("This proposal was %(status)s already.") % {"status": word(proposal.status)})
    return proposal


def _decide(proposal: Recalibration, status: str, *, actor: str, now: datetime, reason: str) -> None:
    proposal.status, proposal.decided_by, proposal.decided_at, proposal.reason = status, actor, now, reason
    proposal.save(update_fields=["status", "decided_by", "decided_at", "reason"])
    record(
        project=proposal.project,
        actor=actor,
        verb=f"recalibration.{status}",
        target=f"recalibration:{proposal.pk}",
        reason=reason,
    )


def _labelled(row: dict[str, Any]) -> Logged:
    trace = row["trace"]
    return Logged(
        intent=row["output__intent"],
        stakes=row["stakes"],
        evidence=trace["evidence"],
        inclusion_probability=row["inclusion_probability"],
        acceptable=acceptable_of(row),
        prompt=row["output__prompt_fingerprint"],
        same_family=frozenset(key for key, said in trace.get("signals", {}).items() if said.get("same_family")),
        by_model=by_model(row),
    )


def _store_calibrator(project: Project, fitted: Fitted, left_out: int, now: datetime) -> Calibrator:
    latest = Calibrator.objects.filter(project=project).aggregate(latest=Max("version"))["latest"] or 0
    return Calibrator.objects.create(
        project=project,
        version=latest + 1,
        parameters=fitted.parameters,
        metrics=fitted.metrics(),
        fitted_on={
            "labels": fitted.labels,
            # Verdicts whose raters were weighed by a model.
            "left_out": left_out,
            "cells": fitted.labels_by_cell,
            "skipped": fitted.skipped,
        },
        created_at=now,
    )
