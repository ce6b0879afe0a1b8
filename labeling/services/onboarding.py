"""What owners do about onboarding: switch it on and off, pause with a way back, give a round, let somebody go live."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.models import QueueSettings, ReviewerStage, Round, RoundKind, Stage
from labeling.queries.onboarding import open_round, stage_of
from labeling.services.alarms import clear_alarm
from labeling.services.limits import queue_settings
from labeling.services.rounds import (
    FAILED,
    GOLD_SHORT,
    Shortage,
    begin_round,
    break_off,
    enter,
    locked_member,
    set_stage,
)
from labeling.services.settings import change_queue_settings
from reviewapp.core.models import Membership, Project, Role
from reviewapp.core.services.audit import SYSTEM, record
from reviewapp.core.services.people import pause_member, resume_member

IN_ONBOARDING = (Stage.INSTRUCTIONS, Stage.PRACTICE, Stage.QUALIFICATION)
DUE = "A calibration round is due before you go on."


class RoundRefused(Exception):
    """The round cannot be given; the message says why, `code` whether cases are missing for it."""

    def __init__(self, message: str, code: str = "round_refused") -> None:
        super().__init__(message)
        self.code = code


@transaction.atomic
def change_onboarding(*, project: Project, actor: str, now: datetime, **changes: Any) -> QueueSettings:
    """Change `onboarding`, `practice_size`, `qualification_size` or `qualification_mark`.

    Switched on, it is for whoever comes from now on: who is there already is live. Switched off, whoever is on the
    way is live too, and their practice and qualification rounds are broken off. Pauses stay as they are.
    """
    before = queue_settings(project.pk).onboarding
    settings = change_queue_settings(project=project, actor=actor, **changes)
    if settings.onboarding and not before:
        present = Membership.objects.filter(project=project, role=Role.REVIEWER, stage__isnull=True)
        ReviewerStage.objects.bulk_create(
            [ReviewerStage(membership=member, stage=Stage.LIVE, changed_at=now) for member in present],
            ignore_conflicts=True,
        )
    if before and not settings.onboarding:
        kinds = [RoundKind.PRACTICE, RoundKind.QUALIFICATION]
        running = Round.objects.filter(membership__project=project, ended_at__isnull=True, kind__in=kinds)
        for round_ in running.select_related("membership__project").order_by("membership_id"):
            locked_member(round_.membership_id)
            break_off(round_=round_, now=now)
        on_the_way = ReviewerStage.objects.filter(membership__project=project, stage__in=IN_ONBOARDING)
        on_the_way.update(stage=Stage.LIVE, changed_at=now)
    return settings


@transaction.atomic
def pause_reviewer(
    *, membership: Membership, actor: str, reason: str, now: datetime, calibration: bool | None = None
) -> None:
    """Pause somebody; with `calibration` a round of cases with known answers brings a live reviewer back by itself.

    By default what the system pauses gets that way back, and what a person pauses waits for a person. Somebody
    still on the way to live work has a qualification before them anyway. Raises PersonRefused.
    """
    way_back = actor == SYSTEM if calibration is None else calibration
    was_paused = locked_member(membership.pk).paused_at is not None
    pause_member(membership=membership, actor=actor, reason=reason, now=now)
    if not way_back or was_paused or membership.role != Role.REVIEWER:
        return
    if stage_of(membership) in (Stage.LIVE, Stage.CALIBRATION):
        set_stage(membership, Stage.CALIBRATION, now)
        target = f"person:{membership.person_id}"
        record(project=membership.project, actor=actor, verb="round.offered", target=target, kind=RoundKind.CALIBRATION)
        # Begun at once where there are cases for it, so that the owner hears now if there are not.
        begin_round(reviewer=membership, started_by=actor, now=now)


@transaction.atomic
def resume_reviewer(*, membership: Membership, actor: str, reason: str, now: datetime) -> None:
    """Let a paused person take items again; a calibration round that they have not passed yet is broken off."""
    locked_member(membership.pk)
    resume_member(membership=membership, actor=actor, reason=reason, now=now)
    if stage_of(membership) == Stage.CALIBRATION:
        if (running := open_round(membership)) is not None:
            break_off(round_=running, now=now)
        set_stage(membership, Stage.LIVE, now)
    _clear(membership, now)


@transaction.atomic
def give_round(*, membership: Membership, actor: str, now: datetime) -> Round:
    """The round that brings this reviewer (back) to live work, begun.

    A live reviewer is paused until they pass it; who failed a qualification gets another one. Raises RoundRefused,
    and changes nothing then.
    """
    if membership.role != Role.REVIEWER:
        raise RoundRefused(_("Only reviewers go through rounds."))
    locked_member(membership.pk)
    if open_round(membership) is not None:
        raise RoundRefused(_("There is an open round already."))
    membership.refresh_from_db(fields=["paused_at", "pause_reason"])
    stage = enter(reviewer=membership, now=now)
    if stage in (Stage.INSTRUCTIONS, Stage.PRACTICE):
        raise RoundRefused(_("They have not finished their practice yet; the qualification follows by itself."))
    if stage == Stage.QUALIFICATION:
        resume_member(membership=membership, actor=actor, reason="Another qualification round.", now=now)
    else:
        set_stage(membership, Stage.CALIBRATION, now)
        pause_member(membership=membership, actor=actor, reason=DUE, now=now)
    membership.refresh_from_db(fields=["paused_at", "pause_reason"])
    _clear(membership, now)
    record(project=membership.project, actor=actor, verb="round.offered", target=_target(membership), kind=_kind(stage))
    begun = begin_round(reviewer=membership, started_by=actor, now=now)
    if isinstance(begun, Shortage):
        counts = {"needed": begun.needed, "available": begun.available}
        short = _("A round needs at least %(needed)d gold cases that they have not met; there are %(available)d.")
        raise RoundRefused(short % counts, "gold_short")
    assert begun is not None
    return begun


@transaction.atomic
def let_go_live(*, membership: Membership, actor: str, reason: str, now: datetime) -> None:
    """Live work from now on, whatever the rounds say: stage and pause end, and an open round is broken off."""
    if membership.role != Role.REVIEWER:
        raise RoundRefused(_("Only reviewers go through rounds."))
    locked_member(membership.pk)
    running = open_round(membership)
    if running is not None:
        break_off(round_=running, now=now)
    set_stage(membership, Stage.LIVE, now)
    resume_member(membership=membership, actor=actor, reason=reason, now=now)
    _clear(membership, now)
    record(project=membership.project, actor=actor, verb="reviewer.let_live", target=_target(membership), reason=reason)


def _clear(membership: Membership, now: datetime) -> None:
    for kind in (*FAILED.values(), GOLD_SHORT):
        clear_alarm(project=membership.project, kind=kind, subject=membership.rater_code, now=now)


def _kind(stage: str) -> str:
    return RoundKind.QUALIFICATION if stage == Stage.QUALIFICATION else RoundKind.CALIBRATION


def _target(membership: Membership) -> str:
    return f"person:{membership.person_id}"
