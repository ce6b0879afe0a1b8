"""AI outputs and the signals that came with them."""

import uuid

import uuid_utils.compat
from django.db import models
from django.utils import timezone

from reviewapp.core.models import Content, Project, TaskKind


def new_output_id() -> uuid.UUID:
    """A UUIDv7: ordered by time, so that indexes grow at their end."""
    return uuid_utils.compat.uuid7()


class Output(models.Model):
    """One AI output as it was handed in. Its words are in `content`; the source stays here."""

    id = models.UUIDField(primary_key=True, default=new_output_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="outputs")
    external_id = models.CharField(max_length=200)
    # SHA-256 of the canonical request body: the same id with another body is a conflict.
    body_sha256 = models.CharField(max_length=64)
    task_kind = models.CharField(max_length=12, choices=TaskKind)
    intent = models.CharField(max_length=100)
    content = models.OneToOneField(Content, on_delete=models.PROTECT, related_name="output")
    # SHA-256 of the prompt: answers to the same prompt belong together in cross-validation.
    prompt_fingerprint = models.CharField(max_length=64)
    source_model = models.CharField(max_length=200, blank=True)
    source_version = models.CharField(max_length=200, blank=True)
    source_prompt_version = models.CharField(max_length=200, blank=True)
    # Pairwise: who wrote a and who wrote b.
    candidate_sources = models.JSONField(default=list)
    metadata = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "external_id"], name="output_external_id_unique"),
        ]
        indexes = [
            models.Index(fields=["project", "id"], name="output_by_project"),
            models.Index(fields=["project", "intent", "id"], name="output_by_intent"),
        ]

    def __str__(self) -> str:
        return self.external_id


class SignalOrigin(models.TextChoices):
    """Who said it: the caller with the output, or a judge of ours that the policy asked."""

    CALLER = "caller"
    JUDGE = "judge"


class Signal(models.Model):
    """One piece of evidence, as handed in. `evidence` is what it was turned into, in [0, 1]."""

    output = models.ForeignKey(Output, on_delete=models.PROTECT, related_name="signals")
    key = models.CharField(max_length=120, help_text="kind, or kind:name")
    kind = models.CharField(max_length=30)
    origin = models.CharField(max_length=6, choices=SignalOrigin, default=SignalOrigin.CALLER)
    data = models.JSONField()
    evidence = models.FloatField(null=True)

    class Meta:
        constraints = [
            # A caller may have spoken in the name of a judge of ours: that counts for nothing, and is kept.
            models.UniqueConstraint(fields=["output", "key", "origin"], name="signal_key_unique"),
            models.CheckConstraint(condition=models.Q(origin__in=SignalOrigin.values), name="signal_origin_known"),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.output_id}"
