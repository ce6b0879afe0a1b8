"""The project's people, keys, queue and two-person rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reviewapp.core.models import ApiKey, Membership, Project, Role
from reviewapp.core.reading import label
from routing.services.two_persons import routing_settings
from routing.views.contexts.words import actor_names

PAUSABLE = (Role.REVIEWER, Role.ADJUDICATOR)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One person as the owner sees them; `own` is the row of whoever looks."""

    pk: int
    person: str
    email: str
    role: str
    rater: str
    paused_at: datetime | None
    pause_reason: str
    pausable: bool
    own: bool


@dataclass(frozen=True, slots=True)
class KeyRow:
    pk: int
    prefix: str
    name: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class TwoPersons:
    """The two-person rule. `asked_by` wants to end it; `own_request` says that this is whoever looks."""

    on: bool
    owners: int
    asked_by: str
    asked_at: datetime | None
    own_request: bool


def two_persons_state(member: Membership) -> TwoPersons:
    settings = routing_settings(member.project)
    names = actor_names(member.project)
    return TwoPersons(
        on=settings.two_persons,
        owners=Membership.objects.filter(project=member.project, role=Role.OWNER, person__is_active=True).count(),
        asked_by=names.get(settings.ending_asked_by, settings.ending_asked_by),
        asked_at=settings.ending_asked_at,
        own_request=settings.ending_asked_by == f"person:{member.person_id}",
    )


def member_rows(member: Membership) -> list[MemberRow]:
    """Everybody in the project of `member`, by role and address."""
    rows = Membership.objects.filter(project=member.project).select_related("person")
    return [
        MemberRow(
            pk=row.pk,
            person=row.person.name,
            email=row.person.email,
            role=label(Role(row.role)),
            rater=row.rater_code,
            paused_at=row.paused_at,
            pause_reason=row.pause_reason,
            pausable=row.role in PAUSABLE,
            own=row.pk == member.pk,
        )
        for row in rows.order_by("role", "person__email")
    ]


def key_rows(project: Project, now: datetime) -> list[KeyRow]:
    return [
        KeyRow(
            pk=key.pk,
            prefix=key.prefix,
            name=key.name,
            scopes=key.scopes,
            created_at=key.created_at,
            expires_at=key.expires_at,
            state=_state(key, now),
        )
        for key in ApiKey.objects.filter(project=project).order_by("-pk")
    ]


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= now else "live"
