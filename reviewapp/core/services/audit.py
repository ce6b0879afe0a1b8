"""The audit log's one write path."""

from typing import Any

from reviewapp.core.models import AuditEntry, Project

SYSTEM = "system"


def record(*, project: Project | None, actor: str, verb: str, target: str, **data: Any) -> AuditEntry:
    """Write who did what to what. `actor` is `person:<id>`, `key:<prefix>`, `command` or `system`."""
    return AuditEntry.objects.create(project=project, actor=actor, verb=verb, target=target, data=data)
