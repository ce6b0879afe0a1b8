"""Several raters handing in at the same moment, where the first rating is the verdict."""

import random

import pytest
from django.db import connection

from labeling.models import Assignment, Rating, ReviewItem, Verdict
from labeling.services.claiming import claim_seat
from labeling.services.holding import escalate
from labeling.services.submitting import Submission, submit_rating, undo_rating
from reviewapp.core.models import Membership
from tests.aggregation.crowd import assert_ledger_is_clean, make_crowd, one_item, tier
from tests.concurrency.test_many_at_once import in_threads
from tests.factories import ACCEPT, REJECT, output_body, route
from tests.people import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def test_whoever_comes_first_decides_and_everybody_counts() -> None:
    cast, reviewers = make_crowd()
    _output, item = one_item(cast, "single", len(reviewers))
    held = {reviewer.pk: claim_seat(reviewer=reviewer, now=NOW) for reviewer in reviewers}

    def hand_in(reviewer: Membership) -> None:
        assignment = held[reviewer.pk]
        assert assignment is not None
        answer = ACCEPT if reviewer.pk % 2 else REJECT
        submit_rating(assignment=assignment, submission=Submission("k", **answer), now=NOW)

    assert in_threads(reviewers, hand_in) == []
    verdict = Verdict.objects.get(item=item)
    assert verdict.raters == 1
    item.refresh_from_db()
    assert (item.ratings_counted, item.verdict) == (len(reviewers), verdict)
    assert_ledger_is_clean()


def test_claiming_and_handing_in_side_by_side_fills_every_seat() -> None:
    """The first rating puts the item's open seats off while others are about to lease them."""
    cast, reviewers = make_crowd()
    cast.put_in_force(tier=tier("single", 3))
    route(cast.project, *(output_body() for _number in range(8)))

    def work(reviewer: Membership) -> None:
        rng = random.Random(reviewer.pk)
        while (assignment := claim_seat(reviewer=reviewer, now=NOW, rng=rng)) is not None:
            submit_rating(assignment=assignment, submission=Submission("k", **ACCEPT), now=NOW)

    assert in_threads(reviewers, work) == []
    # Whoever saw only what others were just taking went home early.
    for reviewer in reviewers:
        work(reviewer)
    assert Verdict.objects.count() == 8
    assert Rating.objects.counted().count() == 24
    assert_ledger_is_clean()


def test_disputes_open_while_others_claim_and_hand_in() -> None:
    """Whoever opens a dispute closes seats that others are about to take or to hand in on."""
    cast, reviewers = make_crowd()
    cast.put_in_force(tier=tier("unanimous", 4))
    route(cast.project, *(output_body() for _number in range(24)))

    def work(reviewer: Membership) -> None:
        rng = random.Random(reviewer.pk)
        while (assignment := claim_seat(reviewer=reviewer, now=NOW, rng=rng)) is not None:
            if rng.random() < 0.2:
                escalate(assignment=assignment, reason="beyond me", now=NOW)
            else:
                answer = ACCEPT if rng.random() < 0.5 else REJECT
                submit_rating(assignment=assignment, submission=Submission("k", **answer), now=NOW)

    assert in_threads(reviewers, work) == []
    for reviewer in reviewers:
        work(reviewer)
    assert not ReviewItem.objects.filter(status="open").exists()
    assert ReviewItem.objects.filter(status="disputed").count() > 10
    assert_ledger_is_clean()


def test_undoing_all_at_once_ends_with_nothing_decided() -> None:
    cast, reviewers = make_crowd()
    _output, item = one_item(cast, "single", 3)
    for reviewer in reviewers[:3]:
        assignment = claim_seat(reviewer=reviewer, now=NOW)
        assert assignment is not None
        submit_rating(assignment=assignment, submission=Submission("k", **ACCEPT), now=NOW)

    def take_back(reviewer: Membership) -> None:
        undo_rating(assignment=Assignment.objects.get(reviewer=reviewer, item=item), now=NOW)

    assert in_threads(reviewers[:3], take_back) == []
    found = ReviewItem.objects.get(pk=item.pk)
    assert (found.status, found.verdict, found.ratings_counted) == ("open", None, 0)
    assert not Rating.objects.standing().filter(item=item).exists()
    assert_ledger_is_clean()
    connection.close()
