"""Invitations by link: made and shown once, accepted once, within two weeks, unless they are revoked first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from reviewapp.core.models import Invitation, Membership, Person, Project, Role
from reviewapp.core.services.audit import record
from reviewapp.core.services.keys import digest_of, new_secret, split_secret
from reviewapp.core.services.people import add_member

LIFETIME = timedelta(days=14)


class InvitationRefused(Exception):
    """The invitation cannot be made or accepted; the message says why."""


@dataclass(frozen=True, slots=True)
class Invited:
    """A new invitation, with the token of its link, which cannot be had again."""

    invitation: Invitation
    token: str


@transaction.atomic
def invite(*, project: Project, email: str, role: str, actor: str, now: datetime) -> Invited:
    """Ask the person with this address to join the project. An earlier open invitation of theirs ends.

    Raises InvitationRefused for what is no address, an unknown role, and whoever is a member already.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvitationRefused(_("%(email)s is not an e-mail address") % {"email": repr(email)}) from None
    if role not in Role.values:
        raise InvitationRefused(
            _("role is one of %(names)s; got %(role)s") % {"names": ", ".join(Role.values), "role": repr(role)}
        )
    if Membership.objects.filter(project=project, person__email=email).exists():
        raise InvitationRefused(_("%(email)s is a member of this project already") % {"email": email})
    # Two owners who invite the same person at once come one after the other.
    Project.objects.select_for_update().get(pk=project.pk)
    for earlier in Invitation.objects.filter(project=project, email=email, accepted_at=None, revoked_at=None):
        revoke_invitation(invitation=earlier, actor=actor, now=now)
    prefix, token = new_secret()
    invitation = Invitation.objects.create(
        project=project,
        email=email,
        role=role,
        prefix=prefix,
        digest=digest_of(token),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    record(project=project, actor=actor, verb="invitation.made", target=f"invitation:{prefix}", email=email, role=role)
    return Invited(invitation, token)


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, actor: str, now: datetime) -> None:
    """Its link leads nowhere from now on. Whoever accepted it already stays."""
    open_still = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if open_still.update(revoked_at=now):
        target = f"invitation:{invitation.prefix}"
        record(project=invitation.project, actor=actor, verb="invitation.revoked", target=target)


def open_invitation(*, token: str, now: datetime) -> Invitation | None:
    """The invitation of this link, unless it was used or revoked or has expired."""
    row = Invitation.objects.select_related("project").filter(prefix=split_secret(token)).first()
    if row is None or row.digest != digest_of(token):
        return None
    return row if _is_open(row, now) else None


def open_invitations_for(*, email: str, now: datetime) -> Sequence[Invitation]:
    rows = Invitation.objects.select_related("project").filter(email=email.strip().lower(), expires_at__gt=now)
    return list(rows.filter(accepted_at=None, revoked_at=None).order_by("pk"))


@transaction.atomic
def accept_as_new(*, invitation: Invitation, password: str, name: str, now: datetime) -> Membership:
    """Make the person with this password, and a member. Raises InvitationRefused.

    Where the address has an account already, that person must sign in to accept: a link must not give its holder,
    who may be the owner that made it, a password to what somebody else can reach.
    """
    if Person.objects.filter(email=invitation.email).exists():
        raise InvitationRefused(_("there is an account for this address already"))
    _use(invitation, now)
    person = Person.objects.create_user(invitation.email, password, name=name)
    return _join(invitation, person)


@transaction.atomic
def accept_as(*, invitation: Invitation, person: Person, now: datetime) -> Membership:
    """Make this person, who has signed in, a member. Raises InvitationRefused for anybody else's invitation.

    Whoever is a member meanwhile keeps their role: an invitation adds, it does not change.
    """
    if person.email != invitation.email:
        raise InvitationRefused(_("this invitation is for another address"))
    _use(invitation, now)
    standing = Membership.objects.filter(project=invitation.project, person=person).first()
    return standing or _join(invitation, person)


@transaction.atomic
def accept_all_for(*, email: str, name: str, now: datetime) -> Person | None:
    """Make the person whom a trusted service vouches for, in every project that invited them; None if none did."""
    invitations = open_invitations_for(email=email, now=now)
    if not invitations or Person.objects.filter(email=email).exists():
        return None
    person = Person.objects.create_user(email, None, name=name[:200])
    for invitation in invitations:
        _use(invitation, now)
        _join(invitation, person)
    return person


def _is_open(invitation: Invitation, now: datetime) -> bool:
    return invitation.accepted_at is None and invitation.revoked_at is None and invitation.expires_at > now


def _use(invitation: Invitation, now: datetime) -> None:
    """Of several who accept at once, one does."""
    unused = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None, expires_at__gt=now)
    if unused.update(accepted_at=now) != 1:
        raise InvitationRefused(_("this invitation was used or revoked, or has expired"))


def _join(invitation: Invitation, person: Person) -> Membership:
    actor = f"person:{person.pk}"
    member = add_member(project=invitation.project, email=person.email, role=invitation.role, actor=actor)
    target = f"invitation:{invitation.prefix}"
    record(project=invitation.project, actor=actor, verb="invitation.accepted", target=target)
    return member
