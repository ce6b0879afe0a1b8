"""Re-blind rounds and calibrations of rubrics: the series, one round, and starting one by hand."""

import random

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from labeling.models import ActiveRubric, OverlapPurpose
from labeling.queries.overlap import overlap_rounds
from labeling.services.limits import queue_settings
from labeling.services.overlap import OverlapRefused, start_overlap_round
from labeling.services.rubrics import active_rubric
from reviewapp.core.models import Membership, Project
from routing.views.access import one_of
from routing.views.contexts.overlap import criterion_lines, due_lines, reviewer_lines, round_line
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to
from routing.views.paging import page_of

SECTION = "console-overlap"


class StartForm(forms.Form):
    """By which of the rubrics in force."""

    task_kind = forms.ChoiceField(label=later("Rubric"))

    def __init__(self, project: Project, data: QueryDict | None = None) -> None:
        super().__init__(data)
        active = ActiveRubric.objects.filter(project=project).select_related("rubric").order_by("pk")
        field = self.fields["task_kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(row.task_kind, str(row.rubric)) for row in active]


@reads
def rounds(request: HttpRequest, member: Membership) -> HttpResponse:
    return _listed(request, member, StartForm(member.project))


def _listed(request: HttpRequest, member: Membership, form: StartForm) -> HttpResponse:
    rows = overlap_rounds(member.project)
    settings = queue_settings(member.project_id)
    context = {
        "form": form,
        "current": [round_line(row) for row in rows.filter(ended_at__isnull=True)],
        "page": page_of(request, rows.filter(ended_at__isnull=False), round_line),
        "due": due_lines(member.project),
        "days": settings.reblind_days,
        "size": settings.reblind_size,
    }
    return show(request, member, "overlap", SECTION, status=status_of(form), **context)


@reads
def one(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    found = one_of(overlap_rounds(member.project), pk=pk)
    before = found.figures.get("before") or {}
    return show(
        request,
        member,
        "overlap_round",
        SECTION,
        line=round_line(found),
        lines=criterion_lines(found.figures),
        reviewers=reviewer_lines(found.figures),
        before=before.get("rubric", ""),
        before_round=before.get("round"),
        calibrates=found.purpose == OverlapPurpose.RUBRIC,
    )


@fills_in
def start(request: HttpRequest, member: Membership) -> HttpResponse:
    """The form on the page. Looking at its address leads there."""
    if request.method != "POST":
        return to(member, SECTION)
    form = StartForm(member.project, posted(request))
    if not form.is_valid():
        return _listed(request, member, form)
    try:
        start_overlap_round(
            project=member.project,
            purpose=OverlapPurpose.REBLIND,
            rubric=active_rubric(member.project, form.cleaned_data["task_kind"]),
            actor=actor(member),
            now=timezone.now(),
            rng=random.SystemRandom(),
        )
    except OverlapRefused as refused:
        form.add_error(None, str(refused))
        return _listed(request, member, form)
    messages.success(request, _("The round has begun; reviewers meet its items among their work."))
    return to(member, SECTION)
