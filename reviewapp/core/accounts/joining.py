"""The page that an invitation's link leads to. Looking at it changes nothing: mail programs look at links too."""

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from reviewapp.core.accounts.adapters import service_name
from reviewapp.core.accounts.forms import JoinForm
from reviewapp.core.models import Invitation, Person, Role
from reviewapp.core.navigation import SUMMARIES
from reviewapp.core.services.invitations import InvitationRefused, accept_as, accept_as_new, open_invitation


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    found = open_invitation(token=token, now=timezone.now())
    if found is None:
        return render(request, "account/invitation_over.html", status=404)
    if not request.user.is_authenticated:
        return _as_new(request, found)
    assert isinstance(request.user, Person)
    if request.user.email != found.email:
        return _page(request, found, mistaken=True, status=403 if request.method == "POST" else 200)
    return _as(request, found, request.user)


def _as(request: HttpRequest, found: Invitation, person: Person) -> HttpResponse:
    if request.method != "POST":
        return _page(request, found)
    try:
        accept_as(invitation=found, person=person, now=timezone.now())
    except InvitationRefused:
        return render(request, "account/invitation_over.html", status=404)
    return redirect("home")


def _as_new(request: HttpRequest, found: Invitation) -> HttpResponse:
    """Opening the link says nothing about whether the address has an account; whoever has one signs in first."""
    form = JoinForm(request.POST if request.method == "POST" else None, email=found.email)
    if not form.is_valid():
        return _page(request, found, form=form, status=400 if form.is_bound else 200)
    password = form.cleaned_data["password"]
    try:
        member = accept_as_new(invitation=found, password=password, name=form.cleaned_data["name"], now=timezone.now())
    except InvitationRefused:
        form.add_error(None, _("This did not work. If you have an account already, sign in to accept."))
        return _page(request, found, form=form, status=400)
    login = Login(user=member.person, email=found.email, redirect_url=reverse("home"))
    return perform_password_login(request, {"email": found.email}, login)


def _page(request: HttpRequest, found: Invitation, *, status: int = 200, **context: Any) -> HttpResponse:
    facts = {
        "project": found.project.name,
        "email": found.email,
        "role": found.get_role_display(),
        "summary": SUMMARIES[Role(found.role)],
        "expires_at": found.expires_at,
        "service": service_name(),
        "here": request.path,
    }
    return render(request, "account/invitation.html", facts | context, status=status)
