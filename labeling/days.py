"""Days as people have them: by the clock of where they are."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reviewapp.core.models import Person


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name; UTC for "" and for a name that this machine does not know."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def local_day(person: Person, now: datetime) -> date:
    """Which day it is where the person is."""
    return now.astimezone(zone_of(person.time_zone)).date()


def start_of(day: date, zone_name: str) -> datetime:
    """When the day begins in the zone, in UTC. Where clocks skip midnight, that is the moment of the skip."""
    return datetime.combine(day, time.min, tzinfo=zone_of(zone_name)).astimezone(UTC)


def start_of_day(person: Person, now: datetime) -> datetime:
    """When the person's present day began, in UTC."""
    return start_of(local_day(person, now), person.time_zone)


def next_day(person: Person, now: datetime) -> datetime:
    """When the person's next day begins, in UTC."""
    return start_of(local_day(person, now) + timedelta(days=1), person.time_zone)
