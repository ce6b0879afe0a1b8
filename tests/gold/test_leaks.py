"""Haste: what tells a case that has become known from people who differ and get quicker."""

import numpy as np
import pytest

from labeling.stats.leaks import LEAST_ANSWERS, haste

CASES = 400


def times(rng: np.random.Generator, count: int, median: float = 60.0) -> list[float]:
    """As people take them: log-normal, the longest many times the usual."""
    return list(rng.lognormal(np.log(median), 0.7, count))


def test_a_case_that_became_known_is_found() -> None:
    rng = np.random.default_rng(1)
    found = sum(
        haste(times(rng, 12) + times(rng, 12, median=12.0), [True] * 24).suspicious for _case in range(CASES // 4)
    )
    assert found >= 0.8 * CASES / 4


def test_honest_answers_looked_at_after_every_one_are_hardly_ever_called_a_leak() -> None:
    """Thirty people, one answer each, of whom nine in ten are right; looked at as often as the sweep could."""
    rng = np.random.default_rng(2)
    retired = 0
    for _case in range(CASES):
        seconds, right = times(rng, 30), list(rng.random(30) < 0.9)
        retired += any(haste(seconds[:count], right[:count]).suspicious for count in range(LEAST_ANSWERS, 31))
    # At most one case in a hundred, over its whole life.
    assert retired <= CASES / 100


def test_people_who_all_get_a_third_quicker_are_seldom_called_a_leak() -> None:
    rng = np.random.default_rng(3)
    found = [haste(times(rng, 15) + times(rng, 15, median=40.0), [True] * 30).suspicious for _case in range(100)]
    assert sum(found) <= 10


def test_hurrying_without_knowing_is_no_leak() -> None:
    seconds = [60.0 + place for place in range(10)] + [5.0 + place / 10 for place in range(10)]
    assert haste(seconds, [True] * 20).suspicious
    assert not haste(seconds, [True] * 10 + [True] * 9 + [False]).suspicious


def test_few_answers_say_nothing() -> None:
    seconds = [100.0 + place for place in range(6)] + [1.0 + place / 10 for place in range(5)]
    found = haste(seconds, [True] * 11)
    assert (found.answers, found.ratio, found.p_one_sided, found.suspicious) == (11, None, None, False)
    with pytest.raises(ValueError, match="2 times but 1 answers"):
        haste([1.0, 2.0], [True])
