"""Simulated people."""

from statistics import median

import pytest

from reviewapp.simulation.reviewers import (
    ADJUDICATOR,
    COPIED,
    COPIER,
    PERFECT,
    REAL,
    SIMULATED,
    SLEEPER,
    Panel,
    Reviewer,
    eight_reviewers,
    rounds,
)
from tests.simulation.worlds import make_row

FIRST, SECOND = eight_reviewers()[:2]


def test_the_kth_review_takes_the_kth_real_rating() -> None:
    row = make_row(ratings=(True, False))
    panel = Panel(1, REAL)
    people = (SECOND, FIRST)
    assert [panel.answer(row, output="o", reviewer=person) for person in people] == [True, False]


def test_reviews_beyond_the_real_ratings_are_drawn_from_the_persons_rates() -> None:
    row = make_row(ratings=(False,), error=True)
    never, always = Reviewer("never", 0.0, 0.0), Reviewer("always", 1.0, 0.0)
    panel = Panel(1, REAL)
    answers = [panel.answer(row, output="o", reviewer=person) for person in (always, always, never)]
    assert answers == [False, True, False]


def test_the_adjudicator_takes_the_next_real_rating_too() -> None:
    panel = Panel(1, REAL)
    row = make_row(ratings=(True, False, True))
    answers = [panel.answer(row, output="o", reviewer=person) for person in (FIRST, SECOND, ADJUDICATOR)]
    assert answers == [True, False, True]


def test_the_order_of_claims_changes_no_drawn_answer() -> None:
    rows = [make_row(f"row-{number}", error=number % 2 == 0) for number in range(200)]
    people = eight_reviewers()
    forwards, backwards = Panel(1, SIMULATED), Panel(1, SIMULATED)
    there = {(r.key, p.name): forwards.answer(r, output=r.key, reviewer=p) for r in rows for p in people}
    back = {
        (r.key, p.name): backwards.answer(r, output=r.key, reviewer=p) for r in reversed(rows) for p in reversed(people)
    }
    assert there == back


def test_people_catch_and_fail_at_their_rates() -> None:
    panel, weak = Panel(1, SIMULATED), eight_reviewers()[7]
    wrong, good = make_row(error=True), make_row(error=False)
    caught = sum(panel.answer(wrong, output=f"w{n}", reviewer=weak) for n in range(4000))
    alarms = sum(panel.answer(good, output=f"g{n}", reviewer=weak) for n in range(4000))
    assert caught / 4000 == pytest.approx(0.63, abs=0.04)
    assert alarms / 4000 == pytest.approx(0.02, abs=0.012)


def test_perfect_people_are_always_right() -> None:
    panel = Panel(1, PERFECT)
    weak = eight_reviewers()[7]
    assert panel.answer(make_row(error=True, ratings=(False,)), output="a", reviewer=weak)
    assert not panel.answer(make_row(error=False, ratings=(True,)), output="b", reviewer=weak)


def test_somebody_asleep_passes_everything_in_three_seconds() -> None:
    asleep = next(person for person in eight_reviewers(sleeper=True) if person.asleep)
    panel = Panel(1, PERFECT)
    assert asleep.name == SLEEPER
    assert not panel.answer(make_row(error=True), output="a", reviewer=asleep)
    assert panel.seconds(output="a", reviewer=asleep) == 3.0


def test_the_copier_repeats_the_peer_and_judges_alone_without_one() -> None:
    people = {person.name: person for person in eight_reviewers(copier=True)}
    copier = people[COPIER]
    panel = Panel(1, SIMULATED)
    wrong = make_row(error=True)
    # The sleeper stands in for a peer whose answer no honest reviewer would give.
    panel.given["a"].append((COPIED, False))
    outputs = [f"o{number}" for number in range(50)]
    assert not panel.answer(wrong, output="a", reviewer=copier)
    assert sum(panel.answer(wrong, output=output, reviewer=copier) for output in outputs) > 35


def test_review_times_have_their_median_and_tail() -> None:
    panel = Panel(1, REAL)
    seconds = sorted(panel.seconds(output=str(number), reviewer=FIRST) for number in range(4000))
    assert median(seconds) == pytest.approx(45, rel=0.08)
    assert seconds[3600] == pytest.approx(260, rel=0.12)


def test_everybody_has_a_turn_in_every_round() -> None:
    people = eight_reviewers()
    turns = rounds(1, people)
    first, second = next(turns), next(turns)
    assert set(first) == set(second) == set(people)
    assert first != second
    assert next(rounds(1, people)) == first


def test_a_single_review_catches_by_the_mean_rate_of_those_awake() -> None:
    people = (Reviewer("a", 0.9, 0.0), Reviewer("b", 0.7, 0.0, asleep=True))
    assert Panel(1, SIMULATED).catch_chance(make_row(error=True), people) == pytest.approx(0.45)
    assert Panel(1, REAL).catch_chance(make_row(error=True, ratings=(True,)), people) == pytest.approx(0.5)
    assert Panel(1, PERFECT).catch_chance(make_row(error=True), people[:1]) == 1.0
