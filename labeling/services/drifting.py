"""The watch over the reviewers: whose answers to planted gold fall is suspect from that hour, and not before."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef

from labeling.models import GoldResult, Round, RoundKind, Suspicion, SuspicionKind
from labeling.queries.pauses import about_the_person
from labeling.services.alarms import clear_alarm, raise_alarm
from labeling.services.gold_watch import watch_references
from labeling.services.onboarding import pause_reviewer, resume_reviewer
from labeling.services.suspecting import (
    Restored,
    SuspicionRefused,
    end_suspicion,
    overrule_suspicion,
    set_further_aside,
    suspect,
)
from labeling.stats.sequential import SUSPECT_THRESHOLD, Cusum, cusum
from reviewapp.core.models import Membership, Project, Role
from reviewapp.core.services.audit import SYSTEM

logger = logging.getLogger(__name__)

SUSPECT = "reviewer_suspect"
P_GOOD, P_BAD = 0.92, 0.80
PAUSED = "Your answers are being looked at. A calibration round brings you back."
PAUSED_ADJUDICATOR = "Your decisions are being looked at."


@dataclass(frozen=True, slots=True)
class Watched:
    """One reviewer's gold answers since they were last cleared, oldest first, and what the test says of them."""

    moments: tuple[datetime, ...]
    correct: tuple[bool, ...]
    test: Cusum

    @property
    def last_good(self) -> datetime | None:
        """The last answer before the alarm after which nothing spoke against the reviewer; None if there is none."""
        before = self.test.path[: self.test.alarm_at or 0]
        good = [place for place, level in enumerate(before) if level == 0.0]
        return self.moments[good[-1]] if good else None


def watched(reviewer: Membership) -> Watched:
    """The planted gold that counts: not of rounds, not undone, since the last suspicion was decided, and not where the
    references themselves are in doubt."""
    decided = Suspicion.objects.filter(membership=reviewer).aggregate(
        ended=Max("ended_at"), overruled=Max("overruled_at")
    )
    rows = GoldResult.objects.filter(
        about_the_person(reviewer.project_id),
        reviewer=reviewer,
        rating__withdrawal__isnull=True,
        rating__assignment__round__isnull=True,
    )
    for moment in decided.values():
        if moment is not None:
            rows = rows.filter(at__gt=moment)
    answers = list(rows.order_by("at", "id").values_list("at", "correct"))
    correct = tuple(right for _at, right in answers)
    return Watched(tuple(at for at, _right in answers), correct, cusum(correct, P_GOOD, P_BAD, SUSPECT_THRESHOLD))


def watch_reviewers(*, now: datetime) -> int:
    """Raise suspicions and end those that are answered; how many were raised. Safe to repeat at any time."""
    _end_answered(now)
    for project in Project.objects.order_by("pk"):
        try:
            # First: where everybody rejects the references, nobody is suspect because of it.
            watch_references(project=project, now=now)
        except Exception:
            logger.exception("The references of %s could not be looked at.", project)
    for suspicion in Suspicion.objects.filter(ended_at__isnull=True, overruled_at__isnull=True):
        set_further_aside(suspicion=suspicion, now=now)
    open_ = Suspicion.objects.filter(membership=OuterRef("pk"), ended_at__isnull=True, overruled_at__isnull=True)
    raised = 0
    for reviewer in Membership.objects.filter(~Exists(open_), role=Role.REVIEWER).select_related("project"):
        try:
            raised += _look_at(reviewer, now)
        except SuspicionRefused:
            # Another sweep, or the owner, was faster.
            continue
        except Exception:
            logger.exception("The gold answers of %s could not be looked at.", reviewer.rater_code)
    return raised


def _look_at(reviewer: Membership, now: datetime) -> bool:
    found = watched(reviewer)
    if found.test.alarm_at is None:
        return False
    # Without a single good answer before, everything they judged is in doubt.
    since = min(found.last_good or reviewer.created_at, now)
    answers = found.correct[: found.test.alarm_at]
    evidence = {
        "test": "cusum",
        "p_good": P_GOOD,
        "p_bad": P_BAD,
        "threshold": SUSPECT_THRESHOLD,
        "statistic": round(found.test.path[found.test.alarm_at - 1], 3),
        "gold_answers": len(answers),
        "right": sum(answers),
    }
    raise_suspicion(
        membership=reviewer, kind=SuspicionKind.GOLD_DRIFT, since=since, evidence=evidence, actor=SYSTEM, now=now
    )
    return True


@transaction.atomic
def raise_suspicion(
    *,
    membership: Membership,
    kind: str,
    since: datetime,
    evidence: dict[str, Any],
    actor: str,
    now: datetime,
    reason: str = "",
) -> Suspicion:
    """Set their ratings since `since` aside, pause them with a calibration round as the way back, tell the owner.

    Raises SuspicionRefused while an earlier suspicion is open.
    """
    suspicion = suspect(
        membership=membership, kind=kind, since=since, evidence=evidence, actor=actor, now=now, reason=reason
    )
    if not Membership.objects.filter(pk=membership.pk, paused_at__isnull=False).exists():
        told = PAUSED if membership.role == Role.REVIEWER else PAUSED_ADJUDICATOR
        pause_reviewer(membership=membership, actor=actor, reason=told, now=now, calibration=True)
    counts = {"set_aside": suspicion.set_aside.count(), "since": since.isoformat(), "suspicion": suspicion.pk}
    raise_alarm(
        project=membership.project, kind=SUSPECT, subject=membership.rater_code, data=counts | evidence, now=now
    )
    return suspicion


@transaction.atomic
def overrule(*, suspicion: Suspicion, actor: str, reason: str, now: datetime) -> Restored:
    """The owner decides that the ratings are good: they count again, and the reviewer goes on.

    Raises SuspicionRefused without a reason or when it was overruled before.
    """
    restored = overrule_suspicion(suspicion=suspicion, actor=actor, reason=reason, now=now)
    member = Membership.objects.select_related("project").get(pk=suspicion.membership_id)
    paused_for_this = member.paused_at is not None and member.pause_reason in (PAUSED, PAUSED_ADJUDICATOR)
    if suspicion.ended_at is None and paused_for_this:
        resume_reviewer(membership=member, actor=actor, reason=reason, now=now)
    clear_alarm(project=member.project, kind=SUSPECT, subject=member.rater_code, now=now)
    return restored


def _end_answered(now: datetime) -> None:
    """A passed calibration round answers the suspicion that it followed, and so does the owner who lets them go on."""
    open_ = Suspicion.objects.filter(ended_at__isnull=True, overruled_at__isnull=True)
    for suspicion in open_.select_related("membership__project"):
        passed = Round.objects.filter(
            membership=suspicion.membership,
            kind=RoundKind.CALIBRATION,
            passed=True,
            ended_at__gt=suspicion.raised_at,
        )
        member = suspicion.membership
        if passed.exists() or member.paused_at is None:
            end_suspicion(suspicion=suspicion, actor=SYSTEM, now=now)
            clear_alarm(project=member.project, kind=SUSPECT, subject=member.rater_code, now=now)
