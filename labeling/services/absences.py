"""When people are away. What it means for the queue follows from the rows: see presence and watching."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from labeling.days import local_day
from labeling.models import Absence
from labeling.queries.staffing import WORKING_ROLES
from reviewapp.core.models import Membership
from reviewapp.core.services.audit import record

LONGEST = timedelta(days=366)
FARTHEST = timedelta(days=2 * 366)


class AbsenceRefused(Exception):
    """The absence cannot be; `pointer` names the field at fault."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


@transaction.atomic
def add_absence(
    *, membership: Membership, first_day: date, last_day: date, actor: str, now: datetime, note: str = ""
) -> Absence:
    """Days on which this person is not counted on, both included, by their own calendar.

    The same days again are the same absence. Raises AbsenceRefused.
    """
    today = local_day(membership.person, now)
    if membership.role not in WORKING_ROLES:
        raise AbsenceRefused("/rater", _("Only reviewers and adjudicators take items, so only they can be away."))
    if last_day < first_day:
        raise AbsenceRefused("/last_day", _("The last day is before the first one."))
    if last_day < today:
        raise AbsenceRefused("/last_day", _("These days are over."))
    if last_day - first_day > LONGEST:
        raise AbsenceRefused("/last_day", _("An absence may last a year. Pause somebody who is away for longer."))
    if first_day - today > FARTHEST:
        raise AbsenceRefused("/first_day", _("That is more than two years ahead."))
    absence, created = Absence.objects.get_or_create(
        membership=membership,
        first_day=first_day,
        last_day=last_day,
        defaults={"note": note, "created_by": actor, "created_at": now},
    )
    if created:
        _record(absence, "absence.added", actor)
    return absence


@transaction.atomic
def cancel_absence(*, absence: Absence, actor: str, now: datetime) -> None:
    """The person is there after all. Of an absence that has begun the past days stay as they were."""
    yesterday = local_day(absence.membership.person, now) - timedelta(days=1)
    _record(absence, "absence.cancelled", actor)
    if absence.first_day > yesterday:
        absence.delete()
    elif absence.last_day > yesterday:
        absence.last_day = yesterday
        absence.save(update_fields=["last_day"])


def _record(absence: Absence, verb: str, actor: str) -> None:
    record(
        project=absence.membership.project,
        actor=actor,
        verb=verb,
        target=f"person:{absence.membership.person_id}",
        first_day=absence.first_day.isoformat(),
        last_day=absence.last_day.isoformat(),
    )
