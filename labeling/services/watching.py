"""The watch over the queues: is anybody there, will anybody be, and whose time runs out. It ships nothing, ever.

Each sweep reads the state of rows and may be repeated, skipped or run twice at once: alarms are raised, brought up to
date and cleared after what is true now, and every item passes each step of escalation once.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Min, QuerySet

from labeling.models import Escalation, EscalationStep, ItemStatus, Lane, Seat, SeatState
from labeling.queries.staffing import (
    Colleague,
    Pool,
    Waiting,
    met_by_all,
    pools_in_use,
    roster,
    waiting_by_pool,
)
from labeling.services.alarms import clear_alarms, raise_alarm
from labeling.services.presence import Gap, gaps, present_people
from reviewapp.core.models import Project

logger = logging.getLogger(__name__)

POOL_EMPTY, POOL_WILL_BE_EMPTY = "pool_empty", "pool_will_be_empty"
SLA_NEAR, SLA_OVERDUE = "sla_near", "sla_overdue"
UNJUDGED = (ItemStatus.OPEN, ItemStatus.DISPUTED)
BATCH = 1000


def watch_queues(*, now: datetime) -> None:
    """One sweep over all projects. A fault in one of them leaves the others watched."""
    for project in Project.objects.order_by("pk"):
        try:
            watch_queue(project=project, now=now)
        except Exception:
            logger.exception("The queue of %s could not be watched.", project)


@transaction.atomic
def watch_queue(*, project: Project, now: datetime) -> None:
    """Raise, refresh and clear the project's alarms, and note which items passed which step of escalation."""
    people, waiting = roster(project.pk, now), waiting_by_pool(project.pk)
    _watch_pools(project, people, waiting, now)
    _watch_days_ahead(project, people, waiting, now)
    steps = list(EscalationStep.objects.filter(project=project))
    _watch_due_times(project, steps, now)
    for step in steps:
        _pass_step(project, step, now)


def _watch_pools(project: Project, people: list[Colleague], waiting: dict[Pool, Waiting], now: datetime) -> None:
    """Work that nobody who is here today may take: nobody is in the pool, or all of them have had the item."""
    empty = []
    for pool, found in waiting.items():
        present = present_people(people, pool, now)
        stuck = met_by_all(project.pk, pool, [colleague.pk for colleague in present]) if present else found.seats
        if stuck:
            empty.append(pool.subject)
            data = {"role": pool.role, "credential": pool.credential, "seats": stuck}
            raise_alarm(project=project, kind=POOL_EMPTY, subject=pool.subject, data=data, now=now)
    clear_alarms(project=project, kind=POOL_EMPTY, but=empty, now=now)


def _watch_days_ahead(project: Project, people: list[Colleague], waiting: Iterable[Pool], now: datetime) -> None:
    """Days on which a pool will have nobody, told before they begin."""
    lacking = []
    for pool in pools_in_use(project.pk, people, waiting, now):
        found = gaps(people, pool, now.date())
        if found:
            lacking.append(pool.subject)
            data = {"role": pool.role, "credential": pool.credential, "gaps": [_as_json(gap) for gap in found]}
            raise_alarm(
                project=project, kind=POOL_WILL_BE_EMPTY, subject=pool.subject, data=data, news=["gaps"], now=now
            )
    clear_alarms(project=project, kind=POOL_WILL_BE_EMPTY, but=lacking, now=now)


def _as_json(gap: Gap) -> dict[str, Any]:
    days = {"first_day": gap.first_day, "last_day": gap.last_day}
    return {name: day.isoformat() if day else None for name, day in days.items()} | {"away": list(gap.away)}


def _unjudged(project: Project, by: datetime) -> QuerySet[Seat]:
    """Seats on live work and on disputes that are due by then and that nobody has handed in."""
    return Seat.objects.filter(
        project=project,
        lane__in=[Lane.WORK, Lane.ADJUDICATION],
        state__in=[SeatState.OPEN, SeatState.LEASED],
        item__status__in=UNJUDGED,
        due_at__lte=by,
    ).order_by()


def _watch_due_times(project: Project, steps: list[EscalationStep], now: datetime) -> None:
    """An alarm for each tier with overdue items, and for each where an item has passed a step before it is due."""
    overdue = _tiers(_unjudged(project, now))
    _keep_up(project, SLA_OVERDUE, overdue, now)
    # The earliest step of all; which tiers it is for is looked at below.
    ahead = max((step.minutes_before for step in steps), default=0)
    near: dict[int, dict[str, Any]] = {}
    if ahead > 0:
        soon = _tiers(_unjudged(project, now + timedelta(minutes=ahead)).filter(due_at__gt=now))
        for priority in soon:
            minutes = max((step.minutes_before for step in steps if step.priority in (None, priority)), default=0)
            found = _unjudged(project, now + timedelta(minutes=minutes)).filter(due_at__gt=now, priority=priority)
            near |= _tiers(found)
    _keep_up(project, SLA_NEAR, near, now)


def _tiers(seats: QuerySet[Seat]) -> dict[int, dict[str, Any]]:
    rows = seats.values("priority").annotate(items=Count("item_id", distinct=True), first_due=Min("due_at"))
    return {row["priority"]: row | {"first_due": row["first_due"].isoformat()} for row in rows}


def _keep_up(project: Project, kind: str, tiers: dict[int, dict[str, Any]], now: datetime) -> None:
    for priority, data in tiers.items():
        raise_alarm(project=project, kind=kind, subject=str(priority), data=data, now=now)
    clear_alarms(project=project, kind=kind, but=[str(priority) for priority in tiers], now=now)


def _pass_step(project: Project, step: EscalationStep, now: datetime) -> None:
    """Note each item that has come to this step, once. Two sweeps at once note the same rows, and one is dropped."""
    passed = _unjudged(project, now + timedelta(minutes=step.minutes_before))
    if step.priority is not None:
        passed = passed.filter(priority=step.priority)
    # Two questions and not one: joined, a database that knows nothing of the tables yet goes through their product.
    noted = Escalation.objects.filter(step=step, item__status__in=UNJUDGED).values_list("item_id", flat=True)
    items = set(passed.values_list("item_id", flat=True)).difference(noted)
    Escalation.objects.bulk_create(
        (Escalation(item_id=item_id, step=step, at=now, tell_at=now) for item_id in sorted(items)),
        batch_size=BATCH,
        ignore_conflicts=True,
    )
