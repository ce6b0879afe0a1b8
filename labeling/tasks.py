"""Background sweeps of labeling: idempotent, over the state of rows."""

import random

from celery import shared_task
from django.utils import timezone

from labeling.services.claiming import return_expired_leases
from labeling.services.drifting import watch_reviewers
from labeling.services.gold_watch import watch_gold
from labeling.services.overlap import settle_overlap_rounds, start_due_rounds
from labeling.services.repeats import plan_repeats
from labeling.services.rounds import settle_rounds
from labeling.services.slices import watch_slices
from labeling.services.telling import tell_everybody
from labeling.services.watching import watch_queues as watch_all_queues
from reviewapp.core.models import Project


@shared_task
def return_expired_leases_everywhere() -> int:
    """Open the seats of ended leases, so that counts are right even where nobody claims."""
    now = timezone.now()
    ids = Project.objects.values_list("pk", flat=True)
    return sum(return_expired_leases(project_id=project_id, now=now) for project_id in ids)


@shared_task
def watch_queues() -> int:
    """Look after everybody's queue, then send word of what is new; how many mails went out."""
    now = timezone.now()
    watch_all_queues(now=now)
    return tell_everybody(now=now)


@shared_task
def settle_rounds_everywhere() -> int:
    """End rounds whose last answer can no longer be undone, so that owners hear of them; how many ended."""
    return settle_rounds(now=timezone.now())


@shared_task
def plan_repeats_everywhere() -> int:
    """See to it that people meet some of their own work again; how many repeats were planned."""
    return plan_repeats(now=timezone.now(), rng=random.SystemRandom())


@shared_task
def watch_reviewers_everywhere() -> int:
    """Set aside what reviewers judged since their answers to gold fell; how many fell."""
    return watch_reviewers(now=timezone.now())


@shared_task
def watch_slices_everywhere() -> int:
    """Pause the slices in which people agree less than the owner's floor; how many were paused."""
    return watch_slices(now=timezone.now())


@shared_task
def settle_overlap_rounds_everywhere() -> int:
    """End the rounds of shared items that are done or whose time is up; how many ended."""
    return settle_overlap_rounds(now=timezone.now())


@shared_task
def start_due_rounds_everywhere() -> int:
    """Begin the re-blind rounds that are due; how many began."""
    return start_due_rounds(now=timezone.now(), rng=random.SystemRandom())


@shared_task
def watch_gold_everywhere() -> None:
    """Retire gold that is used up or known, and tell owners where it runs short or people reject references."""
    watch_gold(now=timezone.now())
