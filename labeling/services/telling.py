"""Word of alarms and of escalations by e-mail: one digest for each person and sweep.

Pages show all of it as well, so an installation that sends no mail misses nothing but the mail.
"""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from labeling.alarm_sentences import sentence, tier_due, title
from labeling.days import zone_of
from labeling.models import Alarm, Escalation, EscalationStep, ItemStatus, QueueSettings
from reviewapp.core.models import Membership, Person, Project, Role

logger = logging.getLogger(__name__)

# What one sweep is telling, another leaves alone for so long; then it counts as not told.
AGAIN_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class DueItems:
    """Unjudged items of one tier, as a digest counts them: never which ones, for reviewers read digests too."""

    priority: int
    items: int
    first_due: datetime
    overdue: bool


def tell_everybody(*, now: datetime) -> int:
    """Send what is to be told; how many mails went out. Never within a transaction: mail servers are slow."""
    waiting = {*Alarm.objects.filter(tell_at__lte=now).values_list("project_id", flat=True)}
    waiting |= {*Escalation.objects.filter(tell_at__lte=now).values_list("step__project_id", flat=True)}
    return sum(tell(project=project, now=now) for project in Project.objects.filter(pk__in=waiting).order_by("pk"))


def tell(*, project: Project, now: datetime) -> int:
    """Alarms go to the owners, escalations to the person whom their step names.

    They count as told only once a mail has gone out: what no mail server took is tried again after five minutes.
    """
    receivers = dict(EscalationStep.objects.filter(project=project).values_list("pk", "membership_id"))
    alarms = Alarm.objects.filter(project=project)
    escalations = Escalation.objects.filter(step_id__in=list(receivers))
    stamp = _take(project, [alarms, escalations], now)
    alarms, escalations = alarms.filter(tell_at=stamp), escalations.filter(tell_at=stamp)
    news, due = list(alarms.filter(cleared_at__isnull=True).order_by("pk")), _due_items(escalations, now)
    members = Membership.objects.filter(Q(role=Role.OWNER) | Q(pk__in=list(due)), project=project)
    sent, failed, owners = 0, set(), set()
    for member in members.filter(person__is_active=True).select_related("person").order_by("pk"):
        own = news if member.role == Role.OWNER else []
        if own:
            owners.add(member.pk)
        if own or member.pk in due:
            reached = _send(project, member.person, own, due.get(member.pk, []))
            sent += reached
            failed |= set() if reached else {member.pk}
    if not owners or owners - failed:
        alarms.update(tell_at=None)
    escalations.exclude(step_id__in=[pk for pk, receiver in receivers.items() if receiver in failed]).update(
        tell_at=None
    )
    return sent


@transaction.atomic
def _take(project: Project, kinds: Sequence[QuerySet[Any]], now: datetime) -> datetime:
    """Make what is to be told this sweep's own, all of it, or one digest would become two.

    Returns the moment by which it is found again; no other sweep has the same.
    """
    QueueSettings.objects.select_for_update().get(project=project)
    stamp = now + AGAIN_AFTER + timedelta(microseconds=random.SystemRandom().randrange(1_000_000))
    for rows in kinds:
        rows.filter(tell_at__lte=now).update(tell_at=stamp)
    return stamp


def _due_items(escalations: QuerySet[Escalation], now: datetime) -> dict[int, list[DueItems]]:
    """By the membership to be told. What has been judged since needs no telling."""
    open_ones = escalations.filter(
        item__status__in=[ItemStatus.OPEN, ItemStatus.DISPUTED], item__seats__number=1
    ).order_by("item__seats__priority")
    found: dict[int, list[DueItems]] = {}
    for overdue, when in ((True, {"item__due_at__lte": now}), (False, {"item__due_at__gt": now})):
        rows = open_ones.filter(**when).values("step__membership_id", "item__seats__priority")
        for row in rows.annotate(items=Count("item_id", distinct=True), first_due=Min("item__due_at")):
            line = DueItems(row["item__seats__priority"], row["items"], row["first_due"], overdue)
            found.setdefault(row["step__membership_id"], []).append(line)
    return found


def _send(project: Project, person: Person, alarms: Sequence[Alarm], due: Sequence[DueItems]) -> bool:
    """One digest, in the person's language and zone; False when no mail server took it."""
    language = person.language if person.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    with translation.override(language), timezone.override(zone_of(person.time_zone)):
        message = EmailMessage(to=[person.email], **_digest(project, alarms, due))
    try:
        message.send()
    except (SMTPException, OSError):
        logger.exception("Word of project %s could not be sent to person %s.", project, person.pk)
        return False
    return True


def _digest(project: Project, alarms: Sequence[Alarm], due: Sequence[DueItems]) -> dict[str, Any]:
    paragraphs = [f"{title(alarm.kind)}\n{sentence(alarm)}" for alarm in alarms]
    paragraphs += [tier_due(line.priority, line.items, line.first_due, overdue=line.overdue) for line in due]
    if alarms:
        paragraphs.append(_("Open the page “Staffing” of this project in the console to see more and to act."))
    # A subject is one line, whatever the project is called.
    name = " ".join(project.name.split())
    subject = _("%(project)s: the review queue needs you") % {"project": name}
    return {"subject": subject, "body": "\n\n".join(paragraphs) + "\n"}
