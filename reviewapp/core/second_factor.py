"""Which projects stay closed to a person until they have a second factor."""

from typing import Any

from allauth.mfa.models import Authenticator

from reviewapp.core.models import Membership

# Recovery codes only stand in for one of these.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_second_factor(person: Any) -> bool:
    return Authenticator.objects.filter(user_id=person.pk, type__in=FACTORS).exists()


def closed_projects(person: Any) -> dict[str, str]:
    """Slug to name of the person's projects that ask for a second factor which the person lacks. One query, mostly."""
    asking = Membership.objects.filter(person_id=person.pk, project__second_factor_required=True)
    rows = dict(asking.order_by("project__slug").values_list("project__slug", "project__name"))
    return rows if rows and not has_second_factor(person) else {}


def closed_to(person: Any, slug: str | None) -> str | None:
    """The name of the project that this person may not enter yet; of any of theirs where an address names none."""
    closed = closed_projects(person)
    if slug is not None:
        return closed.get(slug)
    return next(iter(closed.values()), None)
