"""Rounds of shared items: a fresh sample that every active reviewer judges among live work, not to be told from it.

A re-blind round asks, every so often, whether people still agree; a calibration round asks whether they agree by a
rubric version that is not in force yet. A round's items are copies of settled ones, each with one seat reserved for
each person. Nothing follows for them; the round is measured as a whole when it ends.
"""

import logging
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Min
from django.utils.translation import gettext as _

from labeling.models import (
    ActiveRubric,
    ItemKind,
    Lane,
    OverlapPurpose,
    OverlapRound,
    QueueSettings,
    Rating,
    ReviewItem,
    Rubric,
    Seat,
    SeatState,
)
from labeling.queries.overlap import Fit, active_reviewers, fit_items
from labeling.services.alarms import clear_alarm, raise_alarm
from labeling.services.enqueue import new_public_id
from labeling.services.overlap_figures import fallen, round_figures
from reviewapp.core.models import Project
from reviewapp.core.services.audit import SYSTEM, record

logger = logging.getLogger(__name__)

AGREEMENT_FELL = "agreement_fell"
RUNS_FOR = timedelta(days=14)
# With fewer items there is nothing to measure; a smaller round is only what the owner asked for.
MIN_ITEMS = 10
# Seats are drawn in the order of a random priority below this.
PRIORITIES = 2**31 - 1


class OverlapRefused(Exception):
    """No round can begin; the message says what is missing."""


@transaction.atomic
def start_overlap_round(
    *, project: Project, purpose: str, rubric: Rubric, actor: str, now: datetime, rng: random.Random
) -> OverlapRound:
    """Draw the sample and queue it for every active reviewer. `rubric` is frozen, and what the items are judged by.

    Raises OverlapRefused with fewer than two active reviewers, with too few fit items, and while a round is open.
    """
    # One at a time: the settings row stands for the project's rounds.
    settings = QueueSettings.objects.select_for_update().get(project=project)
    if OverlapRound.objects.filter(project=project, ended_at__isnull=True).exists():
        raise OverlapRefused(_("A round is open already; the next one can begin when it has ended."))
    people = active_reviewers(project, now)
    if len(people) < 2:
        raise OverlapRefused(
            _("It takes two active reviewers who are not paused, and there are %(count)d.") % {"count": len(people)}
        )
    calibrates = purpose == OverlapPurpose.RUBRIC
    met_before = now - timedelta(days=settings.repeat_after_days) if calibrates else None
    fit = fit_items(project, purpose=purpose, rubric=rubric, people=people, met_before=met_before)
    needed = min(MIN_ITEMS, settings.reblind_size)
    if len(fit) < needed:
        raise OverlapRefused(
            _("It takes %(needed)d judged items that are new to reviewers, and there are %(count)d.")
            % {"needed": needed, "count": len(fit)}
        )
    chosen = spread_over_intents(fit, settings.reblind_size, rng)
    round_ = OverlapRound.objects.create(
        project=project,
        purpose=purpose,
        rubric=rubric,
        started_by=actor,
        started_at=now,
        closes_at=now + RUNS_FOR,
        figures={"people": sorted(person.rater for person in people)},
    )
    _enqueue(round_, chosen, now, rng)
    record(
        project=project,
        actor=actor,
        verb="overlap.started",
        target=f"round:{round_.pk}",
        purpose=purpose,
        rubric=str(rubric),
        items=len(chosen),
        people=len(people),
    )
    return round_


def spread_over_intents(fit: Sequence[Fit], size: int, rng: random.Random) -> list[Fit]:
    """`size` of them at random, from each intent in proportion to its number: by largest remainders (Hamilton 1792).

    All of them where there are no more. Of equal remainders the larger intent goes first, then by name.
    """
    by_intent: dict[str, list[Fit]] = defaultdict(list)
    for entry in fit:
        by_intent[entry.intent].append(entry)
    wanted = min(size, len(fit))
    exact = {intent: wanted * len(rows) / len(fit) for intent, rows in by_intent.items()}
    quotas = {intent: int(share) for intent, share in exact.items()}
    by_remainder = sorted(by_intent, key=lambda name: (quotas[name] - exact[name], -len(by_intent[name]), name))
    for intent in by_remainder[: wanted - sum(quotas.values())]:
        quotas[intent] += 1
    return [entry for intent in sorted(by_intent) for entry in rng.sample(by_intent[intent], quotas[intent])]


def _enqueue(round_: OverlapRound, chosen: Sequence[Fit], now: datetime, rng: random.Random) -> None:
    firsts = ReviewItem.objects.in_bulk([entry.item for entry in chosen])
    items = ReviewItem.objects.bulk_create(
        ReviewItem(
            project_id=round_.project_id,
            public_id=new_public_id(),
            kind=ItemKind.OVERLAP,
            overlap_round=round_,
            intent=entry.intent,
            # The words themselves are stored once.
            content_id=firsts[entry.item].content_id,
            fingerprint=firsts[entry.item].fingerprint,
            length=firsts[entry.item].length,
            rubric_id=round_.rubric_id,
            raters_needed=len(entry.takers),
            due_at=round_.closes_at,
            mask_names=firsts[entry.item].mask_names,
            created_at=now,
        )
        for entry in chosen
    )
    Seat.objects.bulk_create(
        Seat(
            item=item,
            project_id=round_.project_id,
            number=number,
            lane=Lane.OVERLAP,
            # Everybody meets them in an order of their own.
            priority=rng.randrange(PRIORITIES),
            due_at=round_.closes_at,
            credential=entry.credential,
            reserved_for_id=taker,
        )
        for entry, item in zip(chosen, items, strict=True)
        for number, taker in enumerate(entry.takers, 1)
    )


def settle_overlap_rounds(*, now: datetime) -> int:
    """End the rounds of which nothing is left to do or whose time is up; how many ended. Safe to repeat."""
    ended = 0
    for pk in OverlapRound.objects.filter(ended_at__isnull=True).order_by("pk").values_list("pk", flat=True):
        try:
            ended += settle_overlap_round(round_id=pk, now=now)
        except Exception:
            logger.exception("Round %d could not be ended.", pk)
    return ended


@transaction.atomic
def settle_overlap_round(*, round_id: int, now: datetime) -> bool:
    """End the round if every seat is handed in or closed and no answer can be taken back; whether it ended.

    When its time is up open seats are closed; what somebody holds that moment is waited for.
    """
    round_ = OverlapRound.objects.select_for_update(of=("self",)).select_related("rubric", "project").get(pk=round_id)
    if round_.ended_at is not None:
        return False
    if now >= round_.closes_at:
        close_open_seats(round_)
    seats = Seat.objects.filter(item__overlap_round=round_)
    if seats.filter(state__in=[SeatState.OPEN, SeatState.LEASED]).exists():
        return False
    if Rating.objects.standing().filter(item__overlap_round=round_, undo_until__gte=now).exists():
        return False
    round_.figures = round_.figures | round_figures(round_)
    round_.ended_at = now
    round_.save(update_fields=["figures", "ended_at"])
    record(project=round_.project, actor=SYSTEM, verb="overlap.ended", target=f"round:{round_.pk}")
    if round_.purpose == OverlapPurpose.REBLIND:
        _keep_alarm(round_, now)
    return True


def close_open_seats(round_: OverlapRound) -> None:
    """Nobody is given anything more of this round."""
    open_seats = Seat.objects.filter(item__overlap_round=round_, state=SeatState.OPEN)
    ids = list(open_seats.values_list("pk", flat=True))
    Seat.objects.filter(pk__in=ids, state=SeatState.OPEN).update(state=SeatState.CLOSED)


def _keep_alarm(round_: OverlapRound, now: datetime) -> None:
    """The owner hears that agreement fell; a later round that is no worse than the one before ends that."""
    worst = fallen(round_.figures)
    if worst is None:
        clear_alarm(project=round_.project, kind=AGREEMENT_FELL, subject=round_.rubric.name, now=now)
        return
    data = worst | {"round": round_.pk}
    raise_alarm(
        project=round_.project, kind=AGREEMENT_FELL, subject=round_.rubric.name, data=data, news=["round"], now=now
    )


def start_due_rounds(*, now: datetime, rng: random.Random) -> int:
    """Begin the re-blind rounds that are due; how many. A project that lacks people or items waits for them."""
    started = 0
    for settings in QueueSettings.objects.filter(reblind_days__isnull=False).select_related("project").order_by("pk"):
        for active in ActiveRubric.objects.filter(project=settings.project).select_related("rubric").order_by("pk"):
            due = due_at(active.rubric, settings.reblind_days)
            if due is None or now < due:
                continue
            try:
                start_overlap_round(
                    project=settings.project,
                    purpose=OverlapPurpose.REBLIND,
                    rubric=active.rubric,
                    actor=SYSTEM,
                    now=now,
                    rng=rng,
                )
            except OverlapRefused as refused:
                logger.info("No re-blind round of %s by %s: %s", settings.project, active.rubric, refused)
            else:
                started += 1
    return started


def due_at(rubric: Rubric, days: int | None) -> datetime | None:
    """When the next re-blind round of this rubric's task kind is due; None while nobody has rated, or without `days`.

    So many days after the last one began; the first so many days after the project's first rating of that kind.
    """
    if days is None:
        return None
    same_kind = {"project": rubric.project_id, "rubric__task_kind": rubric.task_kind}
    rounds = OverlapRound.objects.filter(purpose=OverlapPurpose.REBLIND, **same_kind)
    last = rounds.aggregate(last=Max("started_at"))["last"]
    if last is None:
        ratings = Rating.objects.filter(item__project=rubric.project_id, rubric__task_kind=rubric.task_kind)
        last = ratings.aggregate(first=Min("submitted_at"))["first"]
    return None if last is None else last + timedelta(days=days)
