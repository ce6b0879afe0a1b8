"""What pages say is translated, and times and numbers are the reader's own."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone, translation

from reviewapp.core.models import Membership
from reviewapp.core.reading import day, moment, moment_with_seconds
from routing.forms import SinceForm
from routing.models import Output
from routing.views.figures import decimal, percent, percent_range
from tests.addresses import addresses
from tests.browser.visiting import signed_in
from tests.console_world import World, make_world
from tests.people import make_cast
from tests.promises.estate import build_estate
from tests.translations.catalogue import entries, placeholders
from tests.translations.pages import Page, speak_in_brackets, stored_texts, untranslated

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def html_of(client: Client, address: str) -> str:
    """The page at an address, or "" where there is none: files, and what is not for this person."""
    response = client.get(address)
    is_page = response.get("Content-Type", "").startswith("text/html") and not response.streaming
    return response.content.decode() if is_page else ""


def test_every_page_of_owners_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    client, data = signed_in(world.cast.owner), stored_texts()
    speak_in_brackets(monkeypatch)
    pages = {name: html_of(client, address) for name, address in (world.reading() | world.acting()).items()}
    assert {name: found for name, html in pages.items() if (found := untranslated(html, data))} == {}


def test_every_other_page_is_translated_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    cast = make_cast()
    estate = build_estate(cast)
    people: dict[str, Membership] = {
        "owner": cast.owner,
        "auditor": cast.auditor,
        "reviewer": cast.reviewers[0],
        "adjudicator": cast.adjudicator,
    }
    clients = {role: signed_in(member) for role, member in people.items()} | {"nobody": Client()}
    found, data = {}, stored_texts()
    speak_in_brackets(monkeypatch)
    for role, client in clients.items():
        for address in addresses():
            if not address.is_api:
                html = html_of(client, address.path(estate.address_values))
                left = untranslated(html, data)
                if left:
                    # A page may take an item, and so make rows.
                    data = stored_texts()
                    left = untranslated(html, data)
                if left:
                    found[role, address.route] = left
    assert found == {}


# German ----------------------------------------------------------------------------------------------


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def german(world: World) -> Client:
    """The owner, who reads German and lives in Berlin."""
    person = world.cast.owner.person
    person.language, person.time_zone = "de", "Europe/Berlin"
    person.save()
    return signed_in(world.cast.owner)


def test_german_pages_hold_no_english_sentence(world: World, german: Client) -> None:
    sentences = {
        entry.english
        for entry in entries()
        if len(entry.english.split()) > 3 and not placeholders(entry.english) and not entry.plural
    }
    data = stored_texts()
    for name, address in world.reading().items():
        texts = Page(html_of(german, address)).texts
        assert [text for text in texts if text in sentences and text not in data] == [], name


def test_german_pages_say_so_and_tell_the_time_in_berlin(world: World, german: Client) -> None:
    newest = Output.objects.filter(project=world.cast.project).order_by("-pk")[0]
    text = html_of(german, world.address("console-outputs"))
    with translation.override("de"), timezone.override("Europe/Berlin"):
        assert moment(newest.received_at) in text
    assert '<html lang="de' in text
    assert "Seit (Europe/Berlin)" in text
    assert "UTC" not in text


def test_pictures_are_drawn_alike_in_every_language(world: World, german: Client) -> None:
    """A comma before the decimals would be another number to a browser."""
    shapes = re.compile(r'\b(?:x|y|x1|x2|y1|y2|cx|cy|r|d|width|height|viewBox)="[^"]*"')
    english = signed_in(world.cast.auditor)
    for page in ("console", "console-calibrator", "console-agreement", "console-recalibration"):
        address = world.reading()[page]
        drawn = shapes.findall(html_of(german, address))
        assert drawn == shapes.findall(html_of(english, address))
        assert drawn


def test_programs_are_answered_in_english(world: World, german: Client) -> None:
    """A person's session speaks to the API as well; what it says is for programs."""
    project = world.cast.project.slug
    answer = german.get(f"/api/v1/projects/{project}/policies/{10**6}/")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Not found.")
    output = Output.objects.filter(project=world.cast.project, decision__isnull=False)[0]
    summary = german.get(f"/api/v1/projects/{project}/outputs/{output.pk}/explain/").json()["summary"]
    assert summary.split()[0] in ("Reviewed", "Shipped")
    page = html_of(german, world.address("console-output-explain", output.pk))
    assert summary not in page
    assert re.search("Geprüft, weil|Ausgeliefert, weil", page)


def test_numbers_and_moments_are_the_readers_own() -> None:
    summer = datetime(2026, 7, 1, 22, 30, 5, tzinfo=UTC)
    with translation.override("de"), timezone.override("Europe/Berlin"):
        assert percent(0.125) == "12,5\u00a0%"
        assert percent_range(0.01, 0.025) == "1,0–2,5\u00a0%"
        assert decimal(-0.5) == "−0,50"
        assert moment(summer) == "2. Juli 2026, 00:30 CEST"
        assert moment_with_seconds(summer) == "2. Juli 2026, 00:30:05 CEST"
        assert day(summer) == "2. Juli 2026"
        assert moment(datetime(2026, 1, 1, tzinfo=UTC)) == "1. Jan. 2026, 01:00 CET"
    assert moment(summer) == "1 Jul 2026 22:30 UTC"
    assert percent(0.125) == "12.5%"


def test_moments_are_typed_in_the_readers_zone() -> None:
    with timezone.override("Europe/Berlin"):
        form = SinceForm({"since": "2026-07-01T12:00"})
        assert form.is_valid()
        assert form.cleaned_data["since"] == datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
        assert str(form["since"].label) == "Since (Europe/Berlin)"
    assert str(SinceForm()["since"].label) == "Since (UTC)"
