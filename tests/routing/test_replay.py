"""Replays: logged traffic under another policy, with an honest estimate of what would have slipped through."""

from typing import Any

import numpy as np
import pytest

from routing.policy.decide import decide
from routing.policy.document import PolicyDocument
from routing.policy.replay import MAX_CASES, Past, Replay, replay
from tests.routing.documents import ALWAYS, KEY, SAMPLED, facts, policy, ships_from


def replayed(past: list[Past], under: PolicyDocument, **options: Any) -> Replay:
    return replay(past, policy=under, calibrator=None, key=KEY, **({"seconds_per_rating": 30.0} | options))


def past(
    number: int, *, score: float = 0.9, acceptable: bool | None = None, inclusion: float = 1.0, **fields: Any
) -> Past:
    sent = facts(f"case-{number}", evidence={"score:grounded": score}, **fields)
    return Past(sent, inclusion, acceptable)


def test_it_counts_what_the_policy_would_have_done() -> None:
    # Uncalibrated, a score of 0.9 is a confidence of 0.81.
    rows = [
        *(past(number) for number in range(30)),
        *(past(30 + number, score=0.5) for number in range(20)),
        *(past(50 + number, stakes="high") for number in range(10)),
        *(past(60 + number, flags=("incident",), stakes="low") for number in range(5)),
    ]
    under = policy(mid=ships_from(0.8, audit_rate=1.0), low=SAMPLED, high=ALWAYS | {"raters": 3})
    found = replayed(rows, under)
    assert (found.outputs, found.shipped, found.reviewed, found.audited) == (65, 30, 35, 30)
    assert found.ratings == 30 + 20 + 3 * 10 + 5
    assert found.review_hours == pytest.approx(85 * 30 / 3600)
    assert found.reasons == {"audit": 30, "low_confidence": 20, "high_stakes": 10, "incident": 5}
    assert found.by_stakes == {
        "high": {"ship": 0, "audited": 0, "review": 10},
        "mid": {"ship": 0, "audited": 30, "review": 20},
        "low": {"ship": 0, "audited": 0, "review": 5},
    }


def test_it_decides_just_as_the_router_did() -> None:
    rng = np.random.default_rng(1)
    under = policy(
        mid=ships_from(0.4, audit_rate=0.2, overlap_share=0.3),
        low=SAMPLED,
        stakes={"rules": [{"name": "large", "when": {">": [{"var": "metadata.amount"}, 80]}, "stakes": "high"}]},
    )
    rows = [
        past(
            number,
            score=float(rng.uniform()),
            stakes=[None, "mid", "low"][number % 3],
            metadata={"amount": int(rng.integers(100))},
            flags=("adversarial",) if number % 17 == 0 else (),
        )
        for number in range(300)
    ]
    decisions = [decide(row.facts, policy=under, calibrator=None, key=KEY) for row in rows]
    found = replayed(rows, under)
    assert found.shipped == sum(decision.action == "ship" for decision in decisions)
    assert found.audited == sum(decision.audited for decision in decisions)
    assert found.ratings == sum(decision.raters for decision in decisions if decision.needs_review)
    assert sum(sum(counts.values()) for counts in found.by_stakes.values()) == 300


def test_the_hours_are_unknown_while_nobody_has_rated() -> None:
    assert replayed([past(1)], policy(), seconds_per_rating=None).review_hours is None


def test_its_error_rate_weighs_verdicts_by_the_chance_they_had() -> None:
    # Reviewed outputs that would now ship: 40 of them, 8 wrong. Shipped ones: 200, 20 audited, 1 wrong.
    reviewed = [past(number, acceptable=number >= 8) for number in range(40)]
    audited = [past(40 + number, inclusion=0.1, acceptable=number > 0) for number in range(20)]
    unseen = [past(60 + number, inclusion=0.1) for number in range(180)]
    doubtful = [past(300 + number, score=0.1, acceptable=False) for number in range(50)]
    found = replayed([*reviewed, *audited, *unseen, *doubtful], policy(mid=ships_from(0.8)))
    assert found.shipped == 240
    assert found.verdicts_used == 60
    assert found.error_rate == pytest.approx((40 * 8 / 40 + 200 * 1 / 20) / 240)
    assert found.error_rate is not None
    assert found.error_interval is not None
    assert found.error_interval[0] < found.error_rate < found.error_interval[1]
    assert found.error_status == "ok"


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([past(1, score=0.1, acceptable=True)], "nothing_shipped"),
        ([past(1, acceptable=True), past(2, inclusion=0.1)], "unaudited_stratum"),
        ([past(1, acceptable=True), past(2, inclusion=0.0)], "unaudited_stratum"),
        ([], "nothing_shipped"),
    ],
)
def test_it_says_why_an_error_rate_cannot_be_estimated(rows: list[Past], status: str) -> None:
    found = replayed(rows, policy(mid=ships_from(0.8)))
    assert (found.error_rate, found.error_interval) == (None, None)
    assert found.error_status.startswith(f"{status}: ")


def test_it_names_outputs_that_would_ship_although_a_person_had_found_them_wrong() -> None:
    wrong = [past(number, acceptable=False) for number in range(MAX_CASES + 20)]
    right = [past(1000 + number, acceptable=True) for number in range(5)]
    held_back = [past(2000, score=0.1, acceptable=False)]
    found = replayed([*right, *held_back, *wrong], policy(mid=ships_from(0.8)))
    assert found.would_ship_rejected == [f"case-{number}" for number in range(MAX_CASES)]


def test_its_interval_holds_the_truth_of_a_policy_that_was_never_in_force() -> None:
    # The log: below 0.5 reviewed, above shipped with one audit in five. Asked: what if 0.7 had been in force?
    rng = np.random.default_rng(2)
    held, worlds = 0, 60
    for _world in range(worlds):
        rows, wrong_above = [], []
        for number in range(600):
            score = float(rng.uniform())
            wrong = bool(rng.uniform() < 0.4 * (1 - score))
            inclusion = 1.0 if score < 0.5 else 0.2
            known = rng.uniform() < inclusion
            rows.append(past(number, score=score, inclusion=inclusion, acceptable=not wrong if known else None))
            wrong_above += [wrong] if score >= 0.7 else []
        found = replayed(rows, policy(mid=ships_from(0.9 * 0.7)))
        assert found.shipped == len(wrong_above)
        assert found.error_interval is not None
        held += found.error_interval[0] <= 0.4 * 0.15 <= found.error_interval[1]
    assert held >= 0.9 * worlds


def test_it_reports_in_plain_json() -> None:
    shown = replayed([past(1, acceptable=True)], policy(mid=ships_from(0.8))).as_json()
    assert shown["error_interval"] == (0.0, pytest.approx(0.975))
    assert set(shown) >= {"outputs", "shipped", "reviewed", "audited", "ratings", "review_hours", "error_status"}
