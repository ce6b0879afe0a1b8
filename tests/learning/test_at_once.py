"""Several people at the same moment: no version number twice, no approval that overrides another."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import numpy as np
import pytest
from django.db import connections

from labeling.models import GoldenSet
from routing.models import ActivePolicy, Recalibration
from routing.services.golden import freeze_from_verdicts
from routing.services.policies import draft_policy
from routing.services.recalibration import RecalibrationRefused, approve_recalibration, propose_recalibration
from tests.learning.history import live_through
from tests.people import NOW, make_cast, policy_document

T = TypeVar("T")


def at_once(actions: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """What each action returned or raised, all begun at the same moment in threads of their own."""
    barrier = threading.Barrier(len(actions))
    results: list[T | Exception] = [AssertionError("never ran")] * len(actions)

    def run(position: int) -> None:
        try:
            barrier.wait()
            results[position] = actions[position]()
        except Exception as error:
            results[position] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(position,)) for position in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


@pytest.mark.django_db(transaction=True)
def test_it_keeps_its_versions_apart_when_several_people_act_at_once(rng: np.random.Generator) -> None:
    cast = make_cast()
    live_through(cast, 60, rng)
    first = ActivePolicy.objects.get(project=cast.project).policy.version

    drafts = at_once([lambda: draft_policy(project=cast.project, document=policy_document(), actor="test")] * 6)
    versions = sorted(draft.version for draft in drafts if not isinstance(draft, Exception))
    assert versions == list(range(first + 1, first + 7)), drafts

    frozen = at_once([lambda: freeze_from_verdicts(project=cast.project, actor="test", now=NOW)] * 4)
    names = sorted(found.name for found in frozen if isinstance(found, GoldenSet))
    assert names == [f"shop-2026-w47-v{number}" for number in (1, 2, 3, 4)], frozen

    proposals = [
        propose_recalibration(project=cast.project, actor="test", now=NOW, review_share=0.2) for _turn in range(4)
    ]
    decided = at_once(
        [
            lambda proposal=proposal: approve_recalibration(  # type: ignore[misc]
                proposal=proposal, actor="test", now=NOW + timedelta(minutes=1)
            )
            for proposal in proposals
        ]
    )
    approved = [found for found in decided if isinstance(found, Recalibration)]
    refused = [found for found in decided if isinstance(found, RecalibrationRefused)]
    assert (len(approved), len(refused)) == (1, 3), decided
    assert ActivePolicy.objects.get(project=cast.project).policy == approved[0].policy
