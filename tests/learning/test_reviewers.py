"""The people as instruments: figures worked out by hand, and none where there is nothing to go by."""

from datetime import timedelta

import pytest

from labeling.queries.reviewers import ReviewerRow, reviewer_rows
from labeling.services.submitting import undo_rating
from labeling.stats.intervals import wilson
from reviewapp.core.models import Membership
from tests.factories import ACCEPT, REJECT, claim, judge, output_body, pair_body, plant_gold, route, submit
from tests.people import NOW, Cast


def row_of(cast: Cast, member: Membership, **options: object) -> ReviewerRow:
    rows = {row.rater: row for row in reviewer_rows(cast.project, **options)}  # type: ignore[arg-type]
    return rows[member.rater_code]


def take_gold(cast: Cast, reviewer: Membership, reference: str, *, acceptable: bool, says: bool) -> None:
    """Plant one case and let the reviewer meet it, and nothing else."""
    plant_gold(cast.project, f"{reference}-{reviewer.rater_code}", acceptable=acceptable)
    # Seed 1 draws gold at this rate.
    rating = submit(claim(reviewer, seed=1), **(ACCEPT if says else REJECT))
    assert rating.item.kind == "gold"


def test_gold_accuracy_is_told_apart_by_planted_failures_and_good_cases(cast: Cast, noise: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    # Gold is only shown where there is work to hide it among.
    route(cast.project, output_body())
    robin, _sam, kim = cast.reviewers
    for number, (acceptable, says) in enumerate(
        [(False, False), (False, False), (False, True), (True, True), (True, False)]
    ):
        take_gold(cast, robin, f"g{number}", acceptable=acceptable, says=says)
    row = row_of(cast, robin)
    assert (row.gold_accuracy.successes, row.gold_accuracy.trials) == (3, 5)
    assert (row.gold_sensitivity.successes, row.gold_sensitivity.trials) == (2, 3)
    assert (row.gold_specificity.successes, row.gold_specificity.trials) == (1, 2)
    assert row.gold_accuracy.interval == wilson(3, 5)
    # Gold is no work: it counts neither as ratings nor for the share accepted.
    assert (row.ratings, row.acceptance.trials) == (0, 0)
    untested = row_of(cast, kim)
    assert (untested.gold_accuracy.rate, untested.gold_accuracy.interval, untested.gold_accuracy.trials) == (
        None,
        None,
        0,
    )


def test_the_best_come_first_and_the_untested_last(cast: Cast, noise: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    route(cast.project, output_body())
    robin, sam, kim = cast.reviewers
    take_gold(cast, robin, "a", acceptable=True, says=False)
    take_gold(cast, kim, "b", acceptable=True, says=True)
    assert [row.rater for row in reviewer_rows(cast.project)] == [kim.rater_code, robin.rater_code, sam.rater_code]


def test_work_is_counted_with_its_pace_and_acceptance(cast: Cast) -> None:
    robin, sam, _kim = cast.reviewers
    route(cast.project, *(output_body() for _number in range(6)))
    for seconds, answer in ((10.0, ACCEPT), (20.0, ACCEPT), (60.0, REJECT)):
        judge(robin, client_seconds=seconds, **answer)
    # Without the browser's clock the server's counts.
    submit(claim(sam), now=NOW + timedelta(seconds=33))
    row = row_of(cast, robin)
    assert (row.ratings, row.median_seconds) == (3, 20.0)
    assert (row.acceptance.successes, row.acceptance.trials) == (2, 3)
    assert row_of(cast, sam).median_seconds == 33.0
    assert row_of(cast, cast.reviewers[2]).median_seconds is None


def test_agreement_is_counted_over_shared_items_only(cast: Cast) -> None:
    robin, sam, kim = cast.reviewers
    route(cast.project, output_body())
    judge(robin)
    cast.put_in_force(tier={"mode": "always", "raters": 3})
    route(cast.project, *(output_body() for _number in range(2)))
    for answer in (ACCEPT, REJECT):
        judge(robin, **answer)
    for answer in (ACCEPT, ACCEPT):
        judge(sam, **answer)
        judge(kim, **answer)
    # Item 1: all three agree. Item 2: Robin against Sam and Kim.
    found = {member: row_of(cast, member).agreement_with_others for member in (robin, sam, kim)}
    assert (found[robin].successes, found[robin].trials) == (2, 4)
    assert (found[sam].successes, found[sam].trials) == (3, 4)
    assert (found[kim].successes, found[kim].trials) == (3, 4)


def test_the_same_words_of_different_pairs_are_compared_by_side(cast: Cast) -> None:
    robin, sam, _kim = cast.reviewers
    cast.put_in_force(tier={"mode": "always", "raters": 2})
    route(cast.project, pair_body())
    for reviewer, wanted in ((robin, "a"), (sam, "b")):
        assignment = claim(reviewer)
        other = "b" if wanted == "a" else "a"
        submit(assignment, values={}, preferred=other if assignment.swapped else wanted)
    agreement = row_of(cast, robin).agreement_with_others
    assert (agreement.successes, agreement.trials) == (0, 1)


def test_what_was_undone_or_is_older_does_not_count(cast: Cast) -> None:
    cast.put_in_force(gold_rate=0.5)
    robin = cast.reviewers[0]
    route(cast.project, output_body(), output_body())
    plant_gold(cast.project, acceptable=True)
    undone = submit(claim(robin, seed=1), **REJECT)
    assert row_of(cast, robin).gold_accuracy.trials == 1
    undo_rating(assignment=undone.assignment, now=NOW)
    assert row_of(cast, robin).gold_accuracy.trials == 0
    redone = submit(undone.assignment, **ACCEPT)
    assert redone.revision == 2
    assert (row_of(cast, robin).gold_accuracy.successes, row_of(cast, robin).gold_accuracy.trials) == (1, 1)
    judge(robin)
    later = NOW + timedelta(hours=1)
    assert row_of(cast, robin).ratings == 1
    assert row_of(cast, robin, since=later).ratings == 0
    assert row_of(cast, robin, since=later).gold_accuracy.trials == 0


def test_only_reviewers_are_listed(cast: Cast, noise: Cast) -> None:
    listed = {row.rater for row in reviewer_rows(cast.project)}
    assert listed == {member.rater_code for member in cast.reviewers}


@pytest.mark.parametrize("paused", [False, True])
def test_a_pause_is_shown(cast: Cast, paused: bool) -> None:
    robin = cast.reviewers[0]
    Membership.objects.filter(pk=robin.pk).update(paused_at=NOW if paused else None)
    assert row_of(cast, robin).paused is paused
