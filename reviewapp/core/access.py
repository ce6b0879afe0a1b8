"""Who may reach what. What is not yours does not exist: 404, never 403, for another's objects."""

from datetime import datetime
from typing import Any

from django.http import Http404
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.request import Request

from reviewapp.core.models import ApiKey, Membership, Person, PersonToken, Project, Role
from reviewapp.core.services.keys import digest_of, split_secret

# Which key scope stands for which roles when a path names a project.
READING_ROLES = (Role.OWNER, Role.AUDITOR)
OWNING_ROLES = (Role.OWNER,)


def live_api_key(secret: str, now: datetime) -> ApiKey | None:
    """The key with this secret, unless it was revoked or has expired."""
    key = ApiKey.objects.select_related("project").filter(prefix=split_secret(secret)).first()
    if key is None or key.digest != digest_of(secret) or key.revoked_at:
        return None
    return None if key.expires_at and key.expires_at <= now else key


def live_person_token(secret: str) -> Person | None:
    token = PersonToken.objects.select_related("person").filter(prefix=split_secret(secret)).first()
    if token is None or token.digest != digest_of(secret) or token.revoked_at or not token.person.is_active:
        return None
    return token.person


def membership_of(person: Any, slug: str) -> Membership:
    """The person's place in the project. Raises Http404 where there is none."""
    try:
        return Membership.objects.select_related("project", "person").get(project__slug=slug, person_id=person.pk)
    except Membership.DoesNotExist:
        raise Http404("no such project") from None


def member_with_role(person: Any, slug: str, *roles: str) -> Membership:
    """As `membership_of`; a member with another role answers 404 as well."""
    membership = membership_of(person, slug)
    if membership.role not in roles:
        raise Http404("no such page for this role")
    return membership


def key_project(request: Request, scope: str) -> Project:
    """The project of the request's API key. Raises where there is no key or it lacks the scope."""
    key = request.auth
    if not isinstance(key, ApiKey):
        raise NotAuthenticated("This address needs an API key: Authorization: Api-Key <key>.")
    if scope not in key.scopes:
        raise PermissionDenied(f'This key lacks the scope "{scope}".')
    return key.project


def project_for(request: Request, slug: str | None, *, scope: str, roles: tuple[str, ...]) -> Project:
    """The project named in a path, for a key with the scope or a member with one of the roles.

    Without a name the key decides; a person has to name a project.
    """
    if slug is None or isinstance(request.auth, ApiKey):
        project = key_project(request, scope)
        if slug not in (None, project.slug):
            raise Http404("no such project")
        return project
    return member_with_role(request.user, slug, *roles).project


def actor_of(request: Request) -> str:
    """How the audit log names whoever made this request."""
    if isinstance(request.auth, ApiKey):
        return f"key:{request.auth.prefix}"
    return f"person:{request.user.pk}"
