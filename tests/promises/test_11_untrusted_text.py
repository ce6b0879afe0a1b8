"""Promise 11: hostile text is never live, on any page of anybody, whichever field it came in by."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labeling.services.gold import add_gold_case
from labeling.services.golden import jsonl
from labeling.services.rubrics import draft_rubric, publish_rubric
from reviewapp.core.models import Membership
from reviewapp.core.services.people import add_member
from routing.services import recalibration
from routing.services.golden import freeze_from_verdicts
from routing.services.policies import activate_policy, draft_policy
from tests.addresses import addresses
from tests.api.desk import Desk
from tests.factories import claim, judge, output_body, pair_body, route, run_body
from tests.people import NOW, Cast, make_cast, policy_document
from tests.promises.estate import Estate, build_estate

pytestmark = pytest.mark.django_db

# Breaks out of text, of an attribute in either quote, of a script, a comment, a textarea and a title.
HOSTILE = "</textarea></title></script>--><b zq7=\"'>{{7*7}}{% debug %}<script>zq7()</script><img src=x onerror=zq7()>"
SHORT = "\"'><b zq7>"


class Markup(HTMLParser):
    """What a browser would make of a page: its elements and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if "zq7" in name or name.startswith("on") or name == "style":
                self.faults.append(f"<{tag} {name}={value!r}>")
            if name in ("href", "src", "action", "formaction") and (value or "").lower().strip().startswith(
                "javascript"
            ):
                self.faults.append(f"<{tag} {name}={value!r}>")
        # A block of JSON is data: no browser runs it.
        if tag == "script" and not dict(attrs).get("src") and dict(attrs).get("type") != "application/json":
            self.faults.append("<script> without src")
        if tag in ("iframe", "object", "embed", "base"):
            self.faults.append(f"<{tag}>")


def faults_of(page: str) -> list[str]:
    markup = Markup()
    markup.feed(page)
    markup.close()
    return markup.faults


def test_the_parser_would_notice() -> None:
    assert faults_of(f"<p>{HOSTILE}</p>")
    assert faults_of(f'<input value="{SHORT}">')
    assert not faults_of("<p>&lt;script&gt;zq7()&lt;/script&gt;</p><a href='/x/'>x</a>")


@pytest.fixture
def estate(monkeypatch: pytest.MonkeyPatch) -> Estate:
    """A project with one of everything, in which everything that is text is hostile."""
    monkeypatch.setattr(recalibration, "MIN_LABELS", 1)
    estate = build_estate(make_cast())
    cast, project = estate.cast, estate.cast.project
    project.name = HOSTILE
    project.save()
    cast.reviewers[0].person.name = HOSTILE
    cast.reviewers[0].person.save()
    level = {"label": HOSTILE, "description": HOSTILE}
    criterion = {
        "name": "acceptable",
        "type": "binary",
        "question": HOSTILE,
        "levels": [level | {"value": "yes"}, level | {"value": "no"}],
        "fail_values": ["no"],
    }
    for kind in ("pointwise", "trajectory", "pairwise"):
        rubric = draft_rubric(
            project=project,
            name=SHORT + kind,
            task_kind=kind,
            criteria=[criterion],
            instructions=HOSTILE,
            actor=HOSTILE,
        )
        publish_rubric(rubric=rubric, actor=HOSTILE, now=NOW)
    required = [f"score:{HOSTILE[:90]}"]
    rules = [{"name": SHORT, "when": {"==": [{"var": "metadata.x"}, HOSTILE]}, "stakes": "high"}]
    policy = draft_policy(
        project=project,
        document=policy_document(stakes={"rules": rules}, tier={"raters": 2}, required_signals=required),
        actor=HOSTILE,
        note=HOSTILE,
    )
    activate_policy(policy=policy, actor=HOSTILE, now=NOW, reason=HOSTILE)
    fields: dict[str, Any] = {
        "intent": HOSTILE[:100],
        "prompt": [{"role": SHORT, "content": HOSTILE}],
        "context": [{"id": HOSTILE, "text": HOSTILE}],
        "source": {"model": HOSTILE, "version": HOSTILE, "prompt_version": HOSTILE},
        "metadata": {HOSTILE: HOSTILE, "x": HOSTILE},
        "signals": [{"kind": "score", "name": SHORT, "value": 0.5}],
    }
    candidates = [{"text": HOSTILE, "source": HOSTILE}, {"text": HOSTILE, "source": {"model": HOSTILE}}]
    steps = [
        {"type": "tool_call", "name": HOSTILE, "content": {HOSTILE: [HOSTILE]}},
        {"type": "message", "content": HOSTILE},
    ]
    route(project, output_body(HOSTILE, response=HOSTILE, **fields))
    judge(cast.reviewers[1], values={"acceptable": "no"}, rationale=HOSTILE, correction=HOSTILE)
    judge(cast.reviewers[2], values={"acceptable": "yes"}, rationale=HOSTILE)
    route(
        project,
        pair_body(HOSTILE + "2", candidates=candidates, **fields),
        run_body(HOSTILE + "3", trajectory=steps, **fields),
    )
    add_gold_case(
        project=project,
        reference=HOSTILE,
        task_kind="pointwise",
        intent=HOSTILE[:100],
        prompt=HOSTILE,
        body={"response": HOSTILE},
        origin="planted_failure",
        acceptable=False,
        explanation=HOSTILE,
        actor=HOSTILE,
        now=NOW,
    )
    add_member(project=project, email="zq7@shop.example", role="reviewer", actor=HOSTILE, name=HOSTILE)
    recalibration.propose_recalibration(project=project, actor=HOSTILE, now=NOW)
    return estate


def newest(model: str, estate: Estate) -> Any:
    found = apps.get_model(model)
    names = {field.name for field in found._meta.get_fields()}
    return found._default_manager.filter(
        **({"project": estate.cast.project} if "project" in names else {"item__project": estate.cast.project})
    ).order_by("-pk")[0]


def members(estate: Estate) -> list[Membership]:
    return [estate.cast.owner, estate.cast.auditor, estate.cast.adjudicator, *estate.cast.reviewers]


def hostile_values(estate: Estate) -> Iterator[dict[str, Any]]:
    """Addresses of the plain objects, and of the ones that are hostile themselves."""
    yield estate.address_values
    yield estate.address_values | {
        "outputs/output_id": newest("routing.Output", estate).pk,
        "policies/version": newest("routing.Policy", estate).version,
        "rubrics/name": newest("labeling.Rubric", estate).name,
        "rubrics/version": newest("labeling.Rubric", estate).version,
        "recalibrations/pk": newest("routing.Recalibration", estate).pk,
        "certificates/pk": newest("routing.Certificate", estate).pk,
        "gold-cases/pk": newest("labeling.GoldCase", estate).pk,
        "people/pk": newest("core.Membership", estate).pk,
    }


def test_it_stays_text_on_every_page(estate: Estate) -> None:
    seen, faults = 0, []
    for member in members(estate):
        browser = Client()
        browser.force_login(member.person)
        for values in hostile_values(estate):
            for address in addresses():
                if address.is_api:
                    continue
                page = browser.get(address.path(values), {"intent": HOSTILE, "after": HOSTILE, "q": HOSTILE})
                if page.status_code >= 500:
                    faults.append(f"{address.route}: {page.status_code}")
                if page.streaming or not page["Content-Type"].startswith("text/html"):
                    continue
                text = page.content.decode()
                seen += "zq7" in text
                faults += [f"{address.route} for {member.role}: {fault}" for fault in faults_of(text)]
                if "49" in text and "{{7*7}}" not in text and "zq7" in text:
                    faults.append(f"{address.route}: evaluated")
    assert not faults, "\n".join(sorted(set(faults)))
    assert seen > 30, "the pages show too little of it for the test to mean anything"


def test_it_stays_text_on_the_desk(estate: Estate) -> None:
    """Pointwise, pair, agent run, adjudication; the form with what was typed; the refused form."""
    kinds = set()
    for member in (estate.cast.reviewers[0], estate.cast.adjudicator, estate.cast.reviewers[2]):
        browser = Client()
        browser.force_login(member.person)
        for _ in range(4):
            response = Desk(member).ask()
            if response.status_code != 200:
                break
            claimed = response.json()
            kinds.add((member.role, claimed["task"]["kind"]))
            typed = {"rationale": HOSTILE, "correction": HOSTILE, "reason": HOSTILE, "value-acceptable": HOSTILE}
            path = f"/review/{claimed['assignment']}/"
            pages = [browser.get(path), browser.post(path, typed), browser.post(f"{path}escalate/", {"reason": ""})]
            for page in pages:
                assert page.status_code in (200, 422)
                text = page.content.decode()
                assert faults_of(text) == []
                assert "zq7" in text
    assert {kind for _role, kind in kinds} == {"pointwise", "pairwise", "trajectory"}
    assert any(role == "adjudicator" for role, _kind in kinds)


def test_it_stays_text_in_the_admin(estate: Estate) -> None:
    browser = Client()
    browser.force_login(estate.cast.owner.person)
    seen = 0
    for model in admin.site._registry:
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages = [reverse(f"{base}_changelist")]
        pages += [reverse(f"{base}_change", args=[row.pk]) for row in model._default_manager.order_by("-pk")[:2]]
        for page in pages:
            text = browser.get(page, {"q": HOSTILE} if page == pages[0] else {}, follow=True).content.decode()
            seen += "zq7" in text
            # Django's own scripts are in these pages, so only ours to look for.
            assert not [fault for fault in faults_of(text) if "zq7" in fault], page
            assert "<script>zq7" not in text, page
    assert seen > 3


def test_every_page_forbids_scripts_that_are_not_ours(estate: Estate) -> None:
    """Should a text ever come alive, the browser still may not run it."""
    browser = Client()
    browser.force_login(estate.cast.owner.person)
    for address in addresses():
        if "get" not in address.methods or address.route == "api/v1/docs/":
            continue
        page = browser.get(address.path(estate.address_values))
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, address.route
        assert "script-src 'self'" in policy, address.route
        assert "unsafe" not in policy, address.route
        assert page.headers["X-Content-Type-Options"] == "nosniff", address.route
        assert page.headers["X-Frame-Options"] == "DENY", address.route
        assert page.headers["Referrer-Policy"] == "same-origin", address.route


def test_it_answers_hostile_text_as_json_and_nothing_else(estate: Estate) -> None:
    program = estate.cast.program
    for address in addresses():
        if not address.is_api or "get" not in address.methods or address.route in ("api/v1/schema/", "api/v1/docs/"):
            continue
        response = program.client.get(address.path(estate.address_values), headers=program.headers)
        assert "html" not in response["Content-Type"], address.route
    body = program.post("/outputs/", {HOSTILE: 1, "external_id": HOSTILE * 3})
    assert body.status_code == 400
    assert body["Content-Type"] == "application/problem+json"


def test_it_comes_out_as_it_went_in(cast: Cast) -> None:
    steps = [{"type": "tool_call", "name": HOSTILE, "content": {HOSTILE: [HOSTILE, None, 1.5, {"": ""}]}}]
    body = run_body(prompt=HOSTILE, context=[{"id": HOSTILE, "text": HOSTILE}], trajectory=steps)
    route(cast.project, body)
    assignment = claim(cast.reviewers[0], now=timezone.now())
    claimed = Desk(cast.reviewers[0])
    page = claimed.caller.post(f"/assignments/{assignment.token}/heartbeat/")
    assert page.status_code == 200
    judged = claimed.submit({"assignment": assignment.token}, rationale=HOSTILE)
    assert judged.status_code == 201
    [line] = jsonl(freeze_from_verdicts(project=cast.project, actor="test", now=NOW))
    case = json.loads(line)
    assert (case["prompt"], case["context"], case["steps"]) == (HOSTILE, body["context"], steps)
