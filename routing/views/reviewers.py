"""The instrument panel: all reviewers in a list, one with everything, and the rows behind each figure."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import urlencode

from labeling.queries.panel import Window, reviewer_panel, reviewer_summaries
from reviewapp.core.models import Membership, Project, Role
from routing.automation import automation_bias
from routing.forms import SinceForm
from routing.views.access import one_of
from routing.views.contexts.reviewer_rows import KINDS, behind, rows_shown
from routing.views.contexts.reviewers import person_shown, summary_line
from routing.views.doors import reads, show, status_of
from routing.views.paging import Page, page_of


@reads
def reviewers(request: HttpRequest, member: Membership) -> HttpResponse:
    form = SinceForm(request.GET)
    lines = [summary_line(row) for row in reviewer_summaries(member.project, _window(form))] if form.is_valid() else []
    context = {"form": form, "lines": lines, "query": _query(form)}
    return show(request, member, "reviewers", "console-reviewers", status=status_of(form), **context)


@reads
def reviewer(request: HttpRequest, member: Membership, rater_code: str) -> HttpResponse:
    form = SinceForm(request.GET)
    found = reviewer_of(member.project, rater_code)
    window = _window(form)
    panel = reviewer_panel(found, window)
    shown = person_shown(panel, automation_bias(member.project, window)[found.pk])
    context = {"form": form, "reviewer": shown, "query": _query(form)}
    return show(request, member, "reviewer", "console-reviewers", status=status_of(form), **context)


@reads
def ratings(request: HttpRequest, member: Membership, rater_code: str) -> HttpResponse:
    """The ratings that one figure of a reviewer rests on; `of` says which."""
    found = reviewer_of(member.project, rater_code)
    form = SinceForm(request.GET)
    kind = request.GET.get("of", "ratings")
    kind = kind if kind in KINDS else "ratings"
    rows = behind(found, kind, _window(form), peer=request.GET.get("peer", ""))
    plain = page_of(request, rows, lambda row: row)
    page = Page(rows_shown(plain.rows), plain.older, plain.newer)
    context = {"page": page, "rater": found.rater_code, "person": str(found.person), "title": KINDS[kind]}
    return show(request, member, "reviewer_ratings", "console-reviewers", status=status_of(form), **context)


def reviewer_of(project: Project, rater_code: str) -> Membership:
    """Raises Http404 for a code that is no reviewer's of this project."""
    rows = Membership.objects.filter(project=project, role=Role.REVIEWER).select_related("person", "project")
    return one_of(rows, rater_code=rater_code)


def _query(form: SinceForm) -> str:
    """The filter as links carry it on: as it was typed, in the reader's zone."""
    return urlencode({"since": form.data["since"]}) if form.is_valid() and form.data.get("since") else ""


def _window(form: SinceForm) -> Window:
    since = form.cleaned_data.get("since") if form.is_valid() else None
    return Window.of(timezone.now(), since)
