"""Passing verdicts on: exactly once, and never one that was undone."""

from datetime import datetime

from django.db import connection

from labeling.models import Verdict, VerdictNotice
from reviewapp.core.models import Project


def projects_with_news(*, now: datetime) -> list[int]:
    """Keys of the projects that have a verdict to pass on."""
    due = VerdictNotice.objects.filter(final_at__lte=now)
    return list(due.order_by("project_id").values_list("project_id", flat=True).distinct())


def has_news(*, project: Project, now: datetime) -> bool:
    return VerdictNotice.objects.filter(project=project, final_at__lte=now).exists()


def take_notices(*, project: Project, now: datetime, most: int) -> list[Verdict]:
    """The next final verdicts that were not passed on yet, by `final_at`, at most `most`; each is handed out once.

    To be called in the transaction that passes them on. A verdict that is just being undone is left alone.
    """
    due = VerdictNotice.objects.filter(project=project, final_at__lte=now).order_by("final_at", "verdict_id")
    if connection.features.has_select_for_update_skip_locked:
        # Not to wait for an undo in progress; SQLite has one writer at a time anyway.
        due = due.select_for_update(skip_locked=True)
    keys = list(due.values_list("verdict_id", flat=True)[:most])
    verdicts = Verdict.objects.select_related("item").in_bulk(keys)
    VerdictNotice.objects.filter(verdict_id__in=keys).delete()
    return [verdicts[key] for key in keys]


def withdraw_notice(*, verdict_id: int) -> bool:
    """Take the notice back; False when the verdict has been passed on already."""
    deleted, _ = VerdictNotice.objects.filter(verdict_id=verdict_id).delete()
    return deleted == 1
