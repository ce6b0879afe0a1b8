"""Onboarding and rounds: the switch, the cases there are, and where everybody stands."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from labeling.queries.onboarding import cases_in_force
from labeling.services.limits import queue_settings
from labeling.services.onboarding import RoundRefused, change_onboarding, give_round, let_go_live
from reviewapp.core.models import Membership
from routing.forms import ReasonForm
from routing.forms_onboarding import OnboardingForm
from routing.views.access import member_of
from routing.views.contexts.onboarding import person_lines
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to

SECTION = "console-onboarding"


@reads
def onboarding(request: HttpRequest, member: Membership) -> HttpResponse:
    return _onboarding(request, member)


def _onboarding(request: HttpRequest, member: Membership, form: OnboardingForm | None = None) -> HttpResponse:
    current = queue_settings(member.project_id)
    names = ("onboarding", "practice_size", "qualification_size")
    initial = {name: getattr(current, name) for name in names} | {"mark": f"{current.qualification_mark * 100:g}"}
    shown = form or OnboardingForm(initial=initial)
    context = {
        "form": shown,
        "on": current.onboarding,
        "cases": cases_in_force(member.project),
        "people": person_lines(member.project),
    }
    return show(request, member, "onboarding", SECTION, status=status_of(shown), **context)


@fills_in
def change(request: HttpRequest, member: Membership) -> HttpResponse:
    if request.method != "POST":
        return to(member, SECTION)
    form = OnboardingForm(request.POST)
    if not form.is_valid():
        return _onboarding(request, member, form)
    change_onboarding(project=member.project, actor=actor(member), now=timezone.now(), **form.arguments())
    messages.success(request, _("Stored."))
    return to(member, SECTION)


@fills_in
def start_round(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    person = member_of(member.project, pk)
    if request.method != "POST":
        return to(member, SECTION)
    try:
        given = give_round(membership=person, actor=actor(member), now=timezone.now())
    except RoundRefused as refused:
        messages.warning(request, str(refused))
    else:
        begun = _("A round of %(size)d cases waits for %(person)s.")
        messages.success(request, begun % {"size": given.size, "person": person.person})
    return to(member, SECTION)


@fills_in
def go_live(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    """Whatever the rounds say: with a reason, which stays in the audit log."""
    person = member_of(member.project, pk)
    form = ReasonForm(posted(request))
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            let_go_live(membership=person, actor=actor(member), reason=reason, now=timezone.now())
        except RoundRefused as refused:
            messages.warning(request, str(refused))
        else:
            messages.success(request, _("%(person)s gets live work.") % {"person": person.person})
        return to(member, SECTION)
    context = {"form": form, "person": str(person.person)}
    return show(request, member, "go_live", SECTION, status=status_of(form), **context)
