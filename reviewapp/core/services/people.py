"""People and their places in projects."""

import secrets
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from reviewapp.core.models import Membership, Person, Project, Role
from reviewapp.core.services.audit import record


class PersonRefused(Exception):
    """The person or the membership cannot be made; the message says why."""


@transaction.atomic
def add_member(
    *, project: Project, email: str, role: str, actor: str, password: str | None = None, name: str = ""
) -> Membership:
    """Give the person with this address a role in the project, making the person if need be.

    Repeating it is safe; another role replaces the former one. A password is set only when given.
    Raises PersonRefused.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise PersonRefused(_("%(email)s is not an e-mail address") % {"email": repr(email)}) from error
    if role not in Role.values:
        raise PersonRefused(
            _("role is one of %(names)s; got %(role)s") % {"names": ", ".join(Role.values), "role": repr(role)}
        )
    person = Person.objects.filter(email=email).first() or Person.objects.create_user(email, name=name)
    if password:
        person.set_password(password)
        person.save(update_fields=["password"])
    if role == Role.OWNER and not person.is_staff:
        # Owners keep rubrics and policies in the admin; what they see there is limited to their projects.
        person.is_staff = True
        person.save(update_fields=["is_staff"])
    membership, created = Membership.objects.get_or_create(project=project, person=person, defaults={"role": role})
    if not created and membership.role != role:
        membership.role = role
        membership.save(update_fields=["role"])
    record(project=project, actor=actor, verb="member.added", target=f"person:{person.pk}", role=role)
    return membership


@transaction.atomic
def give_password(*, membership: Membership, actor: str) -> str:
    """A new random password for a person of this project, to be handed to them; it cannot be had again.

    Raises PersonRefused for whoever is in other projects too, or owns one and has a password already: no
    owner may sign in as somebody who answers to others.
    """
    person = membership.person
    elsewhere = Membership.objects.filter(person=person).exclude(project=membership.project_id).exists()
    if elsewhere or person.is_superuser or (person.is_staff and person.has_usable_password()):
        raise PersonRefused(
            _("%(email)s has an account beyond this project; its password is not yours to give.")
            % {"email": person.email}
        )
    password = secrets.token_urlsafe(12)
    person.set_password(password)
    person.save(update_fields=["password"])
    record(project=membership.project, actor=actor, verb="password.given", target=f"person:{person.pk}")
    return password


@transaction.atomic
def pause_member(*, membership: Membership, actor: str, reason: str, now: datetime) -> None:
    """Give this person no further items; what they hold they may finish. Raises PersonRefused."""
    if membership.role not in (Role.REVIEWER, Role.ADJUDICATOR):
        raise PersonRefused(_("Only reviewers and adjudicators take items, so only they can be paused."))
    running = Membership.objects.filter(pk=membership.pk, paused_at__isnull=True)
    if running.update(paused_at=now, pause_reason=reason):
        _record_pause(membership, "member.paused", actor, reason)


@transaction.atomic
def resume_member(*, membership: Membership, actor: str, reason: str, now: datetime) -> None:
    """Let this person take items again."""
    paused = Membership.objects.filter(pk=membership.pk, paused_at__isnull=False)
    if paused.update(paused_at=None, pause_reason=""):
        _record_pause(membership, "member.resumed", actor, reason)


def _record_pause(membership: Membership, verb: str, actor: str, reason: str) -> None:
    record(project=membership.project, actor=actor, verb=verb, target=f"person:{membership.person_id}", reason=reason)
