"""The stream: seeded, honest about its shares, and silent about the truth."""

import json
from collections import Counter
from datetime import timedelta

import pytest

from reviewapp.simulation.pool import demo_pool
from reviewapp.simulation.report import draws_digest
from reviewapp.simulation.stream import SHIFTS, STREAM_START, draw
from tests.simulation.worlds import make_pool


def digest(seed: int, *, warmup: int = 20, shifts: tuple[str, ...] = ()) -> str:
    return draws_digest(draw(make_pool(), seed=seed, outputs=200, warmup=warmup, shifts=shifts).stream)


def test_the_same_seed_draws_the_same_stream_byte_for_byte() -> None:
    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


def test_the_length_of_the_warmup_does_not_disturb_the_stream() -> None:
    assert digest(1, warmup=20) == digest(1, warmup=90)


def test_the_draws_stay_what_they_were_when_this_was_written() -> None:
    arrivals = draw(make_pool(), seed=7, outputs=4, warmup=1).stream
    assert [(arrival.row.key, arrival.occurred_at.isoformat()) for arrival in arrivals] == [
        ("sum-23", "2026-11-03T12:40:58.213000+00:00"),
        ("letter-birch-24", "2026-11-04T10:43:34.305000+00:00"),
        ("sum-27", "2026-11-05T10:41:31.166000+00:00"),
        ("letter-alder-2", "2026-11-06T15:46:02.494000+00:00"),
    ]


def test_groups_and_errors_come_at_their_rates() -> None:
    drawn = draw(make_pool(), seed=1, outputs=8000, warmup=10)
    sums = [arrival for arrival in drawn.stream if arrival.group == "sums"]
    letters = [arrival for arrival in drawn.stream if arrival.group == "letters"]
    # Five standard errors.
    assert len(sums) / 8000 == pytest.approx(0.25, abs=0.025)
    assert sum(arrival.error for arrival in sums) / len(sums) == pytest.approx(0.1, abs=0.034)
    assert sum(arrival.error for arrival in letters) / len(letters) == pytest.approx(0.2, abs=0.026)


def test_gold_rows_never_arrive() -> None:
    drawn = draw(make_pool(), seed=1, outputs=2000, warmup=500)
    gold = {row.key for row in drawn.pool.gold}
    assert {row.error for row in drawn.pool.gold} == {True, False}
    assert not gold & {arrival.row.key for arrival in (*drawn.warmup, *drawn.stream)}


def test_arrivals_come_in_order_within_five_days_and_mostly_by_day() -> None:
    times = [arrival.occurred_at for arrival in draw(make_pool(), seed=1, outputs=6000, warmup=1).stream]
    assert times == sorted(times)
    assert times[0] >= STREAM_START
    assert times[-1] < STREAM_START + timedelta(days=5)
    shifts = Counter(time.hour // 8 for time in times if time.day != STREAM_START.day + 2)
    assert shifts[1] > shifts[2] > shifts[0]
    assert shifts[1] / shifts[0] == pytest.approx(3.0, rel=0.15)


def test_there_is_a_burst_on_the_third_day() -> None:
    times = [arrival.occurred_at for arrival in draw(make_pool(), seed=1, outputs=6000, warmup=1).stream]
    hours = Counter((time.day, time.hour) for time in times)
    third = STREAM_START.day + 2
    assert hours[third, 11] / hours[third, 10] == pytest.approx(5.0, rel=0.35)


def test_a_request_says_nothing_of_the_truth() -> None:
    drawn = draw(demo_pool(), seed=1, outputs=300, warmup=1)
    keys = set()
    for arrival in drawn.stream:
        body = arrival.body()
        json.dumps(body, allow_nan=False)
        keys |= set(body)
        assert arrival.row.key not in json.dumps(body)
    assert keys <= {
        "external_id",
        "intent",
        "prompt",
        "context",
        "response",
        "source",
        "signals",
        "occurred_at",
    }


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_shift_changes_nothing_before_its_moment(shift: str) -> None:
    plain = draw(make_pool(), seed=3, outputs=500, warmup=10).stream
    shifted = draw(make_pool(), seed=3, outputs=500, warmup=10, shifts=(shift,))
    assert shifted.shift_at == 300
    assert shifted.stream[:300] == plain[:300]
    assert shifted.stream[300:] != plain[300:]


def after(shift: str) -> list:
    return list(draw(make_pool(), seed=1, outputs=10_000, warmup=1, shifts=(shift,)).stream[6000:])


def test_errors_grow_by_six_tenths() -> None:
    letters = [arrival for arrival in after("errors") if arrival.group == "letters"]
    assert sum(arrival.error for arrival in letters) / len(letters) == pytest.approx(0.32, abs=0.04)


def test_the_share_of_one_group_doubles() -> None:
    shifted = after("mix")
    assert sum(arrival.group == "sums" for arrival in shifted) / len(shifted) == pytest.approx(0.5, abs=0.04)


def test_sources_give_way_to_another_on_the_same_prompt() -> None:
    letters = [arrival.row for arrival in after("sources") if arrival.group == "letters"]
    models = Counter(row.source["model"] for row in letters)
    # A few prompts have lost their replacement to gold.
    assert models["birch"] > 0.8 * len(letters)
    assert sum(row.error for row in letters) / len(letters) > 0.3


def test_one_group_loses_its_signals() -> None:
    shifted = after("missing_signal")
    assert {arrival.group for arrival in shifted if not arrival.signals} == {"letters"}
    assert {arrival.group for arrival in shifted if arrival.signals} == {"sums"}


def test_a_signal_is_reported_squared() -> None:
    assert {signal["value"] for arrival in after("rescaled_signal") for signal in arrival.signals} == {0.25}
