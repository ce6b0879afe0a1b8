"""Keyed draws: a coin nobody outside can foresee, and we can throw again."""

import numpy as np
import pytest
from scipy.stats import kstest

from routing.policy.draw import keyed_draw

KEY = b"a key of the project, 32 bytes!!"
IDS = [f"case-{number:05d}" for number in range(4000)]


def draws(key: bytes = KEY, purpose: str = "audit") -> np.ndarray:
    return np.array([keyed_draw(key, purpose, name) for name in IDS])


def test_it_repeats_itself_and_knows_its_past() -> None:
    assert np.array_equal(draws(), draws())
    # Fixed for ever: a change would give logged outputs another audit draw. HMAC-SHA-256 by OpenSSL:
    # printf 'audit\x1fcase-00001' | openssl dgst -sha256 -hmac 'a key of the project, 32 bytes!!'
    digest = "f17ba3e9c941ea5f"
    assert keyed_draw(KEY, "audit", "case-00001") == pytest.approx(int(digest, 16) / 2**64, abs=2**-52)


def test_it_is_uniform_from_0_to_1() -> None:
    found = draws()
    assert ((found >= 0.0) & (found < 1.0)).all()
    assert kstest(found, "uniform").pvalue > 0.001


@pytest.mark.parametrize("other", [draws(purpose="overlap"), draws(key=b"another key")], ids=["purpose", "key"])
def test_another_purpose_or_key_draws_independently(other: np.ndarray) -> None:
    correlation = np.corrcoef(draws(), other)[0, 1]
    assert abs(correlation) < 4 / np.sqrt(len(IDS))


def test_neighbouring_ids_say_nothing_about_each_other() -> None:
    found = draws()
    correlation = np.corrcoef(found[:-1], found[1:])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(len(IDS))


@pytest.mark.parametrize("name", ["", "Fall 7 – Ärger", "案件-7", "a" * 200, "line\nbreak"])
def test_it_takes_any_id(name: str) -> None:
    assert 0.0 <= keyed_draw(KEY, "audit", name) < 1.0
