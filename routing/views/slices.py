"""Paused slices: the owner's task to review the rubric, pausing one by hand, and the word that ends it."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from labeling.models import PauseCause, ReviewItem, Rubric, SlicePause
from labeling.queries.pauses import pauses
from labeling.services.pauses import PauseRefused, lift_pause, pause_slice
from reviewapp.core.models import Membership, Project
from routing.forms import ReasonForm
from routing.views.access import one_of
from routing.views.contexts.rubrics import active_rubric_ids
from routing.views.contexts.slices import pause_line
from routing.views.contexts.words import actor_names
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to
from routing.views.paging import page_of

SECTION = "console-slices"


class SlicePauseForm(forms.Form):
    """Which intent, under which of the versions in force, and why."""

    intent = forms.CharField(label=later("Intent"), max_length=100)
    rubric = forms.ModelChoiceField(label=later("Rubric"), queryset=Rubric.objects.none(), empty_label=None)
    reason = forms.CharField(label=later("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, project: Project, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.project = project
        field = self.fields["rubric"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Rubric.objects.filter(pk__in=active_rubric_ids(project)).order_by("name")

    def clean_intent(self) -> str:
        intent: str = self.cleaned_data["intent"]
        if not ReviewItem.objects.filter(project=self.project, intent=intent).exists():
            raise forms.ValidationError(_("Nothing of this intent has come to review."))
        return intent


@reads
def slices(request: HttpRequest, member: Membership) -> HttpResponse:
    return _listed(request, member, SlicePauseForm(member.project))


def _listed(request: HttpRequest, member: Membership, form: SlicePauseForm) -> HttpResponse:
    rows, names = pauses(member.project), actor_names(member.project)
    current = [pause_line(pause, names) for pause in rows.filter(lifted_at__isnull=True)]
    page = page_of(request, rows.filter(lifted_at__isnull=False), lambda pause: pause_line(pause, names))
    return show(request, member, "slices", SECTION, status=status_of(form), form=form, current=current, page=page)


@fills_in
def pause(request: HttpRequest, member: Membership) -> HttpResponse:
    """The form below the list. Looking at its address leads there."""
    if request.method != "POST":
        return to(member, SECTION)
    form = SlicePauseForm(member.project, posted(request))
    if not form.is_valid():
        return _listed(request, member, form)
    pause_slice(
        project=member.project,
        intent=form.cleaned_data["intent"],
        rubric=form.cleaned_data["rubric"],
        cause=PauseCause.OWNER,
        evidence={"reason": form.cleaned_data["reason"]},
        actor=actor(member),
        now=timezone.now(),
    )
    messages.success(request, _("Reviewers are given no more of it until you lift the pause."))
    return to(member, SECTION)


@fills_in
def lift(request: HttpRequest, member: Membership, pk: int) -> HttpResponse:
    found: SlicePause = one_of(pauses(member.project), pk=pk)
    form = ReasonForm(posted(request))
    if form.is_valid():
        try:
            lift_pause(pause=found, actor=actor(member), reason=form.cleaned_data["reason"], now=timezone.now())
        except PauseRefused as refused:
            messages.warning(request, str(refused))
        else:
            messages.success(request, _("The slice is handed out again, and measured from now on."))
        return to(member, SECTION)
    line = pause_line(found, actor_names(member.project))
    return show(request, member, "slice_lift", SECTION, status=status_of(form), form=form, line=line)
