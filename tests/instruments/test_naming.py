"""Whom the rules name: by hand where it can be counted by hand, and over whole teams."""

import math

import numpy as np
import pytest

from benchmarks.naming import CULPRITS, Design, accused, work
from labeling.stats.naming import Finding, Record, e_bh, naming, sleep_evidence, weakness_evidence
from labeling.stats.naming.copies import copying_evidence
from reviewapp.simulation.reviewers import COPIED, COPIER, eight_reviewers, honest_eight

DESIGN = Design(reviews=1500, gold_rate=0.4, failures=60, good=60, raters=8)


def record(**fields: object) -> Record:
    values: dict[str, object] = {"caught": 0, "failures": 0, "seconds": [], "accepted": [], "answers": {}}
    return Record(**(values | fields))  # type: ignore[arg-type]


def finding(records: dict[str, Record], reviewer: str, kind: str) -> Finding:
    [found] = [entry for entry in naming(records) if (entry.reviewer, entry.kind) == (reviewer, kind)]
    return found


def test_evidence_of_weakness_is_the_mean_likelihood_ratio() -> None:
    # Two of three caught, at 0.6, 0.7 and 0.8 against 0.92.
    ratios = [(weak / 0.92) ** 2 * (1 - weak) / 0.08 for weak in (0.6, 0.7, 0.8)]
    assert weakness_evidence(2, 3) == pytest.approx(sum(ratios) / 3)
    assert weakness_evidence(0, 0) == 1.0
    with pytest.raises(ValueError, match="4 of 3"):
        weakness_evidence(4, 3)


def test_a_good_reviewers_evidence_is_worth_one_on_average() -> None:
    failures = 20
    chances = [math.comb(failures, k) * 0.92**k * 0.08 ** (failures - k) for k in range(failures + 1)]
    assert sum(p * weakness_evidence(k, failures) for k, p in enumerate(chances)) == pytest.approx(1.0)


def test_the_line_falls_with_everybody_who_reaches_it() -> None:
    assert e_bh([], 0.05) == 20.0
    assert e_bh([19.0, 1.0], 0.05) == 20.0
    assert e_bh([20.0, 9.0], 0.05) == 20.0
    # Two of them at 10: that is 1/(0.05 · 2).
    assert e_bh([11.0, 10.0, 1.0], 0.05) == 10.0


def test_more_reviewers_take_more_evidence() -> None:
    def needed(others: int) -> float | None:
        good = {f"good-{number}": record(caught=19, failures=20) for number in range(others)}
        return finding({"weak": record(caught=10, failures=20), **good}, "weak", "weak_on_gold").needed

    assert needed(9) == pytest.approx(200.0)
    assert needed(99) == pytest.approx(2000.0)


def test_without_evidence_there_is_a_reason_and_nobody_is_named() -> None:
    for entry in naming({"a": record(), "b": record()}):
        assert (entry.evidence, entry.needed, entry.named, entry.n) == (None, None, False, 0)
        assert entry.reason in ("no_planted_failures", "too_few_ratings", "too_few_shared_items")


def test_a_fast_reviewer_who_refuses_as_others_do_is_not_asleep() -> None:
    others = [30.0 + number % 17 for number in range(200)]
    assert sleep_evidence([3.0] * 100, 100, others, 170) > 100
    assert sleep_evidence([3.0] * 100, 85, others, 170) < 2
    assert sleep_evidence([40.0] * 100, 100, others, 170) < 2


def test_who_falls_asleep_is_named_by_their_own_beginnings() -> None:
    def pace(recent: float) -> Record:
        # Slow enough before that all of it together hides the change from a look at the others.
        return record(
            seconds=[60.0] * 300 + [recent] * 60, accepted=[n % 4 > 0 for n in range(300)] + [True] * 60, recent=60
        )

    others = {f"other-{n}": record(seconds=[50.0] * 200, accepted=[k % 4 > 0 for k in range(200)]) for n in range(3)}
    assert finding({"late": pace(3.0), **others}, "late", "asleep").named
    assert not finding({"late": pace(55.0), **others}, "late", "asleep").named


def team(seed: int, copies: bool) -> dict[str, Record]:
    """Four people who are right in six of seven cases; `d` hands in after `a`, and copies if so told."""
    rng = np.random.default_rng(seed)
    answers: dict[str, dict[str, tuple[str, float]]] = {name: {} for name in "abcd"}
    for number in range(150):
        truth = rng.random() < 0.3
        for place, (_name, own) in enumerate(answers.items()):
            right = rng.random() < 6 / 7
            own[f"i{number}"] = ("pass" if truth == right else "fail", number + place / 10)
        if copies:
            answers["d"][f"i{number}"] = (answers["a"][f"i{number}"][0], number + 0.9)
    return {name: record(answers=own) for name, own in answers.items()}


def test_the_copier_is_named_and_whom_they_copy_is_not() -> None:
    named = [entry for entry in naming(team(1, copies=True)) if entry.named]
    assert [(entry.reviewer, entry.kind, entry.peer) for entry in named] == [("d", "copies", "a")]
    assert named[0].events == named[0].n > 20
    assert not [entry for entry in naming(team(1, copies=False)) if entry.named]


def test_only_what_the_peer_had_handed_in_before_can_have_been_copied() -> None:
    records = team(1, copies=True)
    early = {item: (value, at - 1.0) for item, (value, at) in records["d"].answers.items()}
    pairs = copying_evidence({name: entry.answers for name, entry in records.items()} | {"d": early})
    assert ("d", "a") not in {(pair.reviewer, pair.peer) for pair in pairs}
    assert max(pairs, key=lambda pair: pair.evidence).reviewer == "a"


def test_two_of_one_opinion_on_easy_items_show_nothing() -> None:
    easy = {f"i{number}": ("pass", float(number)) for number in range(200)}
    assert copying_evidence(dict.fromkeys("abc", easy)) == ()


def test_being_better_than_the_rest_is_not_copying() -> None:
    rng = np.random.default_rng(2)
    answers: dict[str, dict[int, tuple[bool, float]]] = {name: {} for name in "abcd"}
    for number in range(400):
        for place, (name, own) in enumerate(answers.items()):
            strays = rng.random() < (0.02 if name in "ab" else 0.25)
            own[number] = (bool(strays), number + place / 10)
    [pair] = [entry for entry in copying_evidence(answers) if (entry.reviewer, entry.peer) == ("b", "a")]
    assert pair.agreeing / pair.telling > 0.85
    assert pair.evidence < 5


@pytest.mark.parametrize("seed", [1, 2])
def test_it_names_everybody_it_should_after_1500_reviews_and_no_honest_one(seed: int) -> None:
    people = eight_reviewers(sleeper=True, copier=True)
    named = accused(people, list(work(seed, people, DESIGN, None)))
    assert named >= set(CULPRITS.values())
    assert not [entry for entry in named if entry[0] == COPIED]
    assert (COPIER, "copies", COPIED) in named
    honest = honest_eight()
    assert accused(honest, list(work(seed, honest, DESIGN, None))) == frozenset()


def test_ten_failures_each_cannot_tell_the_weak() -> None:
    """Why more gold is needed: what a tenth of claims being gold gives in 1,500 reviews."""
    team_of_eight = {f"r{number}": record(caught=10, failures=10) for number in range(7)}
    assert not finding(team_of_eight | {"weak": record(caught=7, failures=10)}, "weak", "weak_on_gold").named
    enough = {f"r{number}": record(caught=57, failures=60) for number in range(7)}
    assert finding(enough | {"weak": record(caught=41, failures=60)}, "weak", "weak_on_gold").named
