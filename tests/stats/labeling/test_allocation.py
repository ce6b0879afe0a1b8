"""Drawing a golden set."""

from typing import Any

import pytest

from labeling.stats.allocation import AllocationMethod, Stratum, allocate, draw
from tests.stats.fixtures import assert_matches, load_cases


@pytest.mark.parametrize("case", load_cases("golden_allocation"))
def test_fixture_golden_allocation(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    if "item_ids" in inputs:
        actual: dict[str, Any] = {
            seed: draw(inputs["stratum"], inputs["item_ids"], inputs["take"], seed) for seed in inputs["seeds"]
        }
    else:
        result = allocate(
            [Stratum(**stratum) for stratum in inputs["strata"]],
            inputs["total"],
            inputs["adversarial_share"],
            inputs["min_per_stratum"],
            inputs["method"],
        )
        actual = {"allocation": result.cases, "adversarial": result.adversarial, "total": result.total}
    assert_matches(actual, case["expected"], case["tolerance"])


STRATA = [
    Stratum("billing", 4000, labelled=120, failures=12),
    Stratum("chitchat", 9000, labelled=200, failures=2),
    Stratum("empty", 0),
    Stratum("legal", 120),
    Stratum("jailbreak", 300, adversarial=True, labelled=40, failures=20),
]


@pytest.mark.parametrize("method", ["proportional", "neyman"])
def test_it_meets_the_total_and_every_bound_at_any_size(method: AllocationMethod) -> None:
    for total in (0, 1, 2, 7, 50, 333, 5000, 13_420, 20_000):
        result = allocate(STRATA, total, 0.25, 10, method)
        supply = {stratum.name: stratum.available for stratum in STRATA}
        assert all(0 <= cases <= supply[name] for name, cases in result.cases.items())
        assert result.cases["jailbreak"] == result.adversarial == min(300, -(-total // 4))
        assert result.total == min(total, result.adversarial + 13_120)
        if total >= 50:
            assert min(cases for name, cases in result.cases.items() if name != "empty") >= 10


def test_it_does_not_round_a_share_up_for_rounding_errors() -> None:
    # 0.07 · 100 is 7.000000000000001 in floating point.
    assert allocate(STRATA, 100, 0.07).adversarial == 7


def test_it_spreads_the_minimum_evenly_when_it_cannot_be_had() -> None:
    even = [Stratum(name, 100) for name in "abcd"]
    assert allocate(even, 10, 0.0, 50).cases == {"a": 3, "b": 3, "c": 2, "d": 2}


def test_it_does_not_depend_on_the_order_of_the_strata() -> None:
    assert allocate(STRATA, 77, 0.2, 5).cases == allocate(STRATA[::-1], 77, 0.2, 5).cases


def test_it_favours_strata_whose_failures_are_uncertain() -> None:
    strata = [
        Stratum("sure", 1000, labelled=500, failures=0),
        Stratum("unsure", 1000, labelled=500, failures=250),
    ]
    cases = allocate(strata, 100, 0.0).cases
    assert cases["unsure"] > 5 * cases["sure"]


def test_it_refuses_impossible_requests() -> None:
    with pytest.raises(ValueError, match="share"):
        allocate(STRATA, 10, 1.5)
    with pytest.raises(ValueError, match="same name"):
        allocate([Stratum("a", 1), Stratum("a", 2)], 1, 0.0)
    with pytest.raises(ValueError, match="impossible"):
        Stratum("a", 10, labelled=3, failures=4)


def test_it_draws_the_same_items_in_any_order_and_only_appends() -> None:
    items = [f"item-{number}" for number in range(40)]
    ten = draw("billing", items, 10, seed=7)
    assert draw("billing", items[::-1], 10, seed="7") == ten
    assert draw("billing", items, 25, seed=7)[:10] == ten
    assert draw("refund", items, 10, seed=7) != ten
    assert len(draw("billing", items, 99, seed=7)) == 40
