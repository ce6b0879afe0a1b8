"""The two-person rule: where a project wants it, nobody puts a policy in force that they wrote themselves.

Switching the rule on takes one person. Switching it off takes two, one who asks and another who
confirms: whoever could end it alone would not be bound by it. What it cannot see is one person behind
two accounts; the audit log names who was added by whom.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from reviewapp.core.models import AuditEntry, Project
from reviewapp.core.services.audit import record
from routing.models import Policy, RoutingSettings, ScheduledActivation


class ActivationRefused(Exception):
    """The policy cannot be put in force now; the message says why, and `code` says it to programs."""

    def __init__(self, message: str, *, code: str = "undecided_proposal") -> None:
        super().__init__(message)
        self.code = code


class SecondPersonNeeded(ActivationRefused):
    """The project asks for two persons, and whoever wants this is not the second one."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="second_person_needed")


def routing_settings(project: Project) -> RoutingSettings:
    """The project's settings; those of a new project where none are stored."""
    return RoutingSettings.objects.filter(project=project).first() or RoutingSettings(project=project)


def check_second_person(*, policy: Policy, actor: str) -> None:
    """Raises SecondPersonNeeded where the project's rule forbids that `actor` puts `policy` in force."""
    if routing_settings(policy.project).two_persons and (refusal := _why_not(policy.project_id, policy.authors, actor)):
        raise SecondPersonNeeded(refusal)


def may_put_in_force(*, policy: Policy, actor: str) -> bool:
    """Whether `check_second_person` would let them."""
    return not routing_settings(policy.project).two_persons or not _why_not(policy.project_id, policy.authors, actor)


def _why_not(project_id: int, authors: Sequence[str], actor: str) -> str:
    if not is_person(actor):
        return _(
            "This project asks for two persons: a person other than the author puts a policy in force, "
            "not a program. Sign in, or use your own token."
        )
    if actor in {*authors, *_makers(project_id, authors)}:
        return _(
            "This project asks for two persons: you wrote a part of this policy, so another owner puts it in force."
        )
    return ""


def _makers(project_id: int, authors: Sequence[str]) -> set[str]:
    """Who made the keys among the authors: what a program wrote counts as theirs too."""
    keys = [author for author in authors if author.startswith("key:")]
    made = AuditEntry.objects.filter(project_id=project_id, verb="api_key.created", target__in=keys)
    return set(made.values_list("actor", flat=True)) if keys else set()


def is_person(actor: str) -> bool:
    return actor.startswith("person:")


@transaction.atomic
def ask_for_two_persons(*, project: Project, actor: str) -> RoutingSettings:
    """Switch the rule on, or drop the request to end it. Raises SecondPersonNeeded for a program.

    A scheduled activation that one person made alone is dropped: from now on it takes two.
    """
    _only_persons(actor)
    settings = _locked(project)
    if settings.two_persons and not settings.ending_asked_by:
        return settings
    verb = "two_persons.kept" if settings.two_persons else "two_persons.asked_for"
    settings.two_persons, settings.ending_asked_by, settings.ending_asked_at = True, "", None
    settings.save()
    record(project=project, actor=actor, verb=verb, target=f"project:{project.slug}")
    _drop_what_one_person_scheduled(project, actor)
    return settings


@transaction.atomic
def end_two_persons(*, project: Project, actor: str, now: datetime) -> RoutingSettings:
    """The first person asks to switch the rule off, another person's call does it; both stand in the audit log.

    Raises SecondPersonNeeded for a program, and for whoever asked already.
    """
    _only_persons(actor)
    settings = _locked(project)
    if not settings.two_persons:
        return settings
    if settings.ending_asked_by == actor:
        raise SecondPersonNeeded(_("You asked for this; another owner has to confirm it."))
    asked_by = settings.ending_asked_by
    if asked_by:
        settings.two_persons, settings.ending_asked_by, settings.ending_asked_at = False, "", None
        verb = "two_persons.ended"
    else:
        settings.ending_asked_by, settings.ending_asked_at = actor, now
        verb = "two_persons.ending_asked"
    settings.save()
    record(project=project, actor=actor, verb=verb, target=f"project:{project.slug}", asked_by=asked_by or actor)
    return settings


def _only_persons(actor: str) -> None:
    if not is_person(actor):
        raise SecondPersonNeeded(_("Only a person decides on the two-person rule. Sign in, or use your own token."))


def _locked(project: Project) -> RoutingSettings:
    """Two calls at once must not both find the rule as it was; the project's row is there before the settings' is."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    return routing_settings(project)


def _drop_what_one_person_scheduled(project: Project, actor: str) -> None:
    scheduled = ScheduledActivation.objects.select_related("policy").filter(project=project).first()
    if scheduled is None or not _why_not(project.pk, scheduled.policy.authors, scheduled.actor):
        return
    scheduled.delete()
    record(
        project=project,
        actor=actor,
        verb="policy.schedule_dropped",
        target=f"policy:{scheduled.policy_id}",
        version=scheduled.policy.version,
        reason="the two-person rule is on",
    )
