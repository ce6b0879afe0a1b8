"""Figures of outcomes made by hand, where every number can be counted."""

import pytest

from reviewapp.simulation.efficiency import efficiency
from reviewapp.simulation.estimates import OVERALL, GoldAnswer, Slice, cost_row, slices_of, undetected_row
from reviewapp.simulation.instrument import ADJUDICATION, GOLD, LIVE, Given, named, reviewer_figures
from reviewapp.simulation.outcome import Outcome, strata_of_outcomes
from reviewapp.simulation.reviewers import Reviewer, eight_reviewers
from reviewapp.simulation.shift import shift_figures
from reviewapp.simulation.words import estimate, rate, undefined
from tests.simulation.worlds import audited, make_outcome, reviewed

ALL = Slice(OVERALL, OVERALL)


def small_stream() -> list[Outcome]:
    """100 outputs: 60 shipped unseen with 6 errors, 20 audited with 2 errors of which 1 was missed, 20 reviewed with
    10 errors of which 8 were caught, and 1 false alarm."""
    unseen = [make_outcome(n, error=n < 6) for n in range(60)]
    audits = [audited(100 + n, error=n < 2, rejected=n < 1) for n in range(20)]
    reviews = [reviewed(200 + n, error=n < 10, rejected=n < 8 or n == 15) for n in range(20)]
    return [*unseen, *audits, *reviews]


def test_truth_is_told_both_ways() -> None:
    row = undetected_row(ALL, small_stream(), strata_of_outcomes(small_stream()), [])
    assert (row.outputs, row.shipped, row.audited, row.errors) == (100, 80, 20, 18)
    # Nobody caught 6 unseen, 1 missed in the audit and 2 missed in review.
    assert (row.left, row.left_unreviewed) == (9, 6)


def test_the_observed_estimate_scales_the_audit_up_to_what_nobody_saw() -> None:
    row = undetected_row(ALL, small_stream(), strata_of_outcomes(small_stream()), [])
    # 1 of 20 audits found wrong, 60 outputs unaudited, 100 in all.
    assert row.observed.rate == pytest.approx(0.03)
    assert row.observed.low is not None
    assert row.observed.holds_truth is True


def test_a_bias_that_the_interval_misses_is_called_one() -> None:
    # Three shipped errors in four were false alarms of the audit: nothing was really wrong.
    outcomes = [make_outcome(n) for n in range(60)] + [audited(100 + n, rejected=n < 15) for n in range(20)]
    row = undetected_row(ALL, outcomes, strata_of_outcomes(outcomes), [])
    assert row.left_unreviewed == 0
    assert row.observed.holds_truth is False


def test_gold_cases_correct_for_false_alarms() -> None:
    outcomes = [make_outcome(n) for n in range(600)] + [audited(1000 + n, rejected=n < 20) for n in range(200)]
    gold = [GoldAnswer("letters/short", error=True, right=True) for _ in range(200)]
    gold += [GoldAnswer("letters/short", error=False, right=n >= 20) for n in range(200)]
    row = undetected_row(ALL, outcomes, strata_of_outcomes(outcomes), gold)
    assert row.observed.rate == pytest.approx(0.075)
    assert row.corrected.rate == pytest.approx(0.0, abs=1e-9)
    assert row.corrected.holds_truth is True


def test_without_gold_a_corrected_estimate_is_undefined_with_its_count() -> None:
    row = undetected_row(ALL, small_stream(), strata_of_outcomes(small_stream()), [])
    assert row.corrected.rate is None
    assert row.corrected.holds_truth is None
    assert estimate(row.corrected).startswith("undefined: needs gold")
    assert "(n=0)" in estimate(row.corrected)


def test_an_unaudited_tier_makes_the_estimate_undefined_not_zero() -> None:
    outcomes = [make_outcome(n) for n in range(10)]
    row = undetected_row(ALL, outcomes, strata_of_outcomes(outcomes), [])
    assert row.observed.rate is None
    assert "no audit verdict (n=0)" in estimate(row.observed)


def test_tiers_and_groups_are_slices_with_gold_of_their_own() -> None:
    other = {"group": "sums", "intent": "sums"}
    outcomes = [*small_stream(), reviewed(300, error=True, stakes="high", row=other)]
    slices = slices_of(outcomes)
    assert [part.name for part in slices] == ["all", "high", "low", "letters", "sums"]
    sums = next(part for part in slices if part.name == "sums")
    gold = [GoldAnswer("letters/short", error=True, right=True)]
    row = undetected_row(sums, outcomes, [], gold)
    assert (row.outputs, row.errors, row.left, row.left_unreviewed) == (1, 1, 1, 0)
    assert estimate(row.corrected) == "undefined: nothing shipped (n=0)"


def test_costs_weigh_errors_by_stakes() -> None:
    outcomes = [
        *[make_outcome(n, error=n < 2, stakes="high") for n in range(10)],
        *[audited(100 + n, stakes="high", error=n < 1, rejected=n < 1) for n in range(5)],
        *[make_outcome(200 + n, error=n < 3) for n in range(10)],
        *[audited(300 + n) for n in range(5)],
    ]
    counted = [
        (part, strata_of_outcomes([o for o in outcomes if part.holds(o)]))
        for part in slices_of(outcomes)
        if part.kind == "stakes"
    ]
    cost = cost_row(outcomes, counted, [])
    assert cost.left_unreviewed == pytest.approx((2 * 25 + 3 * 1) / 30)
    # One error in five audits of ten unaudited: two expected unseen at 25 each.
    assert cost.observed.rate == pytest.approx(2 * 25 / 30)
    assert cost.observed.holds_truth is True
    assert cost.corrected.rate is None
    assert cost.corrected.reason.count("(n=0)") == 2


def test_efficiency_counts_catches_against_chance_and_against_an_oracle() -> None:
    outcomes = small_stream()
    chances = [0.5 if outcome.error else 0.0 for outcome in outcomes]
    work = efficiency(outcomes, chances, hours=2.0, gold_reviews=3, gold_hours=0.1)
    assert (work.reviews, work.caught, work.false_alarms) == (40, 9, 1)
    assert work.random_caught == pytest.approx(18 * 0.5 * 0.4)
    assert work.oracle_caught == pytest.approx(9.0)
    assert work.ratio_to_random == pytest.approx(9 / 3.6)
    assert work.caught_per_hour == pytest.approx(4.5)
    assert work.undetected == pytest.approx(0.09)


def test_second_raters_cost_time_that_a_random_sample_would_have() -> None:
    single = efficiency(
        [reviewed(1, error=True, rejected=True), make_outcome(2)], [1.0, 0.0], hours=1, gold_reviews=0, gold_hours=0
    )
    double = efficiency(
        [reviewed(1, error=True, rejected=True, reviews=2), make_outcome(2)],
        [1.0, 0.0],
        hours=2,
        gold_reviews=0,
        gold_hours=0,
    )
    assert single.ratio_to_random == pytest.approx(2.0)
    assert double.ratio_to_random == pytest.approx(1.0)


def test_nothing_reviewed_has_no_rate() -> None:
    work = efficiency([make_outcome(1)], [0.0], hours=0.0, gold_reviews=0, gold_hours=0.0)
    assert work.false_alarm_rate is None
    assert work.caught_per_hour is None
    assert work.ratio_to_random is None


def given(reviewer: str, number: int, *, error: bool = False, wrong: bool | None = None, **fields: object) -> Given:
    seconds, kind = fields.get("seconds", 45.0 + number % 7), fields.get("kind", LIVE)
    assert isinstance(seconds, float)
    return Given(reviewer, f"o{number}", error if wrong is None else wrong, seconds, error, str(kind))


def test_the_rules_name_the_sleeper_and_the_weak_and_spare_the_others() -> None:
    people = eight_reviewers()[:4]
    ratings = [given(person.name, n, error=n % 4 == 0) for person in people[:3] for n in range(100, 200)]
    ratings += [given("reviewer-4", n, error=n % 4 == 0, wrong=False, seconds=3.0) for n in range(100, 200)]
    for person in people:
        caught = 20 if person.name == "reviewer-3" else 39
        seconds = 3.0 if person.name == "reviewer-4" else 45.0
        ratings += [given(person.name, n, error=True, wrong=n < caught, kind=GOLD, seconds=seconds) for n in range(40)]
    naming = named(people, ratings)
    assert [(entry.reviewer, entry.rule) for entry in naming.named] == [
        ("reviewer-3", "weak"),
        ("reviewer-4", "asleep"),
    ]
    weak = naming.named[0]
    assert (weak.events, weak.n) == (20, 40)
    assert weak.evidence >= weak.needed > 1.0


def test_who_always_agrees_with_the_one_before_against_the_third_is_named() -> None:
    people = tuple(Reviewer(name, 0.9, 0.1) for name in "abc")
    ratings = []
    for n in range(60):
        ratings += [given("a", n, wrong=n % 2 == 0), given("b", n, wrong=n % 2 == 0), given("c", n, wrong=n % 3 == 0)]
    naming = named(people, ratings)
    # Each hands in after the one before, so b copies a.
    assert [(entry.reviewer, entry.rule) for entry in naming.named] == [("b", "copies a")]
    assert (naming.rules("b"), naming.rules("a")) == (("copies a",), ())


def test_a_rule_without_evidence_says_so() -> None:
    naming = named(eight_reviewers(), [given("reviewer-1", 1)])
    assert naming.reasons["weak"] == "no gold cases were judged (n=0)"
    assert naming.reasons["copies"].endswith("(n=0)")


def test_people_are_ranked_by_gold_and_measured_by_what_they_met() -> None:
    people = eight_reviewers()[:2]
    ratings = [given("reviewer-1", n, error=True, wrong=n < 5, kind=GOLD) for n in range(10)]
    ratings += [given("reviewer-2", n, error=True, wrong=n < 9, kind=GOLD) for n in range(10)]
    ratings += [given("reviewer-1", 50 + n, error=True, wrong=n < 2) for n in range(4)]
    ratings += [given("reviewer-1", 90, error=True, wrong=True, kind=ADJUDICATION)]
    rows, _told = reviewer_figures(people, ratings)
    assert [row.name for row in rows] == ["reviewer-2", "reviewer-1"]
    assert rows[1].gold_sensitivity.rate == 0.5
    assert (rows[1].caught.successes, rows[1].caught.trials) == (2, 4)
    assert rate(rows[0].caught) == "undefined: none met (n=0)"


def test_only_the_first_1500_reviews_count_as_early() -> None:
    people = (Reviewer("a", 0.9, 0.1), Reviewer("b", 0.9, 0.1))
    ratings = [given("a", n) for n in range(1500)]
    ratings += [given("b", n, error=True, wrong=False, kind=GOLD) for n in range(20)]
    late = [*ratings[:1500], given("a", 1501), *ratings[1500:]]
    for handed_in, early in ((ratings, ("weak",)), (late, ())):
        rows, _told = reviewer_figures(people, handed_in)
        assert [(row.named, row.named_early) for row in rows if row.name == "b"] == [(("weak",), early)]


def steady(number: int, intent: str = "letters/short", confidence: float | None = None) -> Outcome:
    return make_outcome(number, confidence=confidence or 0.5 + number % 50 / 100, row={"intent": intent})


def test_a_stream_that_does_not_change_raises_nothing() -> None:
    found = shift_figures([steady(n, f"i{n % 3}") for n in range(6000)], None)
    assert (found.raised_at, found.false_alarms) == (None, 0)
    assert found.looks == 36


def test_a_change_of_confidence_is_raised_after_the_shift() -> None:
    outcomes = [steady(n) for n in range(4000)] + [steady(n, confidence=0.5) for n in range(4000, 6000)]
    found = shift_figures(outcomes, 4000)
    assert found.raised_by == "confidences"
    assert found.in_time is True
    assert found.false_alarms == 0


def test_a_short_stream_cannot_tell_of_shifts() -> None:
    found = shift_figures([steady(n) for n in range(100)], 60)
    assert found.reason == "needs 2500 outputs (n=100)"
    assert found.in_time is None


def test_undefined_carries_reason_and_count_once() -> None:
    assert undefined("nothing shipped (n=3)", 4) == "undefined: nothing shipped (n=3)"
    assert undefined("nothing shipped", 0) == "undefined: nothing shipped (n=0)"
