"""Inviting people to a project, and asking its members for a second factor."""

from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviewapp.core.accounts.mail import mail_invitation
from reviewapp.core.models import Invitation, Membership, Project, Role
from reviewapp.core.services.invitations import InvitationRefused, invite, revoke_invitation
from reviewapp.core.services.second_factor import change_second_factor_rule
from routing.views.doors import actor, acts, fills_in, posted, show, status_of, to

SECTION = "console-settings"


class InvitationForm(forms.Form):
    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=254)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.REVIEWER)


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation that nobody accepted yet; `over` once it is too old."""

    pk: int
    email: str
    role: str
    expires_at: datetime
    over: bool


def invitation_rows(project: Project, now: datetime) -> list[InvitationRow]:
    rows = Invitation.objects.filter(project=project, accepted_at=None, revoked_at=None).order_by("-pk")
    return [
        InvitationRow(row.pk, row.email, row.get_role_display(), row.expires_at, over=row.expires_at <= now)
        for row in rows
    ]


@fills_in
def invitations(request: HttpRequest, member: Membership) -> HttpResponse:
    """The link stands in this one answer and nowhere else, so there is no redirect."""
    form = InvitationForm(posted(request))
    if form.is_valid():
        try:
            made = invite(project=member.project, actor=actor(member), now=timezone.now(), **form.cleaned_data)
        except InvitationRefused as refused:
            form.add_error("email", f"{refused}.")
        else:
            url = request.build_absolute_uri(reverse("invitation", args=[made.token]))
            mailed = mail_invitation(invitation=made.invitation, url=url, who=str(member.person))
            return show(request, member, "invited", SECTION, email=made.invitation.email, url=url, mailed=mailed)
    rows = invitation_rows(member.project, timezone.now())
    return show(request, member, "invitations", SECTION, status=status_of(form), form=form, rows=rows)


@acts
def revoke(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    invitation = Invitation.objects.select_related("project").filter(project=member.project, pk=pk).first()
    if invitation is None:
        raise Http404("no such invitation")
    revoke_invitation(invitation=invitation, actor=actor(member), now=timezone.now())
    messages.success(request, _("The invitation of %(email)s is withdrawn.") % {"email": invitation.email})
    return to(member, "console-invitations")


@acts
def second_factor(request: HttpRequest, member: Membership) -> HttpResponse:
    required = request.POST.get("on") == "yes"
    change_second_factor_rule(project=member.project, required=required, actor=actor(member))
    messages.success(
        request,
        _("Everybody in this project needs a second factor now.")
        if required
        else _("A second factor is everybody’s own choice now."),
    )
    return to(member, SECTION)
