"""Staffing: who may take what, who is away when, who hears of delays, and what is wrong with the queue now."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from labeling.access import absence_of, alarm_of
from labeling.queries.staffing import WORKING_ROLES, escalation_steps
from labeling.services.absences import AbsenceRefused, add_absence, cancel_absence
from labeling.services.alarms import mark_seen
from labeling.services.settings import (
    SettingRefused,
    Step,
    change_assignment_rules,
    set_escalation_steps,
)
from reviewapp.core.models import Membership, Project
from routing.forms_queue import MemberAbsenceForm, RulesForm, StepForm
from routing.views.access import member_of
from routing.views.contexts.staffing import rules_of, staffing_of, weekdays
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to

SECTION = "console-staffing"
# Two forms stand on one page, so their inputs need ids of their own.
ABSENCE_ID, STEP_ID = "id_absence_%s", "id_step_%s"


def button(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The address of a button on the page: looking at it does nothing and leads back."""

    @wraps(view)
    def pressed(request: HttpRequest, member: Membership, **kwargs: Any) -> HttpResponse:
        return view(request, member, **kwargs) if request.method == "POST" else to(member, SECTION)

    return fills_in(pressed)


@reads
def staffing(request: HttpRequest, member: Membership) -> HttpResponse:
    return _page(request, member)


def _page(
    request: HttpRequest,
    member: Membership,
    *,
    absence: MemberAbsenceForm | None = None,
    step: StepForm | None = None,
) -> HttpResponse:
    """All of it; the form that was posted comes with its errors."""
    project = member.project
    context = {
        "staffing": staffing_of(project, now=timezone.now()),
        "weekdays": weekdays(),
        "absence": absence or MemberAbsenceForm(project=project, auto_id=ABSENCE_ID),
        "step": step or StepForm(project=project, auto_id=STEP_ID),
    }
    faulty = any(form is not None and form.errors for form in (absence, step))
    return show(request, member, "staffing", SECTION, status=400 if faulty else 200, **context)


@fills_in
def person(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    """Credentials, cap and standing in of one person."""
    colleague = member_of(member.project, pk)
    if colleague.role not in WORKING_ROLES:
        raise Http404("takes no items")
    form = RulesForm(posted(request), initial=rules_of(colleague))
    if form.is_valid():
        try:
            change_assignment_rules(membership=colleague, actor=actor(member), **form.cleaned_data)
        except SettingRefused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("Stored. It counts from the next item on."))
            return to(member, SECTION)
    context = {"form": form, "pk": pk, "person": str(colleague.person)}
    return show(request, member, "staffing_person", SECTION, status=status_of(form), **context)


@button
def add(request: HttpRequest, member: Membership) -> HttpResponse:
    """An absence of anybody in the project."""
    form = MemberAbsenceForm(posted(request), project=member.project, auto_id=ABSENCE_ID)
    if form.is_valid():
        fields = dict(form.cleaned_data)
        try:
            add_absence(membership=fields.pop("member"), actor=actor(member), now=timezone.now(), **fields)
        except AbsenceRefused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("The absence is stored."))
            return to(member, SECTION)
    return _page(request, member, absence=form)


@button
def cancel(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    cancel_absence(absence=absence_of(member.project, pk), actor=actor(member), now=timezone.now())
    messages.success(request, _("The absence is cancelled."))
    return to(member, SECTION)


@button
def add_step(request: HttpRequest, member: Membership) -> HttpResponse:
    form = StepForm(posted(request), project=member.project, auto_id=STEP_ID)
    if form.is_valid():
        fields = form.cleaned_data
        wanted = Step(fields["priority"], fields["minutes_before"], fields["member"].pk)
        try:
            _set_steps(member, {*_steps(member.project).values(), wanted})
        except SettingRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The step is stored."))
            return to(member, SECTION)
    return _page(request, member, step=form)


@button
def drop_step(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    steps = _steps(member.project)
    if pk not in steps:
        raise Http404("no such step")
    _set_steps(member, {step for key, step in steps.items() if key != pk})
    messages.success(request, _("The step is gone."))
    return to(member, SECTION)


@button
def seen(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    mark_seen(alarm=alarm_of(member.project, pk), actor=actor(member), now=timezone.now())
    messages.success(request, _("Noted. The alarm stays until its cause is gone."))
    return to(member, SECTION)


def _steps(project: Project) -> dict[int, Step]:
    return {row.pk: Step(row.priority, row.minutes_before, row.membership_id) for row in escalation_steps(project)}


def _set_steps(member: Membership, steps: set[Step]) -> None:
    set_escalation_steps(project=member.project, steps=steps, actor=actor(member))
