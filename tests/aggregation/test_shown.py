"""Where the choice is made and what it led to is read; and that no reviewer learns of either."""

import json
from typing import Any

import pytest

from labeling.models import Rating
from reviewapp.core.models import Membership
from routing.policy.document import FEWEST_FOR_MODEL
from routing.services.feed import publish_verdicts
from routing.services.policies import PolicyRefused, parse_document
from routing.services.replays import replay_policy
from tests.aggregation.crowd import hand_in, one_item, shared_past, tier
from tests.browser.visiting import signed_in, text_of
from tests.factories import ACCEPT, REJECT, item_of, output_body, route
from tests.people import NOW, Cast, person, policy_document

pytestmark = pytest.mark.django_db


def faults(**changes: Any) -> list[dict[str, str]]:
    with pytest.raises(PolicyRefused) as refused:
        parse_document(policy_document(tier={"mode": "always", **changes}))
    return refused.value.errors


@pytest.mark.parametrize("raters", [1, 3, FEWEST_FOR_MODEL - 1])
def test_weighing_takes_five_raters(raters: int) -> None:
    [fault, *_more] = faults(aggregation="dawid_skene", raters=raters)
    assert fault["pointer"] == "/tiers/high"
    assert f'needs "raters" of 5 or more, here {raters}' in fault["detail"]


def test_overlap_is_no_substitute_for_raters() -> None:
    assert faults(aggregation="dawid_skene", raters=1, overlap_share=1.0, overlap_raters=5)


def test_another_word_is_refused_with_those_that_there_are() -> None:
    [fault, *_more] = faults(aggregation="average")
    assert fault["pointer"] == "/tiers/high/aggregation"
    assert "'single', 'unanimous', 'majority' or 'dawid_skene'" in fault["detail"]


@pytest.mark.parametrize(
    ("aggregation", "raters"), [("single", 3), ("unanimous", 1), ("majority", 1), ("dawid_skene", 5)]
)
def test_the_rest_is_accepted_and_stored(aggregation: str, raters: int) -> None:
    document = parse_document(policy_document(tier=tier(aggregation, raters)))
    assert document.tiers.mid.aggregation == aggregation


def test_without_a_word_it_is_the_majority() -> None:
    assert parse_document(policy_document()).tiers.low.aggregation == "majority"


def test_the_schema_says_the_same(cast: Cast) -> None:
    described = cast.program.get("/policies/schema/").json()["$defs"]["Tier"]
    assert described["properties"]["aggregation"]["enum"] == ["single", "unanimous", "majority", "dawid_skene"]
    assert described["allOf"][1]["then"]["properties"]["raters"] == {"minimum": 5}


def test_the_editor_explains_the_choice_and_points_at_the_fault(cast: Cast) -> None:
    owner = signed_in(cast.owner)
    base = f"/projects/{cast.project.slug}/policies/"
    assert "<code>dawid_skene</code>" in text_of(owner.get(f"{base}new/"))
    sent = json.dumps(policy_document(tier=tier("dawid_skene", 2)))
    page = text_of(owner.post(f"{base}new/", {"document": sent, "note": ""}))
    assert "of 5 or more, here 2" in page


def test_the_choice_is_in_the_tiers_the_difference_and_the_replay(cast: Cast) -> None:
    made = cast.program.post("/policies/", {"document": policy_document(tier=tier("unanimous", 2))}).json()
    diff = cast.program.get(f"/policies/{made['version']}/").json()["diff"]
    assert {"pointer": "/tiers/mid/aggregation", "before": "majority", "after": "unanimous"} in diff
    page = text_of(signed_in(cast.owner).get(f"/projects/{cast.project.slug}/policies/{made['version']}/"))
    assert "all agree" in page
    route(cast.project)
    draft = cast.project.policies.get(version=made["version"])
    assert replay_policy(draft).ratings == 2


def test_an_explanation_tells_how_the_verdict_comes_about(cast: Cast) -> None:
    output, item = one_item(cast, "single", 2)
    assert item.aggregation == "single"
    found = cast.program.get(f"/outputs/{output.pk}/explain/").json()
    assert found["aggregation"]["method"] == "single"
    assert found["aggregation"]["sentence"].startswith("The first rating is the verdict")
    assert found["recomputation"]["reproduced"] is True
    page = text_of(signed_in(cast.owner).get(f"/projects/{cast.project.slug}/outputs/{output.pk}/explain/"))
    assert "The first rating is the verdict" in page


def test_an_audit_of_a_weighed_tier_explains_why_it_goes_by_majority(cast: Cast) -> None:
    cast.put_in_force(tier=tier("dawid_skene", 5) | {"mode": "sampled", "audit_rate": 1.0})
    [output] = route(cast.project)
    found = cast.program.get(f"/outputs/{output.pk}/explain/").json()["aggregation"]
    assert found["method"] == "majority"
    assert "an audit is never labelled by a model" in found["sentence"]


def test_what_ships_unaudited_has_no_verdict_to_explain(cast: Cast) -> None:
    cast.put_in_force(tier={"mode": "sampled", "audit_rate": 1e-9})
    [output] = route(cast.project)
    found = cast.program.get(f"/outputs/{output.pk}/explain/").json()["aggregation"]
    assert found == {"method": None, "sentence": "Nobody reviews it."}


def test_feed_and_output_carry_it_without_naming_anybody(cast: Cast, reviewers: list[Membership]) -> None:
    output, item = one_item(cast, "majority", 3)
    hand_in(reviewers[:3], [REJECT, ACCEPT, REJECT])
    publish_verdicts(project=cast.project, now=NOW.replace(hour=23))
    [told] = cast.key_with("read").get("/verdicts/").json()["results"]
    assert told["aggregation"] == {
        "method": "majority",
        "chosen": "majority",
        "asked": 3,
        "votes": {"reject": 2, "accept": 1},
        "needed": 2,
        "prior": None,
        "posterior": None,
        "items": None,
        "known": None,
        "fallback": None,
    }
    assert cast.program.get(f"/outputs/{output.pk}/").json()["verdict"]["aggregation"] == told["aggregation"]
    told_by_name = json.dumps(told)
    for rating in Rating.objects.filter(item=item).select_related("reviewer"):
        assert rating.reviewer.rater_code not in told_by_name
        assert str(rating.receipt) not in told_by_name
    assert told["reached_by"] == "agreement"


def test_the_owners_pages_say_who_weighed_how_much(cast: Cast, reviewers: list[Membership]) -> None:
    shared_past(cast, reviewers[:5], gold=30)
    output, item = one_item(cast, "dawid_skene", 5)
    hand_in(reviewers[:5], [REJECT, REJECT, ACCEPT, ACCEPT, ACCEPT])
    base = f"/projects/{cast.project.slug}"
    for address in (f"{base}/outputs/{output.pk}/", f"{base}/disputes/{item.public_id}/"):
        page = text_of(signed_in(cast.owner).get(address))
        assert "weighted by reliability" in page
        assert "Not acceptable with probability" in page
        assert "Sensitivity" in page
        assert all(reviewer.rater_code in page for reviewer in reviewers[:5])


@pytest.mark.parametrize(
    ("method", "raters", "sentence"),
    [
        ("majority", 3, "2 of 3 agree; 2 had to."),
        ("single", 3, "The first rating decided; 3 people are asked in all."),
        ("dawid_skene", 5, "Its raters could not be weighed: 0 other items tell of reliability, 20 are needed."),
    ],
)
def test_each_method_has_its_sentence(
    cast: Cast, reviewers: list[Membership], method: str, raters: int, sentence: str
) -> None:
    output, _item = one_item(cast, method, raters)
    hand_in(reviewers[:raters], [ACCEPT, ACCEPT, REJECT, ACCEPT, ACCEPT][:raters])
    page = text_of(signed_in(cast.owner).get(f"/projects/{cast.project.slug}/outputs/{output.pk}/"))
    assert sentence in page


def test_an_adjudicated_verdict_says_what_it_followed(cast: Cast, reviewers: list[Membership]) -> None:
    output, item = one_item(cast, "unanimous", 2)
    hand_in([*reviewers[:2], cast.adjudicator], [ACCEPT, REJECT, REJECT | {"cause": "reviewer_slip"}])
    for address in (f"outputs/{output.pk}/", f"disputes/{item.public_id}/"):
        page = text_of(signed_in(cast.owner).get(f"/projects/{cast.project.slug}/{address}"))
        assert "did not settle it by the rule “all agree”" in page


def test_a_reviewer_cannot_tell_the_methods_apart(cast: Cast, reviewers: list[Membership]) -> None:
    """Same keys, same words, and the same receipt, before and after the item has its verdict."""
    seen = []
    for number, (method, raters) in enumerate((("majority", 5), ("single", 5), ("unanimous", 5), ("dawid_skene", 5))):
        cast.put_in_force(tier=tier(method, raters))
        [output] = route(cast.project, output_body(prompt="The same?", response="Yes.", external_id=f"m-{number}"))
        first, late = person(reviewers[0]), person(reviewers[1])
        for caller in (first, late):
            task = caller.post(f"/projects/{cast.project.slug}/queue/claim/")
            body = task.json()
            answer = {"values": ACCEPT["values"], "idempotency_key": f"k-{number}"}
            receipt = caller.post(f"/assignments/{body['assignment']}/submit/", answer)
            seen.append((_shape(body), body["task"], sorted(task.headers), _shape(receipt.json()), receipt.status_code))
            for word in ("dawid", "unanimous", "majority", "aggregation", "posterior"):
                assert word not in task.content.decode() + receipt.content.decode()
        assert item_of(output).ratings_counted == 2
    assert all(entry == seen[0] for entry in seen)


def _shape(value: Any) -> Any:
    return {key: _shape(inner) for key, inner in value.items()} if isinstance(value, dict) else type(value).__name__
