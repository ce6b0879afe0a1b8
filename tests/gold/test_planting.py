"""Planting: exact share, places nobody can foresee, and cases that look like the live work around them."""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import cycle

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from scipy.stats import chi2_contingency

from benchmarks.draws import Fit, fit
from benchmarks.planting import INTENTS, Claimed, add_gold, add_work, p_intents, p_lengths, take
from labeling.models import GoldCase, Lane, Seat
from labeling.services.claiming import claim_seat, drawn_lane
from labeling.services.limits import queue_settings
from labeling.services.settings import change_queue_settings
from reviewapp.core.models import Role
from reviewapp.core.services.people import add_member
from tests.factories import claim, output_body, pair_body, plant_gold, route
from tests.people import NOW, Cast
from tests.threads import in_threads

CLAIMS, RATE = 100_000, 0.12
# One draw of a planter that is right fails with a probability below four times this.
SMALLEST_P = 0.0005


# Share and places ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_its_share_over_100_000_claims_is_the_rate_and_its_places_are_independent_draws(cast: Cast) -> None:
    cast.put_in_force(gold_rate=RATE)
    change_queue_settings(project=cast.project, actor="test", repeat_rate=0.05)
    settings, rng = queue_settings(cast.project.pk), random.Random(11)
    planted = [drawn_lane(rng.random(), settings) == Lane.GOLD for _claim in range(CLAIMS)]
    found = fit(planted, RATE)
    print(found)
    assert found.smallest > SMALLEST_P, found


def test_the_same_tests_reject_a_planter_with_a_period() -> None:
    found = of_planter(periodic(8))
    assert found.p_share > SMALLEST_P
    assert max(found.p_gaps, found.p_runs, found.p_lags) < SMALLEST_P, found


def test_the_same_tests_reject_a_planter_that_never_leaves_k_claims_without_gold() -> None:
    found = of_planter(one_in_every(30))
    assert found.p_gaps < SMALLEST_P, found


def test_the_same_tests_reject_a_share_that_is_off_by_a_twentieth() -> None:
    rng = np.random.default_rng(5)
    assert fit(list(rng.random(CLAIMS) < RATE * 0.95), RATE).p_share < SMALLEST_P


def test_the_same_tests_reject_gold_that_shuns_the_claim_after_gold() -> None:
    assert of_planter(shunning()).p_gaps < SMALLEST_P


def of_planter(planter: Iterator[bool]) -> Fit:
    planted = [next(planter) for _claim in range(CLAIMS)]
    return fit(planted, sum(planted) / CLAIMS)


def periodic(every: int) -> Iterator[bool]:
    return cycle([place == 0 for place in range(every)])


def one_in_every(most: int) -> Iterator[bool]:
    rng, since = random.Random(6), 0
    while True:
        planted = rng.random() < RATE or since >= most - 1
        since = 0 if planted else since + 1
        yield planted


def shunning() -> Iterator[bool]:
    rng, before = random.Random(7), False
    while True:
        before = rng.random() < RATE and not before
        yield before


# Real claims -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_real_claims_are_what_was_drawn_and_follow_the_stream_in_intents_and_lengths(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.3)
    change_queue_settings(project=cast.project, actor="test", daily_cap=10_000)
    settings, rng, claimed = queue_settings(cast.project.pk), random.Random(12), Claimed()
    add_work(cast.project, 640, rng, NOW)
    add_gold(cast.project, 240, 3, rng, NOW)
    for number in range(600):
        take(cast.reviewers[number % 3], settings, rng.getrandbits(64), NOW, claimed)
    # The lane that was drawn is the lane that was served, one to one.
    assert claimed.planted == claimed.drawn
    assert sum(claimed.planted) > 120
    # Nobody met the same words twice.
    assert max(claimed.words.values()) == 1
    mix = (p_intents(claimed), p_lengths(claimed.live, claimed.gold))
    print(f"intents: p = {mix[0]:.3f}, lengths: p = {mix[1]:.3f}")
    assert min(mix) > 0.001, mix
    # The cases themselves are of another mix: drawn blindly they would be told from live work.
    cases = list(GoldCase.objects.filter(project=cast.project).values_list("item__intent", "item__length"))
    assert p_lengths(claimed.live, cases) < 0.001
    counts = [Counter(intent for intent, _length in rows) for rows in (claimed.live, cases)]
    assert chi2_contingency([[count[name] for name in INTENTS] for count in counts]).pvalue < 0.001


@pytest.mark.django_db
def test_a_pair_is_planted_among_pairs_and_one_response_among_single_ones(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    body = {"a": "It goes back within five days.", "b": "It never goes back."}
    pair = plant_gold(cast.project, task_kind="pairwise", acceptable=None, preferred="a", body=body)
    single = plant_gold(cast.project)
    route(cast.project, pair_body(), pair_body())
    assert claim(cast.reviewers[0]).item.gold_case == pair
    Seat.objects.filter(project=cast.project, lane=Lane.WORK).update(state="closed", holder=None, lease_expires_at=None)
    route(cast.project, output_body())
    assert claim(cast.reviewers[1]).item.gold_case == single


@pytest.mark.django_db
def test_a_person_never_meets_words_again_that_they_met_as_live_work(cast: Cast) -> None:
    cast.put_in_force()
    words = {"prompt": "May I send it back?", "context": [], "response": "Yes, within thirty days."}
    route(cast.project, output_body(**words), output_body())
    met = claim(cast.reviewers[0])
    assert met.item.content.body["response"] == words["response"]
    plant_gold(cast.project, prompt=words["prompt"], body={"response": words["response"]})
    cast.put_in_force(gold_rate=0.5)
    assert claim(cast.reviewers[0]).item.kind == "live"
    route(cast.project, output_body())
    assert claim(cast.reviewers[1]).item.kind == "gold"


@pytest.mark.django_db
def test_a_claim_costs_the_same_reads_whatever_was_drawn_and_however_many_cases_there_are(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, *(output_body() for _number in range(40)))
    for _number in range(4):
        plant_gold(cast.project)
    # The first statements of a person's first claim are their own.
    claim(cast.reviewers[0], seed=0)
    kinds = {seed: reads(cast, seed) for seed in range(8)}
    for _number in range(30):
        plant_gold(cast.project)
    kinds |= {seed: reads(cast, seed) for seed in range(8, 16)}
    by_kind = {kind: {count for name, count in kinds.values() if name == kind} for kind in ("live", "gold")}
    assert len(by_kind["live"]) == 1
    assert by_kind["live"] == by_kind["gold"]


def reads(cast: Cast, seed: int) -> tuple[str, int]:
    """Kind of what was claimed, and how many rows were read for it."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assignment = claim_seat(reviewer=cast.reviewers[0], now=NOW, rng=random.Random(seed))
    assert assignment is not None
    selects = [query for query in captured.captured_queries if query["sql"].startswith("SELECT")]
    return assignment.item.kind, len(selects)


def test_what_would_stand_out_from_the_live_work_is_not_planted(cast: Cast) -> None:
    """Neither an intent nor a kind of task that nobody is given as live work."""
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, *(output_body() for _number in range(30)))
    plant_gold(cast.project, intent="returns")
    pair = {"task_kind": "pairwise", "body": {"a": "One.", "b": "Two."}, "acceptable": None, "preferred": "a"}
    plant_gold(cast.project, **pair)
    assert {claim(cast.reviewers[0], seed=seed).item.kind for seed in range(8)} == {"live"}
    plant_gold(cast.project)
    assert "gold" in {claim(cast.reviewers[1], seed=seed).item.kind for seed in range(8)}


@pytest.mark.django_db(transaction=True)
def test_rivals_for_the_last_exposures_get_other_cases_or_work(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, *(output_body() for _number in range(12)))
    scarce = plant_gold(cast.project, exposures=2)
    other = plant_gold(cast.project, exposures=1)
    names = [f"rival{number}@shop.example" for number in range(6)]
    people = [add_member(project=cast.project, email=name, role=Role.REVIEWER, actor="test") for name in names]
    # All of them draw gold.
    taken = in_threads(6, lambda index: claim(people[index], seed=1).item_id)
    counts = Counter(taken)
    assert counts[scarce.item_id] <= 2
    assert counts[other.item_id] <= 1
    assert max(count for item, count in counts.items() if item not in (scarce.item_id, other.item_id)) == 1
    assert counts[scarce.item_id] + counts[other.item_id] >= 1
