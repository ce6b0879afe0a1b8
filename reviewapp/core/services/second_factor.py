"""The second factor: which projects ask for one, and what to do when somebody lost theirs."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from reviewapp.core.models import Person, Project
from reviewapp.core.services.audit import record


@transaction.atomic
def change_second_factor_rule(*, project: Project, required: bool, actor: str) -> None:
    """Ask the project's members for a second factor before any of its pages, or stop asking."""
    if (
        Project.objects.filter(pk=project.pk)
        .exclude(second_factor_required=required)
        .update(second_factor_required=required)
    ):
        project.second_factor_required = required
        verb = "second_factor.required" if required else "second_factor.optional"
        record(project=project, actor=actor, verb=verb, target=f"project:{project.slug}")


@transaction.atomic
def drop_second_factor(*, person: Person, actor: str) -> int:
    """Take away every second factor of a person who lost theirs; how many there were."""
    count: int
    count, _by_model = Authenticator.objects.filter(user=person).delete()
    if count:
        record(project=None, actor=actor, verb="second_factor.dropped", target=f"person:{person.pk}", count=count)
    return count
