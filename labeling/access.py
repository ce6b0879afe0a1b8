"""Which assignments a person may touch: their own, and nobody else's."""

from typing import Any

from django.http import Http404

from labeling.models import Assignment


def own_assignment(person: Any, token: str) -> Assignment:
    """The assignment behind a token if it is this person's. Raises Http404 otherwise."""
    try:
        return Assignment.objects.select_related(
            "seat", "item__content", "rubric", "reviewer__project", "reviewer__person"
        ).get(token=token, reviewer__person_id=person.pk)
    except Assignment.DoesNotExist:
        raise Http404("no such assignment") from None
