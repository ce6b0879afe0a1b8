"""Paused slices: one intent under one rubric version whose seats raters are not handed until a person says so.

Nothing else changes for a paused slice: its outputs still come to review and wait, adjudicators go on, what somebody
holds may be handed in, and alarms about due times are raised as ever.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.models import Rubric, SlicePause
from labeling.queries.pauses import open_pauses
from labeling.services.alarms import clear_alarm, raise_alarm
from reviewapp.core.models import Project
from reviewapp.core.services.audit import SYSTEM, record

SLICE_PAUSED = "slice_paused"
REASON_LENGTH = 1000
# Why a pause ended that nobody lifted. Kept in English: the pages know the sentence and say it in another language.
TOOK_OVER = "%(rubric)s took over."


class PauseRefused(Exception):
    """The slice cannot be paused or its pause not be lifted; the message says why."""


@transaction.atomic
def pause_slice(
    *,
    project: Project,
    intent: str,
    rubric: Rubric,
    cause: str,
    evidence: Mapping[str, Any],
    actor: str,
    now: datetime,
) -> SlicePause:
    """Hand out none of the raters' seats of this intent under this version any more, and tell the owner why.

    `evidence` is JSON: what was measured. While a pause of the slice is open it is returned as it is, whatever its
    cause: repeating this is safe, several at once too. Raises PauseRefused for a rubric of another project.
    """
    if rubric.project_id != project.pk:
        raise PauseRefused(_("This rubric belongs to another project."))
    pause, created = SlicePause.objects.get_or_create(
        project=project,
        intent=intent,
        rubric=rubric,
        lifted_at=None,
        defaults={"cause": cause, "evidence": dict(evidence), "paused_by": actor, "paused_at": now},
    )
    if created:
        _record(pause, "slice.paused", actor, cause=cause, evidence=pause.evidence)
        _keep_alarm(project, intent, now)
    return pause


@transaction.atomic
def lift_pause(*, pause: SlicePause, actor: str, reason: str, now: datetime) -> SlicePause:
    """The slice's seats are handed out again; what was measured before does not pause it again.

    Raises PauseRefused without a reason, or when it was lifted before.
    """
    if not reason.strip():
        raise PauseRefused(_("Say why; the reason is kept with the pause."))
    if not _lift(pause, actor, reason.strip(), now):
        raise PauseRefused(_("This pause has been lifted already."))
    pause.refresh_from_db()
    return pause


@transaction.atomic
def lift_for_successor(*, rubric: Rubric, now: datetime) -> int:
    """End the pauses under earlier versions of the name, and under whatever it replaces, once `rubric` is in force.

    A new version is measured anew; that it is better nobody has shown yet, and if it is not, it pauses again. Returns
    how many ended.
    """
    earlier = open_pauses(rubric.project_id).filter(rubric__task_kind=rubric.task_kind).exclude(rubric=rubric)
    reason = TOOK_OVER % {"rubric": rubric}
    return sum(_lift(pause, SYSTEM, reason, now) for pause in earlier.select_related("project", "rubric"))


def _lift(pause: SlicePause, actor: str, reason: str, now: datetime) -> bool:
    changed = SlicePause.objects.filter(pk=pause.pk, lifted_at__isnull=True).update(
        lifted_at=now, lifted_by=actor, reason=reason[:REASON_LENGTH]
    )
    if changed:
        _record(pause, "slice.resumed", actor, reason=reason)
        _keep_alarm(pause.project, pause.intent, now)
    return bool(changed)


def _keep_alarm(project: Project, intent: str, now: datetime) -> None:
    """One alarm for each intent, on its oldest open pause; none while there is no pause."""
    first = open_pauses(project.pk).filter(intent=intent).select_related("rubric").first()
    if first is None:
        clear_alarm(project=project, kind=SLICE_PAUSED, subject=intent, now=now)
        return
    data = {"pause": first.pk, "rubric": str(first.rubric), "cause": first.cause, "evidence": first.evidence}
    raise_alarm(project=project, kind=SLICE_PAUSED, subject=intent, data=data, news=["pause"], now=now)


def _record(pause: SlicePause, verb: str, actor: str, **data: Any) -> None:
    record(
        project=pause.project,
        actor=actor,
        verb=verb,
        target=f"slice:{pause.intent}",
        rubric=str(pause.rubric),
        pause=pause.pk,
        **data,
    )
