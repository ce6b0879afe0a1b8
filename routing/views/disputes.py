"""Disputes: ranked, what carries them, one by one, and from one of them to a new rubric draft."""

import json
from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from labeling.models import ReviewItem, Rubric
from labeling.queries.disputes import DisputeReport, Question, Ranked, open_disputes
from labeling.services.rubrics import RubricRefused, active_rubric, draft_from_dispute
from reviewapp.core.models import AuditEntry, Membership, Project
from routing.forms_measuring import DisputeFilters, ExampleForm
from routing.views.contexts.dispute import dispute_detail, dispute_of, places_for
from routing.views.contexts.disputes import disputes_page, level_label, report_of
from routing.views.contexts.gold import promotion_of
from routing.views.contexts.words import criterion_label
from routing.views.doors import actor, fills_in, reads, show, status_of, to

SECTION = "console-disputes"
PER_PAGE = 20


@reads
def disputes(request: HttpRequest, member: Membership) -> HttpResponse:
    form = DisputeFilters(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    # The rubric of a cell is part of which cell it is.
    slice_rubric = wanted.get("rubric", "") if wanted.get("first") is None else ""
    report = report_of(member.project, intent=wanted.get("intent", ""), rubric=slice_rubric)
    cell = _cell(report, wanted)
    chosen = _chosen(member.project, report, wanted, cell)
    overview = cell is None and not wanted.get("open")
    page = disputes_page(report, chosen, page=wanted.get("page") or 1, per_page=PER_PAGE, overview=overview)
    kept = {name: str(value) for name, value in request.GET.items() if name != "page" and not form.errors}
    return show(
        request,
        member,
        "disputes",
        SECTION,
        status=status_of(form),
        page=page,
        open_only=bool(wanted.get("open")),
        cell=_cell_words(cell, wanted),
        slice_intent=wanted.get("intent", ""),
        slice_rubric=slice_rubric,
        newer=f"?{urlencode(kept | {'page': str(page.page - 1)})}" if page.page > 1 else "",
        older=f"?{urlencode(kept | {'page': str(page.page + 1)})}" if page.page < page.pages else "",
    )


def _cell(report: DisputeReport, wanted: dict[str, object]) -> Question | None:
    """The question that a cell of its matrix was chosen of."""
    if wanted.get("first") is None or wanted.get("second") is None:
        return None
    return next(
        (
            question
            for question in report.questions
            if (question.rubric, question.criterion) == (wanted["rubric"], wanted["criterion"])
        ),
        None,
    )


def _chosen(
    project: Project, report: DisputeReport, wanted: dict[str, object], cell: Question | None
) -> Sequence[Ranked]:
    """The lines that the filters leave. A cell on the diagonal holds items on which nobody need differ."""
    if wanted.get("open"):
        waiting = open_disputes(project)
        return [row for row in report.ranked if row.item in waiting]
    if cell is None:
        return report.ranked
    key = (cell.rubric_id, cell.criterion, int(str(wanted["first"])), int(str(wanted["second"])))
    items = set(report.cells.get(key, ()))
    ranked = [row for row in report.ranked if row.item in items]
    return [*ranked, *_undisputed(items - {row.item for row in ranked})]


def _undisputed(items: set[int]) -> list[Ranked]:
    rows = ReviewItem.objects.filter(pk__in=items).order_by("-pk").values_list("pk", "intent", "created_at")
    return [Ranked(pk, intent, 0.0, 0.0, at, None, 0, 0) for pk, intent, at in rows]


def _cell_words(cell: Question | None, wanted: dict[str, object]) -> dict[str, str]:
    if cell is None:
        return {}
    first, second = int(str(wanted["first"])), int(str(wanted["second"]))
    if max(first, second) >= len(cell.levels):
        return {}
    return {
        "criterion": criterion_label(cell.criterion),
        "rubric": cell.rubric,
        "first": level_label(cell, first),
        "second": level_label(cell, second),
    }


def _found(project: Project, public_id: UUID) -> ReviewItem:
    item = dispute_of(project, public_id)
    if item is None:
        raise Http404("no such item in this project")
    found: ReviewItem = item
    return found


@reads
def dispute(request: HttpRequest, member: Membership, public_id: UUID) -> HttpResponse:
    item = _found(member.project, public_id)
    in_force = _in_force(item)
    drafts = _drafts(in_force)
    return show(
        request,
        member,
        "dispute",
        SECTION,
        dispute=dispute_detail(item),
        places=places_for(item, in_force),
        in_force=in_force,
        drafts=drafts,
        exampled=_exampled(item),
        promotion=promotion_of(item),
    )


def _exampled(item: ReviewItem) -> Sequence[Rubric]:
    """Versions that have the case as an example, newest first; that they have it stands in the audit log."""
    added = AuditEntry.objects.filter(
        project=item.project, verb="rubric.example_added", data__item=str(item.public_id)
    ).values_list("target", flat=True)
    ids = {int(target.removeprefix("rubric:")) for target in added}
    return list(Rubric.objects.filter(pk__in=ids, project=item.project).order_by("-pk"))


def _in_force(item: ReviewItem) -> Rubric | None:
    try:
        return active_rubric(item.project, item.content.task_kind)
    except RubricRefused:
        return None


def _drafts(in_force: Rubric | None) -> Sequence[Rubric]:
    """Drafts of the same rubric, which could take the example too."""
    if in_force is None:
        return []
    rows = Rubric.objects.filter(project=in_force.project_id, name=in_force.name, published_at=None)
    return list(rows.filter(task_kind=in_force.task_kind).order_by("-version")[:10])


@fills_in
def draft(request: HttpRequest, member: Membership, public_id: UUID) -> HttpResponse:
    """The button on the page of a dispute. Looking at its address leads back to that page."""
    item = _found(member.project, public_id)
    form = ExampleForm(request.POST)
    if request.method != "POST":
        return to(member, "console-dispute", public_id)
    place = _place(form.cleaned_data["place"]) if form.is_valid() else None
    into = next((row for row in _drafts(_in_force(item)) if row.version == form.cleaned_data.get("into")), None)
    if place is None or (form.cleaned_data.get("into") and into is None):
        messages.error(request, _("Choose the level that the case is an example of."))
        return to(member, "console-dispute", public_id)
    try:
        made = draft_from_dispute(item=item, criterion=place[0], level=place[1], actor=actor(member), into=into)
    except RubricRefused as refused:
        messages.error(request, str(refused))
        return to(member, "console-dispute", public_id)
    messages.success(
        request, _("%(rubric)s has the case as an example. Nothing changes until you publish it.") % {"rubric": made}
    )
    return to(member, "console-rubric-edit", made.name, made.version)


def _place(text: str) -> tuple[str, str] | None:
    """Criterion and level, as the form's choices name them."""
    try:
        pair = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair):
        return pair[0], pair[1]
    return None
