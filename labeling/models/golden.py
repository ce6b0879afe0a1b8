"""Golden sets: frozen, hashed, named versions of judged cases."""

from django.db import models
from django.utils import timezone

from reviewapp.core.models import Project


class GoldenSet(models.Model):
    """One frozen version. `sha256` is the digest of its JSONL file, byte for byte."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="golden_sets")
    name = models.CharField(max_length=100, help_text="<project>-<ISO year>-w<week>-v<n>")
    iso_year = models.PositiveSmallIntegerField()
    week = models.PositiveSmallIntegerField()
    number = models.PositiveSmallIntegerField()
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    seed = models.CharField(max_length=100)
    case_count = models.PositiveIntegerField()
    composition = models.JSONField()
    sha256 = models.CharField(max_length=64)
    created_by = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="golden_set_name_unique"),
            models.UniqueConstraint(fields=["project", "iso_year", "week", "number"], name="golden_set_number_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class GoldenCase(models.Model):
    """One line of a golden set, exactly as exported."""

    golden_set = models.ForeignKey(GoldenSet, on_delete=models.PROTECT, related_name="cases")
    position = models.PositiveIntegerField()
    case_id = models.CharField(max_length=64)
    stratum = models.CharField(max_length=200)
    weight = models.FloatField()
    line = models.TextField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["golden_set", "position"], name="golden_case_position_unique"),
            models.UniqueConstraint(fields=["golden_set", "case_id"], name="golden_case_once"),
        ]

    def __str__(self) -> str:
        return f"{self.golden_set_id}#{self.position}"
