"""Replays of policies that look at more than evidence: checks, text rules, detectors and judges of ours."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from routing.models import Decision, Policy
from routing.policy.decide import judge_key
from routing.policy.replay import Replay
from routing.queries import logged_outputs
from routing.services import replays
from routing.services.policies import draft_policy, parse_document
from routing.services.replays import past_under, reads_payloads, replay_policy
from tests.factories import output_body, route, run_body
from tests.learning.history import SHIPPING
from tests.people import Cast, policy_document

SAMPLED = {"mode": "sampled", "audit_rate": 0.5}
SHORT = {"kind": "max_length", "name": "short", "severity": "high", "characters": 50}
URGENT = {"name": "urgent", "when": {"not": {"matches": [{"var": "prompt"}, "calm"]}}, "stakes": "high"}
STRICT = {"tiers": {"high": {"mode": "always"}, "mid": SAMPLED, "low": SAMPLED}}


def draft(cast: Cast, **changes: Any) -> Policy:
    return draft_policy(project=cast.project, document=policy_document(**changes), actor="test")


def replayed(cast: Cast, **changes: Any) -> Replay:
    return replay_policy(draft(cast, **changes))


@pytest.fixture
def traffic(cast: Cast) -> Cast:
    """Five outputs that were reviewed: two long ones, one urgent, one flagged by the caller, one run."""
    route(
        cast.project,
        output_body("long-1", response="x" * 60, prompt="calm"),
        output_body("long-2", response="x" * 60, prompt="calm"),
        output_body("urgent", response="short", prompt="now!"),
        output_body("flagged", response="short", prompt="calm", flags=["incident"]),
        run_body("run", prompt="calm"),
    )
    return cast


def test_checks_are_run_again_on_what_was_logged(traffic: Cast) -> None:
    plain, checked = replayed(traffic, tier=SAMPLED), replayed(traffic, tier=SAMPLED, checks=[SHORT])
    assert (plain.shipped, plain.reasons.get("check_failed:short")) == (4, None)
    assert checked.reasons["check_failed:short"] == 2
    assert (checked.shipped, checked.reviewed) == (2, 3)


def test_rules_on_text_are_asked_again(traffic: Cast) -> None:
    found = replayed(traffic, **STRICT, stakes={"default": "low", "rules": [URGENT]})
    assert found.reasons["high_stakes"] == 1
    assert found.by_stakes["high"] == {"ship": 0, "audited": 0, "review": 1}


def test_payloads_are_loaded_in_chunks_and_only_if_somebody_looks(
    traffic: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "CHUNK", 2)
    for changes, loads in (({}, 0), ({"checks": [SHORT]}, 3)):
        policy = draft(traffic, tier=SAMPLED, **changes)
        with CaptureQueriesContext(connection) as captured:
            replay_policy(policy)
        assert sum("core_content" in query["sql"] for query in captured.captured_queries) == loads


@pytest.mark.parametrize(
    ("fields", "reads"),
    [
        ({}, False),
        ({"checks": [SHORT]}, True),
        ({"stakes": {"rules": [URGENT]}}, True),
        ({"stakes": {"rules": [URGENT | {"when": {"in": ["x", {"var": "response"}]}}]}}, True),
        ({"stakes": {"rules": [URGENT | {"when": {"==": [{"var": "metadata.prompt"}, "prompt"]}}]}}, False),
    ],
)
def test_it_knows_which_policies_look_at_words(fields: dict[str, Any], reads: bool) -> None:
    assert reads_payloads(parse_document(policy_document(**fields))) is reads


def test_a_judge_that_was_never_asked_leaves_no_autonomy_to_promise(traffic: Cast) -> None:
    found = replayed(traffic, tier=SAMPLED, judges={"names": ["strict"]})
    assert (found.shipped, found.reviewed) == (0, 5)
    assert found.reasons["no_signal"] == 5
    only_refunds = replayed(traffic, tier=SAMPLED, judges={"names": ["strict"], "intents": ["refund"]})
    assert only_refunds.shipped == 4


def test_what_a_caller_says_in_the_name_of_a_judge_counts_for_nothing(cast: Cast) -> None:
    spoof = {"kind": "judge", "name": "strict", "runs": [{"verdict": "pass"}]}
    route(cast.project, output_body(signals=[spoof]))
    assert replayed(cast, tier=SHIPPING).shipped == 1
    found = replayed(cast, tier=SHIPPING, judges={"names": ["strict"]})
    assert (found.shipped, found.reasons["invalid_signal"]) == (0, 1)


def test_evidence_of_judges_that_a_policy_does_not_ask_is_left_out(cast: Cast) -> None:
    """Rows as a policy with a judge leaves them: its evidence among the caller's."""
    (output,) = route(cast.project, output_body())
    (row,) = logged_outputs(cast.project)
    logged = draft(cast, judges={"names": ["strict"]})
    Policy.objects.filter(pk=logged.pk).update(published_at=output.received_at)
    key = judge_key("strict")
    row |= {"policy_id": logged.pk, "trace": row["trace"] | {"evidence": {"score:grounded": 0.8, key: 0.2}}}
    without = next(past_under(cast.project, parse_document(policy_document()), [row]))
    with_it = next(past_under(cast.project, parse_document(policy_document(judges={"names": ["strict"]})), [row]))
    assert without.facts.evidence == {"score:grounded": 0.8}
    assert with_it.facts.evidence == {"score:grounded": 0.8, key: 0.2}


def test_flags_of_detectors_stay_as_logged_unless_the_policy_has_none(cast: Cast) -> None:
    route(cast.project, output_body(flags=["adversarial"]), output_body())
    rows = logged_outputs(cast.project)
    given, detected = sorted(rows, key=lambda row: row["flags"], reverse=True)
    detected["flags"] = ["novel", "check_failed"]
    rate = {"false_alarm_rate": 0.01}
    on, off = {"adversarial": rate, "novelty": rate}, {"adversarial": None, "novelty": None}
    for detectors, left in ((on, ("novel",)), (off, ())):
        document = parse_document(policy_document(detectors=detectors))
        kept = [past.facts.flags for past in past_under(cast.project, document, [given, detected])]
        assert kept == [("adversarial",), left]


def test_a_replay_of_the_policy_in_force_repeats_its_decisions(cast: Cast) -> None:
    cast.put_in_force(tier=SHIPPING, checks=[SHORT], stakes={"default": "low", "rules": [URGENT]})
    route(
        cast.project,
        *(output_body(response="x" * length, prompt=prompt) for length in (10, 60) for prompt in ("calm", "now")),
        output_body(flags=["incident"], signals=[]),
    )
    decisions = Decision.objects.filter(project=cast.project)
    found = replay_policy(decisions.latest("pk").policy)
    counted: dict[str, int] = {}
    for decision in decisions:
        for reason in decision.reasons:
            counted[reason] = counted.get(reason, 0) + 1
    assert found.reasons == counted
    assert (found.shipped, found.audited) == (
        decisions.filter(action="ship").count(),
        decisions.filter(audited=True).count(),
    )
