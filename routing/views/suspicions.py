"""Reviewers under suspicion: what was set aside, why, and the owner's word on it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later
from django.utils.translation import ngettext

from labeling.models import Suspicion, SuspicionKind
from labeling.queries.suspicions import suspicions as suspicions_of
from labeling.serializers.suspicions import state_of
from labeling.services.drifting import overrule, raise_suspicion
from labeling.services.suspecting import SuspicionRefused
from reviewapp.core.models import Membership, Project, Role
from routing.forms import ReasonForm
from routing.views.doors import actor, fills_in, reads, show, status_of, to
from routing.views.paging import page_of

SECTION = "console-reviewers"
KINDS = {
    SuspicionKind.GOLD_DRIFT: later("answers to gold cases fell"),
    SuspicionKind.NAMED: later("named by the measurements"),
    SuspicionKind.OWNER: later("an owner's decision"),
}


class SuspectForm(forms.Form):
    """Whose ratings, since when, and why."""

    rater = forms.ChoiceField(label=later("Reviewer"))
    since = forms.DateTimeField(
        label=later("Set aside what they judged since"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    reason = forms.CharField(label=later("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, project: Project, data: QueryDict | None = None, *, chosen: str = "") -> None:
        """`chosen` is the code of the rater to begin with."""
        super().__init__(data, initial={"rater": chosen})
        judging = [Role.REVIEWER, Role.ADJUDICATOR]
        people = Membership.objects.filter(project=project, role__in=judging).select_related("person")
        rater: forms.ChoiceField = self.fields["rater"]  # type: ignore[assignment]
        rater.choices = [(member.rater_code, str(member.person)) for member in people.order_by("pk")]


@reads
def suspicions(request: HttpRequest, member: Membership) -> HttpResponse:
    return _listed(request, member, SuspectForm(member.project, chosen=request.GET.get("rater", "")))


def _listed(request: HttpRequest, member: Membership, form: SuspectForm) -> HttpResponse:
    page = page_of(request, suspicions_of(member.project), _row)
    return show(request, member, "suspicions", SECTION, status=status_of(form), form=form, page=page, rows=page.rows)


def _row(suspicion: Suspicion) -> dict[str, Any]:
    return {"row": suspicion, "state": state_of(suspicion), "kind": KINDS[SuspicionKind(suspicion.kind)]}


@fills_in
def suspect(request: HttpRequest, member: Membership) -> HttpResponse:
    if request.method != "POST":
        return to(member, "console-suspicions")
    form = SuspectForm(member.project, request.POST)
    if not form.is_valid():
        return _listed(request, member, form)
    reviewer = Membership.objects.select_related("project").get(
        project=member.project, rater_code=form.cleaned_data["rater"]
    )
    try:
        raised = raise_suspicion(
            membership=reviewer,
            kind=SuspicionKind.OWNER,
            since=form.cleaned_data["since"],
            evidence={},
            actor=actor(member),
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
    except SuspicionRefused as refused:
        form.add_error(None, str(refused))
        return _listed(request, member, form)
    count = raised.set_aside.count()
    said = ngettext("%(count)d rating was set aside.", "%(count)d ratings were set aside.", count)
    messages.success(request, said % {"count": count})
    return to(member, "console-suspicions")


@fills_in
def overrule_one(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    suspicion = (
        Suspicion.objects.filter(membership__project=member.project, pk=pk).select_related("membership__person").first()
    )
    if suspicion is None:
        raise Http404("no such suspicion")
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            result = overrule(suspicion=suspicion, actor=actor(member), reason=reason, now=timezone.now())
        except SuspicionRefused as refused:
            messages.warning(request, str(refused))
        else:
            said = _("%(ratings)d ratings count again; %(anew)d had been judged anew and stay as they are.")
            messages.success(request, said % {"ratings": result.ratings, "anew": result.judged_anew})
        return to(member, "console-suspicions")
    person = str(suspicion.membership.person)
    return show(request, member, "overrule", SECTION, status=status_of(form), form=form, person=person)
