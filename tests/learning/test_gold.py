"""Gold: planted at random among live work, never twice to one person, and right about right and wrong."""

import random
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from labeling.models import Assignment, GoldCase, GoldResult, ItemKind, Rating, ReviewItem
from labeling.services.claiming import claim_seat
from labeling.services.gold import GoldRefused, retire_gold_case
from labeling.services.holding import release_seat
from labeling.services.rubrics import draft_rubric, publish_rubric
from labeling.services.settings import change_queue_settings
from reviewapp.core.models import AuditEntry, Role, TaskKind
from reviewapp.core.services.people import add_member
from tests.factories import ACCEPT, REJECT, claim, judge, output_body, pair_body, plant_gold, route, submit
from tests.people import NOW, Cast

CORRECTED = {"values": {"acceptable": "no"}, "correction": "It takes thirty days."}


def kinds_claimed(cast: Cast, count: int, *, person: int = 0) -> list[str]:
    """Kinds of the next items, each claimed with a seed of its own and accepted; fewer when nothing is left."""
    kinds = []
    for seed in range(count):
        assignment = claim_seat(reviewer=cast.reviewers[person], now=NOW, rng=random.Random(seed))
        if assignment is None:
            break
        submit(assignment)
        kinds.append(assignment.item.kind)
    return kinds


# Planting ------------------------------------------------------------------------------------------


def test_it_is_planted_at_its_rate_at_places_nobody_can_foresee(cast: Cast) -> None:
    rate, people, turns = 0.12, 12, 125
    cast.put_in_force(gold_rate=rate)
    runs = claim_in_shifts(cast, people, turns)
    gold = set(ReviewItem.objects.filter(project=cast.project, kind=ItemKind.GOLD).values_list("pk", flat=True))
    planted = [[item in gold for item in taken] for taken in runs]

    drawn = sum(map(sum, planted))
    assert binomtest(drawn, people * turns, rate).pvalue > 0.001
    assert min(map(sum, planted)) > 0
    # Nobody met a case or its words twice.
    met = Assignment.objects.filter(reviewer__project=cast.project, item__kind=ItemKind.GOLD)
    assert max(Counter(met.values_list("reviewer", "item")).values()) == 1
    assert max(Counter(met.values_list("reviewer", "fingerprint")).values()) == 1
    # Every place in a shift is as likely as any other.
    by_place = np.array(planted).sum(axis=0)
    dispersion = ((by_place - drawn / turns) ** 2).sum() / (drawn / turns * (1 - rate))
    assert abs(dispersion - (turns - 1)) < 4 * np.sqrt(2 * (turns - 1))
    # Wald and Wolfowitz: neither bunched nor evenly spaced.
    assert abs(runs_z([place for taken in planted for place in taken])) < 3.5
    # No two people meet the cases in the same order.
    orders = {tuple(item for item in taken if item in gold)[:3] for taken in runs}
    assert len(orders) > people / 2


def claim_in_shifts(cast: Cast, people: int, turns: int) -> list[list[int]]:
    """What each of `people` was given in `turns` claims, by item, with more than enough work and gold."""
    change_queue_settings(project=cast.project, actor="test", daily_cap=10_000)
    route(cast.project, *(output_body() for _number in range(people * turns)))
    for _number in range(30):
        plant_gold(cast.project, exposures=people)
    # The same words under another name: a person who has met one must not meet the other.
    twins = {"prompt": "A twin?", "body": {"response": "The other one is right here."}, "exposures": people}
    plant_gold(cast.project, "twin-1", **twins)
    plant_gold(cast.project, "twin-2", **twins)
    rng = random.Random(7)
    shifts = []
    for number in range(people):
        reviewer = add_member(project=cast.project, email=f"p{number}@shop.example", role=Role.REVIEWER, actor="test")
        taken = [claim_seat(reviewer=reviewer, now=NOW, rng=rng) for _turn in range(turns)]
        shifts.append([assignment.item_id for assignment in taken if assignment])
        assert len(shifts[-1]) == turns
    return shifts


def runs_z(sequence: list[bool]) -> float:
    """Standardised number of runs of equal values (Wald and Wolfowitz 1940)."""
    ones, total = sum(sequence), len(sequence)
    zeros = total - ones
    runs = 1 + sum(one != other for one, other in pairwise(sequence))
    mean = 1 + 2 * ones * zeros / total
    variance = (mean - 1) * (mean - 2) / (total - 1)
    return float((runs - mean) / variance**0.5)


def test_without_live_work_there_is_no_gold(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    plant_gold(cast.project)
    assert kinds_claimed(cast, 5) == []


def test_work_goes_on_when_gold_runs_out(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, *(output_body() for _number in range(12)))
    case = plant_gold(cast.project, exposures=2)
    assert Counter(kinds_claimed(cast, 4, person=0)) == {"live": 3, "gold": 1}
    assert Counter(kinds_claimed(cast, 4, person=1)) == {"live": 3, "gold": 1}
    # Both exposures are used.
    assert Counter(kinds_claimed(cast, 9, person=2)) == {"live": 6}
    case.item.refresh_from_db()
    assert (case.item.ratings_counted, case.item.raters_needed) == (2, 2)


def test_at_a_rate_of_0_none_is_planted(cast: Cast) -> None:
    route(cast.project, *(output_body() for _number in range(12)))
    plant_gold(cast.project)
    assert set(kinds_claimed(cast, 12)) == {"live"}


def test_a_case_given_back_is_not_met_again_and_goes_to_others(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, *(output_body() for _number in range(8)))
    plant_gold(cast.project, exposures=1)
    release_seat(assignment=claim(cast.reviewers[0], seed=1), now=NOW)
    assert set(kinds_claimed(cast, 4)) == {"live"}
    assert "gold" in kinds_claimed(cast, 4, person=1)


def test_a_retired_case_is_shown_to_nobody_and_keeps_its_results(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, *(output_body() for _number in range(8)))
    case = plant_gold(cast.project)
    assert "gold" in kinds_claimed(cast, 3)
    retire_gold_case(case=case, actor="person:1", now=NOW, reason="the handbook changed")
    assert set(kinds_claimed(cast, 3, person=1)) == {"live"}
    assert GoldResult.objects.filter(gold_case=case).count() == 1
    entry = AuditEntry.objects.get(verb="gold.retired")
    assert (entry.actor, entry.data) == ("person:1", {"reason": "the handbook changed"})
    # Repeating it changes nothing and writes nothing.
    retired_at = GoldCase.objects.get(pk=case.pk).retired_at
    retire_gold_case(case=case, actor="person:2", now=NOW, reason="again")
    assert GoldCase.objects.get(pk=case.pk).retired_at == retired_at
    assert AuditEntry.objects.filter(verb="gold.retired").count() == 1


def test_a_case_in_somebodys_hands_can_be_finished_after_it_was_retired(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, output_body())
    case = plant_gold(cast.project)
    assignment = claim(cast.reviewers[0], seed=1)
    retire_gold_case(case=case, actor="test", now=NOW, reason="stale")
    assert GoldResult.objects.get(rating=submit(assignment)).correct


def test_publishing_a_rubric_moves_gold_with_the_live_work_it_hides_in(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, output_body(), output_body())
    case = plant_gold(cast.project)
    begun = submit(claim(cast.reviewers[0], seed=0))
    met = submit(claim(cast.reviewers[1], seed=1))
    criterion = {
        "name": "sendable",
        "type": "binary",
        "question": "Would you send it?",
        "levels": [{"value": "yes", "label": "Yes"}, {"value": "no", "label": "No"}],
        "fail_values": ["no"],
    }
    new = draft_rubric(project=cast.project, name="second", task_kind="pointwise", criteria=[criterion], actor="test")
    publish_rubric(rubric=new, actor="test", now=NOW)
    case.item.refresh_from_db()
    untouched = ReviewItem.objects.filter(project=cast.project, kind="live", status="open").get()
    assert case.item.rubric == untouched.rubric == new
    # What was rated keeps the version it was rated by.
    assert Rating.objects.get(pk=begun.pk).item.rubric != new
    assert Rating.objects.get(pk=met.pk).rubric != new
    later = submit(claim(cast.reviewers[2], seed=1), values={"sendable": "no"})
    assert (later.item.kind, later.rubric, later.gold_result.correct) == ("gold", new, False)


# Results -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("acceptable", "answer", "correct"),
    [
        (True, ACCEPT, True),
        (True, REJECT, False),
        (True, CORRECTED, False),
        (False, ACCEPT, False),
        (False, REJECT, True),
        # Whoever mends a planted failure has seen it.
        (False, CORRECTED, True),
    ],
)
def test_a_rating_is_compared_with_the_known_answer(
    cast: Cast, acceptable: bool, answer: dict[str, Any], correct: bool
) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, output_body())
    case = plant_gold(cast.project, acceptable=acceptable)
    rating = submit(claim(cast.reviewers[0], seed=1), **answer)
    result = GoldResult.objects.get(rating=rating)
    assert (result.gold_case, result.reviewer, result.correct, result.at) == (case, cast.reviewers[0], correct, NOW)
    # Gold is never settled: it is no verdict on anything.
    assert ReviewItem.objects.get(pk=case.item_id).verdict is None


@pytest.mark.parametrize("known", ["a", "b", "tie"])
@pytest.mark.parametrize("said", ["a", "b", "tie"])
def test_a_preference_is_compared_on_the_side_it_was_meant_for(cast: Cast, known: str, said: str) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, pair_body())
    body = {"a": "It goes back within five days.", "b": "It never goes back."}
    plant_gold(cast.project, task_kind=TaskKind.PAIRWISE, acceptable=None, preferred=known, body=body)
    turned = set()
    other = {"a": "b", "b": "a", "tie": "tie"}
    # Seeds that draw gold and put the sides both ways.
    for seed, reviewer in zip((1, 4), cast.reviewers, strict=False):
        assignment = claim(reviewer, seed=seed)
        turned.add(assignment.swapped)
        rating = submit(assignment, values={}, preferred=other[said] if assignment.swapped else said)
        assert rating.gold_result.correct is (said == known)
    assert turned == {False, True}


def test_live_work_has_no_gold_result(cast: Cast) -> None:
    route(cast.project, output_body())
    judge(cast.reviewers[0])
    assert not GoldResult.objects.exists()


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"acceptable": None}, "/acceptable"),
        ({"preferred": "a"}, "/acceptable"),
        ({"task_kind": TaskKind.PAIRWISE}, "/preferred"),
        ({"task_kind": TaskKind.PAIRWISE, "acceptable": None, "preferred": "c"}, "/preferred"),
        ({"origin": "a hunch"}, "/origin"),
        ({"exposures": 0}, "/exposures"),
        ({"exposures": 1001}, "/exposures"),
    ],
)
def test_a_case_without_one_clear_answer_is_refused(cast: Cast, fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(GoldRefused) as refused:
        plant_gold(cast.project, **fields)
    assert refused.value.pointer == pointer
    assert not GoldCase.objects.filter(project=cast.project).exists()


def test_a_reference_names_one_case_in_a_project(cast: Cast, noise: Cast) -> None:
    plant_gold(cast.project, "gold-elsewhere")
    with pytest.raises(GoldRefused, match="already"):
        plant_gold(cast.project, "gold-elsewhere")


def test_the_same_words_have_one_right_answer(cast: Cast) -> None:
    words = {"prompt": "May I return it?", "body": {"response": "Yes, within thirty days."}}
    first = plant_gold(cast.project, "first", **words)
    plant_gold(cast.project, "same-answer", **words)
    with pytest.raises(GoldRefused, match="'first'") as refused:
        plant_gold(cast.project, "other-answer", acceptable=False, **words)
    assert refused.value.pointer == "/acceptable"
    for case in GoldCase.objects.filter(project=cast.project):
        retire_gold_case(case=case, actor="test", now=NOW, reason="It was wrong.")
    assert plant_gold(cast.project, "other-answer", acceptable=False, **words).pk > first.pk
