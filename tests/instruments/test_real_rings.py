"""Real raters of translations, ten of them in a ring: each shares items with four of the other nine."""

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from labeling.models import RatingWithdrawal
from labeling.queries.panel import Window, reviewer_panel, reviewer_summaries
from reviewapp.core.models import Membership, Project
from reviewapp.core.services.people import add_member
from tests.instruments.rows import Archive
from tests.people import NOW, Cast

pytestmark = [pytest.mark.needs_data, pytest.mark.django_db]

CRITERIA = ("accuracy", "fluency", "style", "terminology")
SEVERE = 2
# All rings are in the first rows; the probes come from all.
ITEMS = 400
WINDOW = Window.of(NOW + timedelta(days=60))


@pytest.fixture
def rings(cast: Cast, review_data: Path) -> Mapping[str, Membership]:
    """Everybody's probes as planted failures, and the ratings of some of the items, through the tables."""
    lines = (review_data / "wmt_ende.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line]
    archive, people = Archive(cast.project), raters_of(cast.project, rows)
    for row in rows[:ITEMS]:
        item = archive.item()
        for order, (rater, values, seconds) in enumerate(ratings_in(row)):
            verdict = "reject" if SEVERE in values.values() else "accept"
            at = NOW + timedelta(minutes=item.pk, seconds=order)
            archive.rating(people[rater], item, verdict, values=values, seconds=seconds, at=at)
    for row in rows:
        for probe in row.get("probes", []):
            archive.gold(people[probe["rater"]], failure=True, right=bool(probe["found"]))
    assert not RatingWithdrawal.objects.exists()
    with connection.cursor() as cursor:
        # As the database does by itself a little later: until then it takes the tables for empty.
        cursor.execute("ANALYZE")
    return people


def raters_of(project: Project, rows: list[dict[str, Any]]) -> dict[str, Membership]:
    names = sorted({rating["rater"] for row in rows for rating in row["ratings"]})
    return {
        name: add_member(project=project, email=f"{name}@rings.example", role="reviewer", actor="test", name=name)
        for name in names
    }


def ratings_in(row: dict[str, Any]) -> list[tuple[str, dict[str, int], float]]:
    values: dict[str, dict[str, int]] = defaultdict(dict)
    seconds: dict[str, float] = {}
    for rating in row["ratings"]:
        seconds[rating["rater"]] = rating.get("seconds", seconds.get(rating["rater"], 1.0))
        if rating["criterion"] in CRITERIA:
            values[rating["rater"]][rating["criterion"]] = rating["value"]
    return [(rater, values[rater], seconds[rater]) for rater in values]


def test_the_two_weak_ones_are_named_from_their_probes_and_nobody_else(rings: Mapping[str, Membership]) -> None:
    project = next(iter(rings.values())).project
    summaries = {row.person: row for row in reviewer_summaries(project, WINDOW)}
    named = {name: {entry.kind for entry in summaries[name].named if entry.named} for name in rings}
    assert {name: kinds for name, kinds in named.items() if kinds} == {
        "rater4": {"weak_on_gold"},
        "rater9": {"weak_on_gold"},
    }
    found = {name: (summaries[name].sensitivity.successes, summaries[name].sensitivity.n) for name in rings}
    assert (found["rater4"], found["rater9"], found["rater2"]) == ((22, 32), (12, 19), (29, 29))


def test_pairs_that_share_nothing_are_undefined_and_not_nothing(rings: Mapping[str, Membership]) -> None:
    undefined = defined = 0
    for member in rings.values():
        for peer in reviewer_panel(member, WINDOW).peers:
            if peer.rater not in {other.rater_code for other in rings.values()}:
                continue
            if peer.result.n:
                defined += 1
                assert peer.result.percent is not None
            else:
                undefined += 1
                assert (peer.result.percent, peer.result.kappa, peer.result.reason) == (None, None, "no_shared_items")
    # Twice, for each pair is seen from both ends.
    assert (undefined, defined) == (2 * 25, 2 * 20)
