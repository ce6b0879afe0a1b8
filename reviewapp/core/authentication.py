"""The three ways to say who is asking: an API key, a person's token, a session cookie."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.authentication import SessionAuthentication as BaseSessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from reviewapp.core.access import live_api_key, live_person_token
from reviewapp.core.models import ApiKey, Person
from reviewapp.core.problems import Problem
from reviewapp.core.second_factor import closed_to


class KeyHolder(AnonymousUser):
    """Stands for a program: authenticated, yet no person."""

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        return True


def _secret(request: Request, keyword: str) -> str | None:
    parts = get_authorization_header(request).split()
    if not parts or parts[0].lower() != keyword.lower().encode():
        return None
    if len(parts) != 2:
        raise AuthenticationFailed(f"Write the header as: Authorization: {keyword} <secret>.")
    secret = parts[1].decode("latin-1")
    if not secret.isascii() or not secret.isprintable():
        raise AuthenticationFailed("The secret holds characters that no key has.")
    return secret


class ApiKeyAuthentication(BaseAuthentication):
    keyword = "Api-Key"

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        secret = _secret(request, self.keyword)
        if secret is None:
            return None
        key = live_api_key(secret, timezone.now())
        if key is None:
            raise AuthenticationFailed("This API key is unknown, expired or revoked.")
        return KeyHolder(), key

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class PersonTokenAuthentication(BaseAuthentication):
    keyword = "Token"

    def authenticate(self, request: Request) -> tuple[Person, None] | None:
        secret = _secret(request, self.keyword)
        if secret is None:
            return None
        person = live_person_token(secret)
        if person is None:
            raise AuthenticationFailed("This token is unknown or revoked.")
        return person, None

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class SessionAuthentication(BaseSessionAuthentication):
    """As DRF's own; refused requests are told how to sign in (401), not merely forbidden.

    A project that asks for a second factor asks here too: its pages do their work through the API.
    """

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        match = request.resolver_match
        project = closed_to(found[0], match.kwargs.get("slug") if match else None)
        if project is not None:
            detail = f"{project} asks for a second factor; set one up at {reverse('mfa_index')}."
            raise Problem(403, detail, code="second_factor_required")
        return found

    def authenticate_header(self, request: Request) -> str:
        return "Session"
