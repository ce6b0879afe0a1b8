"""Certificates: a statement with the counts behind it, which anybody can count and compute again."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import DatabaseError, transaction
from scipy.stats import beta

from reviewapp.core.models import AuditEntry
from routing.models import Certificate, Decision
from routing.policy.error_rate import Stratum, error_rate
from routing.services.certificates import estimate_undetected, issue_certificate
from tests.factories import output_body, pair_body, route
from tests.learning.history import SHIPPING, hand_in, judge_open, live_through
from tests.people import NOW, Cast

LATER = NOW + timedelta(hours=1)


def issue(cast: Cast, **options: Any) -> Certificate:
    found = issue_certificate(project=cast.project, actor="person:1", now=LATER, **options)
    # As anybody else would read it: from the database.
    return Certificate.objects.get(pk=found.pk)


def shipped_counts(cast: Cast, stakes: str) -> tuple[int, int, int]:
    """Shipped, audited with a verdict, and wrong, counted row by row."""
    counts: Counter[str] = Counter()
    shipped = Decision.objects.filter(project=cast.project, stakes=stakes, action="ship")
    for decision in shipped.exclude(output__task_kind="pairwise"):
        counts["shipped"] += 1
        review = decision.output.reviews.first()
        if review and review.item.verdict:
            counts["audited"] += 1
            counts["wrong"] += review.item.verdict.value != "accept"
    return counts["shipped"], counts["audited"], counts["wrong"]


def test_its_counts_are_those_of_the_rows(cast: Cast, noise: Cast, rng: np.random.Generator) -> None:
    cast.put_in_force(tier=SHIPPING)
    live_through(cast, 200, rng)
    live_through(cast, 120, rng, stakes="low")
    # Neither a choice between two nor what was only reviewed says anything about what shipped.
    route(cast.project, *(pair_body() for _number in range(20)))
    found = issue(cast)
    strata = {row["name"]: (row["shipped"], row["audited"], row["errors"]) for row in found.inputs["strata"]}
    assert strata == {
        "low at 0.25": shipped_counts(cast, "low"),
        "mid at 0.25": shipped_counts(cast, "mid"),
    }
    assert found.inputs["outputs"] == 320
    assert sum(wrong for _shipped, _audited, wrong in strata.values()) > 0


def test_its_result_and_digest_can_be_computed_again(cast: Cast, rng: np.random.Generator) -> None:
    cast.put_in_force(tier=SHIPPING)
    live_through(cast, 200, rng)
    live_through(cast, 100, rng, stakes="low")
    found = issue(cast, level=0.9)
    again = error_rate([Stratum(**row) for row in found.inputs["strata"]], confidence=found.inputs["level"])
    assert json.loads(json.dumps(asdict(again))) == found.result
    text = json.dumps([found.inputs, found.result], sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == found.sha256
    assert f"≤ {found.result['upper']:.2%} at 90%" in found.statement


def test_one_stratum_is_bounded_exactly(cast: Cast, rng: np.random.Generator) -> None:
    cast.put_in_force(tier=SHIPPING)
    live_through(cast, 300, rng)
    found = issue(cast, stakes="mid")
    _shipped, audited, wrong = shipped_counts(cast, "mid")
    assert found.result["upper"] == pytest.approx(beta.ppf(0.95, wrong + 1, audited - wrong))
    assert found.statement.startswith("Error rate of shipped mid outputs ≤ ")


@pytest.mark.parametrize("stakes", ["", "low"])
def test_it_covers_only_its_window_and_tier(cast: Cast, rng: np.random.Generator, stakes: str) -> None:
    cast.put_in_force(tier=SHIPPING)
    for days in (40, 0):
        live_through(cast, 60, rng, now=NOW - timedelta(days=days))
        live_through(cast, 40, rng, now=NOW - timedelta(days=days), stakes="low")
    # Decided after the certificate's moment.
    live_through(cast, 30, rng, now=LATER)
    assert issue(cast, stakes=stakes).inputs["outputs"] == (80 if stakes else 200)
    recent = issue(cast, stakes=stakes, since=NOW - timedelta(days=1))
    assert recent.inputs["outputs"] == (40 if stakes else 100)
    assert recent.inputs["stakes"] == (stakes or None)


def test_it_says_why_nothing_can_be_said(cast: Cast, rng: np.random.Generator) -> None:
    nothing = issue(cast)
    assert (nothing.result["upper"], nothing.result["poststratified"]) == (None, None)
    assert nothing.statement == "Error rate of shipped outputs: not estimable (nothing shipped)."
    cast.put_in_force(tier=SHIPPING)
    wrong = hand_in(cast.project, 80, rng)
    unseen = issue(cast)
    assert (unseen.result["status"], unseen.result["upper"]) == ("unaudited_stratum", None)
    assert "have no audit verdict" in unseen.statement
    judge_open(cast.project, cast.reviewers[0], wrong)
    assert issue(cast).result["status"] == "ok"
    # One stratum without a verdict leaves the whole without an estimate: it must not pass for 0.
    route(cast.project, output_body(stakes="low"))
    assert issue(cast).result["upper"] is None
    assert issue(cast, stakes="mid").result["upper"] is not None


def test_it_stays_as_it_was_issued_and_is_written_down(cast: Cast, rng: np.random.Generator) -> None:
    cast.put_in_force(tier=SHIPPING)
    live_through(cast, 100, rng)
    first = issue(cast)
    with pytest.raises(DatabaseError, match="permanent"), transaction.atomic():
        Certificate.objects.filter(pk=first.pk).update(statement="No errors at all.")
    live_through(cast, 100, rng)
    second = issue(cast)
    assert second.inputs["outputs"] == 200
    assert issue(cast).sha256 == second.sha256 != first.sha256
    entry = AuditEntry.objects.get(verb="certificate.issued", target=f"certificate:{first.pk}")
    assert entry.actor == "person:1"


def test_the_errors_nobody_saw_are_estimated_with_the_truth_inside(cast: Cast, rng: np.random.Generator) -> None:
    cast.put_in_force(tier=SHIPPING)
    wrong = live_through(cast, 600, rng)
    unseen = Decision.objects.filter(project=cast.project, action="ship", audited=False)
    truth = sum(wrong[name] for name in unseen.values_list("output__external_id", flat=True))
    found = estimate_undetected(cast.project)
    assert found.outputs == 600
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low <= truth <= found.high < unseen.count()
