"""Signals of real outputs: two judges and a score that together are worth believing, and a score that is not."""

from pathlib import Path
from statistics import fmean

import pytest

from benchmarks.confidence import ALONE, QUESTIONS, SUMMARIES, figures, logged_rows
from routing.policy.calibration import coefficients_of
from routing.policy.confidence import confidence, expected_signals
from routing.policy.decide import Facts, decide
from routing.policy.learning import confidences, fit_calibrator
from routing.policy.scopes import Logged
from tests.routing.documents import KEY, policy

pytestmark = pytest.mark.needs_data
# Ways to deal the questions into folds: one alone can be lucky.
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def questions(review_data: Path) -> list[Logged]:
    return logged_rows(review_data, QUESTIONS)


@pytest.fixture(scope="module")
def summaries(review_data: Path) -> list[Logged]:
    return logged_rows(review_data, SUMMARIES)


def test_a_score_and_two_judges_give_a_confidence_that_can_be_believed(questions: list[Logged]) -> None:
    found = [figures(questions, seed) for seed in SEEDS]
    # Twelve outputs lack a verdict or the score, and nothing is said of them.
    assert {row.n for row in found} == {1478}
    assert fmean(row.auc for row in found) >= 0.88
    assert max(row.brier for row in found) <= 0.118
    assert max(row.ece for row in found) <= 0.04


def test_it_holds_too_where_nobody_tells_which_model_wrote_the_output(review_data: Path) -> None:
    found = [figures(logged_rows(review_data, QUESTIONS, sources=False), seed) for seed in SEEDS]
    assert min(row.auc for row in found) >= 0.88
    assert max(row.brier for row in found) <= 0.118
    assert max(row.ece for row in found) <= 0.04


def test_the_judges_add_to_the_score(review_data: Path, questions: list[Logged]) -> None:
    alone = figures(logged_rows(review_data, QUESTIONS, keys=ALONE), SEEDS[0])
    assert alone.auc == pytest.approx(0.85, abs=0.015)
    together = figures(questions, SEEDS[0])
    assert together.auc > alone.auc + 0.025
    assert together.brier < alone.brier - 0.02


def test_all_three_get_weight_and_are_expected_and_kinship_is_counted(questions: list[Logged]) -> None:
    fitted = fit_calibrator(questions)
    scope = fitted.parameters["scopes"]["open question"]
    assert {key: row["status"] for key, row in scope["signals"].items()} == dict.fromkeys(scope["signals"], "useful")
    assert scope["signals"]["score:bem"]["auc"] == pytest.approx(0.851, abs=0.001)
    (model,) = scope["cells"].values()
    assert all(weight > 0.3 for weight in coefficients_of(model).values() if weight is not None)
    assert expected_signals(fitted.parameters, "open question") == set(scope["signals"])
    shares = {key: judge.share for key, judge in fitted.judges.items()}
    assert shares == {
        "judge:gpt-4": pytest.approx(0.394, abs=0.01),
        "judge:text-davinci-003": pytest.approx(0.394, abs=0.01),
    }


def test_praise_within_the_family_counts_less(questions: list[Logged]) -> None:
    parameters = fit_calibrator(questions).parameters
    others = {"score:bem": 0.8, "judge:gpt-4": 1.0, "judge:text-davinci-003": 1.0}
    praised, kin = (
        confidence(parameters, "open question", others | {"judge:gpt-4": praise}).value for praise in (1.0, 0.75)
    )
    assert kin is not None
    assert praised is not None
    assert kin < praised


def test_the_score_of_summaries_is_worthless_and_its_base_rate_routes_them(summaries: list[Logged]) -> None:
    fitted = fit_calibrator(summaries)
    for scope in ("*", "summary/sales_call", "summary/sales_email"):
        shown = fitted.metrics()["signals"][scope]["score:known_token_rate"]
        assert (shown["status"], shown["weights"]) == ("worthless", {})
        assert shown["low"] < 0.55
    assert fitted.metrics()["signals"]["*"]["score:known_token_rate"]["auc"] == pytest.approx(0.461, abs=0.001)
    answers = {
        (row.intent, value) for row, value in zip(summaries, confidences(fitted.parameters, summaries), strict=True)
    }
    # One confidence for each intent, near the half that is acceptable.
    assert len(answers) == 2
    assert all(value == pytest.approx(0.456, abs=0.02) for _intent, value in answers)
    assert expected_signals(fitted.parameters, "summary/sales_call") == set()


def test_summaries_are_routed_by_stakes_and_sampling_alone(summaries: list[Logged]) -> None:
    parameters = fit_calibrator(summaries).parameters
    sampled = policy(low={"mode": "sampled", "audit_rate": 0.1}, stakes={"default": "low"})
    for stakes, action in (("low", {"ship"}), ("high", {"review"})):
        decisions = [
            decide(
                Facts(f"case-{number}", row.intent, stakes=stakes, evidence=row.evidence),
                policy=sampled,
                calibrator=parameters,
                key=KEY,
            )
            for number, row in enumerate(summaries)
        ]
        # What the signal says moves none of them.
        assert {decision.action for decision in decisions} == action
        audited = sum(decision.audited for decision in decisions)
        assert (40 <= audited <= 120) if stakes == "low" else audited == 0
