"""Signing in, and the pages of a person's own account that are not allauth's."""

import logging
from collections.abc import Callable
from typing import Any

import requests
from allauth.account.views import LoginView, PasswordResetView
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from allauth.usersessions.internal.flows.sessions import end_other_sessions, end_sessions
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from reviewapp.core.accounts.adapters import service_name
from reviewapp.core.accounts.browsers import browser_name
from reviewapp.core.accounts.forms import KeysForm, PreferencesForm, SwitchesForm
from reviewapp.core.models import Person
from reviewapp.core.second_factor import has_second_factor
from reviewapp.core.services.preferences import change_preferences

logger = logging.getLogger(__name__)


class SignIn(LoginView):
    def get_context_data(self, **options: Any) -> dict[str, Any]:
        return super().get_context_data(**options) | {"service": service_name()}


class ResetPassword(PasswordResetView):
    """By mail; where none is sent, the page says whom to ask instead."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not settings.SENDS_EMAIL:
            return render(request, "account/password_reset_by_owner.html")
        return super().dispatch(request, *args, **kwargs)


@require_safe
def sign_in_with_service(request: HttpRequest, provider_id: str) -> Any:
    """To the organisation's service. Whoever is signed in stays who they are."""
    if request.user.is_authenticated:
        return redirect("home")
    return _asked(openid_connect.login, request, provider_id)


@require_safe
def back_from_service(request: HttpRequest, provider_id: str) -> Any:
    return _asked(openid_connect.callback, request, provider_id)


def _asked(view: Callable[..., Any], request: HttpRequest, provider_id: str) -> Any:
    """What allauth answers; a service that does not answer, or nonsense, is a page and a line in the log."""
    try:
        return view(request, provider_id)
    except (requests.RequestException, ValueError, KeyError):
        logger.exception("The sign-in service did not answer as expected.")
        return render(request, "socialaccount/authentication_error.html", status=502)


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    context = {"second_factor": has_second_factor(person), "sessions": UserSession.objects.filter(user=person).count()}
    return render(request, "account/index.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """Where the person is signed in. `session` names one to end; without it all others end."""
    person = _person(request)
    if request.method == "POST":
        chosen = request.POST.get("session", "")
        if not chosen:
            end_other_sessions(request, person)
            messages.success(request, _("You are signed out everywhere else."))
        elif chosen.isdecimal() and len(chosen) < 19:
            end_sessions(request, list(UserSession.objects.filter(user=person, pk=int(chosen))))
            messages.success(request, _("That browser is signed out."))
        return redirect("usersessions_list")
    rows = [
        {
            "pk": row.pk,
            "browser": browser_name(row.user_agent),
            "agent": row.user_agent,
            "ip": row.ip,
            "created_at": row.created_at,
            "last_seen_at": row.last_seen_at,
            "here": row.is_current(),
        }
        for row in UserSession.objects.purge_and_list(person)
    ]
    rows.sort(key=lambda row: (not row["here"], -row["last_seen_at"].timestamp()))
    return render(request, "usersessions/usersession_list.html", {"rows": rows})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    posted = request.POST if request.method == "POST" else None
    stored = {name: getattr(person, name) for name in ("name", "language", "time_zone", "theme")}
    form = PreferencesForm(posted, initial=stored)
    keys = KeysForm(posted, chosen=person.keys, prefix="key")
    switches = SwitchesForm(posted, chosen=person.keys, prefix="switch")
    if posted is not None and form.is_valid() and keys.is_valid() and switches.is_valid():
        chosen = {**keys.chosen(), **switches.chosen()}
        change_preferences(person=person, changes={**form.cleaned_data, "keys": chosen})
        # In the language just chosen, in which the next page comes too.
        with override(form.cleaned_data["language"] or get_language_from_request(request)):
            messages.success(request, _("Your preferences are stored."))
        return redirect("preferences")
    status = 400 if posted is not None else 200
    context = {"form": form, "keys": keys, "switches": switches}
    return render(request, "account/preferences.html", context, status=status)


def _person(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)
    return request.user
