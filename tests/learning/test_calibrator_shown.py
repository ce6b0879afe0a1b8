"""A calibrator over the API and on its page: which signals are worth something, and which are plainly not."""

from typing import Any

import numpy as np
import pytest

from routing.models import Calibrator
from routing.services.recalibration import approve_recalibration, propose_recalibration
from tests.browser.visiting import signed_in, text_of
from tests.factories import output_body, route
from tests.learning.history import judge_open
from tests.people import NOW, Cast

INTENT = "billing & <returns>"


def live_with_noise(cast: Cast, rng: np.random.Generator, count: int = 160) -> None:
    """Judged outputs whose score knows something, whose loud judge knows nothing and is of the family of one in
    four, and a few that came with a check of their own."""
    wrong: dict[str, bool] = {}
    bodies = []
    for number, score in enumerate(rng.uniform(size=count).round(3)):
        name = f"{rng.integers(16**10):010x}"
        wrong[name] = bool(rng.uniform() < (1 - score) ** 2)
        signals: list[dict[str, Any]] = [
            {"kind": "score", "name": "grounded", "value": float(score)},
            {"kind": "judge", "name": "gpt-4", "runs": [{"score": round(rng.uniform(), 3)}]},
        ]
        if number < 12:
            signals.append({"kind": "ensemble", "votes": ["pass", "fail"]})
        source = {"model": "gpt-4o" if number % 4 == 0 else "hearth-large"}
        fields = {"intent": INTENT, "prompt": f"Question {name}?", "signals": signals, "source": source}
        bodies.append(output_body(name, **fields))
    route(cast.project, *bodies)
    judge_open(cast.project, cast.reviewers[0], wrong)


@pytest.fixture
def calibrator(cast: Cast, rng: np.random.Generator) -> Calibrator:
    """In force, next to a calibrator of noise in no other project."""
    live_with_noise(cast, rng)
    proposal = propose_recalibration(project=cast.project, actor="person:1", now=NOW, review_share=0.4)
    approve_recalibration(proposal=proposal, actor="person:1", now=NOW)
    return proposal.calibrator


def test_the_api_says_what_each_signal_is_worth(cast: Cast, calibrator: Calibrator) -> None:
    answer = cast.program.get("/calibration/")
    assert answer.status_code == 200
    shown = answer.json()["calibrator"]
    signals = shown["signals"][INTENT]
    assert {key: row["status"] for key, row in signals.items()} == {
        "ensemble": "undetermined",
        "judge:gpt-4": "worthless",
        "score:grounded": "useful",
    }
    worthless = signals["judge:gpt-4"]
    assert (worthless["labels"], worthless["weights"]) == (160, {})
    assert worthless["low"] <= 0.55
    assert worthless["low"] < worthless["auc"] < worthless["high"]
    assert (signals["ensemble"]["auc"], signals["ensemble"]["reason"]) == (None, "fewer than 50 labels")
    assert signals["score:grounded"]["weights"]["score:grounded"] > 0
    assert shown["expected_signals"] == {"*": ["score:grounded"], INTENT: ["score:grounded"]}
    assert shown["by_intent"][INTENT]["n"] == shown["quality"]["n"] == 160
    assert shown["same_family"] == {"judge:gpt-4": {"outputs": 160, "same_family": 40, "share": 0.25}}
    assert "signals" not in shown["quality"]
    assert shown["quality"]["brier"] < 0.25


def test_the_page_says_it_too(cast: Cast, calibrator: Calibrator) -> None:
    page = text_of(signed_in(cast.auditor).get(f"/projects/shop/calibrators/{calibrator.version}/"))
    for text in (
        "worthless: no weight",
        "undetermined: no weight",
        "undefined: fewer than 50 labels",
        "Worthless in 2 places below",
        "40 of 160",
        "billing &amp; &lt;returns&gt;",
        "all others",
    ):
        assert text in page, text
    assert "<returns>" not in page


def test_a_worthless_signal_does_not_move_the_decision(cast: Cast, calibrator: Calibrator) -> None:
    decisions = []
    for said in (0.0, 1.0):
        judge = {"kind": "judge", "name": "gpt-4", "runs": [{"score": said}]}
        score = {"kind": "score", "name": "grounded", "value": 0.9}
        (output,) = route(cast.project, output_body(intent=INTENT, signals=[judge, score]))
        decisions.append(output.decision)
    first, second = decisions
    assert (first.action, first.confidence) == (second.action, second.confidence) == ("ship", first.confidence)
    assert first.trace["confidence_basis"] == f"{INTENT}|score:grounded"
    assert set(first.trace["contributions"]) == {"score:grounded"}


def test_an_expected_signal_that_is_missing_asks_a_person(cast: Cast, calibrator: Calibrator) -> None:
    judge = {"kind": "judge", "name": "gpt-4", "runs": [{"score": 1.0}]}
    (output,) = route(cast.project, output_body(intent=INTENT, signals=[judge]))
    assert output.decision.action == "review"
    assert "no_signal" in output.decision.reasons


def test_pages_and_api_show_a_calibrator_without_any_signal(cast: Cast) -> None:
    wrong = {f"case-{number}": number % 4 == 0 for number in range(120)}
    bodies = [output_body(name, signals=None, prompt=f"Question {name}?") for name in wrong]
    route(cast.project, *bodies)
    judge_open(cast.project, cast.reviewers[0], wrong)
    proposal = propose_recalibration(project=cast.project, actor="person:1", now=NOW, review_share=0.4)
    page = text_of(signed_in(cast.owner).get(f"/projects/shop/calibrators/{proposal.calibrator.version}/"))
    assert "No output came with a signal" in page
    assert "undefined: no signal is useful" in page
    approve_recalibration(proposal=proposal, actor="person:1", now=NOW)
    shown = cast.program.get("/calibration/").json()["calibrator"]
    assert shown["signals"] == {"*": {}, "billing": {}}
    assert shown["expected_signals"] == {"*": [], "billing": []}
    (output,) = route(cast.project, output_body(signals=None))
    assert "no_signal" in output.decision.reasons
