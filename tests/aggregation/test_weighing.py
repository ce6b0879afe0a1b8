"""Raters who weigh as much as they proved reliable, in earnest: what the verdict rests on, and when it cannot."""

from collections.abc import Sequence
from typing import Any

import pytest

from labeling.models import ItemStatus, ReviewItem, Verdict
from labeling.services import reliability
from labeling.services.drifting import raise_suspicion
from labeling.stats.reliability import Reliability, posterior
from reviewapp.core.models import Membership
from routing.services.feed import aggregation_body
from tests.aggregation.crowd import (
    CORRECT,
    assert_ledger_is_clean,
    hand_in,
    one_item,
    shared_past,
    take,
    tier,
    verdict_of,
)
from tests.factories import ACCEPT, REJECT, item_of, pair_body, route, submit
from tests.instruments.rows import Archive
from tests.people import NOW, Cast

pytestmark = pytest.mark.django_db


def weighed(cast: Cast, reviewers: Sequence[Membership], answers: Sequence[dict[str, Any]]) -> ReviewItem:
    """One item of a tier that weighs its raters, judged by all of them."""
    _output, item = one_item(cast, "dawid_skene", len(answers))
    hand_in(reviewers, answers)
    item.refresh_from_db()
    return item


def decided(item: ReviewItem) -> Verdict:
    verdict = verdict_of(item)
    assert verdict is not None
    return verdict


def test_two_who_are_reliable_outweigh_three_who_guess(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers[:5], gold=30)
    item = weighed(cast, reviewers[:5], [REJECT, REJECT, ACCEPT, ACCEPT, ACCEPT])
    verdict = decided(item)
    assert (verdict.value, verdict.reached_by, verdict.raters) == ("reject", "agreement", 5)
    assert verdict.basis["posterior"] > 0.9
    assert "fallback" not in verdict.basis


def test_the_posterior_can_be_computed_again_from_the_basis_alone(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers[:5], gold=30)
    basis = decided(weighed(cast, reviewers[:5], [CORRECT, CORRECT, ACCEPT, REJECT, ACCEPT])).basis
    known = {row["rating"]: row for row in basis["reliabilities"]}
    said = [
        (Reliability(**{k: v for k, v in known[vote["rating"]].items() if k != "rating"}), vote["verdict"] != "accept")
        for vote in basis["votes"]
    ]
    assert posterior(basis["prior"], said) == pytest.approx(basis["posterior"])
    assert (basis["items"], basis["known"], basis["needed"]) == (60 + 5 * 30, 5 * 30, 0.9)
    assert all(row["votes"] == 90 for row in basis["reliabilities"])
    good, bad = basis["reliabilities"][0], basis["reliabilities"][4]
    assert good["sensitivity"] > bad["sensitivity"] + 0.15


def test_between_correct_and_reject_those_who_object_decide(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers[:5], gold=20)
    verdict = decided(weighed(cast, reviewers[:5], [CORRECT, CORRECT, REJECT, ACCEPT, ACCEPT]))
    assert (verdict.value, verdict.corrected_response) == ("correct", CORRECT["correction"])


def test_what_stays_doubtful_goes_to_an_adjudicator(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers[:5], gold=30)
    item = weighed(cast, reviewers[:5], [ACCEPT, REJECT, REJECT, ACCEPT, REJECT])
    assert (item.status, item.verdict) == (ItemStatus.DISPUTED, None)
    submit(take(cast.adjudicator), **REJECT, cause="truly_contested")
    assert decided(item).basis["chosen"] == "dawid_skene"


def test_with_too_few_items_the_majority_decides_and_says_so(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers[:5], items=reliability.FEWEST_ITEMS - 1)
    basis = decided(weighed(cast, reviewers[:5], [REJECT, REJECT, ACCEPT, ACCEPT, ACCEPT])).basis
    assert (basis["method"], basis["chosen"], basis["needed"]) == ("majority", "dawid_skene", 3)
    assert basis["fallback"] == {"reason": "few_items", "found": 19, "needed": 20}


def test_a_newcomer_among_them_leaves_it_to_the_majority(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers[:5], items=40)
    newcomer = reviewers[5]
    archive = Archive(cast.project)
    for _number in range(4):
        archive.gold(newcomer, failure=True, right=True)
    basis = decided(weighed(cast, [*reviewers[:4], newcomer], [ACCEPT] * 5)).basis
    assert basis["fallback"] == {"reason": "few_votes", "found": 4, "needed": 5}


def test_pairs_go_by_majority(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers[:5], items=40)
    cast.put_in_force(tier=tier("dawid_skene", 5))
    [output] = route(cast.project, pair_body())
    hand_in(reviewers[:5], [{"values": {}, "preferred": "tie"}] * 5)
    basis = decided(item_of(output)).basis
    assert (basis["method"], basis["fallback"]) == ("majority", {"reason": "pairs"})


def test_only_standing_answers_by_the_same_rubric_in_the_same_project_tell(
    cast: Cast, reviewers: list[Membership]
) -> None:
    shared_past(cast, reviewers[:5], items=40)
    # What nobody else judged, practised answers, and a suspect's word.
    Archive(cast.project).rating(reviewers[0], Archive(cast.project).item(ratings_counted=1))
    basis = decided(weighed(cast, reviewers[:5], [ACCEPT] * 5)).basis
    assert {row["votes"] for row in basis["reliabilities"]} == {40}
    raise_suspicion(
        membership=reviewers[4], kind="owner", since=NOW, evidence={}, actor="person:1", now=NOW.replace(hour=23)
    )
    assert ReviewItem.objects.filter(verdict=None, kind="live", status="open", aggregation="dawid_skene").exists()
    _items, known = reliability._gold_votes(ReviewItem.objects.get(aggregation="dawid_skene"))
    votes = reliability._votes(ReviewItem.objects.get(aggregation="dawid_skene"))
    assert reviewers[4].pk not in {rater for _item, rater, _said in votes}
    assert known == {}


def test_the_newest_items_are_looked_at(
    cast: Cast, reviewers: list[Membership], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reliability, "MOST_ITEMS", 25)
    shared_past(cast, reviewers[:5], items=40)
    basis = decided(weighed(cast, reviewers[:5], [ACCEPT] * 5)).basis
    assert basis["items"] == 25


def test_an_audit_is_never_labelled_by_a_model(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers[:5], gold=30)
    cast.put_in_force(tier=tier("dawid_skene", 5) | {"mode": "sampled", "audit_rate": 1.0})
    [output] = route(cast.project)
    item = item_of(output)
    assert (item.kind, item.aggregation) == ("audit", "majority")
    hand_in(reviewers[:5], [REJECT, REJECT, ACCEPT, ACCEPT, ACCEPT])
    verdict = decided(item)
    assert (verdict.value, verdict.basis["method"]) == ("accept", "majority")


def test_a_rater_set_aside_is_replaced_and_the_item_weighed_anew(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers, gold=30)
    item = weighed(cast, reviewers[:5], [REJECT, REJECT, ACCEPT, ACCEPT, ACCEPT])
    before = decided(item)
    later = NOW.replace(hour=20)
    raise_suspicion(
        membership=reviewers[0], kind="owner", since=NOW.replace(minute=0), evidence={}, actor="person:1", now=later
    )
    assert verdict_of(item) is None
    hand_in([reviewers[5]], [REJECT], now=later)
    after = decided(item)
    assert (after.sequence, after.basis["method"]) == (2, "dawid_skene")
    assert {row["rating"] for row in after.basis["reliabilities"]} == set(after.rating_ids)
    assert set(after.rating_ids) != set(before.rating_ids)


def test_callers_learn_how_sure_it_is_and_nothing_of_anybody(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers[:5], gold=30)
    verdict = decided(weighed(cast, reviewers[:5], [REJECT, REJECT, ACCEPT, ACCEPT, ACCEPT]))
    body = aggregation_body(verdict.basis)
    assert body is not None
    assert body["votes"] == {"reject": 2, "accept": 3}
    assert body["posterior"] == verdict.basis["posterior"]
    assert body.keys() == {
        "method", "chosen", "asked", "votes", "needed", "prior", "posterior", "items", "known", "fallback",
    }  # fmt: skip


def test_the_ledger_agrees(cast: Cast, reviewers: list[Membership]) -> None:
    """With a past that was really lived through, because the archive's items have no outputs."""
    cast.put_in_force(tier=tier("dawid_skene", 5))
    for number in range(21):
        route(cast.project)
        answers = [REJECT if number % 2 else ACCEPT] * 4 + [ACCEPT]
        hand_in(reviewers[:5], answers)
    methods = list(Verdict.objects.order_by("pk").values_list("basis__method", flat=True))
    assert set(methods[:20]) == {"majority"}
    assert methods[20] == "dawid_skene"
    assert_ledger_is_clean()
