"""Agreement between people, against numbers worked out by hand."""

from datetime import timedelta
from typing import Any

import pytest

from labeling.queries.agreement import OUTCOME, PREFERENCE, AgreementRow, agreement_rows
from labeling.queries.disputes import disputes, shown_dispute
from labeling.services.rubrics import draft_rubric, publish_rubric
from labeling.services.submitting import undo_rating
from tests.factories import ACCEPT, REJECT, claim, judge, output_body, pair_body, plant_gold, route, submit
from tests.people import NOW, Cast

TWO = {"mode": "always", "raters": 2}
# Robin's and Sam's answers on ten items: 5 × both accept, 2 × both reject, 3 × they differ.
ROBIN = "yyyyy" + "nn" + "yyn"
SAM = "yyyyy" + "nn" + "nny"


def rate_all(cast: Cast, *answers: str, bodies: list[dict[str, Any]] | None = None, **when: Any) -> None:
    """Route one item per letter; each reviewer, in turn, answers them in order (y: accept, n: reject)."""
    cast.put_in_force(tier=TWO | {"raters": len(answers)})
    route(cast.project, *(bodies or [output_body() for _letter in answers[0]]), **when)
    for reviewer, letters in zip(cast.reviewers, answers, strict=False):
        for letter in letters:
            judge(reviewer, **when, **(ACCEPT if letter == "y" else REJECT))


def row_of(cast: Cast, criterion: str = OUTCOME, **options: Any) -> AgreementRow:
    (row,) = agreement_rows(cast.project, criterion=criterion, **options)
    return row


def test_it_equals_what_one_works_out_by_hand(cast: Cast, noise: Cast) -> None:
    rate_all(cast, ROBIN, SAM)
    row = row_of(cast)
    assert (row.items, row.pairable_items, row.ratings, row.raters) == (10, 10, 20, 2)
    assert row.percent == pytest.approx(0.7)
    # 13 accepts and 7 rejects: Do = 2·3/20, De = 2·13·7/(20·19), alpha = 1 − Do/De.
    assert row.alpha == pytest.approx(1 - 0.3 / (182 / 380))
    # Chance by AC1: 2·0.65·0.35.
    assert row.ac1 == pytest.approx((0.7 - 0.455) / (1 - 0.455))
    # Robin accepts 7 of 10, Sam 6: chance is 0.7·0.6 + 0.3·0.4.
    assert row.mean_pair_kappa == pytest.approx((0.7 - 0.54) / (1 - 0.54))
    assert row.alpha_interval is not None
    assert row.alpha is not None
    assert row.alpha_interval[0] < row.alpha < row.alpha_interval[1]
    assert (row.rubric, row.slice, row.level, row.reason) == ("acceptability v1", "*", "nominal", None)
    # Seven rejects are too few for an interval to be leant on, so no band is given.
    assert row.caution is not None
    assert row.band is None


def test_each_criterion_has_a_line_of_its_own(cast: Cast) -> None:
    rate_all(cast, ROBIN, SAM)
    rows = {row.criterion: row for row in agreement_rows(cast.project)}
    assert set(rows) == {OUTCOME, "acceptable", "reason"}
    assert rows["acceptable"].alpha == rows[OUTCOME].alpha
    # The reason is asked for rejects only: two items have it from both, three from one.
    assert (rows["reason"].items, rows["reason"].pairable_items, rows["reason"].ratings) == (5, 2, 7)


@pytest.mark.parametrize(
    ("answers", "reason", "percent", "pairable"),
    [(["yyn"], "no_pairable_units", None, 0), (["yyy", "yyy"], "no_variation", 1.0, 3)],
)
def test_it_says_why_a_figure_is_undefined(
    cast: Cast, answers: list[str], reason: str, percent: float | None, pairable: int
) -> None:
    rate_all(cast, *answers)
    row = row_of(cast)
    assert (row.alpha, row.alpha_interval, row.band, row.mean_pair_kappa) == (None, None, None, None)
    assert (row.reason, row.percent, row.items, row.pairable_items) == (reason, percent, 3, pairable)


def test_without_ratings_there_is_no_line(cast: Cast, noise: Cast) -> None:
    route(cast.project, output_body())
    assert agreement_rows(cast.project) == []


def test_it_cuts_by_intent_and_by_week(cast: Cast) -> None:
    rate_all(cast, "yy", "yn", bodies=[output_body(intent="billing"), output_body(intent="refund")])
    rate_all(cast, "nn", "nn", bodies=[output_body(intent="refund") for _n in "12"], now=NOW + timedelta(days=14))
    by_intent = agreement_rows(cast.project, criterion=OUTCOME, by="intent")
    assert [(row.slice, row.items, row.percent) for row in by_intent] == [
        ("billing", 1, 1.0),
        ("refund", 3, pytest.approx(2 / 3)),
    ]
    by_week = agreement_rows(cast.project, criterion=OUTCOME, by="week")
    assert [(row.slice, row.items) for row in by_week] == [("2026-w47", 2), ("2026-w49", 2)]
    assert row_of(cast, intent="refund").items == 3
    assert row_of(cast, since=NOW + timedelta(days=1)).items == 2
    assert row_of(cast, until=NOW + timedelta(days=1)).items == 2


def test_versions_of_a_rubric_are_never_mixed(cast: Cast) -> None:
    rate_all(cast, "yy", "yn")
    criterion = {
        "name": "acceptable",
        "type": "binary",
        "question": "Would you send this?",
        "levels": [{"value": "yes", "label": "Yes"}, {"value": "no", "label": "No"}],
        "fail_values": ["no"],
    }
    rubric = draft_rubric(
        project=cast.project, name="acceptability", task_kind="pointwise", criteria=[criterion], actor="test"
    )
    publish_rubric(rubric=rubric, actor="test", now=NOW)
    route(cast.project, output_body())
    for reviewer in cast.reviewers[:2]:
        judge(reviewer)
    rows = agreement_rows(cast.project, criterion=OUTCOME)
    assert [(row.rubric, row.items) for row in rows] == [("acceptability v2", 1), ("acceptability v1", 2)]
    assert row_of(cast, rubric="acceptability v1").items == 2
    assert len(agreement_rows(cast.project, criterion=OUTCOME, rubric="acceptability")) == 2
    assert agreement_rows(cast.project, rubric="tone") == []


def test_it_leaves_out_gold_adjudications_and_what_was_undone(cast: Cast) -> None:
    cast.put_in_force(tier=TWO, gold_rate=0.5)
    route(cast.project, output_body(), output_body())
    plant_gold(cast.project)
    robin, sam, _kim = cast.reviewers
    # Of these seeds the second draws gold.
    assert [submit(claim(robin, seed=seed)).item.kind for seed in (0, 1, 2)] == ["live", "gold", "live"]
    submit(claim(sam, seed=0), **REJECT)
    row = row_of(cast)
    assert (row.items, row.ratings) == (2, 3)
    # The dispute's adjudication is a verdict, not one more rater.
    judge(cast.adjudicator, **REJECT, cause="reviewer_slip")
    assert row_of(cast).ratings == 3
    # What is undone no longer stands.
    second = submit(claim(sam, seed=0))
    assert row_of(cast).ratings == 4
    undo_rating(assignment=second.assignment, now=NOW)
    assert row_of(cast).ratings == 3


def test_preferences_are_compared_as_the_pair_was_handed_in(cast: Cast) -> None:
    cast.put_in_force(tier=TWO)
    route(cast.project, *(pair_body() for _number in range(12)))
    robin, sam, _kim = cast.reviewers
    for seed in range(12):
        for reviewer, shift in ((robin, 0), (sam, 100)):
            assignment = claim(reviewer, seed=seed + shift)
            # Both always mean candidate a, wherever the shuffle put it for them.
            submit(assignment, values={}, preferred="b" if assignment.swapped else "a")
    row = row_of(cast, PREFERENCE)
    assert (row.percent, row.alpha, row.reason, row.pairable_items) == (1.0, None, "no_variation", 12)


def test_an_ordinal_scale_counts_how_far_people_are_apart(cast: Cast) -> None:
    levels = [{"value": value, "label": str(value)} for value in (1, 2, 3, 4)]
    criterion = {"name": "tone", "type": "ordinal", "question": "How is the tone?", "levels": levels, "fail_values": []}
    rubric = draft_rubric(project=cast.project, name="tone", task_kind="pointwise", criteria=[criterion], actor="test")
    publish_rubric(rubric=rubric, actor="test", now=NOW)
    cast.put_in_force(tier=TWO)
    near, far = [(1, 1), (2, 3), (4, 4), (3, 2)], [(1, 1), (1, 4), (4, 4), (4, 1)]
    found = {}
    for intent, pairs in {"near": near, "far": far}.items():
        route(cast.project, *(output_body(intent=intent) for _pair in pairs))
        for position, reviewer in enumerate(cast.reviewers[:2]):
            for pair in pairs:
                judge(reviewer, values={"tone": pair[position]})
        (found[intent],) = agreement_rows(cast.project, criterion="tone", intent=intent)
    # Ranks of 1,1,2,2,3,3,4,4 in the middle of their ties are 1.5, 3.5, 5.5, 7.5; two pairs differ by one step:
    # Do = 2·2·2²/8, De = Σ over the 8·7 ordered pairs of the squared rank difference.
    ranks = [1.5, 1.5, 3.5, 3.5, 5.5, 5.5, 7.5, 7.5]
    chance = sum((one - other) ** 2 for one in ranks for other in ranks) / (8 * 7)
    assert found["near"].level == "ordinal"
    assert found["near"].alpha == pytest.approx(1 - (2 * 2 * 2**2 / 8) / chance)
    assert found["near"].percent == found["far"].percent == 0.5
    assert found["far"].alpha is not None
    assert found["far"].alpha < 0.2 < (found["near"].alpha or 0)


def test_a_dispute_is_listed_with_what_each_side_said_and_how_it_ended(cast: Cast, noise: Cast) -> None:
    rate_all(cast, "yn", "nn")
    judge(cast.adjudicator, **REJECT, cause="rubric_ambiguous", rationale="The handbook says otherwise.")
    (item,) = disputes(cast.project)
    shown = shown_dispute(item)
    assert [(row["verdict"], row["adjudication"], row["cause"]) for row in shown["ratings"]] == [
        ("accept", False, None),
        ("reject", False, None),
        ("reject", True, "rubric_ambiguous"),
    ]
    assert (shown["status"], shown["verdict"]) == ("settled", "reject")
    assert {row["rater"] for row in shown["ratings"]} == {
        member.rater_code for member in (*cast.reviewers[:2], cast.adjudicator)
    }
