"""When a reviewer's measurements fall: their ratings since the last good evidence are set aside, and judged anew.

Nothing is deleted. A verdict that rested on such a rating is taken out of force and its item queued again for
others; a later verdict replaces it. Overruling the suspicion puts back whatever nobody has judged anew meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.models import (
    Assignment,
    AssignmentState,
    ItemKind,
    ItemStatus,
    Lane,
    Rating,
    ReachedBy,
    ReviewItem,
    Seat,
    SeatState,
    SetAside,
    Suspicion,
    Verdict,
    VerdictNotice,
)
from labeling.services.holding import locked
from labeling.services.notices import withdraw_notice
from labeling.services.settling import settle, settle_without
from reviewapp.core.models import Membership
from reviewapp.core.services.audit import SYSTEM, record


class SuspicionRefused(Exception):
    """It cannot be raised, overruled or ended; the message says why."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What overruling did: ratings that stand again, and those whose items others have judged meanwhile."""

    ratings: int
    judged_anew: int


@transaction.atomic
def suspect(
    *,
    membership: Membership,
    kind: str,
    since: datetime,
    evidence: dict[str, Any],
    actor: str,
    now: datetime,
    reason: str = "",
) -> Suspicion:
    """Set aside the person's counted ratings of live work since `since`, and queue their items again.

    A `reason` is kept with the evidence. Raises SuspicionRefused while an earlier suspicion of the same person is open,
    and for a moment that lies ahead.
    """
    if since > now:
        raise SuspicionRefused(_("That moment lies ahead; choose one that has passed."))
    Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)
    if Suspicion.objects.filter(membership=membership, ended_at=None, overruled_at=None).exists():
        raise SuspicionRefused(_("There is an open suspicion of this person already; decide on that one first."))
    suspicion = Suspicion.objects.create(
        membership=membership,
        kind=kind,
        since=since,
        evidence=evidence | ({"reason": reason} if reason else {}),
        raised_by=actor,
        raised_at=now,
        reason=reason,
    )
    requeued = _set_aside_all(suspicion, now)
    _give_up_held(membership, now)
    _record(
        suspicion, "reviewer.suspected", actor, kind=kind, since=since.isoformat(), requeued=requeued, reason=reason
    )
    return suspicion


@transaction.atomic
def set_further_aside(*, suspicion: Suspicion, now: datetime) -> int:
    """What the person handed in since the suspicion was raised, having held it then; how many ratings. An ended or
    overruled suspicion sets nothing aside."""
    Membership.objects.select_for_update(no_key=True).get(pk=suspicion.membership_id)
    if not Suspicion.objects.filter(pk=suspicion.pk, ended_at=None, overruled_at=None).exists():
        return 0
    before = suspicion.set_aside.count()
    requeued = _set_aside_all(suspicion, now)
    if further := suspicion.set_aside.count() - before:
        _record(suspicion, "suspicion.extended", SYSTEM, ratings=further, requeued=requeued)
    return further


def _set_aside_all(suspicion: Suspicion, now: datetime) -> int:
    """Everything of live work that counts, adjudications too; how many verdicts went out of force."""
    ratings = (
        Rating.objects.standing()
        .filter(extra=False, reviewer=suspicion.membership_id, submitted_at__gte=suspicion.since)
        .filter(item__kind__in=[ItemKind.LIVE, ItemKind.AUDIT])
        .order_by("item_id")
    )
    return sum(_set_aside(suspicion, rating.pk, now) for rating in ratings.only("pk"))


def _give_up_held(membership: Membership, now: datetime) -> None:
    """The leases of what they hold end now: others may have it with the next claim."""
    held = Seat.objects.filter(holder=membership, state=SeatState.LEASED, lease_expires_at__gt=now)
    held.filter(lane__in=[Lane.WORK, Lane.ADJUDICATION]).update(lease_expires_at=now)


def _set_aside(suspicion: Suspicion, rating_id: int, now: datetime) -> bool:
    """One rating no longer stands; whether its verdict went out of force."""
    assignment = _locked(rating_id)
    rating = Rating.objects.get(pk=rating_id)
    if assignment.state != AssignmentState.SUBMITTED:
        # Undone this very moment.
        return False
    item = assignment.item
    if rating.adjudication:
        return _set_decision_aside(suspicion, rating, assignment, now)
    # An adjudicator decides, or has decided, whatever this rating said.
    decided_above = item.status == ItemStatus.DISPUTED or (
        item.verdict is not None and item.verdict.reached_by == ReachedBy.ADJUDICATION
    )
    rests = item.verdict is not None and rating_id in item.verdict.rating_ids and not decided_above
    verdict = item.verdict if rests else None
    told = verdict is not None and not withdraw_notice(verdict_id=verdict.pk)
    SetAside.objects.create(suspicion=suspicion, rating=rating, verdict=verdict, told=told, at=now)
    Assignment.objects.filter(pk=assignment.pk).update(state=AssignmentState.SET_ASIDE)
    _free_seat(assignment, item, rating_id, decided_above=decided_above, now=now)
    if verdict is not None:
        settle_without(item=item, now=now)
        item.save(update_fields=["status", "verdict"])
    return verdict is not None


def _set_decision_aside(suspicion: Suspicion, rating: Rating, assignment: Assignment, now: datetime) -> bool:
    """An adjudicator's rating: the item is in dispute again, for another adjudicator."""
    item = assignment.item
    verdict = item.verdict if item.verdict is not None and rating.pk in item.verdict.rating_ids else None
    told = verdict is not None and not withdraw_notice(verdict_id=verdict.pk)
    SetAside.objects.create(suspicion=suspicion, rating=rating, verdict=verdict, told=told, at=now)
    Assignment.objects.filter(pk=assignment.pk).update(state=AssignmentState.SET_ASIDE)
    if verdict is not None:
        due_at = now + (item.due_at - item.created_at)
        Seat.objects.filter(pk=assignment.seat_id).update(state=SeatState.OPEN, holder=None, due_at=due_at)
        item.status, item.verdict, item.due_at = ItemStatus.DISPUTED, None, due_at
        item.save(update_fields=["status", "verdict", "due_at"])
    return verdict is not None


def _free_seat(assignment: Assignment, item: ReviewItem, rating_id: int, *, decided_above: bool, now: datetime) -> None:
    """Somebody else takes the place; where an adjudicator decides, nobody needs to.

    A verdict that rests on ratings falls with any of them, but not with one that came after it.
    """
    state = SeatState.CLOSED if decided_above else SeatState.OPEN
    due_at = now + (item.due_at - item.created_at)
    Seat.objects.filter(pk=assignment.seat_id).update(state=state, holder=None, lease_expires_at=None, due_at=due_at)
    item.ratings_counted -= 1
    falls = item.verdict is None or rating_id in item.verdict.rating_ids
    if not decided_above and falls:
        item.status, item.verdict, item.due_at = ItemStatus.OPEN, None, due_at
    item.save(update_fields=["ratings_counted", "status", "verdict", "due_at"])


@transaction.atomic
def overrule_suspicion(*, suspicion: Suspicion, actor: str, reason: str, now: datetime) -> Restored:
    """The person's ratings count again, and the verdicts that rested on them are in force again.

    Where others have judged the item meanwhile their verdict stays, and the rating stays set aside. Raises
    SuspicionRefused for one that was overruled before, or without a reason.
    """
    if not reason.strip():
        raise SuspicionRefused(_("Say why; the reason is kept with the suspicion."))
    changed = Suspicion.objects.filter(pk=suspicion.pk, overruled_at=None).update(
        overruled_at=now, overruled_by=actor, reason=reason
    )
    if not changed:
        raise SuspicionRefused(_("This suspicion has been overruled already."))
    marks = SetAside.objects.filter(suspicion=suspicion, restored_at=None).order_by("rating__item_id")
    restored = [_restore(mark, now) for mark in marks.select_related("verdict", "rating")]
    result = Restored(ratings=sum(restored), judged_anew=len(restored) - sum(restored))
    _record(suspicion, "suspicion.overruled", actor, reason=reason, restored=result.ratings)
    return result


def _restore(mark: SetAside, now: datetime) -> bool:
    """Whether the rating stands again."""
    assignment = _locked(mark.rating_id)
    seat, item = assignment.seat, assignment.item
    if seat.state == SeatState.SUBMITTED:
        return False
    if seat.state == SeatState.LEASED:
        # What its holder hands in all the same is kept as an extra rating.
        Assignment.objects.filter(seat=seat, reviewer=seat.holder, state=AssignmentState.LEASED).update(
            state=AssignmentState.EXPIRED, ended_at=now
        )
    Seat.objects.filter(pk=seat.pk).update(
        state=SeatState.SUBMITTED, holder=assignment.reviewer_id, lease_expires_at=None
    )
    Assignment.objects.filter(pk=assignment.pk).update(state=AssignmentState.SUBMITTED)
    SetAside.objects.filter(pk=mark.pk).update(restored_at=now)
    decided = mark.rating.adjudication
    item.ratings_counted += not decided
    waits = item.status == (ItemStatus.DISPUTED if decided else ItemStatus.OPEN)
    if waits and mark.verdict and _may_return(mark.verdict):
        item.status, item.verdict = ItemStatus.SETTLED, mark.verdict
        if not mark.told:
            VerdictNotice.objects.create(verdict=mark.verdict, project_id=item.project_id, final_at=now)
    elif waits:
        # Another verdict may follow now, or the item waits for its other raters.
        settle(item=item, rating=mark.rating, now=now)
    item.save(update_fields=["ratings_counted", "status", "verdict"])
    return True


def _may_return(verdict: Verdict) -> bool:
    """Whether everything that the verdict rested on counts, for somebody else's rating may have been set aside too,
    and no later verdict was given meanwhile, for the newest is the one to read."""
    newer = Verdict.objects.filter(item_id=verdict.item_id, sequence__gt=verdict.sequence)
    return not newer.exists() and Rating.objects.standing().filter(pk__in=verdict.rating_ids).count() == len(
        verdict.rating_ids
    )


@transaction.atomic
def end_suspicion(*, suspicion: Suspicion, actor: str, now: datetime) -> None:
    """The person has shown again that they judge well: what was set aside stays so, later ratings count."""
    if Suspicion.objects.filter(pk=suspicion.pk, ended_at=None, overruled_at=None).update(ended_at=now):
        _record(suspicion, "suspicion.ended", actor)


def _locked(rating_id: int) -> Assignment:
    """The rating's assignment with its item and seat, locked."""
    return locked(Assignment.objects.filter(ratings=rating_id))


def _record(suspicion: Suspicion, verb: str, actor: str, **data: Any) -> None:
    membership = suspicion.membership
    record(project=membership.project, actor=actor, verb=verb, target=f"person:{membership.person_id}", **data)
