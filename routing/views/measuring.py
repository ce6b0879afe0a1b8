"""Agreement, reviewers, disputes, gold answers and rubrics: the people as instruments, and what they are asked."""

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from labeling.models import Assignment, AssignmentState, GoldResult, ItemStatus, Rubric
from labeling.queries.disputes import disputes as disputed_items
from reviewapp.core.models import Membership
from routing.forms import AgreementFilters, GoldAnswerFilters, SinceForm
from routing.views.access import rubric_of
from routing.views.contexts.golden import active_rubric_ids, rubric_detail, rubric_row
from routing.views.contexts.measuring import agreement_lines, dispute_rows, gold_answer, reviewer_lines
from routing.views.doors import reads, show, status_of
from routing.views.paging import Page, page_of

DISPUTES_PER_PAGE = 20


@reads
def agreement(request: HttpRequest, member: Membership) -> HttpResponse:
    form = AgreementFilters(request.GET)
    wanted = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
    lines = [] if form.errors else agreement_lines(member.project, **wanted)
    context = {"form": form, "lines": lines, "filtered": bool(wanted), "sliced": wanted.get("by") in ("intent", "week")}
    return show(request, member, "agreement", "console-agreement", status=status_of(form), **context)


@reads
def reviewers(request: HttpRequest, member: Membership) -> HttpResponse:
    form = SinceForm(request.GET)
    lines = reviewer_lines(member.project, since=form.cleaned_data["since"]) if form.is_valid() else []
    return show(request, member, "reviewers", "console-reviewers", status=status_of(form), form=form, lines=lines)


@reads
def disputes(request: HttpRequest, member: Membership) -> HttpResponse:
    escalated = Assignment.objects.filter(state=AssignmentState.ESCALATED).order_by("id")
    items = disputed_items(member.project).prefetch_related(
        Prefetch("assignments", queryset=escalated, to_attr="escalated")
    )
    open_only = request.GET.get("open") == "yes"
    if open_only:
        items = items.filter(status=ItemStatus.DISPUTED)
    found = page_of(request, items, lambda item: item, limit=DISPUTES_PER_PAGE)
    page = Page(dispute_rows(found.rows), found.older, found.newer)
    return show(request, member, "disputes", "console-disputes", page=page, open_only=open_only)


@reads
def gold_answers(request: HttpRequest, member: Membership) -> HttpResponse:
    form = GoldAnswerFilters(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    results = GoldResult.objects.filter(gold_case__project=member.project, rating__withdrawal__isnull=True)
    conditions = {"reviewer__rater_code": wanted.get("rater"), "gold_case_id": wanted.get("case")}
    results = results.filter(**{name: value for name, value in conditions.items() if value})
    page = page_of(request, results.select_related("gold_case", "rating", "reviewer").order_by("-pk"), gold_answer)
    return show(
        request,
        member,
        "gold_answers",
        "console-gold-cases",
        status=status_of(form),
        page=page,
        filtered=any(wanted.values()),
    )


@reads
def rubrics(request: HttpRequest, member: Membership) -> HttpResponse:
    active = active_rubric_ids(member.project)
    rows = Rubric.objects.filter(project=member.project).prefetch_related("criteria").order_by("-pk")
    page = page_of(request, rows, lambda rubric: rubric_row(rubric, active))
    admin_url = reverse("admin:labeling_rubric_changelist")
    return show(request, member, "rubrics", "console-rubrics", page=page, admin_url=admin_url)


@reads
def rubric(request: HttpRequest, member: Membership, name: str, version: int) -> HttpResponse:
    found = rubric_detail(rubric_of(member.project, name, version))
    admin_url = reverse("admin:labeling_rubric_change", args=[found.row.pk])
    return show(request, member, "rubric", "console-rubrics", rubric=found, admin_url=admin_url)
