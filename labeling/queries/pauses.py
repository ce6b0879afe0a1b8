"""Which slices are paused: one intent under one rubric version each."""

from django.db.models import Q, QuerySet

from labeling.models import GoldOrigin, PauseCause, SlicePause
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


def about_the_person(project_id: int) -> Q:
    """What an answer to gold must be like to speak of whoever gave it: not one to a human reference of a slice that was
    paused because people reject its references. There the references or the rubric are in doubt, and nobody alone.
    """
    in_doubt = Q()
    for pause in SlicePause.objects.filter(project_id=project_id, cause=PauseCause.REFERENCES):
        of_it = Q(
            gold_case__origin=GoldOrigin.HUMAN_REFERENCE,
            gold_case__item__intent=pause.intent,
            rating__rubric=pause.rubric_id,
        )
        in_doubt |= of_it if pause.lifted_at is None else of_it & Q(at__lte=pause.lifted_at)
    return ~in_doubt if in_doubt else Q()
