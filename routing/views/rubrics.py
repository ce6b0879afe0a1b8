"""Rubrics: read, drafted, edited, looked at, compared, published, taken elsewhere and brought in."""

import random
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from labeling.models import ActiveRubric, CriterionType, Rubric
from labeling.queries.overlap import calibration_of, pending_or_withdrawn
from labeling.serializers.rubrics import rubric_fields
from labeling.services.calibrating import calibrate_rubric, put_in_force, withdraw_rubric
from labeling.services.overlap import OverlapRefused
from labeling.services.overlap_figures import doubtful
from labeling.services.rubrics import (
    RubricRefused,
    calibration_needed,
    draft_next,
    draft_rubric,
    edit_rubric,
    publish_rubric,
    revision_of,
    rubric_document,
)
from labeling.views.keymap import keymap_of
from reviewapp.core.models import Membership, TaskKind
from routing.forms import AgainstForm, ReasonForm
from routing.forms_measuring import ImportForm, NewRubricForm
from routing.forms_rubrics import (
    STARTER,
    RubricText,
    document_of_text,
    place_of_pointer,
    pressed,
    text_of_document,
    typed_text,
)
from routing.views.access import rubric_of
from routing.views.contexts.overlap import criterion_lines
from routing.views.contexts.rubrics import (
    active_rubric_ids,
    changes_between,
    intent_lines,
    measured_lines,
    rubric_detail,
    rubric_row,
    sample_page,
    unstored,
)
from routing.views.doors import actor, fills_in, posted, reads, show, status_of, to
from routing.views.paging import page_of

SECTION = "console-rubrics"


@reads
def rubrics(request: HttpRequest, member: Membership) -> HttpResponse:
    active, pending = active_rubric_ids(member.project), pending_or_withdrawn(member.project)
    rows = Rubric.objects.filter(project=member.project).prefetch_related("criteria").order_by("-pk")
    page = page_of(request, rows, lambda rubric: rubric_row(rubric, active, pending))
    admin_url = reverse("admin:labeling_rubric_changelist")
    return show(request, member, "rubrics", SECTION, page=page, admin_url=admin_url)


@reads
def rubric(request: HttpRequest, member: Membership, name: str, version: int) -> HttpResponse:
    found = rubric_of(member.project, name, version)
    versions = Rubric.objects.filter(project=member.project, name=name).exclude(pk=found.pk).order_by("-version")
    form = AgainstForm(request.GET, versions=list(versions.values_list("version", flat=True)[:200]))
    wanted = form.cleaned_data["against"] if form.is_valid() else None
    against = rubric_of(member.project, name, wanted) if wanted else found.parent
    ancestor, measured = measured_lines(found)
    calibration = calibration_of(found)
    figures = calibration.figures if calibration else {}
    return show(
        request,
        member,
        "rubric",
        SECTION,
        status=status_of(form),
        rubric=rubric_detail(found),
        form=form,
        against=against,
        changes=changes_between(against, found) if against else [],
        ancestor=ancestor,
        measured=measured,
        by_intent=intent_lines(ancestor, found) if ancestor and found.published_at else [],
        # In force for the kind is another version, which this one would replace.
        replaces=ActiveRubric.objects.filter(project=member.project, task_kind=found.task_kind).exists(),
        calibrates_first=calibration_needed(found),
        calibration=calibration,
        lines=criterion_lines(figures),
        before=(figures.get("before") or {}).get("rubric", ""),
        decision=figures.get("decision"),
        admin_url=reverse("admin:labeling_rubric_change", args=[found.pk]),
    )


@reads
def preview(request: HttpRequest, member: Membership, name: str, version: int) -> HttpResponse:
    """The desk's page for a made-up task under this version."""
    found = rubric_of(member.project, name, version)
    keymap = keymap_of(member.person)
    return show(request, member, "rubric_preview", SECTION, page=sample_page(found), keymap=keymap, row=found)


@reads
def export(request: HttpRequest, member: Membership, name: str, version: int) -> HttpResponse:
    found = rubric_of(member.project, name, version)
    response = JsonResponse(rubric_document(found), json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="{slugify(name) or "rubric"}-v{version}.json"'
    return response


@fills_in
def new(request: HttpRequest, member: Membership) -> HttpResponse:
    """A draft of a new name, with one question to begin with."""
    form = NewRubricForm(posted(request))
    if form.is_valid():
        pairwise = form.cleaned_data["task_kind"] == TaskKind.PAIRWISE
        question = {"name": "acceptable", "question": _("May this go out as it is?"), **STARTER}
        try:
            made = draft_rubric(
                project=member.project,
                criteria=[] if pairwise else [question],
                # Of two responses none is the one to correct.
                corrections=not pairwise,
                actor=actor(member),
                **form.cleaned_data,
            )
        except RubricRefused as refused:
            form.add_error(refused.pointer.strip("/") if refused.pointer == "/name" else None, str(refused))
        else:
            return to(member, "console-rubric-edit", made.name, made.version)
    return show(request, member, "rubric_new", SECTION, status=status_of(form), form=form)


@fills_in
def bring_in(request: HttpRequest, member: Membership) -> HttpResponse:
    """A rubric from a file becomes the next version of its name, as a draft."""
    form = ImportForm(posted(request), request.FILES or None)
    if form.is_valid():
        try:
            fields = rubric_fields(form.cleaned_data["document"])
            made = draft_rubric(project=member.project, actor=actor(member), **fields)
        except RubricRefused as refused:
            form.add_error(None, f"{refused.pointer}: {refused}")
        else:
            messages.success(
                request, _("%(rubric)s is drafted. Nothing changes until you publish it.") % {"rubric": made}
            )
            return to(member, "console-rubric", made.name, made.version)
    return show(request, member, "rubric_import", SECTION, status=status_of(form), form=form)


@fills_in
def edit(request: HttpRequest, member: Membership, name: str, version: int) -> HttpResponse:
    found = rubric_of(member.project, name, version)
    if found.published_at is not None:
        messages.error(
            request, _("%(rubric)s is published and stays as it is. Draft the next version.") % {"rubric": found}
        )
        return to(member, "console-rubric", name, version)
    if request.method != "POST":
        return _editor(request, member, found, text_of_document(rubric_document(found)))
    text, button = typed_text(request.POST.dict()), request.POST.get("do", "")
    if button != "save":
        return _editor(request, member, found, pressed(text, button), revision=request.POST.get("revision", ""))
    try:
        edit_rubric(
            rubric=found,
            document=document_of_text(text),
            revision=request.POST.get("revision", ""),
            actor=actor(member),
        )
    except RubricRefused as refused:
        return _editor(request, member, found, text, refused=refused, revision=request.POST.get("revision", ""))
    messages.success(request, _("%(rubric)s is stored. Nothing changes until you publish it.") % {"rubric": found})
    return to(member, "console-rubric", name, version)


def _editor(
    request: HttpRequest,
    member: Membership,
    found: Rubric,
    text: RubricText,
    *,
    refused: RubricRefused | None = None,
    revision: str = "",
) -> HttpResponse:
    """The form as typed beside what it would look like. After a conflict storing again replaces the other edit."""
    conflict = refused is not None and refused.pointer == "/revision"
    fault = {"text": str(refused), "anchor": place_of_pointer(refused.pointer)} if refused and not conflict else None
    context: dict[str, Any] = {
        "row": found,
        "text": text,
        "types": CriterionType.values,
        "revision": revision_of(found) if conflict or not revision else revision,
        "conflict": conflict,
        "fault": fault,
        "page": sample_page(unstored(found, document_of_text(text))),
        "keymap": keymap_of(member.person),
    }
    return show(request, member, "rubric_edit", SECTION, status=400 if refused else 200, **context)


@fills_in
def draft_further(request: HttpRequest, member: Membership, name: str, version: int) -> HttpResponse:
    """The button that drafts the next version from this one. Looking at its address leads back."""
    found = rubric_of(member.project, name, version)
    if request.method != "POST":
        return to(member, "console-rubric", name, version)
    try:
        made = draft_next(rubric=found, actor=actor(member))
    except RubricRefused as refused:
        messages.error(request, str(refused))
        return to(member, "console-rubric", name, version)
    return to(member, "console-rubric-edit", made.name, made.version)


def _say_it_is_in_force(request: HttpRequest, rubric: Rubric) -> None:
    done = _("%(rubric)s is in force. It is measured against the version before it as ratings come in.")
    messages.success(request, done % {"rubric": rubric})


@fills_in
def publish(request: HttpRequest, member: Membership, name: str, version: int) -> HttpResponse:
    """The button that freezes a draft and puts it in force. Looking at its address leads back."""
    found = rubric_of(member.project, name, version)
    if request.method == "POST":
        try:
            publish_rubric(rubric=found, actor=actor(member), now=timezone.now())
        except RubricRefused as refused:
            messages.error(request, str(refused))
        else:
            _say_it_is_in_force(request, found)
    return to(member, "console-rubric", name, version)


@fills_in
def calibrate(request: HttpRequest, member: Membership, name: str, version: int) -> HttpResponse:
    """The button that freezes a draft and begins its calibration round. Looking at its address leads back."""
    found = rubric_of(member.project, name, version)
    if request.method == "POST":
        try:
            calibrate_rubric(rubric=found, actor=actor(member), now=timezone.now(), rng=random.SystemRandom())
        except (RubricRefused, OverlapRefused) as refused:
            messages.error(request, str(refused))
        else:
            done = _("%(rubric)s is frozen and its round has begun. It is not in force until you say so.")
            messages.success(request, done % {"rubric": found})
    return to(member, "console-rubric", name, version)


@fills_in
def force(request: HttpRequest, member: Membership, name: str, version: int) -> HttpResponse:
    """Put a calibrated version in force: with a reason where its round leaves doubts."""
    found = rubric_of(member.project, name, version)
    calibration = calibration_of(found)
    doubts = doubtful(calibration.figures) if calibration and calibration.ended_at else []
    form = ReasonForm(posted(request))
    form.fields["reason"].required = bool(doubts)
    if form.is_valid():
        try:
            put_in_force(rubric=found, actor=actor(member), now=timezone.now(), reason=form.cleaned_data["reason"])
        except RubricRefused as refused:
            messages.error(request, str(refused))
        else:
            _say_it_is_in_force(request, found)
        return to(member, "console-rubric", name, version)
    context = {"form": form, "row": found, "doubts": doubts, "forces": True}
    return show(request, member, "rubric_decide", SECTION, status=status_of(form), **context)


@fills_in
def withdraw(request: HttpRequest, member: Membership, name: str, version: int) -> HttpResponse:
    """A calibrated version that is not to go into force."""
    found = rubric_of(member.project, name, version)
    form = ReasonForm(posted(request))
    if form.is_valid():
        try:
            withdraw_rubric(rubric=found, actor=actor(member), now=timezone.now(), reason=form.cleaned_data["reason"])
        except RubricRefused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, _("%(rubric)s is withdrawn and stays as history.") % {"rubric": found})
        return to(member, "console-rubric", name, version)
    return show(request, member, "rubric_decide", SECTION, status=status_of(form), form=form, row=found, forces=False)
