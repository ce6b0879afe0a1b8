"""What stands on the review, adjudication and "my day" pages, and what must not."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from labeling.models import Assignment, Rating
from labeling.services.claiming import claim_seat
from labeling.services.settings import change_queue_settings
from reviewapp.core.models import Membership, Project
from tests.browser.cast import (
    HOSTILE,
    a_member,
    a_pair,
    a_project,
    a_run,
    held,
    items,
    rating_of,
)
from tests.browser.visiting import YES, form_of, signed_in, start_work, text_of
from tests.rendering.markup import text_of as text_of_markup


@pytest.fixture
def project(db: None) -> Project:
    return a_project()


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project)


@pytest.fixture
def client(reviewer: Membership) -> Client:
    return signed_in(reviewer)


# What the page holds -------------------------------------------------------------------------------


def test_hostile_text_stays_text_wherever_it_stands(client: Client, project: Project) -> None:
    items(
        project,
        [HOSTILE],
        prompt=[{"role": "<b>user</b>", "content": HOSTILE}],
        context=[{"id": "<i>doc</i>", "text": HOSTILE}],
    )
    address = start_work(client)

    refused = client.post(address, {"idempotency_key": "k", "rationale": HOSTILE, "reason": HOSTILE})
    page = text_of(refused)

    assert page.count(escape(HOSTILE)) >= 6
    for raw in ("<script>window", "<img", "<style>", "<b>user", "<i>doc", "</textarea><style"):
        assert raw not in page


@pytest.mark.needs_data
def test_awkward_texts_from_the_wild_are_shown_as_they_are(client: Client, project: Project, review_data: Path) -> None:
    lines = (review_data / "hostile.jsonl").read_text().split("\n")
    texts = [json.loads(line)["text"].replace("\x00", "") for line in lines if line]
    passages = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    items(project, ["Nothing."], context=passages)

    page = text_of(client.get(start_work(client)))

    assert len(texts) > 500
    assert re.findall(r'<div class="passage" id="passage-(\d+)"', page) == [str(n) for n in range(1, len(texts) + 1)]
    shown = [text_of_markup(raw) for raw in re.findall(r'<div class="text" dir="auto">(.*?)</div>', page, re.DOTALL)]
    assert [text for text in texts if text not in shown] == []


def test_no_page_holds_inline_script_or_style(client: Client, project: Project) -> None:
    items(project)
    address = start_work(client)
    pages = [client.get(path) for path in (address, "/projects/billing/review/", "/projects/billing/mine/")]
    pages.append(Client().get("/login/"))

    for response in pages:
        page = text_of(response)
        assert "default-src 'none'" in response["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)


def test_gold_looks_exactly_like_live_work(project: Project) -> None:
    """The same words as a live item for one person and as gold for another: the same page, byte for byte."""
    change_queue_settings(project=project, actor="test", gold_rate=0.5)
    words = {"responses": ["The same words."], "context": [{"id": "c1", "text": "Both have this."}]}
    first, second = a_member(project, name="ann"), a_member(project, name="bob")
    items(project, kind="live", **words)
    live = text_of(signed_in(first).get(start_work(signed_in(first))))
    items(project, kind="gold", **words)
    items(project, kind="live", responses=["Other words."])
    claim_seat(reviewer=second, now=timezone.now(), rng=AlwaysGold())
    gold = text_of(signed_in(second).get(f"/review/{held(second).token}/"))

    assert (held(first).item.kind, held(second).item.kind) == ("live", "gold")
    assert normalised(live) == normalised(gold)


class AlwaysGold(random.Random):
    def random(self) -> float:
        return 0.0


def normalised(page: str) -> str:
    """Without what differs from person to person and from second to second."""
    page = re.sub(r"/review/[\w-]{24}/", "/review/TOKEN/", page)
    page = re.sub(r'data-token="[\w-]{24}"', 'data-token="TOKEN"', page)
    page = re.sub(r'(name="(?:csrfmiddlewaretoken|idempotency_key)" value=")[^"]+', r"\1", page)
    page = re.sub(r'data-lease-seconds="\d+"', "", page)
    return re.sub(r"(ann|bob)@people\.example", "PERSON", page)


def test_nothing_hidden_is_on_the_page(client: Client, project: Project, reviewer: Membership) -> None:
    item = items(project, kind="audit", intent="sentinel-intent")[0]
    address = start_work(client)
    page = text_of(client.get(address))

    hidden = ["sentinel-intent", "audit", str(item.public_id), item.fingerprint, reviewer.rater_code]
    assert [word for word in hidden if word in page] == []


def test_a_draft_saved_by_the_script_is_on_the_page_again(client: Client, project: Project) -> None:
    items(project)
    address = start_work(client)
    token = address.split("/")[2]
    draft = {
        "values": {"acceptable": "no", "reason": "wrong"},
        "rationale": "Half of",
        "correction": "It is 82.",
        "client_seconds": 40,
    }

    saved = client.post(f"/api/v1/assignments/{token}/draft/", draft, content_type="application/json")
    form = form_of(text_of(client.get(address)))

    assert saved.status_code == 200
    assert form["value-acceptable"] == "no"
    assert form["value-reason"] == "wrong"
    assert form["rationale"] == "Half of"
    assert form["correction"] == "It is 82."
    assert form["client_seconds"] == "40.0"


@pytest.mark.parametrize(
    "draft",
    [
        {},
        {"values": None},
        {"values": ["yes"]},
        {"values": {"acceptable": {"deep": 1}, "unknown": 3}, "correction": 5, "rationale": None},
        {"client_seconds": "nan", "preferred": [], "extra": "field"},
    ],
    ids=str,
)
def test_a_draft_of_any_shape_does_no_harm(client: Client, project: Project, reviewer: Membership, draft: Any) -> None:
    items(project)
    address = start_work(client)
    Assignment.objects.filter(pk=held(reviewer).pk).update(draft=draft)

    assert client.get(address).status_code == 200


def test_a_pair_is_stored_in_its_own_order_whatever_side_was_seen(
    client: Client, project: Project, reviewer: Membership
) -> None:
    a_pair(project, "canonical first", "canonical second")
    address = start_work(client)
    Assignment.objects.update(swapped=True)
    page = text_of(client.get(address))

    assert page.index("canonical second") < page.index("canonical first")
    client.post(address, {"idempotency_key": "k", "preferred": "a", "value-strength": "3"})
    assert rating_of(reviewer).preferred == "b"
    assert rating_of(reviewer).values == {"strength": 3}


def test_a_pair_needs_a_preference(client: Client, project: Project) -> None:
    a_pair(project)
    address = start_work(client)

    response = client.post(address, {"idempotency_key": "k"})

    assert response.status_code == 422
    assert "Choose A, B or a tie." in text_of(response)


def test_an_agent_run_is_shown_step_by_step(client: Client, project: Project, reviewer: Membership) -> None:
    a_run(
        project,
        [
            {"type": "message", "content": "I look it up."},
            {"type": "tool_call", "name": "invoices.get", "content": {"number": 2291, "note": "<x>"}},
            {"type": "tool_result", "name": "invoices.get", "content": [1, None]},
            {"type": "message", "content": "It is 81."},
        ],
    )
    address = start_work(client)
    page = text_of(client.get(address))

    call = '<span class="number">2</span> Tool call <bdi class="name">invoices.get</bdi>'
    assert page.index("I look it up.") < page.index(call) < page.index("It is 81.")
    assert escape('"note": "<x>"') in page
    assert 'data-part="steps/0"' in page
    assert 'data-part="steps/1"' not in page
    assert 'name="correction"' not in page
    client.post(address, YES | {"idempotency_key": "k"})
    assert rating_of(reviewer).verdict == "accept"


def test_what_an_answer_cites_is_one_step_away(client: Client, project: Project) -> None:
    items(project, ["It is so [2], see (policy)."], context=[{"id": "policy", "text": "a"}, {"id": "x", "text": "b"}])
    page = text_of(client.get(start_work(client)))

    assert '<a class="citation" id="r1-1" href="#passage-2">[2]</a>' in page
    assert '<a class="citation" id="r1-2" href="#passage-1">(policy)</a>' in page
    assert '<a class="back" href="#r1-1">' in page


# Adjudication --------------------------------------------------------------------------------------


@pytest.fixture
def disputed(project: Project) -> Client:
    """An adjudicator's client; two raters have disagreed on the one item."""
    items(project, raters=2)
    for name, value in (("ann", "yes"), ("bob", "no")):
        client = signed_in(a_member(project, name=name))
        client.post(
            start_work(client), {"idempotency_key": "k", "value-acceptable": value, "rationale": f"because {value}"}
        )
    return signed_in(a_member(project, "adjudicator", name="judy"))


def test_an_adjudicator_sees_the_ratings_without_names(disputed: Client) -> None:
    page = text_of(disputed.get(start_work(disputed)))

    assert "What the raters said" in page
    assert "because yes" in page
    assert "because no" in page
    assert 'id="escalate"' not in page
    codes = Membership.objects.values_list("rater_code", "person__email")
    leaked = [word for pair in codes for word in pair if word in page and not word.startswith("judy")]
    assert leaked == []


def test_an_adjudication_needs_a_cause_and_settles_the_item(disputed: Client, project: Project) -> None:
    address = start_work(disputed)

    refused = disputed.post(address, YES | {"idempotency_key": "k"})
    accepted = disputed.post(address, YES | {"idempotency_key": "k2", "cause": "reviewer_slip"})

    assert refused.status_code == 422
    assert "Choose why the raters disagreed." in text_of(refused)
    assert 'href="#cause"' in text_of(refused)
    assert accepted.status_code == 302
    rating = Rating.objects.get(adjudication=True)
    assert rating.cause == "reviewer_slip"
    assert project.review_items.get().status == "settled"


def test_a_reviewer_sees_no_other_rating(project: Project, client: Client) -> None:
    items(project, raters=2)
    first = signed_in(a_member(project, name="ann"))
    first.post(start_work(first), YES | {"idempotency_key": "k", "rationale": "ann thinks so"})

    page = text_of(client.get(start_work(client)))

    assert "ann thinks so" not in page
    assert "What the raters said" not in page
    assert 'name="cause"' not in page


# My day --------------------------------------------------------------------------------------------


def test_my_day_counts_lists_and_undoes_but_never_grades(
    client: Client, project: Project, reviewer: Membership
) -> None:
    items(project, ["one", "two"])
    client.post(start_work(client), YES | {"idempotency_key": "k"})

    page = text_of(client.get("/projects/billing/mine/"))

    assert "<b>1</b> of 200" in page
    assert str(rating_of(reviewer).receipt) in page
    assert f"/review/{rating_of(reviewer).assignment.token}/undo/" in page
    assert f"/review/{held(reviewer).token}/" in page
    assert not re.search(r"correct|accept|gold|accuracy|%", page.split("<main")[1])
