"""The queue's settings: how a project's queue treats people."""

from typing import Any

from django.db import transaction

from labeling.models import QueueSettings
from reviewapp.core.models import Project
from reviewapp.core.services.audit import record


@transaction.atomic
def set_gold_rate(*, project: Project, gold_rate: float) -> None:
    """Share of claims that are gold, in [0, 0.5]; makes the settings row on first use."""
    QueueSettings.objects.update_or_create(project=project, defaults={"gold_rate": gold_rate})


@transaction.atomic
def change_queue_settings(*, project: Project, actor: str, **changes: Any) -> QueueSettings:
    """Change caps, leases or the undo window, with a line in the audit log."""
    settings, _created = QueueSettings.objects.get_or_create(project=project)
    before = {name: getattr(settings, name) for name in changes}
    for name, value in changes.items():
        setattr(settings, name, value)
    settings.full_clean()
    settings.save(update_fields=[*changes])
    record(
        project=project,
        actor=actor,
        verb="queue.changed",
        target=f"project:{project.slug}",
        before=before,
        after=changes,
    )
    return settings
