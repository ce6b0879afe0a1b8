"""What a person may touch: their own assignments, and a project's rows within the project. 404 for the rest."""

from typing import Any

from django.http import Http404

from labeling.models import Absence, Alarm, Assignment
from reviewapp.core.models import Membership, Project


def own_assignment(person: Any, token: str) -> Assignment:
    """The assignment behind a token if it is this person's. Raises Http404 otherwise."""
    try:
        return Assignment.objects.select_related(
            "seat", "item__content", "rubric", "reviewer__project", "reviewer__person"
        ).get(token=token, reviewer__person_id=person.pk)
    except Assignment.DoesNotExist:
        raise Http404("no such assignment") from None


def absence_of(project: Project, pk: int, *, member: Membership | None = None) -> Absence:
    """An absence of the project; of this member, where one is given. Raises Http404."""
    rows = Absence.objects.filter(membership__project=project).select_related(
        "membership__person", "membership__project"
    )
    absence = (rows.filter(membership=member) if member else rows).filter(pk=pk).first()
    if absence is None:
        raise Http404("no such absence")
    return absence


def alarm_of(project: Project, pk: int) -> Alarm:
    """Raises Http404."""
    alarm = Alarm.objects.filter(project=project, pk=pk).select_related("project").first()
    if alarm is None:
        raise Http404("no such alarm")
    return alarm
