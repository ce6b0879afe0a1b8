"""Who is there and who is away, what is wrong with the queue, and who hears of delays: as the owner's page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labeling.alarm_sentences import pool_name, sentence, stretch_of_days, tier, title
from labeling.models import Alarm
from labeling.queries.staffing import Colleague, absences, escalation_steps, open_alarms, roster
from labeling.services.presence import PoolState, pool_states
from reviewapp.core.models import Membership, Project, Role
from reviewapp.core.reading import label
from routing.views.contexts.words import actor_names

WEEKS = 4
HISTORY = 20


@dataclass(frozen=True, slots=True)
class AlarmRow:
    pk: int
    title: str
    text: str
    raised_at: datetime
    seen_by: str
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True)
class PersonRow:
    pk: int
    name: str
    role: str
    credentials: Sequence[str]
    daily_cap: int | None
    standby: bool
    working: bool
    away: Sequence[str]
    away_now: bool


@dataclass(frozen=True, slots=True)
class DayCell:
    """One day of one pool; `day` is None before the calendar begins. `words` says how many are there."""

    day: date | None
    words: str
    empty: bool


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One kind of work: what waits, who may take it, and the coming weeks, Monday first."""

    name: str
    waiting: int
    today: str
    nobody: bool
    weeks: Sequence[Sequence[DayCell]]


@dataclass(frozen=True, slots=True)
class AbsenceLine:
    pk: int
    name: str
    days: str
    note: str


@dataclass(frozen=True, slots=True)
class StepLine:
    pk: int
    stakes: str
    when: str
    name: str


@dataclass(frozen=True, slots=True)
class Staffing:
    alarms: Sequence[AlarmRow]
    past: Sequence[AlarmRow]
    people: Sequence[PersonRow]
    pools: Sequence[PoolRow]
    absences: Sequence[AbsenceLine]
    steps: Sequence[StepLine]


def staffing_of(project: Project, *, now: datetime) -> Staffing:
    people, names = roster(project.pk, now), actor_names(project)
    past = Alarm.objects.filter(project=project, cleared_at__isnull=False).order_by("-cleared_at", "-pk")[:HISTORY]
    states = pool_states(project.pk, people, now=now, days=7 * WEEKS)
    return Staffing(
        alarms=[alarm_row(alarm, names) for alarm in open_alarms(project)],
        past=[alarm_row(alarm, names) for alarm in past],
        people=[_person(colleague, now) for colleague in people],
        pools=[_pool(state) for state in states],
        absences=[
            AbsenceLine(row.pk, str(row.membership.person), stretch_of_days(row.first_day, row.last_day), row.note)
            for row in absences(project, now)
        ],
        steps=[
            StepLine(step.pk, tier(step.priority), when_told(step.minutes_before), str(step.membership.person))
            for step in escalation_steps(project)
        ],
    )


def alarm_row(alarm: Alarm, names: dict[str, str]) -> AlarmRow:
    return AlarmRow(
        pk=alarm.pk,
        title=title(alarm.kind),
        text=sentence(alarm),
        raised_at=alarm.raised_at,
        seen_by=names.get(alarm.seen_by, alarm.seen_by),
        cleared_at=alarm.cleared_at,
    )


def alarm_lines(project: Project) -> list[str]:
    """The open alarms, for the overview."""
    return [sentence(alarm) for alarm in open_alarms(project)]


def when_told(minutes: int) -> str:
    """A step's moment in words."""
    if minutes == 0:
        return _("when it is due")
    text = (
        ngettext("%(minutes)d minute before it is due", "%(minutes)d minutes before it is due", minutes)
        if minutes > 0
        else ngettext("%(minutes)d minute after it was due", "%(minutes)d minutes after it was due", -minutes)
    )
    return text % {"minutes": abs(minutes)}


def rules_of(member: Membership) -> dict[str, object]:
    """What the form about one person begins with."""
    return {
        "credentials": "\n".join(member.credentials),
        "daily_cap": member.daily_cap,
        "standby": member.standby,
    }


def _person(colleague: Colleague, now: datetime) -> PersonRow:
    return PersonRow(
        pk=colleague.pk,
        name=colleague.name,
        role=label(Role(colleague.role)),
        credentials=sorted(colleague.credentials),
        daily_cap=colleague.daily_cap,
        standby=colleague.standby,
        working=colleague.working,
        away=[stretch_of_days(first, last) for first, last in colleague.away],
        away_now=colleague.is_away_now(now),
    )


def _pool(state: PoolState) -> PoolRow:
    cells = [DayCell(None, "", empty=False)] * (state.days[0][0].weekday() if state.days else 0)
    cells += [DayCell(day, _there(count, state.able), empty=count == 0) for day, count in state.days]
    return PoolRow(
        name=pool_name(state.pool.role, state.pool.credential),
        waiting=state.waiting,
        today=_there(state.present, state.able),
        nobody=state.present == 0,
        weeks=[cells[start : start + 7] for start in range(0, len(cells), 7)],
    )


def _there(count: int, able: int) -> str:
    return _("%(count)d of %(able)d") % {"count": count, "able": able} if count else _("nobody")


def weekdays() -> list[date]:
    """Any Monday to Sunday, for headings."""
    monday = date(2024, 1, 1)
    return [monday + timedelta(days=number) for number in range(7)]
