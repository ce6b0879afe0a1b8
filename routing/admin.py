"""Routing in the admin. Policies are drafted and drafts edited here, through the service; the rest is for reading."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from reviewapp.core.admin import OwnedAdmin, owned_projects, read_only, refuse_unstorable
from reviewapp.core.models import Project
from routing.models import (
    ActivePolicy,
    Calibrator,
    Certificate,
    Decision,
    FeedCounter,
    Judge,
    JudgeRequest,
    JudgeState,
    JudgeVerdict,
    JudgeVersion,
    Output,
    OutputReview,
    Policy,
    PolicyActivation,
    Recalibration,
    RoutingSettings,
    ScheduledActivation,
    Signal,
    TrafficReference,
    VerdictEvent,
    WebhookDelivery,
    WebhookEndpoint,
)
from routing.services.policies import (
    EditRefused,
    PolicyRefused,
    check_signals_named,
    draft_policy,
    edit_draft,
    parse_document,
)

if TYPE_CHECKING:
    AnyModelForm = forms.ModelForm[Policy]
else:
    # Generic in its type stubs only.
    AnyModelForm = forms.ModelForm


class PolicyDraftForm(AnyModelForm):
    """The document, held against the rules of a policy before anything is stored."""

    # What the visitor read: a draft that somebody else changed since is left alone.
    read_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if "read_revision" in self.fields:
            self.fields["read_revision"].initial = self.instance.revision

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        document, project = cleaned.get("document"), cleaned.get("project") or getattr(self.instance, "project", None)
        if document is None or project is None:
            return cleaned
        try:
            refuse_unstorable(document)
            check_signals_named(parse_document(document), self._calibrator(project))
        except PolicyRefused as refused:
            faults = [f"{fault['pointer']}: {fault['detail']}" for fault in refused.errors]
            self.add_error("document", ValidationError(faults))
        except ValidationError as error:
            self.add_error("document", error)
        if self.instance.pk and cleaned.get("read_revision") != self.instance.revision:
            raise ValidationError("Somebody stored another revision of this draft since you read it; read it again.")
        return cleaned

    def _calibrator(self, project: Project) -> Calibrator | None:
        if self.instance.pk:
            return self.instance.calibrator
        active = ActivePolicy.objects.select_related("policy__calibrator").filter(project=project).first()
        return active.policy.calibrator if active else None


@admin.register(Policy)
class PolicyAdmin(OwnedAdmin):
    """Drafted and edited by the service. Published versions stay as they are; they come into force in the console."""

    form = PolicyDraftForm
    list_display = ("version", "name", "project", "note", "created_by", "created_at", "published_at")
    list_select_related = ("project",)
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return owned_projects(request).exists()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Drafts only, and not those that a recalibration measured."""
        if obj is None:
            return self.has_view_permission(request)
        return obj.published_at is None and not Recalibration.objects.filter(policy=obj).exists()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("project", "document", "note", "read_revision")
        shown = ("project", "version", "parent", "calibrator", "document", "note", "created_by", "created_at")
        return (
            (*shown, "read_revision")
            if self.has_change_permission(request, obj)
            else (*shown, "authors", "published_at")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        written = ("document", "note", "read_revision")
        return () if obj is None else [name for name in self.get_fields(request, obj) if name not in written]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in ("document", "note")}
        if change:
            try:
                edit_draft(policy=obj, actor=self.actor(request), revision=form.cleaned_data["read_revision"], **given)
            except EditRefused as refused:
                # Overtaken between the form's look and the service's: rare, and nothing was overwritten.
                self.message_user(request, str(refused), level=messages.ERROR)
            return
        active = ActivePolicy.objects.select_related("policy__calibrator").filter(project=obj.project).first()
        drafted = draft_policy(
            actor=self.actor(request),
            project=form.cleaned_data["project"],
            calibrator=active.policy.calibrator if active else None,
            **given,
        )
        obj.pk, obj.version = drafted.pk, drafted.version


read_only(Output, "external_id", "project", "task_kind", "intent", "received_at", ordering=("-id",))
read_only(Signal, "key", "output", "kind", "evidence", project_path="output__project", ordering=("-id",))
read_only(
    Decision,
    "output",
    "project",
    "action",
    "stakes",
    "confidence",
    "audited",
    "inclusion_probability",
    "decided_at",
    ordering=("-output",),
)
read_only(OutputReview, "output", "item", "origin", project_path="output__project", ordering=("-id",))
read_only(ActivePolicy, "project", "policy")
read_only(ScheduledActivation, "project", "policy", "actor", "effective_at")
read_only(RoutingSettings, "project", "two_persons", "ending_asked_by")
read_only(
    PolicyActivation, "policy", "actor", "reason", "effective_at", project_path="policy__project", ordering=("-id",)
)
read_only(Calibrator, "version", "project", "created_at", ordering=("-id",))
read_only(Certificate, "statement", "project", "created_by", "created_at", ordering=("-id",))
read_only(Recalibration, "id", "project", "status", "policy", "labels_used", "created_at", ordering=("-id",))
read_only(TrafficReference, "version", "project", "created_by", "created_at", ordering=("-id",))
read_only(FeedCounter, "project", "last_position")
read_only(VerdictEvent, "position", "project", "output", "published_at", ordering=("-id",))
read_only(
    WebhookEndpoint,
    "url",
    "project",
    "active",
    "failures",
    "last_delivered_at",
    hidden=("secret", "former_secret", "lease"),
    ordering=("-id",),
)
read_only(
    WebhookDelivery,
    "id",
    "endpoint",
    "position",
    "state",
    "attempts",
    "last_status",
    project_path="endpoint__project",
    ordering=("-id",),
)
read_only(Judge, "name", "project", "active", "created_at", hidden=("sealed_key",), ordering=("-id",))
read_only(JudgeVersion, "judge", "number", "model", "base_url", project_path="judge__project", ordering=("-id",))
read_only(
    JudgeState, "judge", "failures", "open_until", "month", "spent", project_path="judge__project", ordering=("-judge",)
)
read_only(JudgeRequest, "output", "project", "state", "asked_at", "deadline_at", ordering=("-output",))
read_only(
    JudgeVerdict,
    "at",
    "version",
    "outcome",
    "verdict",
    "output",
    project_path="version__judge__project",
    ordering=("-id",),
)
