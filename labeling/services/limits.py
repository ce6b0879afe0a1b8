"""Who may take an item now: roles, pauses, caps, breaks; and which intents a person has seen enough of today."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from labeling.days import next_day, start_of_day
from labeling.models import Assignment, AssignmentState, QueueSettings
from reviewapp.core.models import Membership, Role

HOUR = timedelta(hours=1)
# Minutes.
BREAK_IS_NEAR = 10
# Of one intent, this many may come whatever their share: of the first few items any share is large.
ROTATION_FREE = 5
ENDED = (
    AssignmentState.SUBMITTED,
    AssignmentState.RELEASED,
    AssignmentState.ESCALATED,
    AssignmentState.EXPIRED,
)


class ClaimRefused(Exception):
    """This person gets nothing for now; `code` says why, and `until` when work goes on, where that is known."""

    def __init__(self, code: str, message: str, *, until: datetime | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.until = until


@dataclass(frozen=True, slots=True)
class Progress:
    """A person's own day: how much, never how well.

    `done` of `cap` items; a break is due in so many whole minutes (0: now; None: no break comes, or nobody has begun
    to work), and while one is due, `break_until` is when it will have been long enough if nothing is done meanwhile.
    """

    done: int
    cap: int
    break_in_minutes: int | None
    break_until: datetime | None

    @property
    def break_is_near(self) -> bool:
        """Worth a word: within ten minutes. Earlier it would only be one more thing to look at."""
        return self.break_in_minutes is not None and self.break_in_minutes <= BREAK_IS_NEAR


@dataclass(frozen=True, slots=True)
class Stretch:
    """Work without a pause, from the first to the last sign of it."""

    begin: datetime
    end: datetime


def queue_settings(project_id: int) -> QueueSettings:
    return QueueSettings.objects.get(project_id=project_id)


def daily_cap(reviewer: Membership, settings: QueueSettings) -> int:
    return settings.daily_cap if reviewer.daily_cap is None else reviewer.daily_cap


def done_today(reviewer: Membership, now: datetime) -> int:
    """Handed in since the person's day began."""
    return Assignment.objects.submitted_since(reviewer, start_of_day(reviewer.person, now)).count()


def progress(reviewer: Membership, now: datetime) -> Progress:
    settings = queue_settings(reviewer.project_id)
    stretch = _stretch(reviewer, settings, now)
    minutes, until = None, None
    if stretch is not None:
        due_at = _break_due_at(stretch, settings)
        minutes = max(0, int((due_at - now).total_seconds() // 60))
        until = stretch.end + timedelta(minutes=settings.break_minutes) if due_at <= now else None
    return Progress(done_today(reviewer, now), daily_cap(reviewer, settings), minutes, until)


def check_may_claim(reviewer: Membership, settings: QueueSettings, now: datetime, *, in_round: bool = False) -> None:
    """Raises ClaimRefused. A pause does not keep anybody from the round that may end it."""
    if reviewer.role not in (Role.REVIEWER, Role.ADJUDICATOR):
        raise ClaimRefused("not_a_reviewer", _("Only reviewers and adjudicators take items from the queue."))
    if reviewer.paused_at and not in_round:
        raise ClaimRefused("paused", reviewer.pause_reason or _("Your reviewing is paused; the owner knows why."))
    _check_caps(reviewer, settings, now)
    _check_break(reviewer, settings, now)


def _check_caps(reviewer: Membership, settings: QueueSettings, now: datetime) -> None:
    """What is held counts as well, or a person could hoard a day's work and then some."""
    day = start_of_day(reviewer.person, now)
    submitted = Q(state=AssignmentState.SUBMITTED)
    held = Q(state=AssignmentState.LEASED, lease_expires_at__gt=now)
    counts = Assignment.objects.filter(
        (submitted & Q(ended_at__gte=min(day, now - HOUR))) | held, reviewer=reviewer
    ).aggregate(
        day=Count("pk", filter=submitted & Q(ended_at__gte=day)),
        hour=Count("pk", filter=submitted & Q(ended_at__gt=now - HOUR)),
        held=Count("pk", filter=held),
    )
    cap = daily_cap(reviewer, settings)
    if counts["day"] + counts["held"] >= cap:
        message = _("You have reached today's limit of %(cap)d. Enough for today.") % {"cap": cap}
        raise ClaimRefused("daily_cap_reached", message, until=next_day(reviewer.person, now))
    hourly = settings.hourly_cap
    if hourly is not None and counts["hour"] + counts["held"] >= hourly:
        message = _("You have reached the limit of %(cap)d in an hour. Take your time.") % {"cap": hourly}
        too_many = counts["hour"] + counts["held"] - hourly + 1
        raise ClaimRefused("hourly_cap_reached", message, until=_room_again(reviewer, now, too_many))


def _room_again(reviewer: Membership, now: datetime, number: int) -> datetime | None:
    """When so many of the last hour's items no longer count: what was handed in counts for an hour. Where that is not
    enough, what is held has to go as well, at the latest when its lease ends."""
    mine = Assignment.objects.filter(reviewer=reviewer)
    done = mine.filter(state=AssignmentState.SUBMITTED, ended_at__gt=now - HOUR).values_list("ended_at", flat=True)
    held = mine.filter(state=AssignmentState.LEASED, lease_expires_at__gt=now)
    moments = sorted(ended_at + HOUR for ended_at in done if ended_at is not None)
    if number > len(moments):
        leases = sorted(held.values_list("lease_expires_at", flat=True))
        moments += [max([moment, *moments[-1:]]) for moment in leases]
    return moments[number - 1] if 0 < number <= len(moments) else None


def _check_break(reviewer: Membership, settings: QueueSettings, now: datetime) -> None:
    stretch = _stretch(reviewer, settings, now)
    if stretch is not None and _break_due_at(stretch, settings) <= now:
        minutes = settings.break_minutes
        message = _("Time for a break of %(minutes)d minutes. Your next item waits for you.") % {"minutes": minutes}
        raise ClaimRefused("break_due", message, until=stretch.end + timedelta(minutes=minutes))


def _break_due_at(stretch: Stretch, settings: QueueSettings) -> datetime:
    return stretch.begin + timedelta(minutes=settings.break_after_minutes or 0)


def _stretch(reviewer: Membership, settings: QueueSettings, now: datetime) -> Stretch | None:
    """The work that goes on without a pause until now; None after a pause, or where breaks are not asked for.

    Reads what happened within the time after which a break is due, however long the person has been here.
    """
    if settings.break_after_minutes is None:
        return None
    pause = timedelta(minutes=settings.break_minutes)
    horizon = now - timedelta(minutes=settings.break_after_minutes) - pause
    rows = Assignment.objects.filter(
        Q(state=AssignmentState.LEASED) | Q(state__in=ENDED, ended_at__gte=horizon), reviewer=reviewer
    ).only("state", "claimed_at", "opened_at", "draft_saved_at", "ended_at", "lease_expires_at")
    lease = timedelta(seconds=settings.lease_seconds)
    pieces = sorted((piece for row in rows for piece in _signs(row, lease, now)), key=lambda piece: piece.end)
    if not pieces or now - pieces[-1].end >= pause:
        return None
    begin = pieces[-1].begin
    for piece in reversed(pieces):
        if begin - piece.end >= pause:
            break
        begin = min(begin, piece.begin)
    return Stretch(begin, pieces[-1].end)


def _signs(row: Assignment, lease: timedelta, now: datetime) -> Iterable[Stretch]:
    """When the person was at this item. Between two signs as far apart as a lease they were not."""
    handed_in = row.state not in (AssignmentState.LEASED, AssignmentState.EXPIRED)
    if row.opened_at is None and not handed_in:
        # Fetched ahead; nobody has looked at it.
        return
    held = row.state == AssignmentState.LEASED and row.lease_expires_at > now
    signs = [row.opened_at or row.claimed_at, row.draft_saved_at, row.ended_at if handed_in else None]
    moments = sorted(moment for moment in [*signs, now if held else None] if moment is not None)
    begin = end = moments[0]
    for moment in moments[1:]:
        if moment - end > lease:
            yield Stretch(begin, end)
            begin = moment
        end = moment
    yield Stretch(begin, end)


def crowded_intents(reviewer: Membership, settings: QueueSettings, now: datetime) -> list[str]:
    """The intents of which one more would be too large a share of the person's day.

    All that they were shown today counts: handed in, held, given back, passed up.
    """
    if settings.intent_share >= 1 or reviewer.role != Role.REVIEWER:
        return []
    day = start_of_day(reviewer.person, now)
    shown = Assignment.objects.filter(
        Q(state=AssignmentState.LEASED) | Q(state__in=ENDED, ended_at__gte=day), reviewer=reviewer
    ).exclude(state=AssignmentState.EXPIRED, opened_at__isnull=True)
    counts = dict(shown.order_by().values_list("item__intent").annotate(Count("pk")))
    after = sum(counts.values()) + 1
    return sorted(
        intent
        for intent, count in counts.items()
        if count >= ROTATION_FREE and (count + 1) / after > settings.intent_share
    )
