"""Policies: read, draft, replay, put in force."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from reviewapp.core.models import Membership, Project
from routing.access import policy_of
from routing.forms import PolicyForm, ReasonForm, SinceForm
from routing.models import ActivePolicy, Policy
from routing.services.policies import ActivationRefused, PolicyRefused, activate_policy, draft_policy
from routing.services.replays import replay_policy
from routing.views.contexts.policies import change_rows, policy_detail, policy_row, replay_table
from routing.views.contexts.words import actor_names
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to
from routing.views.figures import pretty
from routing.views.paging import page_of

SECTION = "console-policies"


def _in_force(project: Project) -> Policy:
    return ActivePolicy.objects.select_related("policy__calibrator").get(project=project).policy


@reads
def policies(request: HttpRequest, member: Membership) -> HttpResponse:
    names, active = actor_names(member.project), _in_force(member.project)
    rows = Policy.objects.filter(project=member.project).select_related("parent", "calibrator").order_by("-pk")
    rows = rows.defer("document", "parent__document", "calibrator__parameters")
    page = page_of(request, rows, lambda row: policy_row(row, active_id=active.pk, names=names))
    return show(request, member, "policies", SECTION, page=page)


@reads
def policy(request: HttpRequest, member: Membership, version: int) -> HttpResponse:
    found = policy_of(member.project, version)
    detail = policy_detail(found, active_id=_in_force(member.project).pk)
    return show(request, member, "policy", SECTION, policy=detail)


@fills_in
def draft(request: HttpRequest, member: Membership) -> HttpResponse:
    active = _in_force(member.project)
    form = PolicyForm(posted(request), initial={"document": pretty(active.document)})
    if form.is_valid():
        try:
            made = draft_policy(
                project=member.project, calibrator=active.calibrator, actor=actor(member), **form.cleaned_data
            )
        except PolicyRefused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, f"Draft {made.version} is stored. Nothing changes until you put it in force.")
            return to(member, "console-policy", made.version)
    return show(request, member, "policy_draft", SECTION, status=status_of(form), form=form, version=active.version)


@reads
def replay(request: HttpRequest, member: Membership, version: int) -> HttpResponse:
    found, active = policy_of(member.project, version), _in_force(member.project)
    form = SinceForm(request.GET)
    table = None
    if form.is_valid():
        since = form.cleaned_data["since"]
        before = None if active.pk == found.pk else replay_policy(active, since=since).as_json()
        table = replay_table(replay_policy(found, since=since), before=before)
    context = {"form": form, "table": table, "version": version, "active_version": active.version}
    return show(request, member, "policy_replay", SECTION, status=status_of(form), **context)


@fills_in
def activate(request: HttpRequest, member: Membership, version: int) -> HttpResponse:
    found, active = policy_of(member.project, version), _in_force(member.project)
    form = ReasonForm(posted(request))
    if form.is_valid():
        try:
            activate_policy(policy=found, actor=actor(member), now=timezone.now(), reason=form.cleaned_data["reason"])
        except ActivationRefused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, f"Policy version {version} is in force.")
        return to(member, "console-policy", version)
    context = {
        "form": form,
        "version": version,
        "active_version": active.version,
        "changes": change_rows(active.document, found.document),
    }
    return show(request, member, "policy_activate", SECTION, status=status_of(form), **context)
