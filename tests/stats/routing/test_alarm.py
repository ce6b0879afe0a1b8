"""The alarm on the live error rate."""

from typing import Any

import numpy as np
import pytest

from routing.policy.alarm import default_bets, watch
from tests.stats.fixtures import assert_matches, load_cases
from tests.stats.routing.selection import like


@pytest.mark.parametrize("case", load_cases("live_alarm"))
def test_fixture_live_alarm(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    found = watch(
        inputs["error"],
        inputs["audit_rate"],
        max_error_rate=inputs["max_error_rate"],
        delta=inputs["delta"],
        bets=inputs["lambdas"],
        block=inputs["block"],
        arl=inputs["arl"],
    )
    actual = {
        "log_e_first_20": found.log_e[:20].tolist(),
        "log_e_last": float(found.log_e[-1]) if found.labels else 0.0,
        "alarm_at": found.alarm_at,
        "log_sr_last": float(found.log_sr[-1]) if found.labels else None,
        "sr_warning_at": found.sr_warning_at,
        "log_restart_last": float(found.log_restart[-1]) if found.labels else 0.0,
        "restart_alarm_at": found.restart_alarm_at,
    }
    assert_matches(like(actual, case["expected"]), case["expected"], case["tolerance"])


def _plain(errors: list[int], rates: list[float], epsilon: float, block: int) -> tuple[list[float], list[float]]:
    """The same processes by their definition, product by product."""
    bets = default_bets(epsilon)
    factors = [
        [1 + bet * min(rates) / rate * (y - epsilon) for bet in bets] for y, rate in zip(errors, rates, strict=True)
    ]
    restarted, summed, sums = [], [], np.zeros(len(bets))
    for t in range(1, len(errors) + 1):
        total, started = 0.0, 0.0
        for j, start in enumerate(range(0, t, block), start=1):
            total += np.mean(np.prod(factors[start:t], axis=0)) / (j * (j + 1))
            started += 1 / (j * (j + 1))
        restarted.append(total + 1 - started)
        sums = (sums + 1) * factors[t - 1]
        summed.append(float(np.mean(sums)))
    return restarted, summed


def test_it_bets_for_rates_between_a_little_and_far_too_high_without_risking_everything() -> None:
    bets = default_bets(0.02)
    assert (bets[0], bets[-1], bets.size) == (pytest.approx(0.3 / 0.98), pytest.approx(11.0 / 0.98), 12)
    assert (np.diff(bets) > 0.0).all()
    assert default_bets(0.3).max() == pytest.approx(0.999 / 0.3)


def test_it_agrees_with_the_plain_products() -> None:
    rng = np.random.default_rng(3)
    errors, rates = (rng.random(90) < 0.1).astype(int).tolist(), rng.choice([0.1, 0.4, 1.0], 90).tolist()
    found = watch(errors, rates, max_error_rate=0.05, delta=0.05, block=20)
    restarted, summed = _plain(errors, rates, 0.05, 20)
    assert np.exp(found.log_restart) == pytest.approx(restarted, rel=1e-9)
    assert np.exp(found.log_sr) == pytest.approx(summed, rel=1e-9)


def test_it_seldom_fires_in_a_stream_at_the_allowed_rate_however_often_one_looks() -> None:
    rng = np.random.default_rng(11)
    streams, labels = 200, 1500
    fired = 0
    for _ in range(streams):
        rates = rng.choice([0.05, 0.3], labels)
        errors = rng.random(labels) < 0.02
        fired += watch(errors, rates, max_error_rate=0.02, delta=0.05).restart_alarm_at is not None
    assert fired / streams <= 0.05 + 2.5 * (0.05 * 0.95 / streams) ** 0.5


def test_it_finds_a_jump_that_comes_after_a_long_quiet_time() -> None:
    rng = np.random.default_rng(5)
    errors = np.concatenate([rng.random(1000) < 0.01, rng.random(800) < 0.06])
    found = watch(errors, np.full(1800, 0.2), max_error_rate=0.02, delta=0.05)
    assert found.sr_warning_at is not None
    assert found.restart_alarm_at is not None
    assert 1000 < found.sr_warning_at < found.restart_alarm_at < 1600
    # One process from the beginning has lost too much by then.
    assert found.alarm_at is None or found.alarm_at > found.restart_alarm_at


def test_it_weighs_verdicts_by_the_lowest_rate_of_the_policy_not_of_the_stream() -> None:
    whole = watch([1, 0, 0], [0.5, 0.5, 0.1], max_error_rate=0.02, delta=0.05, min_rate=0.1)
    first = watch([1, 0], [0.5, 0.5], max_error_rate=0.02, delta=0.05, min_rate=0.1)
    assert whole.log_e[:2] == pytest.approx(first.log_e)


@pytest.mark.parametrize(
    "changes",
    [
        {"errors": [0, 2]},
        {"errors": [0]},
        {"audit_rates": [0.5, 0.0]},
        {"audit_rates": [0.5, 1.1]},
        {"min_rate": 0.6},
        {"bets": [50.0]},
        {"max_error_rate": 0.0},
        {"delta": 0.0},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_it_refuses_input_that_would_void_the_guarantee(changes: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"errors": [0, 1], "audit_rates": [0.5, 0.5], "max_error_rate": 0.02, "delta": 0.05}
    arguments |= changes
    with pytest.raises(ValueError, match=r"needs|must lie"):
        watch(arguments.pop("errors"), arguments.pop("audit_rates"), **arguments)
