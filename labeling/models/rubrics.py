"""Rubrics: what a reviewer is asked, version by version."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from reviewapp.core.models import Project, TaskKind


class RubricQuerySet(models.QuerySet["Rubric"]):
    def published(self) -> "RubricQuerySet":
        return self.filter(published_at__isnull=False)


class Rubric(models.Model):
    """One version of a set of criteria. Editable until published; then the database refuses."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="rubrics")
    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField()
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    task_kind = models.CharField(max_length=12, choices=TaskKind, default=TaskKind.POINTWISE)
    # Reviewers may hand in a corrected response.
    corrections = models.BooleanField(default=True)
    # What a stretch of the response may be marked as; empty: nothing is marked.
    span_categories = models.JSONField(default=list, blank=True)
    instructions = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = RubricQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name", "version"], name="rubric_version_unique"),
            models.CheckConstraint(condition=Q(task_kind__in=TaskKind.values), name="rubric_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def pairwise(self) -> bool:
        return self.task_kind == TaskKind.PAIRWISE


class CriterionType(models.TextChoices):
    BINARY = "binary"
    CATEGORICAL = "categorical"
    ORDINAL = "ordinal"
    NUMERIC = "numeric"


class Criterion(models.Model):
    """One question of a rubric.

    `levels` is a list of {"value", "label", "description"} in scale order (empty for numeric);
    `fail_values` are the values that make the output unacceptable; a numeric criterion fails
    below `fail_below`.
    """

    rubric = models.ForeignKey(Rubric, on_delete=models.CASCADE, related_name="criteria")
    order = models.PositiveSmallIntegerField(default=0)
    name = models.SlugField(max_length=60)
    type = models.CharField(max_length=12, choices=CriterionType)
    question = models.CharField(max_length=500)
    required = models.BooleanField(default=True)
    levels = models.JSONField(default=list, blank=True)
    fail_values = models.JSONField(default=list, blank=True)
    minimum = models.FloatField(null=True, blank=True)
    maximum = models.FloatField(null=True, blank=True)
    fail_below = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["order", "id"]
        verbose_name_plural = "criteria"
        constraints = [
            models.UniqueConstraint(fields=["rubric", "name"], name="criterion_name_unique"),
            models.CheckConstraint(condition=Q(type__in=CriterionType.values), name="criterion_type_known"),
        ]

    def __str__(self) -> str:
        return self.name


class ActiveRubric(models.Model):
    """Which published rubric new items of a task kind are pinned to: one row, so exactly one."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="active_rubrics")
    task_kind = models.CharField(max_length=12, choices=TaskKind)
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "task_kind"], name="one_rubric_per_kind")]

    def __str__(self) -> str:
        return f"{self.project} {self.task_kind}: {self.rubric}"
