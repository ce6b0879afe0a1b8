"""Routing in the admin. A policy may be drafted here, through the service; everything else is for reading."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from reviewapp.core.admin import OwnedAdmin, owned_projects, read_only, refuse_unstorable
from routing.models import (
    ActivePolicy,
    Calibrator,
    Certificate,
    Decision,
    Output,
    OutputReview,
    Policy,
    PolicyActivation,
    Recalibration,
    Signal,
)
from routing.services.policies import PolicyRefused, draft_policy, parse_document

if TYPE_CHECKING:
    AnyModelForm = forms.ModelForm[Policy]
else:
    # Generic in its type stubs only.
    AnyModelForm = forms.ModelForm


class PolicyDraftForm(AnyModelForm):
    """The document, held against the rules of a policy before anything is stored."""

    def clean_document(self) -> Any:
        document = self.cleaned_data["document"]
        refuse_unstorable(document)
        try:
            parse_document(document)
        except PolicyRefused as refused:
            raise ValidationError([f"{fault['pointer']}: {fault['detail']}" for fault in refused.errors]) from None
        return document


@admin.register(Policy)
class PolicyAdmin(OwnedAdmin):
    """Drafted by the service and never edited: draft another version, and put it in force in the console."""

    form = PolicyDraftForm
    list_display = ("version", "name", "project", "note", "created_by", "created_at", "published_at")
    list_select_related = ("project",)
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return owned_projects(request).exists()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("project", "document", "note") if obj is None else super().get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        active = ActivePolicy.objects.select_related("policy__calibrator").filter(project=obj.project).first()
        drafted = draft_policy(
            actor=self.actor(request), calibrator=active.policy.calibrator if active else None, **form.cleaned_data
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
read_only(PolicyActivation, "policy", "actor", "reason", "at", project_path="policy__project", ordering=("-id",))
read_only(Calibrator, "version", "project", "created_at", ordering=("-id",))
read_only(Certificate, "statement", "project", "created_by", "created_at", ordering=("-id",))
read_only(Recalibration, "id", "project", "status", "policy", "labels_used", "created_at", ordering=("-id",))
