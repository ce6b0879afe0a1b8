"""Who reviews in a project and when they are away, and what waits for whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.core.cache import cache
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet

from labeling.days import zone_of
from labeling.models import Absence, Alarm, AssignmentState, EscalationStep, Lane, Rating, Seat, SeatState, Stage
from reviewapp.core.models import Membership, Project, Role

WORKING_ROLES = (Role.REVIEWER, Role.ADJUDICATOR)
# How far back a credential counts as being asked for, and how long that answer is good: it reads many rows.
USED_WITHIN = timedelta(days=30)
REMEMBERED_SECONDS = 3600
ROLE_OF_LANE = {Lane.WORK.value: Role.REVIEWER, Lane.ADJUDICATION.value: Role.ADJUDICATOR}


class Pool(NamedTuple):
    """The people who may take one kind of seat: of a role, with a credential ("": none is asked for)."""

    role: str
    credential: str

    @property
    def subject(self) -> str:
        """What alarms call it."""
        kind = "adjudication" if self.role == Role.ADJUDICATOR else "review"
        return f"{kind}:{self.credential}" if self.credential else kind


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member who takes items. `working`: neither paused nor still learning. `away`: first and last days."""

    pk: int
    name: str
    rater: str
    daily_cap: int | None
    role: str
    credentials: frozenset[str]
    standby: bool
    zone: str
    working: bool
    away: tuple[tuple[date, date], ...]

    def may_take(self, pool: Pool) -> bool:
        return self.role == pool.role and (not pool.credential or pool.credential in self.credentials)

    def is_away(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.away)

    def is_away_now(self, now: datetime) -> bool:
        return self.is_away(now.astimezone(zone_of(self.zone)).date())


@dataclass(frozen=True, slots=True)
class Waiting:
    """Open seats of one pool, and when the first of them is due."""

    seats: int
    first_due: datetime


def roster(project_id: int, now: datetime) -> list[Colleague]:
    """Everybody who takes items in the project, with the absences that are not over. Two queries."""
    away: dict[int, list[tuple[date, date]]] = {}
    # Wherever on earth it is still yesterday, somebody's last day may not be over.
    current = Absence.objects.filter(membership__project_id=project_id, last_day__gte=(now - timedelta(days=1)).date())
    for membership_id, first, last in current.order_by("first_day").values_list(
        "membership_id", "first_day", "last_day"
    ):
        away.setdefault(membership_id, []).append((first, last))
    members = Membership.objects.filter(project_id=project_id, role__in=WORKING_ROLES, person__is_active=True)
    return [
        Colleague(
            pk=member.pk,
            name=str(member.person),
            rater=member.rater_code,
            daily_cap=member.daily_cap,
            role=member.role,
            credentials=frozenset(member.credentials),
            standby=member.standby,
            zone=member.person.time_zone,
            working=member.paused_at is None and _is_live(member, rated=member.rated),
            away=tuple(away.get(member.pk, ())),
        )
        for member in members.annotate(rated=Exists(Rating.objects.filter(reviewer=OuterRef("pk"))))
        .select_related("person", "stage", "project__queue_settings")
        .order_by("pk")
    ]


def _is_live(member: Membership, *, rated: bool) -> bool:
    """As a claim would find out. Who was there before onboarding was asked for has rated something."""
    stage = member.stage.stage if hasattr(member, "stage") else None
    if member.role != Role.REVIEWER or not member.project.queue_settings.onboarding:
        return stage != Stage.CALIBRATION
    return stage == Stage.LIVE or (stage is None and rated)


def waiting_by_pool(project_id: int) -> dict[Pool, Waiting]:
    """Open seats on live work and on disputes, by who may take them."""
    seats = Seat.objects.filter(project_id=project_id, lane__in=ROLE_OF_LANE, state=SeatState.OPEN)
    rows = seats.order_by().values("lane", "credential").annotate(seats=Count("pk"), first_due=Min("due_at"))
    return {Pool(ROLE_OF_LANE[row["lane"]], row["credential"]): Waiting(row["seats"], row["first_due"]) for row in rows}


def met_by_all(project_id: int, pool: Pool, people: Iterable[int]) -> int:
    """How many open seats of the pool are on items that each of these people has had before, so none may take them."""
    lanes = [lane for lane, role in ROLE_OF_LANE.items() if role == pool.role]
    able = set(people)
    seats = Seat.objects.filter(project_id=project_id, lane__in=lanes, state=SeatState.OPEN, credential=pool.credential)
    # Items that nobody has had are left out by the join.
    met = ~Q(item__assignments__state=AssignmentState.EXPIRED) & Q(item__assignments__reviewer_id__in=able)
    return (
        seats.filter(item__assignments__reviewer_id__in=able)
        .annotate(met=Count("item__assignments__reviewer_id", filter=met, distinct=True))
        .filter(met__gte=len(able))
        .count()
    )


def pools_in_use(project_id: int, people: Iterable[Colleague], waiting: Iterable[Pool], now: datetime) -> list[Pool]:
    """Pools that somebody is in, that work waits for, or that were asked for in the last 30 days."""
    pools = {*waiting, *_asked_for(project_id, now)}
    for colleague in people:
        pools |= {Pool(colleague.role, credential) for credential in _of(colleague)}
    return sorted(pools, key=lambda pool: (pool.role != Role.REVIEWER, pool.credential))


def _of(colleague: Colleague) -> set[str]:
    # Disputes ask for no credential.
    return {"", *colleague.credentials} if colleague.role == Role.REVIEWER else {""}


def _asked_for(project_id: int, now: datetime) -> set[Pool]:
    """What is new in between waits in the queue, or was judged by somebody who is in the pool."""
    found = cache.get_or_set(
        f"pools-asked-for:{project_id}",
        lambda: list(
            Seat.objects.filter(project_id=project_id, lane__in=ROLE_OF_LANE, item__created_at__gte=now - USED_WITHIN)
            .order_by()
            .values_list("lane", "credential")
            .distinct()
        ),
        REMEMBERED_SECONDS,
    )
    return {Pool(ROLE_OF_LANE[lane], credential) for lane, credential in found or ()}


def open_alarms(project: Project) -> QuerySet[Alarm]:
    """What is wrong now, newest first."""
    return Alarm.objects.filter(project=project, cleared_at__isnull=True).order_by("-raised_at", "-pk")


def absences(project: Project, now: datetime) -> QuerySet[Absence]:
    """Absences that are not over, the next ones first."""
    current = Absence.objects.filter(membership__project=project, last_day__gte=(now - timedelta(days=1)).date())
    return current.select_related("membership__person", "membership__project").order_by("first_day", "pk")


def escalation_steps(project: Project) -> QuerySet[EscalationStep]:
    """By tier, those for all tiers last; within a tier the earliest first."""
    steps = EscalationStep.objects.filter(project=project).select_related("membership__person")
    return steps.order_by("priority", "-minutes_before", "pk")
