"""What every request passes through besides Django's own."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from reviewapp.core.accounts.adapters import SEEN_AT
from reviewapp.core.accounts.forms import zones
from reviewapp.core.accounts.lockout import client_address
from reviewapp.core.problems import MEDIA_TYPE, not_found, problem_body
from reviewapp.core.second_factor import closed_to

Handler = Callable[[HttpRequest], HttpResponse]

# Written by static/js/zone.js.
ZONE_COOKIE = "tz"
# How old "last seen" in the list of sessions may be, in seconds: not every request is worth a write.
SEEN_EVERY = 300
# Where the session keeps the page that somebody wanted before they had a second factor.
WANTED_PAGE = "second_factor_then"
# Pages of nobody's project. Every other page without a project in its address may be any project's.
OWN_PAGES = {"home", "login", "logout", "invitation"}


class BodyLimitMiddleware:
    """Answers 413 by the announced length, before a byte of an oversized body is read."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > settings.MAX_BODY_BYTES:
            body = problem_body(413, f"A body may be {settings.MAX_BODY_BYTES} bytes long.", code="too_large")
            return JsonResponse(body, status=413, content_type=MEDIA_TYPE)
        return self.get_response(request)


class AddressMiddleware:
    """An address with a NUL in it names nothing: no database could even be asked for it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" not in request.path_info:
            return self.get_response(request)
        if request.path_info.startswith("/api/"):
            return not_found(request)
        raise Http404("no such page")


class NoStoreMiddleware:
    """Pages and answers are somebody's: no cache, shared or private, may keep them."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Cache-Control", "no-store")
        return response


class PreferencesMiddleware:
    """Pages speak the person's language and tell the time in their zone; what they did not choose, their browser says.

    The API speaks English and UTC to everybody.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/"):
            return self.get_response(request)
        language = language_for(request)
        with translation.override(language), timezone.override(zone_for(request)):
            response = self.get_response(request)
        response.setdefault("Content-Language", language)
        return response


def language_for(request: HttpRequest) -> str:
    chosen = getattr(request.user, "language", "")
    return chosen if chosen in dict(settings.LANGUAGES) else translation.get_language_from_request(request)


def zone_for(request: HttpRequest) -> ZoneInfo:
    for name in (getattr(request.user, "time_zone", ""), unquote(request.COOKIES.get(ZONE_COOKIE, ""))):
        if name in zones():
            return ZoneInfo(name)
    return ZoneInfo("UTC")


class LastSeenMiddleware:
    """Keeps the list of a person's sessions fresh: when and from where each was used, within five minutes."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        seen_at = request.session.get(SEEN_AT)
        if seen_at is not None and now.timestamp() - seen_at >= SEEN_EVERY and request.user.is_authenticated:
            mine = UserSession.objects.filter(session_key=request.session.session_key)
            mine.update(last_seen_at=now, ip=client_address(request))
            request.session[SEEN_AT] = now.timestamp()
        return self.get_response(request)


class SecondFactorMiddleware:
    """Leads members of a project that asks for a second factor to set one up, before they see any page of it.

    The API asks in its own way (reviewapp/core/authentication.py): keys and tokens need no second factor.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> HttpResponse | None:
        if is_own_page(request) or not request.user.is_authenticated:
            return None
        project = closed_to(request.user, kwargs.get("slug"))
        if project is None:
            if request.session.get(WANTED_PAGE) == request.get_full_path():
                del request.session[WANTED_PAGE]
            return None
        if request.method == "GET":
            request.session[WANTED_PAGE] = request.get_full_path()
            said = _("%(project)s asks for a second factor. Set one up here to go on.")
            messages.warning(request, said % {"project": project})
        return redirect("mfa_index")


def is_own_page(request: HttpRequest) -> bool:
    """Whether the page belongs to no project: the account's, the API's, health."""
    match = request.resolver_match
    if request.path_info.startswith(("/api/", reverse("account"))):
        return True
    return match is None or match.url_name is None or match.url_name in OWN_PAGES
