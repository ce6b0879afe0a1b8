"""What is wrong, for as long as it is: one open alarm for each kind and subject, cleared when its cause is gone."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from labeling.models import Alarm
from reviewapp.core.models import Project
from reviewapp.core.services.audit import SYSTEM, record


@transaction.atomic
def raise_alarm(
    *,
    project: Project,
    kind: str,
    now: datetime,
    data: Mapping[str, Any],
    subject: str = "",
    news: Collection[str] = (),
) -> Alarm:
    """Open the alarm, or bring the open one up to date; repeating it is safe, several at once too.

    `data` is what its sentence is made of (labeling/alarm_sentences.py), as JSON. Where one of its fields that
    `news` names is another than before, the owners are told again, and whoever has seen it has not seen this.
    """
    alarm, created = Alarm.objects.get_or_create(
        project=project,
        kind=kind,
        subject=subject,
        cleared_at=None,
        defaults={"data": dict(data), "raised_at": now, "tell_at": now},
    )
    if created:
        _record(alarm, "alarm.raised", SYSTEM)
    elif alarm.data != data:
        changes: dict[str, Any] = {"data": dict(data)}
        if any(alarm.data.get(name) != data.get(name) for name in news):
            changes |= {"tell_at": now, "seen_at": None, "seen_by": ""}
        Alarm.objects.filter(pk=alarm.pk, cleared_at__isnull=True).update(**changes)
        alarm.refresh_from_db()
    return alarm


@transaction.atomic
def clear_alarms(*, project: Project, kind: str, now: datetime, but: Collection[str] = ()) -> int:
    """Clear the open alarms of this kind, except those on the subjects in `but`, whose cause is still there."""
    gone = Alarm.objects.filter(project=project, kind=kind, cleared_at__isnull=True).exclude(subject__in=but)
    cleared = 0
    for alarm in gone:
        if Alarm.objects.filter(pk=alarm.pk, cleared_at__isnull=True).update(cleared_at=now, tell_at=None):
            _record(alarm, "alarm.cleared", SYSTEM)
            cleared += 1
    return cleared


@transaction.atomic
def clear_alarm(*, project: Project, kind: str, now: datetime, subject: str = "") -> bool:
    """Clear this one; False when it was not open."""
    others = Alarm.objects.filter(project=project, kind=kind, cleared_at__isnull=True).exclude(subject=subject)
    return clear_alarms(project=project, kind=kind, now=now, but=list(others.values_list("subject", flat=True))) > 0


@transaction.atomic
def mark_seen(*, alarm: Alarm, actor: str, now: datetime) -> None:
    """Somebody has taken note. That ends nothing; the first to see it is the one who is named."""
    if Alarm.objects.filter(pk=alarm.pk, seen_at__isnull=True).update(seen_at=now, seen_by=actor):
        _record(alarm, "alarm.seen", actor)


def _record(alarm: Alarm, verb: str, actor: str) -> None:
    record(
        project=alarm.project,
        actor=actor,
        verb=verb,
        target=f"alarm:{alarm.pk}",
        kind=alarm.kind,
        subject=alarm.subject,
    )
