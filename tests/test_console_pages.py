"""The owner's pages: who may read them, what they show of whose rows, and what they cost."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from labeling.models import Rating
from reviewapp.core.models import AuditEntry
from reviewapp.core.services.keys import create_api_key
from routing.models import Decision, Output
from routing.services.policies import draft_policy
from routing.urls import console_urlpatterns
from tests.browser.cast import HOSTILE
from tests.browser.visiting import queries, signed_in, text_of
from tests.console_world import World, grow, make_world
from tests.factories import judge, make_noise, output_body, plant_gold, route
from tests.people import Cast, make_cast, policy_document

# Anything that a browser would run, or that the CSP would refuse.
LIVE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|<i>doc|<img|\son[a-z]+=\"")


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def cast(db: None) -> Cast:
    """A project without a single output."""
    return make_cast()


@pytest.fixture
def other(db: None) -> World:
    return make_world("elsewhere", seed=2)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


# Who may read ----------------------------------------------------------------------------------------


def test_it_covers_every_page_in_these_tests(world: World) -> None:
    assert {pattern.name for pattern in console_urlpatterns} == {*world.reading(), *world.acting()}


def test_owners_and_auditors_read_every_page(world: World) -> None:
    for member in (world.cast.owner, world.cast.auditor):
        client = signed_in(member)
        answers = {name: client.get(address).status_code for name, address in world.reading().items()}
        assert set(answers.values()) == {200}, answers


def test_nobody_else_finds_any_page(world: World, other: World) -> None:
    strangers = (world.cast.reviewers[0], world.cast.adjudicator, other.cast.owner, other.cast.auditor)
    for member in strangers:
        client = signed_in(member)
        for name, address in (world.reading() | world.acting()).items():
            assert client.get(address).status_code == 404, (str(member), name)


def test_whoever_is_not_signed_in_is_asked_to(world: World) -> None:
    for address in (world.reading() | world.acting()).values():
        response = Client().get(address)
        assert (response.status_code, response["Location"]) == (302, f"/login/?next={address}")


def test_auditors_act_nowhere_and_are_offered_no_form(world: World) -> None:
    client, before = signed_in(world.cast.auditor), AuditEntry.objects.count()
    for name, address in world.acting().items():
        assert client.get(address).status_code == 404, name
        assert client.post(address, {"reason": "Because.", "decision": "approve"}).status_code == 404, name
    for name, address in world.reading().items():
        if name not in ("console-golden-set-download", "console-rubric-export"):
            forms = re.findall(r'<form method="post" action="([^"]*)"', text_of(client.get(address)))
            assert set(forms) == {"/logout/"}, name
    assert AuditEntry.objects.count() == before


def test_ids_of_another_project_are_not_found(world: World, other: World) -> None:
    """Its rows under our slug, for the owner of ours."""
    client = signed_in(world.cast.owner)
    # Names and version numbers of rubrics and policies are counted within a project, so those exist in both.
    counted = ("console-policy", "console-calibrator", "console-rubric")
    checked = 0
    for ours, theirs, visit in (
        (world.reading(), other.reading(), client.get),
        (world.acting(), other.acting(), lambda address: client.post(address, {"reason": "x", "decision": "approve"})),
    ):
        for name, address in theirs.items():
            foreign = address.replace("/elsewhere/", "/shop/")
            if foreign not in ours.values() and not name.startswith(counted):
                assert visit(foreign).status_code == 404, name
                checked += 1
    assert checked == 37


@pytest.mark.parametrize(
    "path",
    [
        f"outputs/{'0' * 8}-0000-7000-8000-{'0' * 12}/",
        "policies/99/",
        f"policies/{10**30}/",
        f"recalibrations/{10**30}/",
        "certificates/0/",
        "calibrators/77/",
        "golden-sets/shop-1999-w01-v1/",
        "gold-cases/0/",
        "rubrics/acceptability/99/",
        "rubrics/a/b/1/",
        "outputs/?cursor=%00",
        "outputs/?cursor=b2xkZXI6eA",
        "gold-cases/answers/?cursor=b2xkZXI6OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5",
    ],
)
def test_what_does_not_exist_is_not_found(cast: Cast, path: str) -> None:
    assert signed_in(cast.owner).get(f"/projects/shop/{path}").status_code in (200, 404)
    assert "cursor" in path or signed_in(cast.owner).get(f"/projects/shop/{path}").status_code == 404


# What they show --------------------------------------------------------------------------------------


def test_an_empty_project_says_what_to_do_next(cast: Cast) -> None:
    client = signed_in(cast.owner)
    expected = {
        "console/": ["No output was routed", "POST /api/v1/outputs/", "Not estimable", "no outputs", "None yet."],
        "outputs/": ["No output was handed in yet", "POST /api/v1/outputs/"],
        "agreement/": ["Nobody has rated anything yet", "overlap_share"],
        "disputes/": ["No dispute yet"],
        "reviewers/": ["undefined: no gold yet (n = 0)", "undefined: no ratings yet (n = 0)"],
        "recalibrations/": ["No proposal yet", "/projects/shop/recalibrations/new/"],
        "certificates/": ["No certificate yet"],
        "golden-sets/": ["No golden set yet"],
        "gold-cases/": ["No gold case yet", "/projects/shop/gold-cases/new/"],
        "gold-cases/answers/": ["No gold case was rated yet"],
        "settings/": ["robin@shop.example"],
    }
    for path, words in expected.items():
        page = text_of(client.get(f"/projects/shop/{path}"))
        assert [word for word in words if word not in page] == [], path


def test_agreement_without_a_shared_item_is_undefined_with_its_reason(cast: Cast) -> None:
    route(cast.project, output_body())
    judge(cast.reviewers[0])
    page = text_of(signed_in(cast.owner).get("/projects/shop/agreement/"))
    assert "undefined: no item was rated by two people" in page
    assert ">n = 0</a>" in page


def test_agreement_shows_alpha_with_interval_count_and_picture(world: World) -> None:
    page = text_of(signed_in(world.cast.owner).get(world.address("console-agreement")))
    assert 'aria-label="alpha' in page
    assert re.search(r"n = \d+</a>", page)
    by_intent = text_of(signed_in(world.cast.owner).get(world.address("console-agreement") + "?by=intent"))
    assert ">billing<" in by_intent


def test_every_count_on_the_overview_leads_to_as_many_rows(world: World, other: World) -> None:
    client = signed_in(world.cast.owner)
    page = text_of(client.get(world.address("console")))
    found = re.findall(r'<a href="(/projects/shop/outputs/[^"]*)">(\d+)</a>', page)
    assert len(found) >= 17
    assert {int(count) for _url, count in found} - {0}
    for url, count in found:
        assert rows_behind(client, url.replace("&amp;", "&")) == int(count), url
    assert Output.objects.count() > Output.objects.filter(project=world.cast.project).count()


def rows_behind(client: Client, url: str) -> int:
    """Rows of a list, over all its pages."""
    path, total = url.split("?")[0], 0
    while url:
        page = text_of(client.get(url))
        total += page.count('<td class="clip"><a href="/projects/shop/outputs/')
        older = re.search(r'<a href="(\?[^"]*)" rel="next"', page)
        url = path + older[1].replace("&amp;", "&") if older else ""
    return total


def test_the_overview_counts_within_its_window(cast: Cast) -> None:
    now = timezone.now()
    route(cast.project, output_body("long-ago"), now=now - timedelta(days=20))
    route(cast.project, output_body("of-today"), now=now)
    client = signed_in(cast.owner)
    for window, count in {"1": "1", "30": "2", "all": "2", "nonsense": "2"}.items():
        page = text_of(client.get("/projects/shop/console/", {"window": window}))
        assert re.findall(r"<dt>Outputs</dt><dd><a[^>]*>(\d+)<", page) == [count], window


def test_the_overview_tells_the_undetected_error_with_interval_and_counts(world: World) -> None:
    page = text_of(signed_in(world.cast.owner).get(world.address("console")))
    assert re.search(r'<p class="headline"><b>\d+\.\d%</b> <span class="interval">[\d.]+–[\d.]+%, 95% interval', page)
    assert re.search(r"\d+ of \d+ shipped outputs were audited and judged, \d+ of them wrong", page)


def test_an_output_shows_everything_that_was_decided_and_judged(world: World) -> None:
    rating = Rating.objects.get(rationale="It is wrong.")
    output = rating.item.content.output
    page = text_of(signed_in(world.cast.auditor).get(world.address("console-output", output.pk)))
    decision = Decision.objects.get(pk=output.pk)
    for words in (
        escape(output.content.prompt),
        output.content.body["response"],
        "score:grounded",
        decision.trace["confidence_basis"],
        "Everything is reviewed",
        rating.reviewer.rater_code,
        "It is right.",
        "Within five days.",
        "Too hasty.",
        "taken back",
        "adjudication",
        "reviewer slip",
        world.address("console-policy", decision.policy.version),
        world.address("console-rubric", rating.rubric.name, rating.rubric.version),
    ):
        assert words in page, words
    assert str(rating.reviewer.person) not in page


def test_the_list_of_outputs_narrows_by_every_filter(world: World) -> None:
    client = signed_in(world.cast.owner)
    everything = rows_behind(client, world.address("console-outputs"))
    today = f"{timezone.now():%Y-%m-%d}T00:00"
    for query in (
        "external_id=no-such",
        "intent=refunds",
        "action=ship",
        "stakes=high",
        "flag=adversarial",
        f"until={today}",
        "reason=low_confidence",
        "audited=yes",
        "outcome=waiting",
        "outcome=wrong",
        "kind=pairwise",
        "overlap=yes",
        "rubric=acceptability+v1",
        f"rater={world.cast.reviewers[1].rater_code}",
    ):
        assert rows_behind(client, f"{world.address('console-outputs')}?{query}") < everything, query
    assert rows_behind(client, f"{world.address('console-outputs')}?since={today}") == everything
    for query in ("stakes=huge", "since=yesterday", "rubric=acceptability", "intent=%00"):
        refused = client.get(f"{world.address('console-outputs')}?{query}")
        assert refused.status_code == 400, query
        assert "A filter does not fit" in text_of(refused)


def test_a_replay_shows_what_the_version_would_have_done(world: World) -> None:
    page = text_of(signed_in(world.cast.owner).get(world.address("console-policy-replay", 1)))
    reviewed = Decision.objects.filter(project=world.cast.project).exclude(output__task_kind="pairwise").count()
    assert f"{reviewed} (100%)" in page
    assert "not estimable: nothing shipped" in page


# Hostile text ----------------------------------------------------------------------------------------


def test_hostile_text_stays_text_on_every_page(world: World) -> None:
    project, now = world.cast.project, timezone.now()
    line = HOSTILE.replace("\n", " ")[:180]
    body = output_body(
        line,
        intent=line[:100],
        prompt=[{"role": "user", "content": HOSTILE}],
        context=[{"id": "<i>doc</i>", "text": HOSTILE}],
        response=HOSTILE,
        source={"model": line, "version": line, "prompt_version": line},
        metadata={line[:50]: HOSTILE},
        signals=[{"kind": "score", "name": line[:60], "value": 0.1}],
    )
    (output,) = route(project, body, now=now)
    case = plant_gold(project, line, prompt=HOSTILE, body={"response": HOSTILE}, explanation=HOSTILE)
    policy = draft_policy(project=project, document=policy_document(intents={line: {}}), actor=line, note=line)
    create_api_key(project=project, scopes=["read"], actor="test", name=line[:100])
    client = signed_in(world.cast.owner)
    own = [
        world.address("console-output", output.pk),
        world.address("console-gold-case", case.pk),
        world.address("console-policy", policy.version),
    ]
    assert escape(HOSTILE.split("\n")[1]) in text_of(client.get(own[0]))
    for address in (*world.reading().values(), *own):
        if not address.endswith("/download/"):
            response = client.get(address)
            page = text_of(response)
            assert "default-src 'none'" in response["Content-Security-Policy"]
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|<i>doc|<img|\s(?<!&)on[a-z]+=\"", page), (
                address
            )


@pytest.mark.needs_data
def test_awkward_texts_from_the_wild_are_shown_as_they_are(cast: Cast, review_data: Path) -> None:
    lines = (review_data / "hostile.jsonl").read_text().split("\n")
    texts = [json.loads(line)["text"].replace("\x00", "") for line in lines if line]
    passages = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    (output,) = route(cast.project, output_body(context=passages))
    page = text_of(signed_in(cast.owner).get(f"/projects/shop/outputs/{output.pk}/"))
    assert len(texts) > 500
    assert [text for text in texts if f'dir="auto">{escape(text)}</div>' not in page] == []


# Every link leads somewhere --------------------------------------------------------------------------


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.add((dict(attrs)["href"] or "").split("#")[0])


def test_every_link_on_every_page_leads_somewhere(world: World) -> None:
    client = signed_in(world.cast.owner)
    seen: set[str] = set()
    waiting = [world.address("console")]
    while waiting:
        address = waiting.pop()
        response = client.get(address)
        assert response.status_code == 200, address
        if response.streaming:
            continue
        links = Links()
        links.feed(text_of(response))
        path = address.split("?")[0]
        for link in links.found:
            target = path + link if link.startswith("?") else link or path
            # One of each kind of filtered list is enough.
            shape = re.sub(r"\d|[0-9a-f-]{36}|r-\w+|case=[^&]*", "", target)
            if target.startswith("/projects/shop/") and shape not in seen:
                seen.add(shape)
                waiting.append(target)
    assert len(seen) > 40


# What they cost --------------------------------------------------------------------------------------


def test_the_number_of_queries_does_not_grow_with_rows(world: World) -> None:
    client, addresses = signed_in(world.cast.owner), world.reading()
    visited = [address for name, address in addresses.items() if name != "console-golden-set-download"]
    for address in visited:
        client.get(address)
    cache.clear()
    before = {address: queries(lambda address=address: client.get(address)) for address in visited}
    rng = np.random.default_rng(5)
    for _round in range(3):
        grow(world.cast, rng)
    make_noise("further")
    cache.clear()
    after = {address: queries(lambda address=address: client.get(address)) for address in visited}
    assert after == before
    assert max(before.values()) <= 36, before


def test_agreement_is_computed_once_while_nobody_rates(world: World) -> None:
    client, address = signed_in(world.cast.owner), world.address("console-agreement")
    first, again = queries(lambda: client.get(address)), queries(lambda: client.get(address))
    assert again < first
    page = text_of(client.get(address))
    grow(world.cast, np.random.default_rng(6))
    assert text_of(client.get(address)) != page
