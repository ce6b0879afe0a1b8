"""Judges of ours: read, made, changed, tried."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from labeling.services.rubrics import RubricRefused
from reviewapp.core.models import Membership
from routing.access import judge_of
from routing.forms_judges import JudgeForm, NewJudgeForm, TryForm, initial_of
from routing.models import Judge, JudgeVerdict
from routing.services.judge_calls import Surroundings
from routing.services.judge_trials import shown_trial, try_judge
from routing.services.judges import JudgeRefused, change_judge, create_judge
from routing.views.contexts.judges import OUTCOMES, call_row, form_values, judge_detail, judge_rows
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to
from routing.views.paging import page_of

SECTION = "console-judges"


@reads
def judges(request: HttpRequest, member: Membership) -> HttpResponse:
    return show(request, member, "judges", SECTION, rows=judge_rows(member.project, timezone.now()))


@fills_in
def add(request: HttpRequest, member: Membership) -> HttpResponse:
    form = NewJudgeForm(posted(request))
    if form.is_valid():
        try:
            judge = create_judge(project=member.project, actor=actor(member), now=timezone.now(), **form.arguments())
        except JudgeRefused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            messages.success(request, _("Judge %(name)s is there. Policies may name it now.") % {"name": judge.name})
            return to(member, "console-judge", judge.name)
    return show(request, member, "judge_add", SECTION, status=status_of(form), form=form)


@reads
def judge(request: HttpRequest, member: Membership, name: str) -> HttpResponse:
    return _judge(request, member, judge_of(member.project, name), TryForm(), None)


@fills_in
def change(request: HttpRequest, member: Membership, name: str) -> HttpResponse:
    found = judge_of(member.project, name)
    form = JudgeForm(posted(request), initial=initial_of(form_values(found)))
    if form.is_valid():
        try:
            change_judge(judge=found, actor=actor(member), now=timezone.now(), **form.arguments())
        except JudgeRefused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            messages.success(request, _("Judge %(name)s is changed.") % {"name": name})
            return to(member, "console-judge", name)
    return show(request, member, "judge_change", SECTION, status=status_of(form), form=form, name=name)


@fills_in
def try_it(request: HttpRequest, member: Membership, name: str) -> HttpResponse:
    """The outcome stands in this one answer; the call itself is in the log below."""
    found = judge_of(member.project, name)
    if request.method != "POST":
        return to(member, "console-judge", name)
    form, trial = TryForm(request.POST), None
    if form.is_valid():
        around = Surroundings(clock=timezone.now)
        try:
            trial = try_judge(judge=found, actor=actor(member), around=around, **form.arguments())
        except RubricRefused as refused:
            form.add_error(None, str(refused))
    shown = shown_trial(trial) | {"label": OUTCOMES[trial.outcome]} if trial else None
    return _judge(request, member, judge_of(member.project, name), form, shown)


def _judge(
    request: HttpRequest, member: Membership, found: Judge, form: TryForm, trial: dict[str, object] | None
) -> HttpResponse:
    calls = JudgeVerdict.objects.filter(version__judge=found).select_related("version", "output").order_by("-pk")
    page = page_of(request, calls.defer("output__metadata"), call_row)
    context = {"judge": judge_detail(found, timezone.now()), "form": form, "trial": trial, "page": page}
    return show(request, member, "judge", SECTION, status=status_of(form), **context)
