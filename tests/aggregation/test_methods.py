"""From judgements to a verdict: the truth tables, and what no further agreement may do."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.stats.aggregation import dawid_skene
from labeling.stats.reliability import Reliability, estimate_reliabilities, posterior
from labeling.verdicts import POSTERIOR_BAR, ByVotes, Judgement, aggregate, by_posterior, needed_votes

A, C, R = "accept", "correct", "reject"
METHODS: tuple[ByVotes, ...] = ("single", "unanimous", "majority")


def said(*verdicts: str) -> list[Judgement]:
    return [Judgement(verdict, "", f"fix {n}" if verdict == C else "", {}) for n, verdict in enumerate(verdicts)]


@pytest.mark.parametrize(
    ("verdicts", "single", "unanimous", "majority"),
    [
        ((A,), A, A, A),
        ((A, A), A, A, A),
        ((A, R), A, None, None),
        ((R, A), R, None, None),
        ((C, R), C, None, None),
        ((A, A, R), A, None, A),
        ((R, A, A), R, None, A),
        ((A, C, R), A, None, None),
        ((R, R, R), R, R, R),
        ((A, A, R, R), A, None, None),
        ((C, C, C, R), C, None, C),
        ((R, A, A, A, R), R, None, A),
    ],
)
def test_each_method_by_its_rule(
    verdicts: tuple[str, ...], single: str | None, unanimous: str | None, majority: str | None
) -> None:
    for method, expected in zip(METHODS, (single, unanimous, majority), strict=True):
        agreed = aggregate(said(*verdicts), method)
        assert (agreed.value if agreed else None) == expected, method


def test_of_a_pair_the_preference_is_the_answer() -> None:
    pair = [Judgement(A, preferred, "", {}) for preferred in ("a", "a", "tie")]
    agreed = aggregate(pair)
    assert agreed is not None
    assert agreed.preferred == "a"
    assert aggregate(pair, "unanimous") is None


def test_it_says_how_many_must_be_alike() -> None:
    needed = [[needed_votes(method, asked) for asked in (1, 2, 3, 4, 5)] for method in METHODS]
    assert needed == [[1, 1, 1, 1, 1], [1, 2, 3, 4, 5], [1, 2, 2, 3, 3]]


def test_the_first_rating_brings_its_own_criteria_and_is_the_only_rater() -> None:
    first, second = Judgement(R, "", "", {"tone": 1}), Judgement(R, "", "Better.", {"tone": 2})
    agreed = aggregate([first, second], "single")
    assert agreed is not None
    assert (agreed.criteria, agreed.correction, agreed.reached_by) == ({"tone": 1}, "", "single")


@pytest.mark.parametrize(
    ("verdicts", "unacceptable", "expected"),
    [
        ((A, A, A, A, R), 0.02, A),
        ((R, R, R, R, A), 0.98, R),
        ((A, A, A, R, R), 0.5, None),
        ((A, A, A, R, R), 0.11, None),
        ((A, A, A, R, R), 0.1, A),
        # One who is to be relied on outweighs three who are not.
        ((A, A, A, R, R), 0.95, R),
        ((R, R, C, A, A), 0.95, R),
        # Not acceptable, but nobody knows whether it can be mended.
        ((R, C, A, A, A), 0.95, None),
        # The model believes what nobody said.
        ((A, A, A, A, A), 0.95, None),
        ((R, R, R, R, R), 0.01, None),
    ],
)
def test_a_probability_decides_between_acceptable_and_not(
    verdicts: tuple[str, ...], unacceptable: float, expected: str | None
) -> None:
    agreed = by_posterior(said(*verdicts), unacceptable)
    assert (agreed.value if agreed else None) == expected


RATES = st.floats(0.02, 0.98)
PEOPLE = st.builds(Reliability, sensitivity=RATES, specificity=RATES, unacceptable=..., acceptable=..., votes=...)


@given(st.lists(st.sampled_from([A, C, R]), min_size=1, max_size=9), st.sampled_from(METHODS))
def test_one_more_who_agrees_never_turns_a_verdict(verdicts: list[str], method: ByVotes) -> None:
    agreed = aggregate(said(*verdicts), method)
    if agreed is not None:
        again = aggregate(said(*verdicts, agreed.value), method)
        assert again is not None
        assert again.value == agreed.value


@given(
    st.floats(0.01, 0.99),
    st.lists(st.tuples(PEOPLE, st.sampled_from([A, C, R])), min_size=1, max_size=9),
    PEOPLE,
)
def test_one_more_who_agrees_never_turns_a_weighed_verdict(
    prior: float, votes: list[tuple[Reliability, str]], further: Reliability
) -> None:
    weighed = [(person, verdict != A) for person, verdict in votes]
    before = posterior(prior, weighed)
    agreed = by_posterior(said(*(verdict for _person, verdict in votes)), before)
    if agreed is not None:
        after = posterior(prior, [*weighed, (further, agreed.value != A)])
        # Rounding apart, where somebody of no weight is added at the very bar.
        nearer = max(after, before) if agreed.value != A else min(after, before)
        assert math.isclose(after, nearer, rel_tol=1e-9)
        again = by_posterior(said(*(verdict for _person, verdict in votes), agreed.value), nearer)
        assert again is not None
        assert again.value == agreed.value


def test_whoever_is_no_better_than_a_coin_changes_nothing() -> None:
    contrary = Reliability(0.2, 0.3, 10, 10, 20)
    assert posterior(0.3, [(contrary, True), (contrary, False)]) == pytest.approx(0.3)


def test_it_is_bayes_rule() -> None:
    person = Reliability(0.9, 0.8, 10, 10, 20)
    assert posterior(0.25, [(person, True)]) == pytest.approx(0.25 * 0.9 / (0.25 * 0.9 + 0.75 * 0.2))
    assert posterior(0.25, [(person, False)]) == pytest.approx(0.25 * 0.1 / (0.25 * 0.1 + 0.75 * 0.8))


QUALITY = {"ann": 0.95, "bob": 0.92, "cor": 0.6, "dan": 0.58, "eve": 0.55}


def simulated(seed: int, items: int = 300) -> tuple[list[tuple[int, str, bool]], list[bool]]:
    rng = np.random.default_rng(seed)
    truth = [bool(bad) for bad in rng.random(items) < 0.5]
    votes = [
        (item, rater, bad == bool(rng.random() < right))
        for item, bad in enumerate(truth)
        for rater, right in QUALITY.items()
    ]
    return votes, truth


@pytest.mark.parametrize("seed", range(5))
def test_on_balanced_classes_weighing_beats_the_majority(seed: int) -> None:
    votes, truth = simulated(seed)
    found = estimate_reliabilities(votes, {})
    weighed = by_majority = 0
    for item, bad in enumerate(truth):
        own = [(rater, unacceptable) for owner, rater, unacceptable in votes if owner == item]
        weighed += (posterior(found.prior, [(found.raters[rater], said) for rater, said in own]) > 0.5) == bad
        by_majority += (sum(said for _rater, said in own) >= 3) == bad
    assert weighed > by_majority + 0.02 * len(truth)


def test_what_it_is_sure_of_is_right_as_often_as_it_says() -> None:
    votes, truth = simulated(11, 2000)
    found = estimate_reliabilities(votes, {})
    said_by = {item: [] for item in range(len(truth))}  # type: dict[int, list[tuple[Reliability, bool]]]
    for item, rater, unacceptable in votes:
        said_by[item].append((found.raters[rater], unacceptable))
    probabilities = [posterior(found.prior, said_by[item]) for item in range(len(truth))]
    sure = [(p, bad) for p, bad in zip(probabilities, truth, strict=True) if max(p, 1 - p) >= POSTERIOR_BAR]
    right = sum((p > 0.5) == bad for p, bad in sure) / len(sure)
    assert len(sure) > 1000
    assert right >= POSTERIOR_BAR


def test_known_answers_stay_and_tell_who_is_reliable() -> None:
    """Where the crowd is mostly wrong, only planted cases can say so."""
    votes = [(item, rater, False) for item in range(12) for rater in ("ann", "bob")]
    votes += [(item, "cor", True) for item in range(12)]
    alone = estimate_reliabilities(votes, {})
    taught = estimate_reliabilities(votes, dict.fromkeys(range(12), True))
    assert alone.raters["ann"].specificity > 0.8 > alone.raters["cor"].specificity
    assert taught.raters["ann"].sensitivity < 0.2
    assert taught.raters["cor"].sensitivity > 0.8
    assert (taught.items, taught.known, taught.prior) == (12, 12, 0.5)


def test_a_known_item_says_nothing_of_how_common_failures_are() -> None:
    votes = [(item, rater, item >= 30) for item in range(60) for rater in ("ann", "bob")]
    found = estimate_reliabilities(votes, dict.fromkeys(range(30, 60), True))
    assert found.prior == pytest.approx(1 / 32, abs=0.02)


def test_nobody_is_certain_on_few_votes() -> None:
    votes = [(item, rater, item < 3) for item in range(6) for rater in ("ann", "bob")]
    known = {item: item < 3 for item in range(6)}
    ann = estimate_reliabilities(votes, known).raters["ann"]
    assert ann.sensitivity == pytest.approx(0.8)
    assert ann.specificity == pytest.approx(0.8)
    assert ann.votes == 6
    assert (ann.unacceptable, ann.acceptable) == (3.0, 3.0)


def test_a_known_label_must_be_on_the_list() -> None:
    with pytest.raises(ValueError, match="known label"):
        dawid_skene([("i1", "ann", 0)], [0, 1], known={"i1": 2})


def test_without_known_labels_the_model_is_as_it_was() -> None:
    votes, _truth = simulated(3, 60)
    plain = dawid_skene(votes, [True, False])
    assert dawid_skene(votes, [True, False], known={}, added=0.0) == plain
    assert dawid_skene(votes, [True, False], known={"elsewhere": True}) == plain
