"""What a person chooses for themselves, and what their browser says where they do not."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone, translation

from reviewapp.core.accounts.forms import zones
from reviewapp.core.models import AuditEntry, Membership, Person
from tests.browser.cast import a_member
from tests.browser.visiting import signed_in, text_of

pytestmark = pytest.mark.django_db

PAGE = "/account/preferences/"
SESSIONS = "/account/sessions/"
ON = {"switch-single_keys": "on", "switch-auto_advance": "on"}


def store(client: Client, **fields: str) -> Any:
    return client.post(PAGE, {"name": "", "language": "", "time_zone": "", "theme": "", **ON, **fields})


def html_tag(client: Client, page: str = "/account/", **more: Any) -> str:
    [tag] = re.findall(r"<html[^>]*>", text_of(client.get(page, **more)))
    return str(tag)


def test_it_stores_what_is_chosen_and_shows_it_again(client: Client) -> None:
    chosen = {"name": "Rae", "language": "de", "time_zone": "Europe/Berlin", "theme": "dark", "key-undo": "z"}
    assert store(client, **chosen)["Location"] == PAGE

    person = Person.objects.get(email="rae@people.example")
    stored = (person.name, person.language, person.time_zone, person.theme, person.keys)
    assert stored == ("Rae", "de", "Europe/Berlin", "dark", {"undo": "z"})
    page = text_of(client.get(PAGE))
    assert '<option value="Europe/Berlin" selected>' in page
    assert re.search(r'name="key-undo" value="z"', page)
    entry = AuditEntry.objects.get(verb="preferences.changed")
    assert entry.data == {"what": ["keys", "language", "name", "theme", "time_zone"]}


def test_it_says_so_in_the_language_just_chosen(client: Client) -> None:
    store(client, language="de")
    assert "Ihre Einstellungen sind gespeichert." in text_of(client.get(PAGE))
    store(client, language="en-gb")
    assert "Your preferences are stored." in text_of(client.get(PAGE))
    # Without a choice it is the browser's.
    client.post(PAGE, {"name": "", "language": "", "time_zone": "", "theme": "", **ON}, HTTP_ACCEPT_LANGUAGE="de")
    assert "Ihre Einstellungen sind gespeichert." in text_of(client.get(PAGE, HTTP_ACCEPT_LANGUAGE="de"))


def test_storing_the_same_again_is_no_change(client: Client) -> None:
    store(client, theme="dark")
    store(client, theme="dark")
    assert AuditEntry.objects.filter(verb="preferences.changed").count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"language": "tlh"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"theme": "pink"},
        {"key-undo": "5"},
        {"key-undo": "zz"},
        {"key-undo": "\a"},
        {"name": "x" * 201},
        # Two actions on one key: one chosen twice, and one that another has by itself.
        {"key-undo": "z", "key-skip": "z"},
        {"key-undo": "j"},
    ],
)
def test_it_refuses_what_cannot_be(client: Client, fields: dict[str, str]) -> None:
    refused = store(client, **fields)
    assert refused.status_code == 400
    assert "Nothing was stored yet" in text_of(refused)
    assert not AuditEntry.objects.filter(verb="preferences.changed").exists()


def test_two_keys_may_change_places(client: Client) -> None:
    assert store(client, **{"key-next": "k", "key-previous": "j"}).status_code == 302
    assert Person.objects.get(email="rae@people.example").keys == {"next": "k", "previous": "j"}


def test_comforts_are_on_until_somebody_wants_them_off(client: Client) -> None:
    assert len(re.findall(r"checked", text_of(client.get(PAGE)))) == 2
    client.post(PAGE, {"name": "", "switch-auto_advance": "on"})
    assert Person.objects.get(email="rae@people.example").keys == {"single_keys": False}
    store(client)
    assert Person.objects.get(email="rae@people.example").keys == {}


# Language ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de-AT,de;q=0.9", "de"), ("en-US,en;q=0.5", "en-gb"), ("fr", "en-gb"), ("", "en-gb"), ("fr,de;q=0.1", "de")],
)
def test_the_browser_chooses_the_language_where_nobody_else_did(client: Client, accepted: str, language: str) -> None:
    response = client.get("/account/", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}" dir="ltr">' in text_of(response)
    assert response["Content-Language"] == language
    assert translation.get_language() == "en-gb", "the language stays behind for the next request"


def test_the_person_chooses_before_the_browser(client: Client) -> None:
    store(client, language="de")
    assert 'lang="de"' in html_tag(client, headers={"Accept-Language": "en"})
    assert 'lang="de"' in html_tag(client, "/projects/nowhere/review/")


def test_the_api_speaks_english_to_everybody(client: Client) -> None:
    store(client, language="de")
    refused = client.post("/api/v1/assignments/none/submit/", "{", content_type="application/json")
    response = client.get("/api/v1/projects/nowhere/agreement/", headers={"Accept-Language": "de"})
    assert response.json()["title"] == "Not Found"
    assert "Content-Language" not in refused


# Time --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "cookie", "shown"),
    [
        ("", "", "12:00"),
        ("", "Europe%2FBerlin", "13:00"),
        ("", "Asia/Kolkata", "17:30"),
        ("America/New_York", "Europe%2FBerlin", "07:00"),
        ("UTC", "Europe%2FBerlin", "12:00"),
        ("", "../../etc/passwd", "12:00"),
        pytest.param("", "x" * 4000, "12:00", id="too long"),
    ],
)
def test_times_are_in_the_persons_zone(reviewer: Membership, chosen: str, cookie: str, shown: str) -> None:
    from tests.accounts.doing import sign_in

    with time_machine.travel(datetime(2026, 11, 20, 12, 0, tzinfo=UTC), tick=False):
        client = Client()
        sign_in(client)
        store(client, time_zone=chosen)
        client.cookies["tz"] = cookie
        assert f"signed in 20 November 2026, {shown}" in text_of(client.get(SESSIONS))
    assert timezone.get_current_timezone_name() == "UTC", "the zone stays behind for the next request"


def test_it_offers_zones_that_people_live_in() -> None:
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} <= set(zones())
    assert not any(zone.startswith("Etc/") or zone in ("GMT", "EST") for zone in zones())


def test_the_script_that_tells_the_zone_is_left_out_once_one_is_chosen(client: Client) -> None:
    assert "js/zone.js" in text_of(client.get("/account/"))
    store(client, time_zone="Europe/Berlin")
    assert "js/zone.js" not in text_of(client.get("/account/"))


# Theme ---------------------------------------------------------------------------------------------------------------


def test_the_theme_is_the_systems_until_one_is_chosen(client: Client) -> None:
    assert "data-theme" not in html_tag(client)
    assert '<meta name="color-scheme" content="light dark">' in text_of(client.get("/account/"))
    store(client, theme="dark")
    assert 'data-theme="dark"' in html_tag(client)
    assert '<meta name="color-scheme" content="dark">' in text_of(client.get("/account/"))


def test_preferences_are_everybodys_own(client: Client, reviewer: Membership) -> None:
    other = a_member(reviewer.project, name="ada")
    store(client, theme="dark", language="de")
    assert html_tag(signed_in(other)) == '<html lang="en-gb" dir="ltr">'
