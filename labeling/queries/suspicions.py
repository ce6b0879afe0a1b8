"""Suspicions with what became of the ratings they concern."""

from django.db.models import Count, Q, QuerySet

from labeling.models import Suspicion
from reviewapp.core.models import Project


def suspicions(project: Project) -> QuerySet[Suspicion]:
    """Newest first; each with `ratings_set_aside` and, of these, `ratings_restored`."""
    return (
        Suspicion.objects.filter(membership__project=project)
        .select_related("membership__person", "membership__project")
        .annotate(
            ratings_set_aside=Count("set_aside"),
            ratings_restored=Count("set_aside", filter=Q(set_aside__restored_at__isnull=False)),
        )
        .order_by("-pk")
    )
