"""A person's own days away: what they tell the queue about themselves."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from labeling.access import absence_of
from labeling.alarm_sentences import stretch_of_days
from labeling.days import local_day
from labeling.forms_absences import AbsenceForm
from labeling.queries.staffing import WORKING_ROLES
from labeling.queries.staffing import absences as absences_of
from labeling.services.absences import AbsenceRefused, add_absence, cancel_absence
from reviewapp.core.access import member_with_role
from reviewapp.core.models import Membership


@dataclass(frozen=True, slots=True)
class AbsenceRow:
    """One of the person's own absences; `days` is both of them in words."""

    pk: int
    days: str
    note: str


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def absences(request: HttpRequest, slug: str) -> HttpResponse:
    """The list and the form; a post adds one."""
    member = member_with_role(request.user, slug, *WORKING_ROLES)
    now = timezone.now()
    form = AbsenceForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            add_absence(membership=member, actor=f"person:{member.person_id}", now=now, **form.cleaned_data)
        except AbsenceRefused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("Stored. Others take over on these days."))
            return redirect("my-absences", slug)
    context = {"current_slug": slug, "project_name": member.project.name, **absences_context(member, form)}
    return render(request, "labeling/absences.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def cancel(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    member = member_with_role(request.user, slug, *WORKING_ROLES)
    absence = absence_of(member.project, pk, member=member)
    cancel_absence(absence=absence, actor=f"person:{member.person_id}", now=timezone.now())
    messages.success(request, _("Cancelled."))
    return redirect("my-absences", slug)


def absences_context(member: Membership, form: AbsenceForm | None = None) -> dict[str, Any]:
    """What `labeling/_absences.html` needs: also for pages that show it among other things."""
    now = timezone.now()
    today = local_day(member.person, now)
    rows = absences_of(member.project, now).filter(membership=member, last_day__gte=today)
    own = [AbsenceRow(row.pk, stretch_of_days(row.first_day, row.last_day), row.note) for row in rows]
    return {"absences": own, "absence_form": form or AbsenceForm(), "absences_slug": member.project.slug}
