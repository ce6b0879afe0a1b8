"""Two sweeps at the very same moment make one round, and pause a slice once."""

import random
from datetime import timedelta

import pytest

from labeling.models import Alarm, OverlapRound, SlicePause
from labeling.services.overlap import settle_overlap_rounds, start_due_rounds
from labeling.services.pauses import pause_slice
from reviewapp.core.models import AuditEntry
from tests.factories import judge, output_body, route
from tests.overlap.sharing import MINUTES, in_force, work_through
from tests.people import NOW, make_cast
from tests.threads import in_threads

pytestmark = pytest.mark.django_db(transaction=True)
SWEEPS = 4
MONTH = timedelta(days=30)


def test_one_round_begins_and_ends_however_many_sweep() -> None:
    cast = make_cast()
    route(cast.project, *(output_body() for _number in range(12)))
    for number in range(12):
        judge(cast.reviewers[number % 2], now=NOW)
    route(cast.project, *(output_body() for _number in range(3)), now=NOW + MONTH)
    begun = in_threads(SWEEPS, lambda number: start_due_rounds(now=NOW + MONTH, rng=random.Random(number)))
    assert sum(begun) == OverlapRound.objects.count() == 1
    work_through(cast, now=NOW + MONTH)
    ended = in_threads(SWEEPS, lambda _number: settle_overlap_rounds(now=NOW + MONTH + MINUTES))
    assert sum(ended) == 1
    assert AuditEntry.objects.filter(verb="overlap.ended").count() == 1


def test_a_slice_is_paused_once_however_many_sweep() -> None:
    cast = make_cast()
    rubric = in_force(cast)
    found = in_threads(
        SWEEPS,
        lambda _number: pause_slice(
            project=cast.project,
            intent="billing",
            rubric=rubric,
            cause="owner",
            evidence={},
            actor="test",
            now=NOW,
        ),
    )
    assert len({pause.pk for pause in found}) == SlicePause.objects.count() == 1
    assert AuditEntry.objects.filter(verb="slice.paused").count() == 1
    assert Alarm.objects.filter(kind="slice_paused").count() == 1
