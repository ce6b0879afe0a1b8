"""Who is there: on a day, today, and for which seats a stand-in is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from labeling.models import QueueSettings
from labeling.queries.staffing import Colleague, Pool, pools_in_use, roster, waiting_by_pool
from reviewapp.core.models import Membership

# How far ahead an empty pool is told of, and how far its end is looked for.
NOTICE_DAYS = 21
LONGEST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Gap:
    """Days without anybody, both included. `first_day` is None where nobody is in the pool at all, `last_day`
    where no end is in sight; `away` names those who would be there on the first day."""

    first_day: date | None
    last_day: date | None
    away: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PoolState:
    """One pool as it is now: seats that wait for it, how many people are there today, days without anybody, and
    on each of the coming days how many of its `able` people are there."""

    pool: Pool
    waiting: int
    able: int
    present: int
    gaps: tuple[Gap, ...]
    days: tuple[tuple[date, int], ...]


def pool_states(project_id: int, people: Sequence[Colleague], *, now: datetime, days: int = 0) -> list[PoolState]:
    """Every pool in use, with a calendar of so many days from today on."""
    waiting = waiting_by_pool(project_id)
    today = now.date()
    states = []
    for pool in pools_in_use(project_id, people, waiting, now):
        able = able_people(people, pool)
        calendar = (today + timedelta(days=number) for number in range(days))
        states.append(
            PoolState(
                pool=pool,
                waiting=waiting[pool].seats if pool in waiting else 0,
                able=len(able),
                present=len(present_people(people, pool, now)),
                gaps=tuple(gaps(people, pool, today)),
                days=tuple((day, sum(not colleague.is_away(day) for colleague in able)) for day in calendar),
            )
        )
    return states


def able_people(people: Sequence[Colleague], pool: Pool) -> list[Colleague]:
    """Those who may take the pool's seats when they are there, stand-ins among them."""
    return [colleague for colleague in people if colleague.working and colleague.may_take(pool)]


def present_people(people: Sequence[Colleague], pool: Pool, now: datetime) -> list[Colleague]:
    """Those who may take the pool's seats on what is today for each of them."""
    return [colleague for colleague in able_people(people, pool) if not colleague.is_away_now(now)]


def gaps(people: Sequence[Colleague], pool: Pool, today: date) -> list[Gap]:
    """The stretches without anybody that begin within the next 21 days or have begun."""
    able = able_people(people, pool)
    if not able:
        return [Gap(None, None, ())]
    found, day = [], today
    while day <= today + timedelta(days=NOTICE_DAYS):
        if _somebody(able, day):
            day += timedelta(days=1)
            continue
        first, last = _first_of(able, day), _last_of(able, day)
        found.append(Gap(first, last, tuple(colleague.name for colleague in able)))
        if last is None:
            break
        day = last + timedelta(days=1)
    return found


def _somebody(able: Sequence[Colleague], day: date) -> bool:
    return any(not colleague.is_away(day) for colleague in able)


def _first_of(able: Sequence[Colleague], day: date) -> date:
    """Back to where the gap began, so that it has one name on all its days."""
    earliest = day - timedelta(days=LONGEST_DAYS)
    while day > earliest and not _somebody(able, day - timedelta(days=1)):
        day -= timedelta(days=1)
    return day


def _last_of(able: Sequence[Colleague], day: date) -> date | None:
    latest = day + timedelta(days=LONGEST_DAYS)
    while day < latest:
        if _somebody(able, day + timedelta(days=1)):
            return day
        day += timedelta(days=1)
    return None


def open_to_stand_in(reviewer: Membership, settings: QueueSettings, now: datetime) -> Q:
    """Which seats a stand-in may take: where a regular colleague is away today, where there is none, or when
    time runs out. Two small queries, whatever the length of the queue."""
    regular = [
        colleague
        for colleague in roster(reviewer.project_id, now)
        if not colleague.standby and colleague.pk != reviewer.pk
    ]
    credentials = [
        credential
        for credential in {"", *reviewer.credentials}
        if _missing(able_people(regular, Pool(reviewer.role, credential)), now)
    ]
    soon = now + timedelta(minutes=settings.standby_minutes)
    return Q(credential__in=credentials) | Q(due_at__lt=soon)


def _missing(able: Sequence[Colleague], now: datetime) -> bool:
    return not able or any(colleague.is_away_now(now) for colleague in able)
