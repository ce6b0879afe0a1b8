"""Guessing a password: refused after five wrong ones, for a while, and told until when."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from reviewapp.core.accounts.lockout import open_again_at, typed_address
from reviewapp.core.models import Membership, Project
from tests.accounts.doing import is_in, sign_in
from tests.browser.cast import a_member
from tests.browser.visiting import text_of

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FIVE = 5


def guess(email: str, times: int, **more: object) -> list[int]:
    return [sign_in(Client(), email, f"wrong-{number}", **more).status_code for number in range(times)]


def test_it_refuses_the_right_password_too_after_five_wrong_ones_until_the_time_it_names(reviewer: Membership) -> None:
    email = reviewer.person.email
    with time_machine.travel(NOON, tick=False) as clock:
        assert guess(email, FIVE) == [200, 200, 200, 200, 429]
        refused = sign_in(Client(), email)
        assert refused.status_code == 429
        told = '<time datetime="2026-11-20T12:15:00+00:00"><b>12:15</b> UTC, 20 November 2026</time>'
        assert told in text_of(refused)

        clock.shift(timedelta(minutes=14, seconds=59))
        assert sign_in(Client(), email).status_code == 429
        clock.shift(timedelta(seconds=2))
        client = Client()
        assert sign_in(client, email).status_code == 302
        assert is_in(client)


def test_trying_during_the_wait_does_not_make_it_longer(reviewer: Membership) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        guess(reviewer.person.email, FIVE)
        clock.shift(timedelta(minutes=10))
        assert guess(reviewer.person.email, FIVE) == [429] * FIVE
        clock.shift(timedelta(minutes=5, seconds=1))
        assert sign_in(Client(), reviewer.person.email).status_code == 302


def test_the_wait_is_the_same_for_an_address_that_nobody_has(reviewer: Membership) -> None:
    with time_machine.travel(NOON, tick=False):
        assert guess("nobody@people.example", FIVE) == guess(reviewer.person.email, FIVE)
        unknown, known = (sign_in(Client(), email) for email in ("nobody@people.example", reviewer.person.email))
        assert text_of(unknown) == text_of(known)


def test_it_locks_neither_other_people_nor_the_same_person_elsewhere(project: Project, reviewer: Membership) -> None:
    other = a_member(project, name="ada", password="another-long-word")
    guess(reviewer.person.email, FIVE)

    assert sign_in(Client(), other.person.email, "another-long-word").status_code == 302
    assert sign_in(Client(REMOTE_ADDR="198.51.100.7"), reviewer.person.email).status_code == 302


def test_other_spellings_and_other_browsers_are_no_way_round(reviewer: Membership) -> None:
    for number, email in enumerate(["rae@people.example", "RAE@people.example", " rae@People.example "]):
        guess(email, 2, headers={"User-Agent": f"browser {number}"})

    assert sign_in(Client(), reviewer.person.email).status_code == 429


def test_a_right_password_before_the_fifth_wrong_one_starts_the_count_anew(reviewer: Membership) -> None:
    email = reviewer.person.email
    for _round in range(3):
        assert guess(email, FIVE - 1) == [200] * (FIVE - 1)
        assert sign_in(Client(), email).status_code == 302


def test_confirming_with_the_password_is_guarded_as_well(client: Client, reviewer: Membership) -> None:
    for number in range(FIVE):
        last = client.post("/account/confirm/", {"password": f"wrong-{number}"})

    assert last.status_code == 429
    assert sign_in(Client(), reviewer.person.email).status_code == 429


def test_it_counts_behind_proxies_by_what_the_outermost_of_them_saw(reviewer: Membership, settings: object) -> None:
    settings.TRUSTED_PROXIES = 1
    email = reviewer.person.email
    # What is left of the last entry was written by whoever asked.
    for number in range(FIVE):
        guess(email, 1, headers={"X-Forwarded-For": f"192.0.2.{number}, 203.0.113.9"})

    assert sign_in(Client(), email, headers={"X-Forwarded-For": "192.0.2.99, 203.0.113.9"}).status_code == 429
    assert sign_in(Client(), email, headers={"X-Forwarded-For": "203.0.113.10"}).status_code == 302


def test_without_trusted_proxies_what_a_header_says_does_not_count(reviewer: Membership) -> None:
    for number in range(FIVE):
        guess(reviewer.person.email, 1, headers={"X-Forwarded-For": f"192.0.2.{number}"})

    assert sign_in(Client(), reviewer.person.email, headers={"X-Forwarded-For": "192.0.2.99"}).status_code == 429


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [
        ([], None),
        ([(0, 4)], None),
        ([(0, 5)], 15),
        # Two browsers: when the older lapses, three are left.
        ([(0, 2), (5, 3)], 15),
        # When the older lapses, five are left still.
        ([(0, 2), (5, 5)], 20),
        ([(5, 5), (0, 5)], 20),
    ],
)
def test_it_computes_when_enough_failures_have_lapsed(attempts: list[tuple[int, int]], minutes: int | None) -> None:
    rows = [(NOON + timedelta(minutes=at), failures) for at, failures in attempts]
    until = open_again_at(rows, limit=FIVE, cool_off=timedelta(minutes=15))
    assert until == (None if minutes is None else NOON + timedelta(minutes=minutes))


@pytest.mark.parametrize("typed", ["x" * 5000, "a\0b@people.example", "", "   "])
def test_whatever_is_typed_is_no_error(project: Project, typed: str) -> None:
    assert [sign_in(Client(), typed, "wrong").status_code for _time in range(2)] == [200, 200]


def test_it_shortens_what_no_column_holds() -> None:
    assert typed_address(None, {"email": " A\0" + "b" * 5000}) == "a" + "b" * 253
