"""Golden sets and gold cases."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from labeling.models import GoldenSet
from labeling.services.gold import GoldRefused, add_gold_case, retire_gold_case
from labeling.services.golden import FreezeRefused, jsonl
from reviewapp.core.models import Membership
from routing.access import golden_set_of
from routing.forms import FreezeForm, GoldCaseForm, ReasonForm
from routing.services.golden import freeze_from_verdicts
from routing.views.access import gold_case_of, one_of
from routing.views.contexts.gold import gold_alarms
from routing.views.contexts.golden import (
    gold_case_detail,
    gold_case_row,
    gold_cases_with_results,
    golden_set_detail,
    golden_set_row,
)
from routing.views.contexts.words import actor_names
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to
from routing.views.paging import page_of

SETS, CASES = "console-golden-sets", "console-gold-cases"


@reads
def golden_sets(request: HttpRequest, member: Membership) -> HttpResponse:
    return _golden_sets(request, member, FreezeForm())


@fills_in
def freeze(request: HttpRequest, member: Membership) -> HttpResponse:
    form = FreezeForm(posted(request))
    if form.is_valid():
        try:
            golden_set = freeze_from_verdicts(
                project=member.project, actor=actor(member), now=timezone.now(), **form.cleaned_data
            )
        except FreezeRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Frozen as %(name)s.") % {"name": golden_set.name})
            return to(member, "console-golden-set", golden_set.name)
    return _golden_sets(request, member, form)


def _golden_sets(request: HttpRequest, member: Membership, form: FreezeForm) -> HttpResponse:
    names = actor_names(member.project)
    rows = GoldenSet.objects.filter(project=member.project).select_related("parent").order_by("-pk")
    page = page_of(request, rows, lambda row: golden_set_row(row, names))
    return show(request, member, "golden_sets", SETS, status=status_of(form), page=page, form=form)


@reads
def golden_set(request: HttpRequest, member: Membership, name: str) -> HttpResponse:
    detail = golden_set_detail(golden_set_of(member.project, name))
    return show(request, member, "golden_set", SETS, golden_set=detail)


@reads
def download(request: HttpRequest, member: Membership, name: str) -> StreamingHttpResponse:
    found = golden_set_of(member.project, name)
    response = StreamingHttpResponse(jsonl(found), content_type="application/jsonl; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.name}.jsonl"'
    response["X-Content-SHA256"] = found.sha256
    return response


@reads
def gold_cases(request: HttpRequest, member: Membership) -> HttpResponse:
    page = page_of(request, gold_cases_with_results(member.project), gold_case_row)
    return show(request, member, "gold_cases", CASES, page=page, alarms=gold_alarms(member.project))


@fills_in
def add_case(request: HttpRequest, member: Membership) -> HttpResponse:
    form = GoldCaseForm(posted(request))
    if form.is_valid():
        try:
            case = add_gold_case(project=member.project, actor=actor(member), now=timezone.now(), **form.arguments())
        except GoldRefused as refused:
            field = refused.pointer.removeprefix("/")
            form.add_error(field if field in form.fields else None, str(refused))
        else:
            done = _("“%(case)s” is there to practise on.") if case.practice else _("Gold case “%(case)s” is planted.")
            messages.success(request, done % {"case": case.reference})
            return to(member, CASES)
    return show(request, member, "gold_case_add", CASES, status=status_of(form), form=form)


@reads
def gold_case(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    return _gold_case(request, member, pk, ReasonForm())


@fills_in
def retire_case(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    case = gold_case_of(member.project, pk)
    form = ReasonForm(posted(request))
    if form.is_valid():
        retire_gold_case(case=case, actor=actor(member), now=timezone.now(), reason=form.cleaned_data["reason"])
        messages.success(request, _("“%(case)s” is shown to nobody any more.") % {"case": case.reference})
        return to(member, "console-gold-case", pk)
    return _gold_case(request, member, pk, form)


def _gold_case(request: HttpRequest, member: Membership, pk: int, form: ReasonForm) -> HttpResponse:
    case = one_of(gold_cases_with_results(member.project).defer(None), pk=pk)
    context = {"case": gold_case_detail(case), "form": form}
    return show(request, member, "gold_case", CASES, status=status_of(form), **context)
