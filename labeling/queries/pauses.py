"""Which slices are paused: one intent under one rubric version each."""

from django.db.models import Q, QuerySet

from labeling.models import SlicePause
from reviewapp.core.models import Project


def open_pauses(project_id: int) -> QuerySet[SlicePause]:
    """The project's pauses that nobody has lifted, oldest first."""
    return SlicePause.objects.filter(project_id=project_id, lifted_at__isnull=True).order_by("paused_at", "id")


def pauses(project: Project) -> QuerySet[SlicePause]:
    """All of the project's pauses, newest first."""
    return SlicePause.objects.filter(project=project).select_related("project", "rubric").order_by("-pk")


def in_open_slices(project_id: int) -> Q:
    """What a seat must be like to be handed to a rater: of no paused slice."""
    paused = Q()
    for intent, rubric_id in open_pauses(project_id).values_list("intent", "rubric_id"):
        paused |= Q(item__intent=intent, item__rubric_id=rubric_id)
    return ~paused if paused else Q()
