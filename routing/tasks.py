"""Background sweeps of routing: idempotent, over the state of rows."""

import random

from celery import shared_task
from django.utils import timezone

from reviewapp.core.services.audit import SYSTEM
from routing.queries import projects_due_for_a_look, projects_due_for_policy, projects_due_for_recalibration
from routing.services.feed import publish_everywhere
from routing.services.judge_calls import Surroundings
from routing.services.judging import ask_due
from routing.services.outbound import outbound
from routing.services.policies import apply_due_activation
from routing.services.recalibration import RecalibrationRefused, propose_recalibration
from routing.services.senders import Senders
from routing.services.sending import send_due
from routing.services.traffic import LookRefused, look_at_traffic

# Of this process. What they are at is leased, so several processes do not get in each other's way.
SENDERS = Senders()
ASKERS = Senders(most=8)


@shared_task
def propose_due_recalibrations() -> int:
    """Propose for every project with enough new verdicts since the last proposal. A person decides on each."""
    now = timezone.now()
    proposed = 0
    for project in projects_due_for_recalibration(now):
        try:
            propose_recalibration(project=project, actor=SYSTEM, now=now)
        except RecalibrationRefused:
            continue
        proposed += 1
    return proposed


@shared_task
def pass_verdicts_on() -> int:
    """Publish verdicts whose undo window is over, and see to it that webhooks are sent; how many were published.

    Returns at once, however slow the receivers are.
    """
    published = publish_everywhere(now=timezone.now())
    send_due(senders=SENDERS, client=outbound(max_body=0), clock=timezone.now, rng=random.SystemRandom())
    return published


@shared_task
def put_due_policies_in_force() -> int:
    """Put scheduled policies in force where nothing came in since their moment: intake does it by itself."""
    now = timezone.now()
    return sum(apply_due_activation(project=project, now=now) is not None for project in projects_due_for_policy(now))


@shared_task
def look_at_traffic_everywhere() -> int:
    """Renew what the detectors measure against, for every project with enough new traffic."""
    now = timezone.now()
    looked = 0
    for project in projects_due_for_a_look(now):
        try:
            look_at_traffic(project=project, actor=SYSTEM, now=now)
        except LookRefused:
            continue
        looked += 1
    return looked


@shared_task
def ask_judges() -> int:
    """See to it that outputs which wait for judges are decided; how many workers began. Returns at once."""
    return ask_due(senders=ASKERS, around=Surroundings(clock=timezone.now), rng=random.SystemRandom())
