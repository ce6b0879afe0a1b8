"""API keys of programs and tokens of people: made once, shown once, stored as digests."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction

from reviewapp.core.models import ApiKey, Person, PersonToken, Project, Scope
from reviewapp.core.services.audit import record

KEY_PREFIX_BYTES = 6


class UnknownScope(Exception):
    """A scope is not one of route, read, goldens and admin."""


def digest_of(secret: str) -> str:
    """SHA-256 is enough here: the secret has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def split_secret(secret: str) -> str:
    """The public prefix of a key or token, by which its row is found."""
    return secret.split(".", 1)[0]


def new_secret() -> tuple[str, str]:
    """(prefix, secret): the secret begins with its public prefix."""
    prefix = secrets.token_hex(KEY_PREFIX_BYTES)
    return prefix, f"{prefix}.{secrets.token_urlsafe(32)}"


@transaction.atomic
def create_api_key(
    *, project: Project, scopes: list[str], actor: str, name: str = "", expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """The stored key and the secret, which cannot be had again. Raises UnknownScope."""
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        raise UnknownScope(f"scopes are from {', '.join(Scope.values)}; got {', '.join(unknown) or 'none'}")
    prefix, secret = new_secret()
    key = ApiKey.objects.create(
        project=project,
        name=name,
        prefix=prefix,
        digest=digest_of(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    record(project=project, actor=actor, verb="api_key.created", target=f"key:{prefix}", scopes=key.scopes)
    return key, secret


@transaction.atomic
def revoke_api_key(*, key: ApiKey, actor: str, now: datetime) -> None:
    if ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=now):
        record(project=key.project, actor=actor, verb="api_key.revoked", target=f"key:{key.prefix}")


@transaction.atomic
def create_person_token(*, person: Person, actor: str) -> str:
    """A new token for the person's own scripts; earlier ones keep working until revoked."""
    prefix, secret = new_secret()
    PersonToken.objects.create(person=person, prefix=prefix, digest=digest_of(secret))
    record(project=None, actor=actor, verb="person_token.created", target=f"person:{person.pk}")
    return secret
