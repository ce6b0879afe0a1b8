"""The agreement table: every coefficient with its interval, the floor, pairs, slices; and the human ceiling."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client

from labeling.models import QueueSettings
from labeling.queries.agreement import OUTCOME, AgreementRow, agreement_rows
from reviewapp.core.models import AuditEntry
from routing.policy.ceiling import Judged, above_ceiling, people_with_people, people_with_verdicts
from routing.queries.ceiling import ALL_INTENTS, ceiling_rows
from tests.browser.visiting import signed_in, text_of
from tests.factories import ACCEPT, REJECT, judge, output_body, route
from tests.people import NOW, Cast

TWO = {"mode": "always", "raters": 2}


def rate(cast: Cast, *answers: str, bodies: list[dict[str, Any]] | None = None, **when: Any) -> None:
    """One item per letter; each reviewer, in turn, answers them in order (y: accept, n: reject)."""
    cast.put_in_force(tier=TWO | {"raters": len(answers)})
    route(cast.project, *(bodies or [output_body() for _letter in answers[0]]), **when)
    for reviewer, letters in zip(cast.reviewers, answers, strict=False):
        for letter in letters:
            judge(reviewer, **when, **(ACCEPT if letter == "y" else REJECT))


def outcome(cast: Cast, **options: Any) -> AgreementRow:
    (row,) = agreement_rows(cast.project, criterion=OUTCOME, **options)
    return row


def test_all_coefficients_stand_beside_each_other_with_intervals(cast: Cast, noise: Cast) -> None:
    rate(cast, "yyyyynnyyn", "yyyyynnnny")
    row = outcome(cast)
    for name in ("percent", "fleiss", "ac1", "mean_pair_kappa"):
        value, bounds = getattr(row, name), getattr(row, f"{name}_interval")
        assert bounds is not None, name
        assert bounds[0] < value < bounds[1], name
    # With two raters and equal numbers Fleiss is Scott: 1 − (1 − 0.7) / (2·0.65·0.35).
    assert row.fleiss == pytest.approx(1 - 0.3 / 0.455)
    assert (row.ac2, row.kappa_weighting) == (None, "unweighted")
    (pair,) = row.pairs
    assert set(pair.raters) == {reviewer.rater_code for reviewer in cast.reviewers[:2]}
    assert (pair.shared, pair.percent, pair.kappa) == (10, 0.7, row.mean_pair_kappa)


def test_people_who_share_no_item_have_no_kappa_of_each_other(cast: Cast) -> None:
    rate(cast, "yn", "yy")
    cast.put_in_force(tier={"mode": "always", "overlap_share": 0.0})
    route(cast.project, output_body())
    judge(cast.reviewers[2], **ACCEPT)
    pairs = {pair.raters: pair for pair in outcome(cast).pairs}
    alone = cast.reviewers[2].rater_code
    apart = [pair for raters, pair in pairs.items() if alone in raters]
    assert [(pair.shared, pair.kappa, pair.reason) for pair in apart] == [(0, None, "no_shared_items")] * 2


@pytest.mark.parametrize(("floor", "below"), [(0.75, True), (0.6, False)])
def test_the_share_of_equal_answers_is_held_against_the_floor(cast: Cast, floor: float, below: bool) -> None:
    QueueSettings.objects.update_or_create(project=cast.project, defaults={"agreement_floor": floor})
    rate(cast, "yyyyynnyyn", "yyyyynnnny")
    row = outcome(cast)
    assert (row.percent, row.floor, row.below_floor, row.floor_reason) == (0.7, floor, below, None)


def test_a_handful_of_items_is_not_held_against_the_floor(cast: Cast) -> None:
    rate(cast, "yyn", "nny")
    row = outcome(cast)
    assert (row.percent, row.below_floor, row.floor_reason) == (0.0, None, "too_few_items")


def test_it_cuts_by_intent_and_week_at_once(cast: Cast) -> None:
    rate(cast, "yy", "yn", bodies=[output_body(intent="billing"), output_body(intent="refund")])
    rate(cast, "n", "n", bodies=[output_body(intent="refund")], now=NOW + timedelta(days=14))
    rows = agreement_rows(cast.project, criterion=OUTCOME, by="intent,week")
    assert [(row.slice, row.intent, row.week, row.percent) for row in rows] == [
        ("billing, 2026-w47", "billing", "2026-w47", 1.0),
        ("refund, 2026-w47", "refund", "2026-w47", 0.0),
        ("refund, 2026-w49", "refund", "2026-w49", 1.0),
    ]
    assert (outcome(cast).intent, outcome(cast).week) == (None, None)


def test_the_owner_sets_the_floor_on_the_page(cast: Cast) -> None:
    rate(cast, "yyyyynnyyn", "yyyyynnnny")
    owner: Client = signed_in(cast.owner)
    address = "/projects/shop/agreement/"
    assert "below 75%" in text_of(owner.get(address))
    assert owner.post(f"{address}floor/", {"agreement_floor": "140"}).status_code == 400
    assert owner.post(f"{address}floor/", {"agreement_floor": "60"}).status_code == 302
    page = text_of(owner.get(address))
    assert "below 75%" not in page
    assert "a floor of 60%" in page
    assert AuditEntry.objects.filter(project=cast.project, verb="queue.changed").exists()


def test_the_page_and_the_api_show_the_same_figures(cast: Cast) -> None:
    rate(cast, "yyyyynnyyn", "yyyyynnnny")
    answer = cast.program.get("/agreement/", criterion=OUTCOME).json()["results"][0]
    assert answer["fleiss"] == pytest.approx(1 - 0.3 / 0.455)
    assert answer["pairs"][0]["shared"] == 10
    assert cast.program.get("/agreement/", by="intent,week").status_code == 200
    page = text_of(signed_in(cast.owner).get("/projects/shop/agreement/"))
    assert "Fleiss kappa" in page
    assert cast.reviewers[0].rater_code in page


# The human ceiling -----------------------------------------------------------------------------------


def test_people_are_compared_pair_by_pair_and_by_what_they_stand_for() -> None:
    rows = [Judged(2, 0, 1.0), Judged(0, 2, 1.0), Judged(1, 1, 0.5)] * 10
    found = people_with_people(rows, rng=np.random.default_rng(0))
    # Weights 1, 1 and 2: half of the weight agrees; margins are even.
    assert (found.outputs, found.agreement) == (30, 0.5)
    assert found.kappa == pytest.approx(0.0)
    alone = people_with_people([Judged(1, 0, 1.0)] * 50, rng=np.random.default_rng(0))
    assert (alone.outputs, alone.kappa, alone.reason) == (0, None, "too_few_outputs")
    same = people_with_people([Judged(2, 0, 1.0)] * 50, rng=np.random.default_rng(0))
    assert (same.agreement, same.kappa, same.reason) == (1.0, None, "no_variation")


def test_a_verdict_that_agrees_more_than_people_do_is_above_the_ceiling() -> None:
    rng = np.random.default_rng(5)
    truth = rng.random(300) < 0.5
    split = [
        Judged(1, 1, 1.0, bool(good)) if rng.random() < 0.5 else Judged(2 * good, 2 - 2 * good, 1.0, bool(good))
        for good in truth
    ]
    people = people_with_people(split, rng=np.random.default_rng(0))
    # The verdict knows the truth; of people who differ it can only please one.
    oracle = people_with_verdicts([row for row in split if row.passed != row.failed], rng=np.random.default_rng(0))
    guess = people_with_verdicts(
        [Judged(row.passed, row.failed, 1.0, bool(rng.random() < 0.5)) for row in split], rng=np.random.default_rng(0)
    )
    assert above_ceiling(oracle, people)
    assert not above_ceiling(guess, people)


def test_the_ceiling_is_told_per_intent_and_marks_a_judge_above_it(cast: Cast, noise: Cast) -> None:
    # People agree by chance; the judge says what Robin will say, and passes whatever Sam passes alone.
    robin, sam = "yn" * 12, "ynny" * 6
    bodies = [
        output_body(
            intent="billing",
            signals=[{"kind": "judge", "name": "oracle", "runs": [{"verdict": "pass" if letter == "y" else "fail"}]}],
        )
        for letter in robin
    ]
    rate(cast, robin, sam, bodies=bodies)
    rows = {row.intent: row for row in ceiling_rows(cast.project)}
    assert set(rows) == {ALL_INTENTS, "billing"}
    people = rows["billing"].people
    assert (people.outputs, people.agreement) == (24, 0.5)
    assert people.kappa == pytest.approx(0.0)
    (entry,) = rows["billing"].automatic
    assert (entry.signal, entry.kind, entry.figures.outputs) == ("judge:oracle", "judge", 24)
    # Right with Robin always, with Sam half of the time.
    assert entry.figures.agreement == pytest.approx(0.75)
    assert entry.figures.kappa == pytest.approx(0.5)
    answer = cast.program.get("/agreement/ceiling/").json()["results"]
    assert [row["intent"] for row in answer] == [ALL_INTENTS, "billing"]
    assert answer[1]["automatic"][0]["suspicious"] is entry.suspicious
    page = text_of(signed_in(cast.auditor).get("/projects/shop/agreement/"))
    assert "The human ceiling" in page
    assert "judge:oracle" in page
    assert ("above the ceiling" in page) is entry.suspicious
