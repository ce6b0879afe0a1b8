"""Labeling in the admin. Rubrics are edited here until they are published; everything else is for reading."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from labeling.models import (
    Absence,
    ActiveRubric,
    Alarm,
    Assignment,
    Criterion,
    Escalation,
    EscalationStep,
    GoldCase,
    GoldenCase,
    GoldenSet,
    GoldResult,
    OverlapRound,
    QueueSettings,
    Rating,
    RatingWithdrawal,
    RepeatResult,
    ReviewerStage,
    ReviewItem,
    Round,
    Rubric,
    Seat,
    SetAside,
    SlicePause,
    Suspicion,
    Verdict,
    VerdictNotice,
)
from labeling.services.rubrics import (
    CRITERION_FIELDS,
    RubricRefused,
    check_criteria,
    check_span_categories,
    draft_next,
    draft_rubric,
    publish_rubric,
)
from reviewapp.core.admin import OwnedAdmin, owned_projects, read_only, refuse_unstorable
from reviewapp.core.models import TaskKind
from reviewapp.core.services.audit import record

if TYPE_CHECKING:
    AnyInline = admin.StackedInline[Any, Any]
    AnyFormSet = forms.BaseInlineFormSet[Any, Any, Any]
    AnyModelForm = forms.ModelForm[Any]
else:
    # Generic in their type stubs only.
    AnyInline, AnyFormSet, AnyModelForm = admin.StackedInline, forms.BaseInlineFormSet, forms.ModelForm


class CriteriaFormSet(AnyFormSet):
    """All criteria of a rubric, checked together by the rules of the service."""

    def criteria(self) -> list[dict[str, Any]]:
        """What the service takes, in order; criteria to be deleted left out."""
        kept = [form.cleaned_data for form in self.forms if form.has_changed() or form.instance.pk]
        rows = [data for data in kept if data and not data.get("DELETE")]
        rows.sort(key=lambda data: data.get("order") or 0)
        return [{name: data.get(name) for name in CRITERION_FIELDS} for data in rows]

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        refuse_unstorable(self.criteria())
        try:
            check_criteria(self.criteria(), pairwise=self.instance.task_kind == TaskKind.PAIRWISE)
        except RubricRefused as refused:
            raise ValidationError(f"{refused.pointer}: {refused}") from None


class CriterionInline(AnyInline):
    model = Criterion
    formset = CriteriaFormSet
    fields = (
        ("order", "name", "type", "required"),
        "question",
        ("levels", "fail_values"),
        ("minimum", "maximum", "fail_below"),
    )

    def get_extra(self, request: HttpRequest, obj: Any = None, **options: Any) -> int:
        return 1 if obj is None else 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or obj.published_at is None

    has_change_permission = has_delete_permission = has_add_permission


class RubricForm(AnyModelForm):
    """A rubric's own fields. Categories may be left out: then nothing is marked."""

    def clean_span_categories(self) -> list[str]:
        categories = self.cleaned_data["span_categories"] or []
        if not isinstance(categories, list):
            raise ValidationError('Categories are a list, such as ["wrong fact", "rude"].')
        refuse_unstorable(categories)
        try:
            check_span_categories(categories)
        except RubricRefused as refused:
            raise ValidationError(f"{refused.pointer}: {refused}") from None
        return categories


@admin.register(Rubric)
class RubricAdmin(OwnedAdmin):
    """A draft may be edited as often as one likes; publishing freezes it and puts it in force."""

    inlines = (CriterionInline,)
    list_display = ("name", "version", "project", "task_kind", "published_at")
    list_select_related = ("project",)
    list_filter = ("task_kind",)
    ordering = ("-id",)
    actions = ("publish", "draft_next")
    form = RubricForm
    fields = (
        "project",
        "name",
        "version",
        "task_kind",
        "corrections",
        "span_categories",
        "instructions",
        "published_at",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return owned_projects(request).exists()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj) and (obj is None or obj.published_at is None)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Name and version make a rubric what it is; they are given when it is drafted."""
        always = ("version", "published_at")
        return always if obj is None else ("project", "name", "task_kind", *always)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new rubric is made by the service, once its criteria are known: see `save_related`."""
        if change:
            super().save_model(request, obj, form, change)
            record(project=obj.project, actor=self.actor(request), verb="rubric.edited", target=f"rubric:{obj.pk}")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        if change:
            super().save_related(request, form, formsets, change)
            return
        (criteria,) = formsets
        drafted = draft_rubric(
            actor=self.actor(request),
            criteria=criteria.criteria(),
            **{
                name: form.cleaned_data[name]
                for name in ("project", "name", "task_kind", "instructions", "corrections", "span_categories")
            },
        )
        form.instance.pk, form.instance.version = drafted.pk, drafted.version
        # What the admin's own log of the change is made from.
        criteria.new_objects, criteria.changed_objects, criteria.deleted_objects = list(drafted.criteria.all()), [], []

    @admin.action(description="Publish and put in force", permissions=["view"])
    def publish(self, request: HttpRequest, chosen: QuerySet[Rubric]) -> None:
        for rubric in chosen.order_by("pk"):
            try:
                publish_rubric(rubric=rubric, actor=self.actor(request), now=timezone.now())
            except RubricRefused as refused:
                self.message_user(request, str(refused), messages.ERROR)
            else:
                self.message_user(request, f"{rubric} is published and in force.", messages.SUCCESS)

    @admin.action(description="Draft the next version from this one", permissions=["view"])
    def draft_next(self, request: HttpRequest, chosen: QuerySet[Rubric]) -> None:
        for rubric in chosen.prefetch_related("criteria").order_by("pk"):
            try:
                drafted = draft_next(rubric=rubric, actor=self.actor(request))
            except RubricRefused as refused:
                self.message_user(request, f"{rubric}: {refused}", messages.ERROR)
                continue
            self.message_user(request, f"{drafted} is drafted; edit it, then publish it.", messages.SUCCESS)


read_only(QueueSettings, "project", "gold_rate", "daily_cap", "lease_seconds", "undo_seconds")
read_only(ActiveRubric, "project", "task_kind", "rubric")
read_only(ReviewItem, "id", "project", "kind", "intent", "status", "rubric", "due_at", ordering=("-id",))
read_only(Seat, "id", "project", "item", "number", "lane", "state", "due_at", ordering=("-id",))
read_only(
    Assignment,
    "id",
    "item",
    "reviewer",
    "state",
    "claimed_at",
    "ended_at",
    project_path="item__project",
    hidden=("token",),
    list_select_related=("item", "reviewer__person", "reviewer__project"),
    ordering=("-id",),
)
read_only(
    Rating,
    "id",
    "item",
    "reviewer",
    "rubric",
    "verdict",
    "extra",
    "adjudication",
    "submitted_at",
    project_path="item__project",
    list_select_related=("item", "rubric", "reviewer__person", "reviewer__project"),
    ordering=("-id",),
)
read_only(RatingWithdrawal, "rating", "at", project_path="rating__item__project", ordering=("-id",))
read_only(
    Verdict,
    "id",
    "item",
    "sequence",
    "value",
    "reached_by",
    "raters",
    "decided_at",
    project_path="item__project",
    ordering=("-id",),
)
read_only(VerdictNotice, "verdict", "project", "final_at", ordering=("-verdict",))
read_only(
    GoldCase, "reference", "project", "item", "acceptable", "preferred", "origin", "retired_at", ordering=("-id",)
)
read_only(
    GoldResult,
    "gold_case",
    "reviewer",
    "correct",
    "at",
    project_path="gold_case__project",
    list_select_related=("gold_case", "reviewer__person", "reviewer__project"),
    ordering=("-id",),
)
read_only(
    Absence,
    "membership",
    "first_day",
    "last_day",
    "note",
    project_path="membership__project",
    list_select_related=("membership__person", "membership__project"),
    ordering=("-id",),
)
read_only(Alarm, "kind", "subject", "project", "raised_at", "seen_at", "cleared_at", ordering=("-id",))
read_only(
    EscalationStep,
    "project",
    "priority",
    "minutes_before",
    "membership",
    list_select_related=("project", "membership__person", "membership__project"),
    ordering=("-id",),
)
read_only(
    Escalation,
    "item",
    "step",
    "at",
    project_path="step__project",
    list_select_related=("item", "step__membership__person", "step__membership__project"),
    ordering=("-id",),
)
read_only(GoldenSet, "name", "project", "case_count", "sha256", "created_at", ordering=("-id",))
read_only(GoldenCase, "golden_set", "position", "case_id", "stratum", "weight", project_path="golden_set__project")
OF_MEMBERS: dict[str, Any] = {
    "project_path": "membership__project",
    "list_select_related": ("membership__person", "membership__project"),
    "ordering": ("-id",),
}
read_only(ReviewerStage, "membership", "stage", "changed_at", **OF_MEMBERS)
read_only(Round, "membership", "kind", "size", "done", "right", "passed", "started_at", "ended_at", **OF_MEMBERS)
read_only(Suspicion, "membership", "kind", "since", "raised_at", "ended_at", "overruled_at", **OF_MEMBERS)
read_only(
    SetAside,
    "suspicion",
    "rating",
    "at",
    "restored_at",
    project_path="suspicion__membership__project",
    list_select_related=("rating", "suspicion__membership__person", "suspicion__membership__project"),
    ordering=("-id",),
)
read_only(
    RepeatResult,
    "rating",
    "first",
    "reviewer",
    "same",
    "at",
    project_path="reviewer__project",
    list_select_related=("rating", "first", "reviewer__person", "reviewer__project"),
    ordering=("-id",),
)
OF_RUBRICS: dict[str, Any] = {"list_select_related": ("project", "rubric"), "ordering": ("-id",)}
read_only(SlicePause, "intent", "rubric", "project", "cause", "paused_at", "lifted_at", **OF_RUBRICS)
read_only(OverlapRound, "id", "project", "purpose", "rubric", "started_at", "ended_at", **OF_RUBRICS)
