"""Background sweeps of labeling: idempotent, over the state of rows."""

from celery import shared_task
from django.utils import timezone

from labeling.services.claiming import return_expired_leases
from reviewapp.core.models import Project


@shared_task
def return_expired_leases_everywhere() -> int:
    """Open the seats of ended leases, so that counts are right even where nobody claims."""
    now = timezone.now()
    ids = Project.objects.values_list("pk", flat=True)
    return sum(return_expired_leases(project_id=project_id, now=now) for project_id in ids)
