"""What verdicts teach: calibrators that know how labels came about, and which signals are worth nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest

from routing.policy.confidence import confidence, expected_signals
from routing.policy.learning import confidences, fit_calibrator, fold_of, for_fitting, held_out_predictions, quality_of
from routing.policy.scopes import MIN_INTENT_LABELS, Logged, fit_scopes
from tests.routing.logs import logged, noisy_rows

# Folds ---------------------------------------------------------------------------------------------


def test_the_rows_of_a_prompt_stay_on_one_side() -> None:
    first = [logged(number, prompt=f"prompt {number % 40}") for number in range(400)]
    again = [logged(number, prompt=f"prompt {number % 40}", acceptable=None, intent="other") for number in range(400)]
    assert [for_fitting(row) for row in first] == [for_fitting(row) for row in again]
    assert len({(row.prompt, fold_of(row.prompt, 5)) for row in first}) == 40


def test_six_in_ten_prompts_fit_and_the_folds_are_of_one_size() -> None:
    prompts = [f"prompt {number}" for number in range(5000)]
    fitting = sum(for_fitting(logged(0, prompt=prompt)) for prompt in prompts)
    assert abs(fitting / 5000 - 0.6) < 0.03
    sizes = np.bincount([fold_of(prompt, 5) for prompt in prompts])
    assert abs(sizes / 5000 - 0.2).max() < 0.03


# Calibrators ---------------------------------------------------------------------------------------


def test_an_intent_gets_a_scope_of_its_own_from_enough_labels() -> None:
    rng = np.random.default_rng(1)
    rows = [
        *noisy_rows(MIN_INTENT_LABELS, rng, intent="billing"),
        *noisy_rows(MIN_INTENT_LABELS - 1, rng, intent="refund"),
        *noisy_rows(20, rng, intent="chat", key="judge:strict"),
        # Enough labels, but too few errors to tell what a signal is worth.
        *[logged(number, intent="faq", acceptable=number % 20 > 0) for number in range(150)],
    ]
    fitted = fit_calibrator(rows)
    scopes = fitted.parameters["scopes"]
    assert set(scopes) == {"*", "billing"}
    assert fitted.labels_by_cell == {"*|base rate": 20, "*|score:grounded": 349, "billing|score:grounded": 100}
    assert fitted.skipped == {"*|base rate": "fewer than 50 labels"}
    assert fitted.labels == 369
    assert (scopes["billing"]["labels"], scopes["*"]["labels"]) == (100, 369)
    assert scopes["*"]["intents"] == {"chat": [], "faq": ["score:grounded"], "refund": ["score:grounded"]}


def test_no_intent_becomes_all_intents_by_its_name() -> None:
    rng = np.random.default_rng(1)
    scopes = fit_scopes([*noisy_rows(200, rng, intent="*"), *noisy_rows(60, rng)]).parameters["scopes"]
    assert set(scopes) == {"*"}
    assert scopes["*"]["labels"] == 260


def test_it_learns_what_the_signals_are_worth() -> None:
    rng = np.random.default_rng(2)
    rows = noisy_rows(600, rng)
    fitted = fit_calibrator(rows)
    low, high = confidences(
        fitted.parameters, [logged(0, evidence={"score:grounded": 0.1}), logged(0, evidence={"score:grounded": 0.9})]
    )
    assert low == pytest.approx(0.1, abs=0.06)
    assert high == pytest.approx(0.9, abs=0.06)
    # The best there is scores E[s(1 − s)] = 1/6 on scores that are uniform.
    assert fitted.quality.brier == pytest.approx(1 / 6, abs=0.02)
    assert fitted.quality.n == 600
    assert fitted.by_intent["billing"] == fitted.quality


def test_it_weighs_each_label_by_what_it_stands_for() -> None:
    # Half of the 100 reviewed outputs are wrong; the 100 audited ones stand for a thousand, all good.
    reviewed = [logged(number, acceptable=number % 2 == 0) for number in range(100)]
    audited = [logged(100 + number, inclusion=0.1) for number in range(100)]
    unseen = [logged(200 + number, inclusion=0.1, acceptable=None) for number in range(900)]
    base_rate = fit_calibrator([*reviewed, *audited, *unseen]).parameters["scopes"]["*"]["base_rate"]
    assert base_rate["kind"] == "constant"
    assert base_rate["value"] == pytest.approx(1050 / 1100, abs=0.01)


def test_a_label_that_had_no_chance_to_be_drawn_is_not_used() -> None:
    rows = noisy_rows(80, np.random.default_rng(3))
    handpicked = [logged(number, inclusion=0.0, acceptable=False) for number in range(500)]
    assert fit_calibrator([*rows, *handpicked]) == fit_calibrator(rows)


@pytest.mark.parametrize(
    ("rows", "skipped"),
    [
        ([], {}),
        ([logged(number, acceptable=None) for number in range(200)], {}),
        ([logged(number) for number in range(49)], {}),
        ([logged(number, evidence={}) for number in range(60)], {"*|base rate": "all labels are the same"}),
        ([logged(number) for number in range(99)], {"*|base rate": "all labels are the same"}),
    ],
    ids=["nothing", "no verdicts", "few", "no signals", "all good"],
)
def test_it_fits_nothing_where_there_is_nothing_to_learn(rows: list[Logged], skipped: dict[str, str]) -> None:
    fitted = fit_calibrator(rows)
    assert confidence(fitted.parameters, "billing", {"score:grounded": 1.0}).value is None
    assert fitted.skipped == skipped
    assert fitted.quality.brier is None
    assert fitted.quality.n == 0
    assert fitted.quality.reason
    assert fitted.by_intent == {}


# What signals are worth ----------------------------------------------------------------------------


def with_signals(rows: list[Logged], rng: np.random.Generator, *keys: str) -> list[Logged]:
    """The same outputs with signals that know nothing of their quality."""
    return [replace(row, evidence={**row.evidence, **{key: float(rng.uniform()) for key in keys}}) for row in rows]


def test_a_worthless_signal_gets_no_weight_and_is_shown_as_such() -> None:
    rng = np.random.default_rng(7)
    plain = noisy_rows(300, rng)
    noisy = with_signals(plain, rng, "judge:loud")
    fitted = fit_calibrator(noisy)
    for scope in ("*", "billing"):
        shown = fitted.metrics()["signals"][scope]
        assert shown["judge:loud"]["status"] == "worthless"
        assert shown["judge:loud"]["low"] < 0.55 < shown["score:grounded"]["low"]
        assert (shown["judge:loud"]["labels"], shown["judge:loud"]["weights"]) == (300, {})
        assert shown["score:grounded"]["weights"]["score:grounded"] > 0
        # It leaves the models as they are without it.
        scopes = fitted.parameters["scopes"]
        assert scopes[scope]["cells"] == fit_calibrator(plain).parameters["scopes"][scope]["cells"]
    assert confidences(fitted.parameters, noisy) == confidences(fitted.parameters, plain)
    assert expected_signals(fitted.parameters, "billing") == {"score:grounded"}


def test_where_every_signal_is_worthless_the_base_rate_speaks() -> None:
    rng = np.random.default_rng(8)
    rows = with_signals([logged(n, acceptable=n % 5 > 0, evidence={}) for n in range(300)], rng, "score:noise")
    fitted = fit_calibrator(rows)
    (value,) = set(confidences(fitted.parameters, rows))
    assert value == pytest.approx(240.5 / 301)
    assert expected_signals(fitted.parameters, "billing") == set()
    assert fitted.quality.n == 300
    # As good as a guess can be, p(1 − p), and of no use for telling outputs apart.
    assert fitted.quality.brier == pytest.approx(0.8 * 0.2, abs=0.01)
    assert (fitted.quality.auc.value, fitted.quality.auc.reason) == (None, "no signal is useful")


def test_a_signal_on_few_outputs_is_undetermined_and_changes_nothing() -> None:
    rng = np.random.default_rng(9)
    rows = noisy_rows(300, rng)
    rows[:30] = with_signals(rows[:30], rng, "ensemble")
    scope = fit_scopes(rows).parameters["scopes"]["billing"]
    assert (scope["signals"]["ensemble"]["status"], scope["signals"]["ensemble"]["labels"]) == ("undetermined", 30)
    assert scope["signals"]["ensemble"]["reason"] == "fewer than 50 labels"
    assert (scope["signals"]["ensemble"]["auc"], scope["signals"]["ensemble"]["low"]) == (None, None)
    assert len(scope["cells"]) == 1


def test_sets_of_useful_signals_have_models_of_their_own() -> None:
    rng = np.random.default_rng(10)
    rows = noisy_rows(400, rng)
    rows[:200] = [
        replace(row, evidence={**row.evidence, "judge:b": row.evidence["score:grounded"]}) for row in rows[:200]
    ]
    fitted = fit_calibrator(rows)
    assert fitted.labels_by_cell["billing|judge:b+score:grounded"] == 200
    assert fitted.labels_by_cell["billing|score:grounded"] == 200
    # Half of them came without the judge, so it is not expected; the score always came.
    assert expected_signals(fitted.parameters, "billing") == {"score:grounded"}
    weights = fitted.metrics()["signals"]["billing"]["score:grounded"]["weights"]
    assert set(weights) == {"judge:b+score:grounded", "score:grounded"}


@pytest.mark.parametrize(("missing", "expected"), [(5, {"score:grounded"}), (6, set())])
def test_a_signal_is_expected_from_95_percent_of_all_outputs_judged_or_not(missing: int, expected: set[str]) -> None:
    rng = np.random.default_rng(11)
    rows = noisy_rows(100, rng)
    # What is missing on outputs that nobody judged counts as well.
    rows += [logged(100 + number, evidence={"judge:x": 0.5}, acceptable=None) for number in range(missing)]
    assert len(rows) == 100 + missing
    assert expected_signals(fit_calibrator(rows).parameters, "billing") == expected


def test_it_reports_how_often_judges_judged_their_own_family() -> None:
    kin = frozenset({"judge:a"})
    rows = [
        logged(n, evidence={"judge:a": 1.0, "judge:b": 1.0}, same_family=kin if n % 4 == 0 else frozenset())
        for n in range(100)
    ]
    rows += [logged(200 + n, evidence={"judge:a": None}, same_family=kin) for n in range(50)]
    shown = fit_calibrator(rows).metrics()["same_family"]
    assert shown == {
        "judge:a": {"outputs": 100, "same_family": 25, "share": 0.25},
        "judge:b": {"outputs": 100, "same_family": 0, "share": 0.0},
    }


def test_what_is_stored_is_plain_json_and_the_same_every_time() -> None:
    rng = np.random.default_rng(12)
    rows = with_signals(noisy_rows(300, rng), rng, "judge:loud")
    fitted = fit_calibrator(rows)
    assert fitted.parameters["format"] == 2
    for stored in (fitted.parameters, fitted.metrics()):
        assert json.loads(json.dumps(stored, allow_nan=False)) == json.loads(json.dumps(stored))
    assert fit_calibrator(rows) == fitted
    # In whatever order the log is read.
    assert fit_calibrator(rows[::-1]).labels_by_cell == fitted.labels_by_cell
    restored = json.loads(json.dumps(fitted.parameters))
    assert confidences(restored, rows) == confidences(fitted.parameters, rows)


def test_quality_is_measured_on_prompts_that_were_left_out() -> None:
    rng = np.random.default_rng(13)
    rows = [replace(row, prompt=f"prompt {number % 60}") for number, row in enumerate(noisy_rows(400, rng))]
    first, again = held_out_predictions(rows), held_out_predictions(rows, salt="another deal")
    assert len(first) == len(again) == 400
    assert {id(pair.row) for pair in first} == {id(row) for row in rows}
    assert [pair.value for pair in first] != [pair.value for pair in again]
    assert quality_of(first) == fit_calibrator(rows).quality
    assert len({(pair.row.prompt, fold_of(pair.row.prompt, 5)) for pair in first}) == 60
