"""Certificates: dated statements about what shipped, with the counts they follow from."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from reviewapp.core.models import Project
from reviewapp.core.services.audit import record
from routing.models import Certificate
from routing.policy.error_rate import Undetected, error_rate, undetected
from routing.queries import audit_strata, decided_count, left_out_count

UNDETECTED_ERROR = "undetected_error"


def estimate_undetected(
    project: Project,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    stakes: str = "",
    intent: str = "",
    level: float = 0.95,
) -> Undetected:
    """Errors that left unseen in a window, from the random audit, with an interval at `level`."""
    window = {"since": since, "until": until, "stakes": stakes, "intent": intent}
    strata = audit_strata(project, **window)
    return undetected(strata, outputs=decided_count(project, **window), confidence=level)


@transaction.atomic
def issue_certificate(
    *,
    project: Project,
    actor: str,
    now: datetime,
    since: datetime | None = None,
    stakes: str = "",
    level: float = 0.95,
) -> Certificate:
    """Freeze today's estimate of the undetected error, whether or not it is estimable."""
    strata = audit_strata(project, since=since, until=now, stakes=stakes)
    rate = error_rate(strata, confidence=level)
    inputs: dict[str, Any] = {
        "since": since.isoformat() if since else None,
        "until": now.isoformat(),
        "stakes": stakes or None,
        "level": level,
        "outputs": decided_count(project, since=since, until=now, stakes=stakes),
        # Verdicts that are in no stratum, because a model weighed their raters.
        "left_out": left_out_count(project, since=since, until=now, stakes=stakes),
        "strata": [asdict(stratum) for stratum in strata],
    }
    result = asdict(rate)
    certificate = Certificate.objects.create(
        project=project,
        kind=UNDETECTED_ERROR,
        statement=_statement(rate.upper, stakes, level, rate.reason),
        inputs=inputs,
        result=result,
        sha256=certificate_digest(inputs, result),
        created_by=actor,
        created_at=now,
    )
    record(project=project, actor=actor, verb="certificate.issued", target=f"certificate:{certificate.pk}")
    return certificate


def certificate_digest(inputs: dict[str, Any], result: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of both."""
    text = json.dumps([inputs, result], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _statement(upper: float | None, stakes: str, level: float, reason: str) -> str:
    slice_name = f"shipped {stakes} outputs" if stakes else "shipped outputs"
    if upper is None:
        return f"Error rate of {slice_name}: not estimable ({reason})."
    return f"Error rate of {slice_name} ≤ {upper:.2%} at {level:.0%} confidence."
