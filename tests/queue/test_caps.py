"""Daily and hourly caps and enforced breaks, on a frozen clock."""

from datetime import UTC, datetime, timedelta

import pytest

from labeling.models import Assignment
from labeling.services.claiming import return_expired_leases
from labeling.services.holding import open_assignment, release_seat, save_draft
from labeling.services.limits import Progress, progress
from labeling.services.submitting import undo_rating
from tests.factories import plant_gold
from tests.people import NOW, Cast
from tests.queue.shifts import lives_in, minutes, queue, refusal, rules, statements, take, work

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


# By the day ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("", datetime(2026, 11, 21, 0, 0, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 11, 20, 23, 0, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 11, 21, 8, 0, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 11, 20, 11, 0, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 11, 20, 18, 15, tzinfo=UTC)),
        ("Atlantis/Capital", datetime(2026, 11, 21, 0, 0, tzinfo=UTC)),
    ],
)
def test_it_counts_the_persons_own_day(cast: Cast, zone: str, midnight: datetime) -> None:
    queue(cast, 4)
    rules(cast, daily_cap=2)
    robin = lives_in(cast.reviewers[0], zone)
    work(robin, NOW)
    work(robin, NOW)
    assert refusal(robin, NOW) == ("daily_cap_reached", midnight)
    assert refusal(robin, midnight - SECOND) == ("daily_cap_reached", midnight)
    assert progress(robin, midnight - SECOND).done == 2
    assert take(robin, midnight) is not None
    assert progress(robin, midnight).done == 0


def test_it_counts_a_day_of_23_hours_where_clocks_go_forward(cast: Cast) -> None:
    robin = lives_in(cast.reviewers[0], "Europe/Berlin")
    sunday = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
    queue(cast, 3, now=sunday - timedelta(days=1))
    rules(cast, daily_cap=1)
    # Saturday ended at 23:00 UTC, Sunday ends at 22:00 UTC.
    work(robin, datetime(2026, 3, 28, 23, 0, tzinfo=UTC))
    assert refusal(robin, sunday) == ("daily_cap_reached", datetime(2026, 3, 29, 22, 0, tzinfo=UTC))


def test_a_persons_own_cap_goes_before_the_projects(cast: Cast) -> None:
    queue(cast, 4)
    rules(cast, daily_cap=100)
    robin, sam = cast.reviewers[:2]
    robin.daily_cap = 1
    robin.save()
    work(robin, NOW)
    assert refusal(robin, NOW)[0] == "daily_cap_reached"
    work(sam, NOW)
    assert take(sam, NOW) is not None


def test_what_is_held_or_fetched_ahead_counts_against_every_cap(cast: Cast) -> None:
    queue(cast, 6)
    for cap in ("daily_cap", "hourly_cap"):
        rules(cast, daily_cap=100, hourly_cap=None)
        rules(cast, **{cap: 2})
        robin = cast.reviewers[0 if cap == "daily_cap" else 1]
        held = take(robin, NOW)
        ahead = take(robin, NOW, ahead=True)
        assert held is not None
        assert ahead is not None
        code, _until = refusal(robin, NOW)
        assert code == f"{cap}_reached"
        release_seat(assignment=held, now=NOW)
        assert take(robin, NOW) is not None


def test_what_was_planted_counts_like_work(cast: Cast) -> None:
    queue(cast, 6)
    rules(cast, daily_cap=2, gold_rate=0.5)
    plant_gold(cast.project)
    plant_gold(cast.project)
    robin = cast.reviewers[0]
    kinds = [work(robin, NOW).item.kind for _ in range(2)]
    # The draw of the seed is gold.
    assert kinds == ["gold", "gold"]
    assert refusal(robin, NOW)[0] == "daily_cap_reached"


def test_an_undone_rating_is_held_and_no_longer_done(cast: Cast) -> None:
    queue(cast, 3)
    rules(cast, daily_cap=1, undo_seconds=60)
    robin = cast.reviewers[0]
    assignment = work(robin, NOW)
    undo_rating(assignment=assignment, now=NOW)
    assert progress(robin, NOW).done == 0
    assert refusal(robin, NOW)[0] == "daily_cap_reached"


# By the hour -----------------------------------------------------------------------------------------


def test_an_hour_rolls(cast: Cast) -> None:
    queue(cast, 6)
    rules(cast, hourly_cap=3)
    robin = cast.reviewers[0]
    for number in (0, 10, 20):
        work(robin, NOW + minutes(number))
    free = NOW + minutes(60)
    assert refusal(robin, NOW + minutes(21)) == ("hourly_cap_reached", free)
    assert refusal(robin, free - SECOND) == ("hourly_cap_reached", free)
    work(robin, free)
    assert refusal(robin, free) == ("hourly_cap_reached", NOW + minutes(70))


def test_where_what_is_held_fills_the_hour_it_is_over_when_the_leases_end(cast: Cast) -> None:
    queue(cast, 6)
    rules(cast, hourly_cap=2)
    robin = cast.reviewers[0]
    work(robin, NOW)
    take(robin, NOW + minutes(1))
    assert refusal(robin, NOW + minutes(1)) == ("hourly_cap_reached", NOW + minutes(60))
    # The one in hand has to go too, and its lease ends before the other is an hour old.
    rules(cast, hourly_cap=1)
    assert refusal(robin, NOW + minutes(1)) == ("hourly_cap_reached", NOW + minutes(60))


def test_what_is_held_alone_fills_the_hour_until_its_lease_ends(cast: Cast) -> None:
    queue(cast, 6)
    rules(cast, hourly_cap=2, lease_seconds=1800)
    robin = cast.reviewers[0]
    take(robin, NOW)
    take(robin, NOW + minutes(1))
    assert refusal(robin, NOW + minutes(2)) == ("hourly_cap_reached", NOW + minutes(30))
    assert take(robin, NOW + minutes(30)) is not None


def test_without_an_hourly_cap_there_is_none(cast: Cast) -> None:
    queue(cast, 40)
    robin = cast.reviewers[0]
    for _ in range(40):
        work(robin, NOW)


# Breaks ----------------------------------------------------------------------------------------------


def shift(cast: Cast, *, until: int, every: int = 10, now: datetime = NOW) -> None:
    """Robin works from `now` on without a pause: an item of that many minutes after the other."""
    for start in range(0, until, every):
        work(cast.reviewers[0], now + minutes(start), lasting=minutes(every))


def test_a_break_is_due_after_work_without_a_pause(cast: Cast) -> None:
    queue(cast, 10)
    rules(cast, break_after_minutes=50, break_minutes=15)
    robin = cast.reviewers[0]
    shift(cast, until=40)
    assert take(robin, NOW + minutes(49)) is not None
    rested = NOW + minutes(50 + 15)
    shift_end = NOW + minutes(50)
    held = Assignment.objects.get(reviewer=robin, state="leased")
    release_seat(assignment=held, now=shift_end)
    assert refusal(robin, shift_end) == ("break_due", rested)
    assert refusal(robin, shift_end, ahead=True) == ("break_due", rested)
    assert refusal(robin, rested - SECOND) == ("break_due", rested)
    assert take(robin, rested) is not None


def test_a_pause_taken_by_oneself_starts_the_count_anew(cast: Cast) -> None:
    queue(cast, 20)
    rules(cast, break_after_minutes=50, break_minutes=15)
    shift(cast, until=40)
    shift(cast, until=40, now=NOW + minutes(40 + 15))
    assert progress(cast.reviewers[0], NOW + minutes(95)).break_in_minutes == 10


def test_a_pause_that_is_too_short_is_none(cast: Cast) -> None:
    queue(cast, 20)
    rules(cast, break_after_minutes=50, break_minutes=15)
    shift(cast, until=40)
    assert refusal(cast.reviewers[0], NOW + minutes(54)) == ("break_due", NOW + minutes(55))


def test_a_long_item_is_work_and_no_pause(cast: Cast) -> None:
    queue(cast, 5)
    rules(cast, break_after_minutes=50, break_minutes=5)
    work(cast.reviewers[0], NOW, lasting=minutes(29))
    work(cast.reviewers[0], NOW + minutes(30), lasting=minutes(25))
    assert refusal(cast.reviewers[0], NOW + minutes(55)) == ("break_due", NOW + minutes(60))


def test_an_item_left_alone_for_a_whole_lease_is_no_work(cast: Cast) -> None:
    """Somebody who went to lunch with an item open has had a break."""
    queue(cast, 5)
    rules(cast, break_after_minutes=50, break_minutes=15, lease_seconds=1800)
    robin = cast.reviewers[0]
    left = take(robin, NOW)
    assert left is not None
    save_draft(assignment=left, draft={}, now=NOW + minutes(5))
    return_expired_leases(project_id=cast.project.pk, now=NOW + minutes(90))
    assert take(robin, NOW + minutes(90)) is not None


def test_what_was_only_fetched_ahead_is_no_work(cast: Cast) -> None:
    queue(cast, 5)
    rules(cast, break_after_minutes=10, break_minutes=5, prefetch_seconds=6000)
    robin = cast.reviewers[0]
    fetched = take(robin, NOW, ahead=True)
    assert fetched is not None
    assert progress(robin, NOW + minutes(20)).break_in_minutes is None
    open_assignment(assignment=fetched, now=NOW + minutes(20))
    assert progress(robin, NOW + minutes(21)).break_in_minutes == 9


def test_progress_tells_the_day_and_the_break_in_whole_minutes_and_nothing_else(cast: Cast) -> None:
    queue(cast, 10)
    robin = cast.reviewers[0]
    assert progress(robin, NOW) == Progress(0, 200, None, None)
    rules(cast, daily_cap=30, break_after_minutes=50, break_minutes=15)
    assert progress(robin, NOW) == Progress(0, 30, None, None)
    shift(cast, until=20)
    assert progress(robin, NOW + minutes(20)) == Progress(2, 30, 30, None)
    assert progress(robin, NOW + minutes(20) + SECOND).break_in_minutes == 29
    # After as long as a break there is none to come.
    assert progress(robin, NOW + minutes(35)) == Progress(2, 30, None, None)
    shift(cast, until=50, now=NOW + minutes(60))
    assert progress(robin, NOW + minutes(110)) == Progress(7, 30, 0, NOW + minutes(125))


def test_an_adjudicator_has_caps_and_breaks_too(cast: Cast) -> None:
    rules(cast, daily_cap=0)
    assert refusal(cast.adjudicator, NOW)[0] == "daily_cap_reached"


# What it costs ---------------------------------------------------------------------------------------


def test_a_claim_costs_as_many_statements_after_a_long_day_as_at_its_beginning(cast: Cast) -> None:
    rules(cast, daily_cap=1000, hourly_cap=900, break_after_minutes=600, intent_share=0.9, gold_rate=0.2)
    for intent in ("billing", "refunds"):
        queue(cast, 60, intent=intent)
    robin = cast.reviewers[0]
    work(robin, NOW)
    first = statements(lambda: take(robin, NOW))
    for number in range(50):
        work(robin, NOW + number * SECOND)
    queue(cast, 100)
    assert statements(lambda: take(robin, NOW + minutes(2))) == first
    assert first <= 22, first
