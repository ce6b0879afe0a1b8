"""The queue's settings: how a project's queue treats people, what each of them may take, and who hears of delays."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.models import EscalationStep, QueueSettings
from reviewapp.core.models import Membership, Project
from reviewapp.core.services.audit import record

MOST_STEPS = 50
MOST_CREDENTIALS = 50
CREDENTIAL_LENGTH = 60


class SettingRefused(Exception):
    """The setting cannot be; `pointer` names the field at fault."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to tell of an unjudged item, and how many minutes before it is due (negative: after).

    `priority` is a seat's, 0 being the highest stakes; None stands for every tier.
    """

    priority: int | None
    minutes_before: int
    membership_id: int


@transaction.atomic
def set_gold_rate(*, project: Project, gold_rate: float) -> None:
    """Share of claims that are gold, in [0, 0.5]; makes the settings row on first use."""
    QueueSettings.objects.update_or_create(project=project, defaults={"gold_rate": gold_rate})


@transaction.atomic
def change_queue_settings(*, project: Project, actor: str, **changes: Any) -> QueueSettings:
    """Change caps, breaks, rotation, leases or the undo window, with a line in the audit log."""
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


@transaction.atomic
def change_assignment_rules(
    *, membership: Membership, credentials: Collection[str], daily_cap: int | None, standby: bool, actor: str
) -> None:
    """What this person may take, how much a day (None: as everybody), and whether only as a stand-in.

    Raises SettingRefused.
    """
    wanted = sorted({credential.strip() for credential in credentials} - {""})
    if len(wanted) > MOST_CREDENTIALS or any(len(credential) > CREDENTIAL_LENGTH for credential in wanted):
        raise SettingRefused(
            "/credentials",
            _("At most %(most)d credentials of at most %(length)d characters each.")
            % {"most": MOST_CREDENTIALS, "length": CREDENTIAL_LENGTH},
        )
    changes = {"credentials": wanted, "daily_cap": daily_cap, "standby": standby}
    before = {name: getattr(membership, name) for name in changes}
    if before == changes:
        return
    for name, value in changes.items():
        setattr(membership, name, value)
    membership.save(update_fields=[*changes])
    record(
        project=membership.project,
        actor=actor,
        verb="member.changed",
        target=f"person:{membership.person_id}",
        before=before,
        after=changes,
    )


@transaction.atomic
def set_escalation_steps(*, project: Project, steps: Collection[Step], actor: str) -> None:
    """Exactly these steps from now on. A step that was there keeps what it has told, so nobody hears of it again.

    Raises SettingRefused.
    """
    wanted = set(steps)
    if len(wanted) > MOST_STEPS:
        raise SettingRefused("/steps", _("At most %(most)d steps.") % {"most": MOST_STEPS})
    members = set(Membership.objects.filter(project=project).values_list("pk", flat=True))
    if any(step.membership_id not in members for step in wanted):
        raise SettingRefused("/steps", _("A step names somebody who is not in this project."))
    # One at a time: the settings row stands for the list.
    QueueSettings.objects.select_for_update().get(project=project)
    there = {
        Step(row.priority, row.minutes_before, row.membership_id): row.pk
        for row in EscalationStep.objects.filter(project=project)
    }
    if there.keys() == wanted:
        return
    EscalationStep.objects.filter(pk__in=[pk for step, pk in there.items() if step not in wanted]).delete()
    EscalationStep.objects.bulk_create(
        EscalationStep(
            project=project,
            priority=step.priority,
            minutes_before=step.minutes_before,
            membership_id=step.membership_id,
        )
        for step in wanted - there.keys()
    )
    record(
        project=project,
        actor=actor,
        verb="escalation.changed",
        target=f"project:{project.slug}",
        before=_as_json(there),
        after=_as_json(wanted),
    )


def _as_json(steps: Collection[Step]) -> list[dict[str, Any]]:
    rows = [
        {"priority": step.priority, "minutes_before": step.minutes_before, "member": step.membership_id}
        for step in steps
    ]
    return sorted(rows, key=lambda row: (str(row["priority"]), row["minutes_before"], row["member"]))
