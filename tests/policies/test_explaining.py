"""Explanations: everything a decision rests on, in words and for programs, and the same decision once more."""

from typing import Any

import numpy as np
import pytest

from routing.models import Decision, JudgeRequest, Output, Policy
from routing.queries import explained_outputs
from routing.services.explaining import explain
from routing.services.judges import create_judge
from routing.services.judging import Hearing, decide_request
from routing.services.policies import activate_policy
from routing.services.recalibration import approve_recalibration, propose_recalibration
from routing.services.recomputing import recompute
from tests.browser.visiting import queries, signed_in, text_of
from tests.factories import judge, output_body, pair_body, route, run_body
from tests.learning.history import live_through
from tests.people import NOW, Cast, person

THRESHOLD = {"mode": "below_threshold", "threshold": 0.65, "audit_rate": 0.5}
CHECKS = [
    {"kind": "max_length", "name": "short", "severity": "high", "characters": 200},
    {"kind": "must_not_match", "name": "no-mail", "severity": "mid", "pattern": "[a-z]+@[a-z]+"},
]
STAKES = {
    "default": "low",
    "by_intent": {"refund": "mid"},
    "rules": [
        {"name": "large", "when": {">": [{"var": "metadata.amount"}, 100]}, "stakes": "high"},
        {"name": "urgent", "when": {"matches": [{"var": "prompt"}, "(?i)urgent"]}, "stakes": "mid"},
    ],
}


def scored(value: float, name: str = "grounded") -> dict[str, Any]:
    return {"kind": "score", "name": name, "value": value}


def explained(cast: Cast, output: Output) -> dict[str, Any]:
    return explain(explained_outputs(cast.project).get(pk=output.pk))


def of(cast: Cast, **fields: Any) -> dict[str, Any]:
    """The explanation of one output that is handed in now."""
    return explained(cast, route(cast.project, output_body(**fields))[0])


# What it rests on -------------------------------------------------------------------------------------


@pytest.fixture
def ruled(cast: Cast) -> Cast:
    """A policy with everything: thresholds, stakes rules, checks and named signals."""
    cast.put_in_force(tier=THRESHOLD, stakes=STAKES, checks=CHECKS, required_signals=["score:grounded"])
    return cast


def test_every_signal_is_there_with_what_was_made_of_it(ruled: Cast) -> None:
    runs = [{"verdict": "pass"}, {"verdict": "fail"}]
    found = of(
        ruled,
        signals=[
            scored(0.9),
            {"kind": "judge", "name": "strict", "runs": runs},
            {"kind": "grounding", "supported": 0, "total": 0},
        ],
    )
    by_key = {row["key"]: row for row in found["signals"]}
    assert set(by_key) == {"score:grounded", "judge:strict", "grounding"}
    assert by_key["judge:strict"]["data"]["runs"] == runs
    assert by_key["judge:strict"]["raw"] == by_key["judge:strict"]["evidence"] < 0.5
    assert by_key["grounding"]["evidence"] is None
    assert [row["key"] for row in found["signals"] if row["required"]] == ["score:grounded"]
    assert "nothing can be made of grounding" in found["summary"]
    assert found["recomputation"] == {"reproduced": True, "differences": []}


def test_a_required_signal_that_did_not_come_is_named(ruled: Cast) -> None:
    found = of(ruled, signals=[scored(0.99, "other")])
    assert found["required_signals"] == {
        "keys": ["score:grounded"],
        "basis": "policy",
        "missing": ["score:grounded"],
        "silent": [],
    }
    assert found["summary"] == "Reviewed because the required signal score:grounded did not come."


def test_everybody_who_spoke_on_the_stakes_is_there(ruled: Cast) -> None:
    found = of(ruled, intent="refund", stakes="low", prompt="URGENT: pay!", metadata={"amount": 250})["stakes"]
    assert found["value"] == "high"
    assert [(row["by"], row["stakes"], row["won"]) for row in found["said"]] == [
        ("caller", "low", False),
        ("intent", "mid", False),
        ("rule large", "high", True),
        ("rule urgent", "mid", False),
    ]
    assert "The highest wins" in found["sentence"]


def test_each_check_is_there_with_its_result(ruled: Cast) -> None:
    found = of(ruled, response="Write to us@shop.", metadata={"amount": 1})
    assert [(row["name"], row["passed"]) for row in found["checks"]] == [("short", True), ("no-mail", False)]
    assert "the check “no-mail” failed (" in found["summary"]
    assert [row["code"] for row in found["decision"]["reasons"]] == ["check_failed:no-mail"]


def test_flags_say_who_raised_them(ruled: Cast) -> None:
    found = of(ruled, flags=["incident"], metadata={"amount": 1})["flags"]
    assert (found["given"], found["detected"]) == (["incident"], [])


def test_the_audit_says_its_draw_its_rate_and_its_chance(ruled: Cast) -> None:
    bodies = [output_body(metadata={"amount": 1}, signals=[scored(1.0)]) for _ in range(12)]
    found = [explained(ruled, output) for output in route(ruled.project, *bodies)]
    assert {row["decision"]["action"] for row in found} == {"ship"}
    assert {row["audit"]["drawn"] for row in found} == {True, False}
    for row in found:
        assert row["audit"]["drawn"] == (row["audit"]["draw"] < row["audit"]["rate"] == 0.5)
        assert row["audit"]["inclusion_probability"] == 0.5
        assert row["overlap"]["raters"] == (1 if row["audit"]["drawn"] else None)
    assert of(ruled, flags=["incident"])["audit"]["draw"] is None


def test_overlap_is_the_draw_that_was_made(cast: Cast) -> None:
    cast.put_in_force(tier={"overlap_share": 0.5, "overlap_raters": 3})
    for output in route(cast.project, *(output_body() for _ in range(8))):
        found = explained(cast, output)
        assert found["review"]["raters_needed"] == found["overlap"]["raters"]
        assert (found["overlap"]["raters"] == 3) == (found["overlap"]["draw"] < 0.5)


def test_it_goes_on_to_the_review_and_the_verdict(cast: Cast) -> None:
    (output,) = route(cast.project)
    found = explained(cast, output)
    assert (found["review"]["ratings"], found["verdict"]) == (0, None)
    judge(cast.reviewers[0])
    found = explained(cast, output)
    assert (found["review"]["ratings"], found["verdict"]["verdict"]) == (1, "accept")


def test_a_calibrated_confidence_comes_with_its_bin_of_held_out_outputs(cast: Cast) -> None:
    live_through(cast, 80, np.random.default_rng(3))
    proposal = propose_recalibration(project=cast.project, actor="person:1", now=NOW, review_share=0.4)
    approve_recalibration(proposal=proposal, actor="person:1", now=NOW)
    found = of(cast, signals=[scored(0.95)])
    confidence = found["confidence"]
    held_out = confidence["reliability"]
    assert confidence["calibrator"] == f"v{proposal.calibrator.version}" == found["calibrator"]["version"]
    assert held_out["low"] < confidence["value"] <= held_out["high"]
    assert held_out["n"] > 0
    assert f"Of {held_out['n']} held-out outputs" in confidence["sentence"]
    assert set(confidence["contributions"]) == {"score:grounded"}
    assert found["policy"]["version"] == proposal.policy.version
    assert found["recomputation"]["reproduced"]
    page = text_of(signed_in(cast.owner).get(f"/projects/shop/outputs/{found['output']['id']}/explain/"))
    assert f"accepted of {held_out['n']} outputs like this" in page
    assert "learnt on all intents together" in page
    # What the policy of that day said stays the explanation, whatever is in force now.
    activate_policy(policy=Policy.objects.get(project=cast.project, version=1), actor="person:1", now=NOW)
    again = explained(cast, Output.objects.get(pk=found["output"]["id"]))
    assert (again["policy"], again["summary"]) == (found["policy"], found["summary"])


# Recomputation ----------------------------------------------------------------------------------------


def test_every_decision_is_computed_again_from_its_rows(ruled: Cast, noise: Cast) -> None:
    rng = np.random.default_rng(7)
    bodies = [
        *(
            output_body(metadata={"amount": float(rng.random() * 200)}, signals=[scored(float(rng.random()))])
            for _ in range(30)
        ),
        output_body(signals=[]),
        output_body(signals=None, metadata={"amount": 1e18, "note": "ñ\u2028"}),
        output_body(prompt=[{"role": "user", "content": "URGENT"}, {"role": "assistant", "content": "Yes?"}]),
        output_body(response="x" * 300, stakes="low", flags=["incident", "adversarial"]),
        output_body(source={"model": "gpt-4o", "version": "1"}, occurred_at="2026-11-01T00:00:00Z"),
        pair_body(signals=[scored(0.9), {"kind": "pairwise_margin", "value": -0.7}]),
        run_body(metadata={"amount": 3}, signals=[scored(0.9)]),
    ]
    for output in route(ruled.project, *bodies):
        assert explained(ruled, output)["recomputation"] == {"reproduced": True, "differences": []}


def test_the_words_of_a_run_are_read_the_same_before_and_after_they_are_stored(cast: Cast) -> None:
    """PostgreSQL orders the keys of an object anew."""
    ordered = {"kind": "must_not_match", "name": "ordered", "severity": "low", "pattern": '"zeta": 1, "alpha"'}
    rule = {"name": "zeta", "when": {"matches": [{"var": "response"}, '"zeta": 1}']}, "stakes": "high"}
    cast.put_in_force(checks=[ordered], stakes={"default": "low", "rules": [rule]})
    step = {"type": "tool_call", "name": "find", "content": {"zeta": 1, "alpha": 2}}
    (output,) = route(cast.project, run_body(trajectory=[step]))
    found = explained(cast, output)
    assert found["recomputation"] == {"reproduced": True, "differences": []}
    assert found["checks"][0]["passed"]
    assert found["stakes"]["basis"] == "rule zeta"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"action": "review"}, "action"),
        ({"stakes": "mid"}, "stakes"),
        ({"confidence": 0.5}, "confidence"),
        ({"inclusion_probability": 1.0}, "inclusion_probability"),
        ({"reasons": ["audit", "novel"]}, "reasons"),
    ],
)
def test_a_row_that_does_not_follow_from_its_policy_is_found_out(
    ruled: Cast, changes: dict[str, Any], field: str
) -> None:
    """The database refuses to change a decision; were it changed all the same, this would tell."""
    route(ruled.project, output_body(metadata={"amount": 1}, signals=[scored(1.0)]))
    decision = Decision.objects.select_related("output__content", "policy", "calibrator", "project").latest("pk")
    for name, value in changes.items():
        setattr(decision, name, value)
    again = recompute(decision, signals=list(decision.output.signals.all()))
    assert [row.field for row in again.differences] == [field]
    assert not again.reproduced


# Judges of ours ---------------------------------------------------------------------------------------


@pytest.fixture
def asking(cast: Cast, settings: Any) -> Cast:
    """A policy that hears a judge before it decides."""
    settings.PRIVATE_TARGETS = ["127.0.0.1"]
    create_judge(
        project=cast.project, name="strict", actor="test", now=NOW, base_url="http://127.0.0.1:9/v1", model="alder"
    )
    cast.put_in_force(tier=THRESHOLD, judges={"names": ["strict"], "deadline_seconds": 60})
    return cast


def test_a_pending_output_says_what_it_waits_for(asking: Cast) -> None:
    (output,) = route(asking.project)
    found = explained(asking, output)
    assert found["status"] == "pending"
    assert found["summary"] == (
        "Not decided yet: strict has to be heard first. It is decided by 2026-11-20 09:01:00 UTC at the latest, "
        "whatever they say."
    )
    assert found["awaited"]["judges"] == ["strict"]
    assert [row["key"] for row in found["signals"]] == ["score:grounded"]
    assert found["policy"]["version"] == 3
    browser = signed_in(asking.owner)
    for page in ("", "explain/"):
        assert "pending" in text_of(browser.get(f"/projects/shop/outputs/{output.pk}/{page}"))
    assert output.external_id in text_of(browser.get("/projects/shop/outputs/"))


@pytest.mark.parametrize(
    ("said", "silent", "summary_part"),
    [
        ([{"verdict": "pass"}, {"verdict": "pass"}], {}, "Shipped because confidence 0.72 reaches"),
        ([{"verdict": "pass"}, {"verdict": "fail"}], {}, "Reviewed because confidence 0.2"),
        (None, {"strict": "deadline"}, "nothing can be made of judge:strict"),
    ],
)
def test_what_a_judge_of_ours_said_is_computed_again_too(
    asking: Cast, said: Any, silent: dict[str, str], summary_part: str
) -> None:
    (output,) = route(asking.project)
    request = JudgeRequest.objects.select_related("output__content", "project", "policy__calibrator").get(output=output)
    signal = None if said is None else {"kind": "judge", "name": "strict", "runs": said, "version": 1}
    hearing = Hearing(heard={"strict": signal}, silent=silent, verdicts={} if said is None else {"strict": [1, 2]})
    decide_request(request=request, hearing=hearing, now=NOW)
    found = explained(asking, output)
    assert summary_part in found["summary"]
    assert found["recomputation"] == {"reproduced": True, "differences": []}
    (row,) = (row for row in found["signals"] if row["key"] == "judge:strict")
    assert (row["origin"], row["silent"], row["required"]) == ("judge", silent.get("strict"), True)
    assert row["calls"] == ([] if said is None else [1, 2])
    assert "a judge of ours" in text_of(signed_in(asking.owner).get(f"/projects/shop/outputs/{output.pk}/explain/"))


def test_a_caller_in_the_name_of_a_judge_is_told_apart(asking: Cast) -> None:
    spoof = {"kind": "judge", "name": "strict", "runs": [{"verdict": "pass"}]}
    found = of(asking, signals=[spoof, scored(0.9)])
    (row,) = (row for row in found["signals"] if row["key"] == "judge:strict")
    assert (row["origin"], row["evidence"]) == ("caller", None)
    assert "in the name of" in row["note"] or "under the name of a judge of ours" in row["note"]
    assert found["recomputation"]["reproduced"]


# Who may read it --------------------------------------------------------------------------------------


def test_it_is_for_keys_that_read_and_for_owners_and_auditors(cast: Cast, noise: Cast) -> None:
    (output,) = route(cast.project)
    own, named = f"/outputs/{output.pk}/explain/", f"/projects/shop/outputs/{output.pk}/explain/"
    assert cast.key_with("read").get(own).json()["status"] == "decided"
    assert cast.key_with("route").get(own).status_code == 403
    assert noise.program.get(own).status_code == 404
    for member, status in (
        (cast.owner, 200),
        (cast.auditor, 200),
        (cast.reviewers[0], 404),
        (cast.adjudicator, 404),
        (noise.owner, 404),
    ):
        assert person(member).get(named).status_code == status
    elsewhere = f"/projects/elsewhere/outputs/{output.pk}/explain/"
    assert person(noise.owner).get(elsewhere).status_code == 404


def test_its_page_says_the_same(ruled: Cast) -> None:
    (output,) = route(ruled.project, output_body(metadata={"amount": 1}, signals=[scored(0.5)]))
    browser = signed_in(ruled.auditor)
    address = f"/projects/shop/outputs/{output.pk}/explain/"
    page = text_of(browser.get(address))
    assert "Reviewed because confidence 0.45 is below the threshold 0.65 for low stakes." in page
    assert "the same decision" in page
    assert f'href="/projects/shop/policies/{output.decision.policy.version}/"' in page
    assert f'href="{address}"' in text_of(browser.get(f"/projects/shop/outputs/{output.pk}/"))


def test_its_cost_does_not_grow_with_signals_or_outputs(ruled: Cast) -> None:
    browser = signed_in(ruled.owner)
    (few,) = route(ruled.project, output_body(flags=["incident"]))
    cost = queries(lambda: browser.get(f"/projects/shop/outputs/{few.pk}/explain/"))
    *_rest, many = route(
        ruled.project,
        *(output_body() for _ in range(10)),
        output_body(flags=["incident"], signals=[scored(0.9, f"s{number}") for number in range(20)]),
    )
    assert queries(lambda: browser.get(f"/projects/shop/outputs/{many.pk}/explain/")) == cost
