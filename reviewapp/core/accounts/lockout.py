"""Too many wrong passwords: whom django-axes counts, and what it answers.

Counted is the pair of typed e-mail address and the address it came from, known or not, so that the answer says
nothing about who has an account, and nobody can lock a colleague out from elsewhere.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.models import AccessAttempt
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# The longest address that is a row's key; what is longer is no address anyway.
LONGEST_ADDRESS = 254
NO_ADDRESS = "0.0.0.0"


class LockoutBackend(AxesStandaloneBackend):
    """Refuses whoever is locked out, before any password is looked at."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> None:
        # Commands and tests check a password without a request: there is nobody to lock out.
        if request is not None:
            super().authenticate(request, username, password, **kwargs)


def typed_address(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Who somebody tried to sign in as, in the spelling that addresses are stored in."""
    found = credentials or request.POST
    typed = found.get("email") or found.get("username") or ""
    return str(typed).strip().lower().replace("\0", "")[:LONGEST_ADDRESS]


def client_address(request: HttpRequest) -> str:
    """Where a request comes from; behind TRUSTED_PROXIES proxies, what the outermost of them saw."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    count = settings.TRUSTED_PROXIES
    candidates = [forwarded[-count]] if 0 < count <= len(forwarded) else []
    for candidate in (*candidates, request.META.get("REMOTE_ADDR", "")):
        try:
            return str(ip_address(candidate.strip()))
        except ValueError:
            continue
    return NO_ADDRESS


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """429 with the moment from which it makes sense to try again."""
    attempts = AccessAttempt.objects.filter(
        username=typed_address(request, credentials), ip_address=client_address(request)
    )
    until = open_again_at(
        attempts.values_list("attempt_time", "failures_since_start"),
        limit=settings.AXES_FAILURE_LIMIT,
        cool_off=settings.AXES_COOLOFF_TIME,
    )
    context = {"until": until, "minutes": int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)}
    return render(request, "account/locked.html", context, status=429)


def open_again_at(attempts: Iterable[tuple[datetime, int]], *, limit: int, cool_off: timedelta) -> datetime | None:
    """When fewer than `limit` failures are left, if nothing else fails. None: they are fewer already.

    `attempts` are (moment of the last failure, number of failures), one per browser; a row lapses as a whole.
    """
    standing = sorted(attempts)
    left = sum(failures for _moment, failures in standing)
    until = None
    for moment, failures in standing:
        if left < limit:
            break
        left -= failures
        until = moment + cool_off
    return until
