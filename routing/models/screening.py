"""What the inputs of a project usually look like, so that the unusual can be told from them."""

from django.db import models
from django.utils import timezone

from reviewapp.core.models import Project


class TrafficReference(models.Model):
    """A look at the project's recent traffic, taken once and never changed; the newest is in use."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="traffic_references")
    version = models.PositiveIntegerField()
    # The contents that were looked at; contents never change, so it can be rebuilt from them at any time.
    content_ids = models.JSONField()
    # Per output the signs of something adversarial, as [kind, weight, hard].
    signs = models.JSONField()
    # Distances of the inputs to the others among them; empty where they are too few to say.
    distances = models.JSONField()
    created_by = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="traffic_reference_version_unique"),
        ]

    def __str__(self) -> str:
        return f"traffic reference v{self.version}"
