"""The watch over gold: enough of it for everybody, nothing used up or known, and references that people accept.

Each sweep reads the state of rows and may be repeated, skipped or run twice at once. Work goes on whatever it finds;
only a slice in which people reject what is known to be right is paused.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from labeling.models import GoldOrigin, PauseCause, Rubric, SlicePause, Suspicion
from labeling.queries.gold import exposures_left, intents_without_gold, needs
from labeling.queries.onboarding import planted_results
from labeling.services.alarms import clear_alarm, clear_alarms, raise_alarm
from labeling.services.gold_retiring import retire_leaked, retire_used_up
from labeling.services.limits import queue_settings
from labeling.services.pauses import pause_slice
from labeling.services.rounds import GOLD_SHORT, PLANTING
from labeling.stats.intervals import Interval
from labeling.stats.sequential import beta_mixture_sequence
from reviewapp.core.models import Project
from reviewapp.core.services.audit import SYSTEM

logger = logging.getLogger(__name__)

REFERENCES_REJECTED = "references_rejected"


@dataclass(frozen=True, slots=True)
class References:
    """What people made of the human references of one intent under the rubric in force, since its last pause:
    `right` of `answers` accepted them as known, with a confidence sequence for the share, and its upper end without the
    one person who speaks against them most."""

    intent: str
    rubric_id: int
    right: int
    answers: int
    interval: Interval
    high_without_one: float


def watch_gold(*, now: datetime) -> None:
    """One sweep over all projects. A fault in one of them leaves the others watched."""
    for project in Project.objects.order_by("pk"):
        try:
            watch_gold_of(project=project, now=now)
        except Exception:
            logger.exception("The gold of %s could not be watched.", project)


@transaction.atomic
def watch_gold_of(*, project: Project, now: datetime) -> None:
    """Retire what is used up or known, tell the owner where gold runs short, pause where references are rejected."""
    retire_used_up(project=project, now=now)
    retire_leaked(project=project, now=now)
    _watch_supply(project, now)
    watch_references(project=project, now=now)


def _watch_supply(project: Project, now: datetime) -> None:
    """Cases that each reviewer can still meet, and exposures for all of them, against the next seven days' need."""
    settings = queue_settings(project.pk)
    people = needs(project, settings, now) if settings.gold_rate > 0 else []
    short = [need for need in people if need.available < need.needed]
    needed, left = sum(need.needed for need in people), sum(exposures_left(project).values())
    if not short and left >= needed:
        clear_alarm(project=project, kind=GOLD_SHORT, subject=PLANTING, now=now)
        return
    data = {
        "people": [asdict(need) for need in short],
        "needed": needed,
        "exposures": left,
        "intents": intents_without_gold(project, now),
    }
    raise_alarm(project=project, kind=GOLD_SHORT, subject=PLANTING, data=data, now=now)


@transaction.atomic
def watch_references(*, project: Project, now: datetime) -> None:
    """Pause each slice in which fewer references are accepted than the bar asks for, whichever way one counts.

    The upper end of a confidence sequence lies below the bar: at a true share at the bar that happens in at most one
    slice of twenty, however often one looks. It has to lie there without any one person too: whoever rejects alone is
    the one in doubt, not the references.
    """
    bar = queue_settings(project.pk).reference_bar
    rejected = [found for found in references(project) if found.high_without_one < bar]
    rubrics = Rubric.objects.in_bulk({found.rubric_id for found in rejected})
    for found in rejected:
        evidence = {
            "right": found.right,
            "answers": found.answers,
            "low": round(found.interval.low, 4),
            "high": round(found.interval.high, 4),
            "bar": bar,
        }
        rubric = rubrics[found.rubric_id]
        pause_slice(
            project=project,
            intent=found.intent,
            rubric=rubric,
            cause=PauseCause.REFERENCES,
            evidence=evidence,
            actor=SYSTEM,
            now=now,
        )
        data = evidence | {"rubric": str(rubric)}
        raise_alarm(project=project, kind=REFERENCES_REJECTED, subject=found.intent, data=data, now=now)
    clear_alarms(project=project, kind=REFERENCES_REJECTED, but=[found.intent for found in rejected], now=now)


def references(project: Project) -> list[References]:
    """What people made of planted human references, by intent and rubric in force, since the slice was last resumed.

    Left out are answers by an earlier version, and those of people under suspicion from the moment it concerns.
    """
    lifted = SlicePause.objects.filter(project=project, lifted_at__isnull=False).order_by("lifted_at")
    since = {(pause.intent, pause.rubric_id): pause.lifted_at for pause in lifted}
    said: dict[tuple[str, int], dict[int, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for intent, rubric_id, reviewer, at, correct in _answers(project):
        resumed = since.get((intent, rubric_id))
        if resumed is None or at > resumed:
            said[intent, rubric_id][reviewer].append(correct)
    return [_references(intent, rubric_id, by_person) for (intent, rubric_id), by_person in sorted(said.items())]


def _references(intent: str, rubric_id: int, by_person: Mapping[int, Sequence[bool]]) -> References:
    right, answers = sum(map(sum, by_person.values())), sum(map(len, by_person.values()))
    interval = beta_mixture_sequence(right, answers)
    without = [beta_mixture_sequence(right - sum(own), answers - len(own)).high for own in by_person.values()]
    return References(intent, rubric_id, right, answers, interval, max(interval.high, *without))


def _answers(project: Project) -> Iterator[tuple[str, int, int, datetime, bool]]:
    """Intent, rubric, reviewer, moment and correctness of the answers that count."""
    suspect = Q(pk__in=[])
    for open_ in Suspicion.objects.filter(membership__project=project, ended_at=None, overruled_at=None):
        suspect |= Q(reviewer=open_.membership_id, at__gte=open_.since)
    rows = planted_results(project).filter(
        ~suspect,
        gold_case__origin=GoldOrigin.HUMAN_REFERENCE,
        rating__rubric_id=F("gold_case__item__rubric_id"),
        rating__extra=False,
    )
    fields = ("gold_case__item__intent", "rating__rubric_id", "reviewer_id", "at", "correct")
    yield from rows.order_by("at", "id").values_list(*fields)
