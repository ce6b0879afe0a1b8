"""Background sweeps of routing: idempotent, over the state of rows."""

from celery import shared_task
from django.utils import timezone

from reviewapp.core.services.audit import SYSTEM
from routing.queries import projects_due_for_recalibration
from routing.services.recalibration import RecalibrationRefused, propose_recalibration


@shared_task
def propose_due_recalibrations() -> int:
    """Propose for every project with enough new verdicts since the last proposal. A person decides on each."""
    now = timezone.now()
    proposed = 0
    for project in projects_due_for_recalibration(now):
        try:
            propose_recalibration(project=project, actor=SYSTEM, now=now)
        except RecalibrationRefused:
            continue
        proposed += 1
    return proposed
