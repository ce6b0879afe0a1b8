"""Rounds of cases with known answers: practice and qualification before live work, calibration on the way back to it.

A person's claims serve the round they are in and nothing else. What they do is counted from the rows, never kept
twice: an undo takes back what a submit counted, and a round ends when every case is done and no answer can be taken
back any more. Whoever looks next (a claim, a page, the sweep) finds that out; nothing waits for a message.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.models import Alarm, Assignment, QueueSettings, Rating, ReviewerStage, Round, RoundKind, Stage
from labeling.queries.onboarding import ENDED, available_cases, open_round, right_in, stage_of, unfinished_rounds
from labeling.services.alarms import clear_alarm, raise_alarm
from labeling.services.limits import ClaimRefused, queue_settings
from reviewapp.core.models import Membership, Role
from reviewapp.core.services.audit import SYSTEM, record
from reviewapp.core.services.people import pause_member, resume_member

# With fewer cases chance decides; a smaller round is only what the owner asked for.
MIN_CASES = 5
ROUND_OF_STAGE = {
    Stage.PRACTICE: RoundKind.PRACTICE,
    Stage.QUALIFICATION: RoundKind.QUALIFICATION,
    Stage.CALIBRATION: RoundKind.CALIBRATION,
}
# Raised when a round cannot be begun; the subject is what is missing.
GOLD_SHORT = "gold_short"
# The subject where gold runs short for live work (`labeling.services.gold_watch`), which is no round's concern.
PLANTING = "planting"
FAILED = {
    RoundKind.QUALIFICATION: "qualification_failed",
    RoundKind.CALIBRATION: "calibration_failed",
}
NOT_PASSED = {
    RoundKind.QUALIFICATION: "The qualification round was not passed. The project's owner has been told and decides.",
    RoundKind.CALIBRATION: "The calibration round was not passed. The project's owner has been told and decides.",
}


@dataclass(frozen=True, slots=True)
class Shortage:
    """Too few cases for a round: `available` of the `needed` of a kind."""

    practice: bool
    available: int
    needed: int

    def __str__(self) -> str:
        counts = {"needed": self.needed, "available": self.available}
        if self.practice:
            return _("Practice needs %(needed)d cases; there are %(available)d. The owner has been told.") % counts
        return (
            _(
                "The round before live work needs %(needed)d cases that are new to you; there are %(available)d. "
                "The owner has been told."
            )
            % counts
        )


# Before live work ------------------------------------------------------------------------------------------


@transaction.atomic
def enter(*, reviewer: Membership, now: datetime, settings: QueueSettings | None = None) -> str:
    """The stage of a person who comes to the queue; a newcomer to a project with onboarding starts at the beginning.

    Whoever was there before onboarding was switched on is live: they were marked so then, or have handed in work.
    """
    stage = stage_of(reviewer)
    if stage == Stage.CALIBRATION and not reviewer.paused_at:
        # Resumed by hand before they passed; or paused since the caller looked.
        rows = ReviewerStage.objects.filter(membership=reviewer, stage=stage, membership__paused_at__isnull=True)
        if rows.update(stage=Stage.LIVE, changed_at=now):
            return Stage.LIVE
        reviewer.refresh_from_db(fields=["paused_at", "pause_reason"])
    settings = settings or queue_settings(reviewer.project_id)
    if reviewer.role != Role.REVIEWER or not settings.onboarding:
        return stage if stage == Stage.CALIBRATION else Stage.LIVE
    if not ReviewerStage.objects.filter(membership=reviewer).exists():
        old_hand = Rating.objects.filter(reviewer=reviewer).exists()
        begin = Stage.LIVE if old_hand else Stage.INSTRUCTIONS
        row, _created = ReviewerStage.objects.get_or_create(
            membership=reviewer, defaults={"stage": begin, "changed_at": now}
        )
        stage = row.stage
    return stage


@transaction.atomic
def confirm_instructions(*, reviewer: Membership, now: datetime) -> None:
    """The person has read the rubric; practice comes next. Repeating it changes nothing."""
    enter(reviewer=reviewer, now=now)
    following = Stage.PRACTICE if queue_settings(reviewer.project_id).practice_size else Stage.QUALIFICATION
    rows = ReviewerStage.objects.filter(membership=reviewer, stage=Stage.INSTRUCTIONS)
    if rows.update(stage=following, changed_at=now):
        _record(reviewer, "instructions.confirmed", f"person:{reviewer.person_id}")


# The round that comes first --------------------------------------------------------------------------------


def round_due(*, reviewer: Membership, settings: QueueSettings, now: datetime) -> Round | None:
    """The round that this person's claims serve, begun if it is due; None for live work or for nobody's queue.

    Ends the open round first if it can be ended, and brings `reviewer` up to date with what follows from that.
    Raises ClaimRefused (`needs_calibration`) where the instructions are unread, or where cases are missing.
    """
    if reviewer.role != Role.REVIEWER:
        return None
    running = settled_round(reviewer=reviewer, now=now)
    stage = enter(reviewer=reviewer, now=now, settings=settings)
    if reviewer.paused_at and stage != Stage.CALIBRATION:
        return None
    if running is not None:
        return running
    if stage == Stage.INSTRUCTIONS:
        unread = _("Read the instructions and confirm them first; they are on the project's welcome page.")
        raise ClaimRefused("needs_calibration", unread)
    if stage not in ROUND_OF_STAGE:
        return None
    begun = begin_round(reviewer=reviewer, started_by=SYSTEM, now=now)
    if isinstance(begun, Shortage):
        raise ClaimRefused("needs_calibration", str(begun))
    return begun


def settled_round(*, reviewer: Membership, now: datetime) -> Round | None:
    """The person's open round, after ending it if that is due; `reviewer` is brought up to date."""
    running = open_round(reviewer)
    if running is None or not finish_round(round_=running, now=now):
        return running
    reviewer.refresh_from_db(fields=["paused_at", "pause_reason"])
    return None


@transaction.atomic
def begin_round(*, reviewer: Membership, started_by: str, now: datetime) -> Round | Shortage | None:
    """Begin the round of the person's stage, or find the open one; None where their stage has none.

    With fewer cases than the settings ask for, the round takes what there is, but not fewer than `MIN_CASES`:
    then it is not begun, and the owner is told.
    """
    # Another tab may have begun it, and worked on it, since the caller looked.
    reviewer = locked_member(reviewer.pk)
    stage = Stage(stage_of(reviewer))
    if (running := open_round(reviewer)) is not None or stage not in ROUND_OF_STAGE:
        return running
    settings = queue_settings(reviewer.project_id)
    kind = ROUND_OF_STAGE[stage]
    practice = kind == RoundKind.PRACTICE
    available = available_cases(reviewer, practice=practice)
    if available < least_cases(settings, kind):
        return _short(reviewer, kind, available, settings, now)
    round_ = Round.objects.create(
        membership=reviewer,
        kind=kind,
        size=min(wanted_cases(settings, kind), available),
        pass_mark=0.0 if practice else settings.qualification_mark,
        started_by=started_by,
        started_at=now,
    )
    _record(reviewer, "round.begun", started_by, kind=kind, size=round_.size, round=round_.pk)
    clear_alarm(project=reviewer.project, kind=GOLD_SHORT, subject=reviewer.rater_code, now=now)
    return round_


def wanted_cases(settings: QueueSettings, kind: str) -> int:
    return settings.practice_size if kind == RoundKind.PRACTICE else max(1, settings.qualification_size)


def least_cases(settings: QueueSettings, kind: str) -> int:
    return min(MIN_CASES, max(1, wanted_cases(settings, kind)))


def shorten_round(*, round_: Round, now: datetime) -> Shortage | None:
    """No case is left for the round: what was given is all of it, if that is enough; else the owner is told."""
    with transaction.atomic():
        reviewer = locked_member(round_.membership_id)
        settings = queue_settings(reviewer.project_id)
        locked = Round.objects.get(pk=round_.pk)
        given = locked.assignments.count()
        if given >= least_cases(settings, locked.kind):
            if locked.ended_at is None and given < locked.size:
                Round.objects.filter(pk=locked.pk).update(size=given)
                _record(reviewer, "round.shortened", SYSTEM, round=locked.pk, before=locked.size, after=given)
            return None
    return _short(reviewer, locked.kind, given, settings, now)


def _short(reviewer: Membership, kind: str, available: int, settings: QueueSettings, now: datetime) -> Shortage:
    shortage = Shortage(kind == RoundKind.PRACTICE, available, least_cases(settings, kind))
    raise_alarm(
        project=reviewer.project,
        kind=GOLD_SHORT,
        subject=reviewer.rater_code,
        data={"round": kind, "available": available, "needed": shortage.needed},
        now=now,
    )
    return shortage


# How it ends -----------------------------------------------------------------------------------------------


@transaction.atomic
def finish_round(*, round_: Round, now: datetime) -> bool:
    """End the round if every case is done and no answer can be taken back any more; whether it has ended.

    A calibration of somebody who is not paused any more is broken off: the owner was quicker.
    """
    reviewer = locked_member(round_.membership_id)
    locked = Round.objects.get(pk=round_.pk)
    locked.membership = reviewer
    if locked.ended_at:
        return True
    if locked.kind == RoundKind.CALIBRATION and not reviewer.paused_at:
        break_off(round_=locked, now=now)
        set_stage(reviewer, Stage.LIVE, now)
        return True
    # Locked, so that an undo comes before or after; one that comes after finds the round ended.
    done = Assignment.objects.select_for_update(no_key=True, of=("self",)).filter(round=locked, state__in=ENDED)
    if len(done.order_by("pk").values_list("pk")) < locked.size:
        return False
    if Rating.objects.standing().filter(assignment__round=locked, undo_until__gte=now).exists():
        return False
    locked.done, locked.right, locked.ended_at = locked.size, right_in(locked), now
    # Floats: 0.7 of 10 are 7 right answers and not a hair more.
    enough = locked.right >= locked.pass_mark * locked.size - 1e-9
    locked.passed = locked.kind == RoundKind.PRACTICE or enough
    locked.save(update_fields=["done", "right", "ended_at", "passed"])
    _go_on(locked, now)
    return True


def _go_on(round_: Round, now: datetime) -> None:
    """What follows from how the round ended."""
    reviewer = round_.membership
    verb = "round.passed" if round_.passed else "round.failed"
    figures = {"kind": round_.kind, "right": round_.right, "size": round_.size, "mark": round_.pass_mark}
    _record(reviewer, verb, SYSTEM, round=round_.pk, **figures)
    if round_.kind == RoundKind.PRACTICE:
        set_stage(reviewer, Stage.QUALIFICATION, now)
        return
    if round_.passed:
        set_stage(reviewer, Stage.LIVE, now)
        if round_.kind == RoundKind.CALIBRATION:
            resume_member(membership=reviewer, actor=SYSTEM, reason="Passed the calibration round.", now=now)
        return
    reason = NOT_PASSED[RoundKind(round_.kind)]
    pause_member(membership=reviewer, actor=SYSTEM, reason=reason, now=now)
    # Who was paused before reads why it stays so.
    Membership.objects.filter(pk=reviewer.pk).update(pause_reason=reason)
    if round_.kind == RoundKind.CALIBRATION:
        # Another one is for the owner to give.
        set_stage(reviewer, Stage.LIVE, now)
    kind = FAILED[RoundKind(round_.kind)]
    data = {"round": round_.pk, **figures}
    raise_alarm(project=reviewer.project, kind=kind, subject=reviewer.rater_code, data=data, now=now)


def break_off(*, round_: Round, now: datetime) -> None:
    """End an open round without a result. The caller is in a transaction and says why in the audit log."""
    if Round.objects.filter(pk=round_.pk, ended_at__isnull=True).update(
        done=round_.assignments.filter(state__in=ENDED).count(), right=right_in(round_), ended_at=now
    ):
        _record(round_.membership, "round.broken_off", SYSTEM, round=round_.pk, kind=round_.kind)


def settle_rounds(*, now: datetime) -> int:
    """End every round that can be ended, for people who do not come back to see it; how many ended.

    Alarms about missing cases end with the shortage.
    """
    open_ = Alarm.objects.filter(kind=GOLD_SHORT, cleared_at__isnull=True).exclude(subject=PLANTING)
    for alarm in open_.select_related("project"):
        member = Membership.objects.filter(project=alarm.project, rater_code=alarm.subject).first()
        if member is None or not _still_short(member):
            clear_alarm(project=alarm.project, kind=GOLD_SHORT, subject=alarm.subject, now=now)
    return sum(finish_round(round_=round_, now=now) for round_ in unfinished_rounds().select_related("membership"))


def _still_short(reviewer: Membership) -> bool:
    stage = Stage(stage_of(reviewer))
    if stage not in ROUND_OF_STAGE:
        return False
    kind, settings = ROUND_OF_STAGE[stage], queue_settings(reviewer.project_id)
    running = open_round(reviewer)
    available = available_cases(reviewer, practice=kind == RoundKind.PRACTICE)
    if running is not None:
        return available == 0 and running.assignments.count() < least_cases(settings, kind)
    return available < least_cases(settings, kind)


@transaction.atomic
def tell_result(*, reviewer: Membership, now: datetime) -> None:
    """The person has been told how their rounds ended."""
    Round.objects.filter(membership=reviewer, ended_at__isnull=False, told_at__isnull=True).update(told_at=now)


def locked_member(membership_id: int) -> Membership:
    """The reviewer, locked as a claim locks them: whatever changes a round or a stage waits for its turn here."""
    rows = Membership.objects.select_related("project", "person")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=membership_id)


def set_stage(reviewer: Membership, stage: str, now: datetime) -> None:
    ReviewerStage.objects.update_or_create(membership=reviewer, defaults={"stage": stage, "changed_at": now})


def _record(reviewer: Membership, verb: str, actor: str, **data: object) -> None:
    record(project=reviewer.project, actor=actor, verb=verb, target=f"person:{reviewer.person_id}", **data)
