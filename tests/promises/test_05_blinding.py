"""Promise 5, where the search for sentinels does not reach: names inside the words, and audits among live work."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from labeling.masking import MASK, apply_masks, find_masks, texts_in
from labeling.models import Assignment, ReviewItem
from tests.api.desk import Desk
from tests.factories import judge, output_body, plant_gold, route, run_body
from tests.people import Cast

NAMES = ["gpt-4", "Hearth-2.1", "4711_rev"]


def masked(value: Any, names: list[str] = NAMES) -> tuple[Any, list[list[Any]]]:
    masks = [mask.as_list() for mask in find_masks(texts_in(value), names)]
    return apply_masks(value, masks), masks


def unmasked(text: str, masks: list[list[Any]], path: str) -> str:
    """The text as it was, from the masked text and the stored masks: what an auditor does."""
    for _path, start, _end, original in sorted((mask for mask in masks if mask[0] == path), key=lambda mask: mask[1]):
        assert text[start : start + len(MASK)] == MASK
        text = text[:start] + original + text[start + len(MASK) :]
    return text


@pytest.mark.parametrize(
    "spelling",
    ["gpt-4", "GPT-4", "GPT4", "gpt 4", "Gpt_4", "gpt.4", "gpt‑4", "GPT–4", "gpt−4", "gpt - 4", "«GPT-4»", "gpt-4's"],
)
def test_it_masks_a_name_however_it_is_spelt(spelling: str) -> None:
    shown, masks = masked(f"As {spelling}, I think so.")
    assert "4" not in shown
    assert MASK in shown
    assert unmasked(shown, masks, "") == f"As {spelling}, I think so."


@pytest.mark.parametrize(("given", "said"), [("gpt4o", "GPT-4o"), ("gpt-4o", "GPT4o")])
def test_it_masks_a_name_that_was_handed_in_without_its_separators(given: str, said: str) -> None:
    assert masked(f"I am {said}.", [given])[0] == f"I am {MASK}."


@pytest.mark.parametrize("text", ["gpt-40 of them", "egpt-4x", "chapter 4", "the hearth", "4711 revisions"])
def test_it_leaves_other_words_alone(text: str) -> None:
    assert masked(text) == (text, [])


def test_it_masks_every_text_of_an_agent_run_and_the_keys_as_well() -> None:
    """What a tool was called with is free-form: a name may be a key there."""
    steps = [
        {"type": "tool_call", "name": "ask_gpt-4", "content": {"GPT-4": {"asked by": ["Hearth-2.1", 7]}, "gpt 4": 1}},
        {"type": "message", "content": "GPT-4 told me."},
    ]
    shown, _masks = masked({"prompt": "x", "context": [], "steps": steps})
    assert shown["steps"] == [
        {
            "type": "tool_call",
            "name": f"ask_{MASK}",
            "content": {MASK: {"asked by": [MASK, 7]}, f"{MASK} 2": 1},
        },
        {"type": "message", "content": f"{MASK} told me."},
    ]


def test_it_keeps_the_fields_of_the_task_whatever_the_source_is_called() -> None:
    task = {"prompt": [{"role": "user", "content": "hi"}], "context": [{"id": "1", "text": "x"}], "response": "y"}
    names = ["prompt", "content", "context", "role", "response", "text"]
    assert masked(task, names)[0] == task


def test_it_masks_the_right_place_when_keys_look_like_paths() -> None:
    content = {"a/b": "gpt-4 did it", "a": {"b": "somebody else did it", "b~1c": "gpt-4"}, "a~1b": "nobody did it"}
    shown, _masks = masked({"content": content})
    assert shown["content"] == {
        "a/b": f"{MASK} did it",
        "a": {"b": "somebody else did it", "b~1c": MASK},
        "a~1b": "nobody did it",
    }


@pytest.mark.django_db
def test_it_shows_no_name_and_lets_an_auditor_read_it_again(cast: Cast) -> None:
    cast.project.masked_names = ["Brambleknock"]
    cast.project.save()
    body = output_body(
        prompt="Are you GPT-4, Brambleknock's machine?",
        context=[{"id": "gpt-4 notes", "text": "gpt 4 was trained."}],
        response="I am GPT4 (Hearth 2.1).",
        source={"model": "gpt-4", "version": "Hearth-2.1"},
    )
    [output] = route(cast.project, body)
    claimed = Desk(cast.reviewers[0]).claim()
    assert claimed["task"] == {
        "kind": "pointwise",
        "prompt": f"Are you {MASK}, {MASK}'s machine?",
        "context": [{"id": f"{MASK} notes", "text": f"{MASK} was trained."}],
        "response": f"I am {MASK} ({MASK}).",
    }
    masks = Assignment.objects.get(token=claimed["assignment"]).masking
    assert unmasked(claimed["task"]["prompt"], masks, "/prompt") == body["prompt"]
    assert unmasked(claimed["task"]["response"], masks, "/response") == body["response"]
    output.content.refresh_from_db()
    assert output.content.body == {"response": body["response"]}, "what is stored stays as it came"


@pytest.mark.django_db
def test_it_shows_a_key_of_a_tool_call_masked_in_api_and_page(cast: Cast) -> None:
    steps = [{"type": "tool_call", "name": "route", "content": {"Zq7model": {"temperature": 0}}}]
    route(cast.project, run_body(trajectory=steps, source={"model": "Zq7model"}))
    response = Desk(cast.reviewers[0]).ask()
    browser = Client()
    browser.force_login(cast.reviewers[0].person)
    page = browser.get(f"/review/{response.json()['assignment']}/")
    for text in (response.content.decode(), page.content.decode()):
        assert "zq7model" not in text.lower()
        assert MASK in text


@pytest.mark.django_db
def test_it_makes_audits_gold_and_live_work_look_alike(cast: Cast) -> None:
    """Same fields, same headers, same lengths of what is random, in API and page."""
    claims: dict[str, set[str]] = {}
    pages: dict[str, set[str]] = {}
    for kind in ("audit", "live"):
        mode = {"mode": "always"} if kind == "live" else {"mode": "sampled", "audit_rate": 1.0}
        cast.put_in_force(tier=mode)
        route(cast.project, *(output_body(prompt="Why live?", response="Because.", context=None) for _ in range(20)))
    cast.put_in_force(gold_rate=0.5)
    for number in range(40):
        plant_gold(cast.project, prompt=f"Why {number:04}?", body={"response": "Because."})
    for member in cast.reviewers:
        desk, browser = Desk(member), Client()
        browser.force_login(member.person)
        while (response := desk.ask()).status_code == 200:
            claimed = response.json()
            page = browser.get(f"/review/{claimed['assignment']}/")
            kind = Assignment.objects.get(token=claimed["assignment"]).item.kind
            look = [dict(response.headers), len(claimed.pop("assignment")), len(claimed.pop("lease_expires_at"))]
            claimed["task"]["prompt"] = len(claimed["task"]["prompt"])
            # How much one has done oneself, as a number of one or two digits.
            del claimed["today"], look[0]["Content-Length"]
            claims.setdefault(kind, set()).add(json.dumps([look, claimed], sort_keys=True))
            pages.setdefault(kind, set()).add(f"{tags(page.content.decode())} {sorted(page.headers)}")
    assert set(claims) == {"audit", "live", "gold"}
    assert len(set.union(*claims.values())) == 1
    assert len(set.union(*pages.values())) == 1
    assert ReviewItem.objects.filter(project=cast.project, kind="audit").count() == 20


def tags(page: str) -> list[str]:
    """The page's elements with their classes, without its words."""
    return re.findall(r"<\w+(?: class=\"[^\"]*\")?", page)


@pytest.mark.django_db
def test_it_tells_nobody_what_others_said(cast: Cast) -> None:
    cast.put_in_force(tier={"raters": 2})
    route(cast.project)
    judge(cast.reviewers[0], rationale="Zq7rationale", correction="Zq7correction")
    sam = Desk(cast.reviewers[1])
    browser = Client()
    browser.force_login(cast.reviewers[1].person)
    claimed = sam.claim()
    token = claimed["assignment"]
    answers = [browser.get(f"/review/{token}/"), sam.submit(claimed, values={}), sam.submit(claimed)]
    answers += [sam.do(claimed, "undo"), browser.get(f"/review/{token}/"), browser.get("/projects/shop/mine/")]
    for text in (json.dumps(claimed), *(answer.content.decode() for answer in answers)):
        assert "Zq7" not in text
        assert cast.reviewers[0].rater_code not in text
