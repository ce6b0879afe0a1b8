"""A new version of a rubric is calibrated before it goes live."""

import random
from datetime import timedelta

import pytest

from labeling.models import OverlapPurpose, OverlapRound, Rubric, Seat, SeatState
from labeling.queries.comparing import published_ancestor
from labeling.queries.overlap import pending_or_withdrawn
from labeling.services.calibrating import calibrate_rubric, put_in_force, withdraw_rubric
from labeling.services.overlap import OverlapRefused
from labeling.services.rubrics import RubricRefused, draft_next, publish_rubric
from labeling.services.settings import change_queue_settings
from tests.factories import ACCEPT, REJECT
from tests.overlap.sharing import LATER, MINUTES, finish, in_force, start
from tests.people import Cast

# When everything was met more than a week ago.
WEEKS = LATER + timedelta(days=14)


@pytest.fixture
def draft(cast: Cast) -> Rubric:
    change_queue_settings(project=cast.project, actor="test", calibrate_rubrics=True)
    return draft_next(rubric=in_force(cast), actor="test")


def calibrate(rubric: Rubric) -> OverlapRound:
    return calibrate_rubric(rubric=rubric, actor="test", now=WEEKS, rng=random.Random(1))


def test_it_is_asked_for_where_a_version_is_in_force(cast: Cast, draft: Rubric) -> None:
    with pytest.raises(RubricRefused, match="calibration"):
        publish_rubric(rubric=draft, actor="test", now=WEEKS)
    draft.refresh_from_db()
    assert draft.published_at is None
    change_queue_settings(project=cast.project, actor="test", calibrate_rubrics=False)
    publish_rubric(rubric=draft, actor="test", now=WEEKS)
    assert in_force(cast) == draft


def test_the_version_is_frozen_and_judged_by_but_not_in_force(cast: Cast, draft: Rubric) -> None:
    before = in_force(cast)
    round_ = calibrate(draft)
    draft.refresh_from_db()
    assert draft.published_at == WEEKS
    assert in_force(cast) == before
    assert round_.purpose == OverlapPurpose.RUBRIC
    assert {item.rubric for item in round_.items.all()} == {draft}
    # All three, although everybody met a third of the words two weeks ago.
    assert {item.raters_needed for item in round_.items.all()} == {3}
    assert pending_or_withdrawn(cast.project) == {draft.pk: "calibrating"}


def test_words_met_within_the_week_are_not_shown_again(cast: Cast, draft: Rubric) -> None:
    round_ = calibrate_rubric(rubric=draft, actor="test", now=LATER, rng=random.Random(1))
    assert {item.raters_needed for item in round_.items.all()} == {2}


def test_where_no_round_can_begin_the_draft_stays_one(cast: Cast, draft: Rubric) -> None:
    start(cast)
    with pytest.raises(OverlapRefused):
        calibrate(draft)
    draft.refresh_from_db()
    assert draft.published_at is None


def test_nothing_goes_live_by_itself(cast: Cast, draft: Rubric) -> None:
    before = in_force(cast)
    calibrate(draft)
    with pytest.raises(RubricRefused, match="not ended"):
        put_in_force(rubric=draft, actor="test", now=WEEKS)
    round_ = finish(cast, now=WEEKS)
    assert in_force(cast) == before
    # Before: work by the version in force on the same intents. One person judged each, so there is nothing to compare.
    assert round_.figures["before"]["rubric"] == str(before)
    assert round_.figures["before"]["differences"] == []
    assert round_.figures["criteria"][0]["percent"] == 1.0
    put_in_force(rubric=draft, actor="test", now=WEEKS + 2 * MINUTES)
    assert in_force(cast) == draft
    assert pending_or_withdrawn(cast.project) == {}
    with pytest.raises(RubricRefused, match="already"):
        put_in_force(rubric=draft, actor="test", now=WEEKS + 2 * MINUTES)


def test_below_the_floor_it_takes_a_reason(cast: Cast, draft: Rubric) -> None:
    calibrate(draft)
    robin = cast.reviewers[0].pk
    round_ = finish(cast, now=WEEKS, answer=lambda work: ACCEPT if work.reviewer_id == robin else REJECT)
    assert round_.figures["criteria"][0]["below_floor"] is True
    with pytest.raises(RubricRefused, match="less than the floor"):
        put_in_force(rubric=draft, actor="test", now=WEEKS)
    put_in_force(rubric=draft, actor="test", now=WEEKS, reason="It asks for more.")
    round_.refresh_from_db()
    assert round_.figures["decision"]["reason"] == "It asks for more."


def test_withdrawn_it_stays_as_history(cast: Cast, draft: Rubric) -> None:
    round_ = calibrate(draft)
    with pytest.raises(RubricRefused, match="reason"):
        withdraw_rubric(rubric=draft, actor="test", reason="", now=WEEKS)
    withdraw_rubric(rubric=draft, actor="test", reason="Too long.", now=WEEKS)
    assert not Seat.objects.filter(item__overlap_round=round_, state=SeatState.OPEN).exists()
    round_.refresh_from_db()
    assert round_.ended_at == WEEKS, "the next round need not wait for a sweep"
    assert pending_or_withdrawn(cast.project) == {draft.pk: "withdrawn"}
    for refused in (put_in_force, calibrate_rubric):
        with pytest.raises(RubricRefused, match="withdrawn"):
            refused(rubric=draft, actor="test", now=WEEKS, **({"rng": random} if refused is calibrate_rubric else {}))
    # What was never in force is nothing to measure a later version against.
    assert published_ancestor(draft_next(rubric=draft, actor="test")) == in_force(cast)


def test_a_version_in_force_is_not_calibrated(cast: Cast) -> None:
    with pytest.raises(RubricRefused, match="in force already"):
        calibrate(in_force(cast))
