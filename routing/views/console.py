"""The overview, the outputs, and why each was decided as it was."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from reviewapp.core.models import Membership
from routing.access import explained_output_of
from routing.forms import OutputFilters
from routing.models import Output
from routing.services.explaining import explain as account_of
from routing.views.access import output_of
from routing.views.contexts.console import DEFAULT_WINDOW, console_of
from routing.views.contexts.explaining import explanation
from routing.views.contexts.outputs import output_detail, output_row, rows_matching
from routing.views.contexts.staffing import alarm_lines
from routing.views.doors import reads, show, status_of
from routing.views.paging import page_of


@reads
def console(request: HttpRequest, member: Membership) -> HttpResponse:
    figures = console_of(
        member.project,
        window=request.GET.get("window", DEFAULT_WINDOW),
        outputs_url=reverse("console-outputs", args=[member.project.slug]),
        now=timezone.now(),
    )
    alarms = alarm_lines(member.project)
    return show(request, member, "console", "console", console=figures, alarms=alarms)


@reads
def outputs(request: HttpRequest, member: Membership) -> HttpResponse:
    form = OutputFilters(request.GET)
    rows = rows_matching(member.project, form.cleaned_data) if form.is_valid() else Output.objects.none()
    filtered = any(name in request.GET for name in form.fields)
    page = page_of(request, rows, output_row)
    context = {"form": form, "page": page, "filtered": filtered}
    return show(request, member, "outputs", "console-outputs", status=status_of(form), **context)


@reads
def output(request: HttpRequest, member: Membership, output_id: uuid.UUID) -> HttpResponse:
    found = output_detail(output_of(member.project, output_id))
    return show(request, member, "output", "console-outputs", output=found)


@reads
def explain(request: HttpRequest, member: Membership, output_id: uuid.UUID) -> HttpResponse:
    found = explanation(account_of(explained_output_of(member.project, output_id)))
    return show(request, member, "explain", "console-outputs", why=found)
