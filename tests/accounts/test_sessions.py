"""The list of browsers that a person is signed in with, and ending one."""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from reviewapp.core.accounts.browsers import browser_name
from reviewapp.core.models import Membership, Project
from tests.accounts.doing import api_status, is_in, sign_in
from tests.browser.cast import PASSWORD, a_member
from tests.browser.visiting import text_of

pytestmark = pytest.mark.django_db

SESSIONS = "/account/sessions/"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"


@pytest.fixture
def phone(reviewer: Membership) -> Client:
    client = Client(headers={"User-Agent": PHONE}, REMOTE_ADDR="198.51.100.7")
    sign_in(client, reviewer.person.email)
    return client


def session_of(client: Client) -> UserSession:
    return UserSession.objects.get(session_key=client.session.session_key)


def test_it_lists_where_one_is_signed_in(client: Client, phone: Client) -> None:
    page = text_of(client.get(SESSIONS))
    assert "Safari, iPhone" in page
    assert "198.51.100.7" in page
    assert page.count("this browser") == 1
    assert len(re.findall('name="session"', page)) == 2


def test_ending_one_really_signs_that_browser_out(client: Client, phone: Client) -> None:
    assert is_in(phone)
    client.post(SESSIONS, {"session": session_of(phone).pk})

    assert not is_in(phone)
    assert api_status(phone) == 401
    assert is_in(client)
    assert "iPhone" not in text_of(client.get(SESSIONS))


def test_ending_ones_own_signs_out(client: Client) -> None:
    client.post(SESSIONS, {"session": session_of(client).pk})
    assert not is_in(client)


def test_ending_all_others_keeps_this_one(client: Client, phone: Client, reviewer: Membership) -> None:
    third = Client()
    sign_in(third, reviewer.person.email)
    client.post(SESSIONS)

    assert [is_in(client), is_in(phone), is_in(third)] == [True, False, False]


@pytest.mark.parametrize("named", ["0", "-1", "x", "9" * 30, "1 OR 1=1"])
def test_a_session_that_there_is_not_ends_nothing(client: Client, phone: Client, named: str) -> None:
    assert client.post(SESSIONS, {"session": named}).status_code == 302
    assert [is_in(client), is_in(phone)] == [True, True]


def test_nobody_ends_or_sees_the_session_of_another(client: Client, project: Project) -> None:
    other = Client(headers={"User-Agent": PHONE})
    sign_in(other, a_member(project, name="ada", password=PASSWORD).person.email)

    assert "iPhone" not in text_of(client.get(SESSIONS))
    client.post(SESSIONS, {"session": session_of(other).pk})
    client.post(SESSIONS)
    assert is_in(other)


def test_it_shows_when_each_was_last_used_within_five_minutes(client: Client, phone: Client) -> None:
    before = session_of(phone).last_seen_at
    is_in(phone)
    assert session_of(phone).last_seen_at == before, "a write for every page"

    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        phone.get("/projects/billing/mine/", REMOTE_ADDR="198.51.100.8")
        assert session_of(phone).last_seen_at - before > timedelta(minutes=5)
    assert session_of(phone).ip == "198.51.100.8"
    assert session_of(client).ip == "127.0.0.1"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (PHONE, "Safari, iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36", "Chrome, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:126.0) Gecko/20100101 Firefox/126.0", "Firefox, macOS"),
        ("curl/8.5", "curl/8.5"),
        ("", "?"),
    ],
)
def test_it_names_browsers(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name
