"""How items get their verdict by the method of their tier, and what undoing, lateness and suspicion do to it."""

from datetime import timedelta

import pytest

from labeling.models import (
    Assignment,
    ItemStatus,
    Rating,
    ReviewItem,
    Seat,
    SeatState,
    SuspicionKind,
    Verdict,
    VerdictNotice,
)
from labeling.services.claiming import claim_seat, return_expired_leases
from labeling.services.drifting import overrule, raise_suspicion
from labeling.services.holding import escalate, release_seat
from labeling.services.submitting import undo_rating
from reviewapp.core.models import Membership
from routing.services.feed import publish_verdicts
from tests.aggregation.crowd import (
    CORRECT,
    MINUTE,
    assert_ledger_is_clean,
    hand_in,
    one_item,
    take,
    verdict_of,
)
from tests.factories import ACCEPT, REJECT, submit
from tests.people import NOW, Cast

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=10)


def state(item: ReviewItem) -> str:
    return ReviewItem.objects.get(pk=item.pk).status


@pytest.mark.parametrize(
    ("method", "answers", "expected"),
    [
        ("unanimous", [ACCEPT, ACCEPT, ACCEPT], "accept"),
        ("unanimous", [ACCEPT, ACCEPT, REJECT], None),
        ("majority", [ACCEPT, ACCEPT, REJECT], "accept"),
        ("majority", [CORRECT, ACCEPT, REJECT], None),
        ("single", [CORRECT, ACCEPT, ACCEPT], "correct"),
    ],
)
def test_a_tiers_method_decides_or_disputes(
    cast: Cast, reviewers: list[Membership], method: str, answers: list[dict[str, object]], expected: str | None
) -> None:
    _output, item = one_item(cast, method, 3)
    hand_in(reviewers[:3], answers)
    verdict = verdict_of(item)
    assert (verdict.value if verdict else None) == expected
    assert state(item) == (ItemStatus.SETTLED if expected else ItemStatus.DISPUTED)
    assert_ledger_is_clean()


@pytest.mark.parametrize("method", ["single", "unanimous", "majority"])
def test_one_rater_is_enough_for_every_method_that_counts_votes(
    cast: Cast, reviewers: list[Membership], method: str
) -> None:
    _output, item = one_item(cast, method, 1)
    hand_in(reviewers[:1], [REJECT])
    verdict = verdict_of(item)
    assert verdict is not None
    assert (verdict.value, verdict.reached_by, verdict.basis["method"]) == ("reject", "single", method)


def test_the_basis_names_each_vote_and_what_was_needed(cast: Cast, reviewers: list[Membership]) -> None:
    _output, item = one_item(cast, "majority", 3)
    hand_in(reviewers[:3], [REJECT, ACCEPT, REJECT])
    verdict = verdict_of(item)
    assert verdict is not None
    ratings = Rating.objects.filter(item=item).order_by("submitted_at")
    assert verdict.basis == {
        "method": "majority",
        "chosen": "majority",
        "asked": 3,
        "votes": [{"rating": rating.pk, "verdict": rating.verdict, "preferred": ""} for rating in ratings],
        "needed": 2,
    }


def test_an_adjudication_says_whose_it_is_and_what_it_followed(cast: Cast, reviewers: list[Membership]) -> None:
    _output, item = one_item(cast, "unanimous", 2)
    hand_in(reviewers[:2], [ACCEPT, REJECT])
    submit(take(cast.adjudicator, now=LATER), now=LATER, **REJECT, cause="reviewer_slip")
    verdict = verdict_of(item)
    assert verdict is not None
    basis = verdict.basis
    assert (verdict.reached_by, basis["method"], basis["chosen"]) == ("adjudication", "adjudication", "unanimous")
    assert [vote.get("adjudication", False) for vote in basis["votes"]] == [False, False, True]
    assert_ledger_is_clean()


# Single: at the first word --------------------------------------------------------------------------------


def test_the_first_rating_is_the_verdict_at_once_and_others_still_judge(
    cast: Cast, reviewers: list[Membership]
) -> None:
    _output, item = one_item(cast, "single", 3)
    first, second, third = reviewers[:3]
    hand_in([first], [REJECT])
    verdict = verdict_of(item)
    assert verdict is not None
    assert (verdict.value, verdict.reached_by, verdict.raters) == ("reject", "single", 1)
    assert Seat.objects.filter(item=item, state=SeatState.OPEN).count() == 2
    assert_ledger_is_clean()
    hand_in([second, third], [ACCEPT, ACCEPT], now=LATER)
    item.refresh_from_db()
    assert (item.verdict, item.ratings_counted) == (verdict, 3)
    assert Rating.objects.counted().filter(item=item, extra=False).count() == 3
    assert Verdict.objects.filter(item=item).count() == 1
    assert_ledger_is_clean()


def test_what_has_no_verdict_is_handed_out_before_what_only_measures(cast: Cast, reviewers: list[Membership]) -> None:
    _output, first = one_item(cast, "single", 3)
    _output, second = one_item(cast, "single", 3)
    judged = [take(reviewer, now=NOW) for reviewer in reviewers[:1]]
    submit(judged[0], now=NOW)
    assert judged[0].item_id == first.pk
    hand_in(reviewers[1:2], [ACCEPT])
    assert verdict_of(second) is not None
    assert {take(reviewer, now=LATER).item_id for reviewer in reviewers[2:4]} <= {first.pk, second.pk}


def test_a_late_seat_returns_when_it_is_given_back_or_runs_out(cast: Cast, reviewers: list[Membership]) -> None:
    _output, item = one_item(cast, "single", 3)
    first, second, third = reviewers[:3]
    held, other = take(second), take(third)
    hand_in([first], [ACCEPT])
    release_seat(assignment=held, now=NOW)
    assert Seat.objects.get(pk=held.seat_id).state == SeatState.OPEN
    return_expired_leases(project_id=cast.project.pk, now=LATER)
    assert Seat.objects.get(pk=other.seat_id).state == SeatState.OPEN
    assert state(item) == ItemStatus.SETTLED
    assert_ledger_is_clean()


def test_a_seat_of_a_majority_that_was_adjudicated_does_not_return(cast: Cast, reviewers: list[Membership]) -> None:
    for method in ("majority", "single"):
        _output, item = one_item(cast, method, 2)
        held, passed_up = take(reviewers[0]), take(reviewers[1])
        escalate(assignment=passed_up, reason="Beyond me.", now=NOW)
        submit(take(cast.adjudicator), **REJECT, cause="truly_contested")
        return_expired_leases(project_id=cast.project.pk, now=LATER)
        assert Seat.objects.get(pk=held.seat_id).state == SeatState.CLOSED
        assert state(item) == ItemStatus.SETTLED
        assert_ledger_is_clean()


def test_passing_up_after_the_first_rating_changes_nothing(cast: Cast, reviewers: list[Membership]) -> None:
    _output, item = one_item(cast, "single", 2)
    hand_in(reviewers[:1], [ACCEPT])
    escalate(assignment=take(reviewers[1]), reason="Beyond me.", now=NOW)
    assert state(item) == ItemStatus.SETTLED
    assert not Seat.objects.filter(item=item, number=0).exists()
    assert_ledger_is_clean()


def test_undoing_the_first_rating_leaves_the_verdict_to_the_next(cast: Cast, reviewers: list[Membership]) -> None:
    _output, item = one_item(cast, "single", 3)
    first = take(reviewers[0])
    second = take(reviewers[1])
    submit(first, now=NOW, **REJECT)
    submit(second, now=NOW + timedelta(seconds=1), **ACCEPT)
    undo_rating(assignment=first, now=NOW + timedelta(seconds=2))
    verdict = verdict_of(item)
    assert verdict is not None
    assert (verdict.value, verdict.sequence) == ("accept", 2)
    assert verdict.rating_ids == [second.ratings.get().pk]
    assert [notice.verdict for notice in VerdictNotice.objects.all()] == [verdict]
    again = submit(Assignment.objects.get(pk=first.pk), now=NOW + timedelta(seconds=5), **REJECT)
    assert (again.extra, verdict_of(item)) == (False, verdict)
    assert_ledger_is_clean()


def test_undoing_the_only_rating_opens_the_item_again(cast: Cast, reviewers: list[Membership]) -> None:
    _output, item = one_item(cast, "single", 2)
    first = take(reviewers[0])
    submit(first)
    undo_rating(assignment=first, now=NOW)
    assert (state(item), verdict_of(item)) == (ItemStatus.OPEN, None)
    assert not VerdictNotice.objects.exists()
    assert_ledger_is_clean()


def test_undoing_a_late_rating_leaves_the_verdict_alone_even_when_it_was_told(
    cast: Cast, reviewers: list[Membership]
) -> None:
    _output, item = one_item(cast, "single", 2)
    hand_in(reviewers[:1], [REJECT])
    verdict = verdict_of(item)
    publish_verdicts(project=cast.project, now=NOW + MINUTE)
    late = take(reviewers[1], now=NOW + MINUTE)
    submit(late, now=NOW + MINUTE)
    undo_rating(assignment=late, now=NOW + MINUTE)
    item.refresh_from_db()
    assert (item.verdict, item.ratings_counted) == (verdict, 1)
    assert_ledger_is_clean()


def test_two_at_once_make_one_verdict(cast: Cast, reviewers: list[Membership]) -> None:
    _output, item = one_item(cast, "single", 2)
    one, other = take(reviewers[0]), take(reviewers[1])
    submit(other, **REJECT)
    submit(one, **ACCEPT)
    verdict = verdict_of(item)
    assert verdict is not None
    assert (verdict.value, Verdict.objects.filter(item=item).count()) == ("reject", 1)


# Suspects -------------------------------------------------------------------------------------------------


def suspected(reviewer: Membership, *, now: object = LATER) -> object:
    return raise_suspicion(
        membership=reviewer, kind=SuspicionKind.OWNER, since=NOW, evidence={}, actor="person:1", now=now
    )


def test_a_suspects_first_word_gives_way_to_the_next_and_its_seat_opens(
    cast: Cast, reviewers: list[Membership]
) -> None:
    _output, item = one_item(cast, "single", 2)
    hand_in(reviewers[:2], [REJECT, ACCEPT])
    suspicion = suspected(reviewers[0])
    verdict = verdict_of(item)
    assert verdict is not None
    assert (verdict.value, verdict.sequence, verdict.basis["method"]) == ("accept", 2, "single")
    assert Seat.objects.filter(item=item, state=SeatState.OPEN).count() == 1
    assert_ledger_is_clean()
    overrule(suspicion=suspicion, actor="person:1", reason="Good.", now=LATER + MINUTE)
    assert verdict_of(item) == verdict
    assert Seat.objects.filter(item=item, state=SeatState.SUBMITTED).count() == 2
    assert_ledger_is_clean()


def test_a_suspects_late_rating_falls_without_the_verdict(cast: Cast, reviewers: list[Membership]) -> None:
    _output, item = one_item(cast, "single", 2)
    hand_in(reviewers[:2], [REJECT, ACCEPT])
    verdict = verdict_of(item)
    suspected(reviewers[1])
    assert verdict_of(item) == verdict
    assert claim_seat(reviewer=reviewers[2], now=LATER) is not None
    assert_ledger_is_clean()


def test_the_newest_verdict_stays_the_one_to_read_when_two_suspects_are_cleared(
    cast: Cast, reviewers: list[Membership]
) -> None:
    _output, item = one_item(cast, "single", 2)
    hand_in(reviewers[:2], [REJECT, ACCEPT])
    first, second = suspected(reviewers[0]), suspected(reviewers[1])
    assert state(item) == ItemStatus.OPEN
    overrule(suspicion=first, actor="person:1", reason="Good.", now=LATER + MINUTE)
    assert_ledger_is_clean()
    overrule(suspicion=second, actor="person:1", reason="Good.", now=LATER + 2 * MINUTE)
    verdict = verdict_of(item)
    assert verdict is not None
    assert (verdict.value, verdict.sequence) == ("reject", 3)
    assert_ledger_is_clean()


def test_unanimity_is_asked_of_those_who_stand(cast: Cast, reviewers: list[Membership]) -> None:
    _output, item = one_item(cast, "unanimous", 2)
    hand_in(reviewers[:2], [ACCEPT, ACCEPT])
    before = verdict_of(item)
    suspected(reviewers[0])
    assert verdict_of(item) is None
    hand_in([reviewers[2]], [ACCEPT], now=LATER)
    after = verdict_of(item)
    assert before is not None
    assert after is not None
    assert (after.sequence, len(after.basis["votes"]), after.basis["needed"]) == (2, 2, 2)
    assert {vote["rating"] for vote in after.basis["votes"]} != {vote["rating"] for vote in before.basis["votes"]}
    assert_ledger_is_clean()
