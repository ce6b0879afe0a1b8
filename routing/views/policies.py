"""Policies: read, draft, edit, replay, put in force now or later."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.core.models import Membership, Project
from reviewapp.core.reading import moment
from routing.access import policy_of
from routing.forms import ActivationForm, AgainstForm, DraftForm, PolicyForm, SinceForm
from routing.models import ActivePolicy, Policy, ScheduledActivation
from routing.services.policies import (
    EditRefused,
    PolicyRefused,
    activate_policy,
    cancel_schedule,
    draft_policy,
    edit_draft,
    schedule_policy,
)
from routing.services.replays import replay_policy
from routing.services.two_persons import ActivationRefused
from routing.views.contexts.policies import (
    activation_detail,
    change_rows,
    is_editable,
    policy_detail,
    policy_row,
    replay_table,
    schedule_line,
)
from routing.views.contexts.words import actor_names
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to
from routing.views.figures import pretty
from routing.views.paging import page_of

SECTION = "console-policies"


def _in_force(project: Project) -> Policy:
    return ActivePolicy.objects.select_related("policy__calibrator").get(project=project).policy


def _scheduled(project: Project) -> ScheduledActivation | None:
    return ScheduledActivation.objects.select_related("policy").filter(project=project).first()


@reads
def policies(request: HttpRequest, member: Membership) -> HttpResponse:
    project = member.project
    names, active, scheduled = actor_names(project), _in_force(project), _scheduled(project)
    rows = Policy.objects.filter(project=project).select_related("parent", "calibrator").order_by("-pk")
    rows = rows.defer("document", "parent__document", "calibrator__parameters", "calibrator__metrics")
    page = page_of(request, rows, lambda row: policy_row(row, active=active, scheduled=scheduled, names=names))
    return show(request, member, "policies", SECTION, page=page, schedule=schedule_line(scheduled, names))


@reads
def policy(request: HttpRequest, member: Membership, version: int) -> HttpResponse:
    project = member.project
    found = policy_of(project, version)
    versions = Policy.objects.filter(project=project).exclude(pk=found.pk).order_by("-pk")
    form = AgainstForm(request.GET, versions=list(versions.values_list("version", flat=True)[:200]))
    against = form.cleaned_data["against"] if form.is_valid() else None
    detail = policy_detail(
        found,
        active=_in_force(project),
        scheduled=_scheduled(project),
        against=policy_of(project, against) if against else found.parent,
        viewer=actor(member),
    )
    return show(request, member, "policy", SECTION, status=status_of(form), policy=detail, form=form)


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
            done = _("Draft %(version)s is stored. Nothing changes until you put it in force.")
            messages.success(request, done % {"version": made.version})
            return to(member, "console-policy", made.version)
    return show(request, member, "policy_draft", SECTION, status=status_of(form), form=form, version=active.version)


@fills_in
def edit(request: HttpRequest, member: Membership, version: int) -> HttpResponse:
    found = policy_of(member.project, version)
    initial = {"document": pretty(found.document), "note": found.note, "revision": found.revision}
    form = DraftForm(posted(request), initial=initial)
    context: dict[str, Any] = {"version": version}
    if form.is_valid():
        try:
            edited = edit_draft(policy=found, actor=actor(member), **form.cleaned_data)
        except PolicyRefused as refused:
            form.refuse(refused.errors)
        except EditRefused as refused:
            if refused.code != "edit_conflict":
                messages.error(request, str(refused))
                return to(member, "console-policy", version)
            form = _conflicting(request, found)
            context["theirs"] = change_rows(found.document, form.cleaned_data["document"])
        else:
            done = _("Draft %(version)s is stored, as revision %(revision)s.")
            messages.success(request, done % {"version": version, "revision": edited.revision})
            return to(member, "console-policy", version)
    elif request.method != "POST" and not is_editable(found):
        stays = _("Version %(version)s is published or was measured, so it stays as it is.")
        messages.error(request, stays % {"version": version})
        return to(member, "console-policy", version)
    return show(request, member, "policy_edit", SECTION, status=status_of(form), form=form, **context)


def _conflicting(request: HttpRequest, stored: Policy) -> DraftForm:
    """The same words again, now knowing of the revision that came in between: storing once more replaces it."""
    again = DraftForm(request.POST.dict() | {"revision": stored.revision})
    again.is_valid()
    again.add_error(
        None,
        _(
            "Somebody stored revision %(revision)s of this draft while you were writing; nothing was overwritten. "
            "What you wrote is below, and so is where it differs from theirs. Storing again replaces theirs."
        )
        % {"revision": stored.revision},
    )
    return again


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
    form = ActivationForm(posted(request), initial={"revision": found.revision})
    if form.is_valid() and _activated(request, member, found, form):
        return to(member, "console-policy", version)
    detail = activation_detail(found, active=active, scheduled=_scheduled(member.project), viewer=actor(member))
    return show(request, member, "policy_activate", SECTION, status=status_of(form), form=form, activation=detail)


def _activated(request: HttpRequest, member: Membership, found: Policy, form: ActivationForm) -> bool:
    """Whether there is nothing left to fill in."""
    order: Mapping[str, Any] = form.cleaned_data
    given: dict[str, Any] = {"policy": found, "actor": actor(member), "now": timezone.now()}
    given |= {"reason": order["reason"], "revision": order["revision"]}
    try:
        if order["effective_at"] is None:
            activate_policy(**given)
            messages.success(request, _("Policy version %(version)s is in force.") % {"version": found.version})
        else:
            scheduled = schedule_policy(**given, effective_at=order["effective_at"])
            done = _("Policy version %(version)s takes effect on %(moment)s.")
            messages.success(request, done % {"version": found.version, "moment": moment(scheduled.effective_at)})
    except ActivationRefused as refused:
        if refused.code == "effective_at":
            form.add_error("effective_at", str(refused))
            return False
        messages.error(request, str(refused))
    return True


@fills_in
def cancel(request: HttpRequest, member: Membership) -> HttpResponse:
    """The button beside a schedule. Looking at its address does nothing."""
    if request.method == "POST":
        if not cancel_schedule(project=member.project, actor=actor(member), now=timezone.now()):
            raise Http404("nothing is scheduled")
        messages.success(request, _("Nothing is scheduled any more."))
    return to(member, SECTION)
