"""Word of verdicts, to be passed on."""

from django.db import models

from labeling.models.ratings import Verdict
from reviewapp.core.models import Project


class VerdictNotice(models.Model):
    """A verdict that nobody was told of yet: written with it, in one transaction, so that neither exists alone.

    Whoever passes it on deletes the row, and so does an undo: the row can go one way only, and what
    was passed on can no longer be undone.
    """

    verdict = models.OneToOneField(Verdict, on_delete=models.PROTECT, primary_key=True, related_name="notice")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    # The verdict's: until then it may be undone.
    final_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["project", "final_at"], name="notice_due")]

    def __str__(self) -> str:
        return f"notice of verdict {self.verdict_id}"
