"""Promise 5: marker strings in every hidden field, and every byte that a reviewer can get, searched."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from labeling.models import Assignment, AssignmentState, Seat
from labeling.services.rubrics import draft_rubric, publish_rubric
from labeling.services.settings import change_queue_settings, set_gold_rate
from labeling.services.submitting import Submission, submit_rating
from reviewapp.core.models import AuditEntry, Membership
from routing.services.policies import activate_policy, draft_policy
from tests.factories import claim, output_body, pair_body, plant_gold, route, run_body
from tests.people import NOW, Cast, make_cast, person, policy_document

pytestmark = pytest.mark.django_db

SENTINEL = "Zq7sentinel"
SOURCE = {
    "model": f"{SENTINEL}model",
    "version": f"{SENTINEL}version",
    "prompt_version": f"{SENTINEL}promptversion",
}
HIDDEN: dict[str, Any] = {
    "source": SOURCE,
    "flags": ["adversarial", "incident"],
    "metadata": {f"{SENTINEL}key": f"{SENTINEL}value", "amount": 918273645},
    "signals": [
        {
            "kind": "judge",
            "name": f"{SENTINEL}judge",
            "family": f"{SENTINEL}family",
            "runs": [{"score": 0.918273645}, {"score": 0.918273645}],
        }
    ],
}
# Words that would tell the kind of item, why it is here, or how others judged.
TELLING = (
    SENTINEL,
    "adversarial",
    "incident",
    "everything_reviewed",
    "high_stakes",
    "inclusion",
    "confidence",
    "918273645",
    "planted_failure",
    "human_reference",
    "gold",
    "audit",
    "calibration",
    "fail_values",
)


@pytest.fixture
def cast() -> Cast:
    """A shop whose every hidden field is marked: routed outputs of all kinds, and gold."""
    cast = make_cast()
    document = policy_document(
        tier={"raters": 2},
        stakes={"default": "mid", "rules": [{"name": f"{SENTINEL}rule", "when": {"==": [1, 1]}, "stakes": "high"}]},
    )
    policy = draft_policy(project=cast.project, document=document, actor=f"{SENTINEL}actor", note=f"{SENTINEL}note")
    activate_policy(policy=policy, actor=f"{SENTINEL}actor", now=NOW, reason=f"{SENTINEL}reason")
    change_queue_settings(project=cast.project, actor="test", daily_cap=500)
    telling = f"I am {SENTINEL}model ({SENTINEL}VERSION, {SENTINEL}promptversion)."
    for number in range(6):
        route(
            cast.project,
            output_body(f"{SENTINEL}-{number}", response=f"{number}: {telling}", **HIDDEN),
            pair_body(
                f"{SENTINEL}-pair-{number}",
                candidates=[
                    {"text": f"One of {number}: {telling}", "source": SOURCE},
                    {"text": f"Other of {number}.", "source": f"{SENTINEL}model"},
                ],
                metadata=HIDDEN["metadata"],
                flags=HIDDEN["flags"],
            ),
            run_body(f"{SENTINEL}-run-{number}", **HIDDEN),
        )
        plant_gold(
            cast.project,
            f"{SENTINEL}-gold-{number}",
            explanation=f"{SENTINEL}explanation",
            mask_names=tuple(SOURCE.values()),
            context=[{"id": "handbook-7", "text": "Double charges are refunded within five days."}],
            body={"response": f"Gold {number} speaks. {telling}".replace("Gold", "It")},
        )
    return cast


def walk(cast: Cast, reviewer: Membership) -> Iterator[tuple[str, Any]]:
    """Everything a reviewer can do, over the API and in the pages, with every answer they get."""
    api, browser = person(reviewer), Client()
    browser.force_login(reviewer.person)
    slug = cast.project.slug
    for path in ("/", f"/projects/{slug}/review/", f"/projects/{slug}/mine/", "/nothing/here/"):
        yield f"GET {path}", browser.get(path)
    # Half of the way through is enough to meet every kind, and leaves work for the other reviewer.
    for turn in range(14):
        claimed = api.post(f"/projects/{slug}/queue/claim/")
        yield "claim", claimed
        if claimed.status_code != 200:
            return
        token, task = claimed.json()["assignment"], claimed.json()["task"]
        yield "page", browser.get(f"/review/{token}/")
        yield "heartbeat", api.post(f"/assignments/{token}/heartbeat/")
        yield "draft", api.post(f"/assignments/{token}/draft/", {"values": {"acceptable": "no"}})
        yield "page with draft", browser.get(f"/review/{token}/")
        yield "empty submit", api.post(f"/assignments/{token}/submit/", {"idempotency_key": "x", "values": {"q": 1}})
        yield "empty form", browser.post(f"/review/{token}/", {})
        answer: dict[str, Any] = {"idempotency_key": f"key-{turn}"}
        answer |= {"preferred": "a"} if task["kind"] == "pairwise" else {"values": {"acceptable": "yes"}}
        if turn % 5 == 4:
            yield "release", api.post(f"/assignments/{token}/release/", {"reason": "cannot say"})
            continue
        for name in ("submit", "submit again"):
            yield name, api.post(f"/assignments/{token}/submit/", answer)
        yield "page of the finished item", browser.get(f"/review/{token}/")
        if turn % 3 == 0:
            yield "undo", api.post(f"/assignments/{token}/undo/")
            yield "second submit", api.post(f"/assignments/{token}/submit/", answer | {"idempotency_key": f"re-{turn}"})
    yield "start page", browser.get(f"/projects/{slug}/review/")
    yield "my day", browser.get(f"/projects/{slug}/mine/")


def everything_in(response: Any) -> str:
    """Status line, headers, cookies and body as one text."""
    head = [str(response.status_code), response.reason_phrase, str(response.headers), str(response.cookies)]
    return "\n".join([*head, response.content.decode()])


@pytest.mark.parametrize("gold_rate", [0.0, 0.5])
def test_no_byte_that_a_reviewer_gets_tells_what_is_hidden(cast: Cast, gold_rate: float) -> None:
    set_gold_rate(project=cast.project, gold_rate=gold_rate)
    met = 0
    for name, response in walk(cast, cast.reviewers[0]):
        met += name == "claim"
        text = everything_in(response)
        found = [word for word in TELLING if word.lower() in text.lower()]
        assert not found, f"{name} tells {found}"
    assert met == 14
    kinds = set(Assignment.objects.filter(reviewer=cast.reviewers[0]).values_list("item__kind", flat=True))
    assert kinds == ({"live"} if gold_rate == 0 else {"live", "gold"})


def test_an_owner_s_console_is_not_there_for_a_reviewer(cast: Cast) -> None:
    browser = Client()
    browser.force_login(cast.reviewers[0].person)
    slug = cast.project.slug
    for path in ("", "outputs/", "agreement/", "reviewers/", "gold-cases/", "policies/"):
        assert browser.get(f"/projects/{slug}/{path}").status_code == 404
        assert person(cast.reviewers[0]).get(f"/projects/{slug}/{path or 'policies/'}").status_code == 404


def test_what_was_masked_can_be_restored_by_who_may_see_it(cast: Cast) -> None:
    assignment = claim(cast.reviewers[0])
    originals = {mask[3].lower() for mask in assignment.masking}
    assert {name.lower() for name in SOURCE.values()} <= originals


def shape(value: Any) -> Any:
    """The structure of a JSON value: keys and types, no contents."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_gold_and_live_claims_have_the_same_shape_and_headers(cast: Cast) -> None:
    """One reviewer meets gold at every second claim, another never; nothing but words differs."""
    seen: dict[str, set[str]] = {}
    set_gold_rate(project=cast.project, gold_rate=0.5)
    api = person(cast.reviewers[1])
    for _turn in range(16):
        response = api.post(f"/projects/{cast.project.slug}/queue/claim/")
        body = response.json()
        if body["task"]["kind"] != "pointwise":
            continue
        kind = Assignment.objects.get(token=body["assignment"]).item.kind
        headers = sorted(name for name in response.headers)
        facts = [shape(body), headers, len(body["assignment"]), body["rubric"]]
        seen.setdefault(kind, set()).add(json.dumps(facts, sort_keys=True))
    assert set(seen) == {"live", "gold"}
    assert seen["live"] == seen["gold"]
    assert len(seen["live"]) == 1


def test_an_adjudicator_sees_answers_and_not_whose(cast: Cast) -> None:
    set_gold_rate(project=cast.project, gold_rate=0.0)
    for reviewer, value in zip(cast.reviewers, ("yes", "no"), strict=False):
        assignment = claim(reviewer)
        submission = Submission(idempotency_key="k", values={"acceptable": value}, rationale=f"said {value}")
        submit_rating(assignment=assignment, submission=submission, now=NOW)
    assert Seat.objects.filter(number=0).count() == 1
    response = person(cast.adjudicator).post(f"/projects/{cast.project.slug}/queue/claim/")
    body = response.json()
    assert sorted(entry["rationale"] for entry in body["adjudication"]["ratings"]) == ["said no", "said yes"]
    text = everything_in(response)
    for word in (SENTINEL, *(member.rater_code for member in cast.reviewers)):
        assert word not in text
    for member in cast.reviewers:
        assert member.person.email not in text


def test_the_markers_were_stored_where_they_belong(cast: Cast) -> None:
    """The search above means nothing unless the markers are really there to be found."""
    listing = cast.program.get("/outputs/").content.decode()
    assert SENTINEL in listing
    assert AuditEntry.objects.filter(actor__contains=SENTINEL).exists()
    assert Assignment.objects.filter(state=AssignmentState.LEASED).count() == 0


def test_a_rubric_published_meanwhile_tells_gold_from_nothing(cast: Cast) -> None:
    """Work in hand is judged by the version it was begun with, gold like live."""
    set_gold_rate(project=cast.project, gold_rate=0.5)
    api, held = person(cast.reviewers[2]), {}
    while set(held) != {"live", "gold"}:
        body = api.post(f"/projects/{cast.project.slug}/queue/claim/").json()
        if body["task"]["kind"] == "pointwise":
            held[Assignment.objects.get(token=body["assignment"]).item.kind] = body["assignment"]
    criterion = {
        "name": "other",
        "type": "binary",
        "question": "Would you send it?",
        "levels": [{"value": 1, "label": "Yes"}, {"value": 0, "label": "No"}],
    }
    rubric = draft_rubric(project=cast.project, name="later", task_kind="pointwise", criteria=[criterion], actor="test")
    publish_rubric(rubric=rubric, actor="test", now=NOW)
    for token in held.values():
        answer = {"idempotency_key": "k", "values": {"acceptable": "yes"}}
        assert api.post(f"/assignments/{token}/submit/", answer).status_code == 201
