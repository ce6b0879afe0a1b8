"""A lost password: a link by mail, or a plain word about whom to ask; and nobody learns who has an account."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from reviewapp.core.models import Membership
from tests.accounts.doing import is_in, set_up_app, sign_in, verbs
from tests.browser.visiting import text_of

pytestmark = pytest.mark.django_db

NEW = "a-brand-new-password"


@pytest.fixture
def mails(settings: Any) -> None:
    settings.SENDS_EMAIL = True


def ask(email: str, client: Client | None = None) -> Any:
    return (client or Client()).post("/account/password/lost/", {"email": email}, follow=True)


def link() -> str:
    """The path of the link in the last mail."""
    [address] = re.findall(r"http://testserver(/account/password/new/\S+)", mail.outbox[-1].body)
    return str(address)


def choose(client: Client, path: str, password: str = NEW) -> Any:
    landed = client.get(path, follow=True)
    where = landed.redirect_chain[-1][0]
    return client.post(where, {"password1": password, "password2": password}, follow=True)


def test_the_link_sets_a_new_password_and_ends_all_sessions(mails: None, client: Client, reviewer: Membership) -> None:
    ask(reviewer.person.email)
    assert mail.outbox[-1].to == [reviewer.person.email]

    other = Client()
    assert "Your password is changed" in text_of(choose(other, link()))

    assert not is_in(client), "a session from before the reset is still open"
    assert not is_in(other), "whoever reads a mail is not signed in by it"
    assert sign_in(Client(), reviewer.person.email).status_code == 200
    assert sign_in(Client(), reviewer.person.email, NEW).status_code == 302
    assert "password.reset" in verbs()


def test_the_link_works_once(mails: None, reviewer: Membership) -> None:
    ask(reviewer.person.email)
    first = link()
    choose(Client(), first)

    assert "This link leads nowhere" in text_of(Client().get(first, follow=True))
    assert sign_in(Client(), reviewer.person.email, NEW).status_code == 302


def test_the_link_ends_after_three_days(mails: None, reviewer: Membership) -> None:
    ask(reviewer.person.email)
    with time_machine.travel(timezone.now() + timedelta(days=3, minutes=1)):
        assert "This link leads nowhere" in text_of(Client().get(link(), follow=True))


def test_a_weak_password_is_refused(mails: None, reviewer: Membership) -> None:
    ask(reviewer.person.email)
    assert "too short" in text_of(choose(Client(), link(), "x1"))
    assert sign_in(Client(), reviewer.person.email, "x1").status_code == 200


def test_nobody_learns_who_has_an_account(mails: None, reviewer: Membership) -> None:
    known, unknown = ask(reviewer.person.email), ask("nobody@people.example")

    assert known.redirect_chain == unknown.redirect_chain
    assert text_of(known) == text_of(unknown)
    # Both take the time of a mail; what the second says is for whoever owns that address.
    assert [message.to for message in mail.outbox] == [[reviewer.person.email], ["nobody@people.example"]]
    assert "There is no account with this address" in mail.outbox[1].body
    assert "/account/password/new/" not in mail.outbox[1].body


def test_a_mail_server_that_is_down_changes_no_page(
    mails: None, reviewer: Membership, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    known, unknown = ask(reviewer.person.email), ask("nobody@people.example")
    assert (known.status_code, text_of(known)) == (200, text_of(unknown))


def test_without_mail_the_page_says_whom_to_ask(reviewer: Membership) -> None:
    page = Client().get("/account/password/lost/")
    assert "The owner of your project can give you a new password" in text_of(page)
    assert 'name="email"' not in text_of(page)

    ask(reviewer.person.email)
    assert mail.outbox == []


def test_a_second_factor_is_asked_for_after_a_reset_too(mails: None, client: Client, reviewer: Membership) -> None:
    set_up_app(client)
    ask(reviewer.person.email)
    fresh = Client()
    choose(fresh, link())

    assert sign_in(fresh, reviewer.person.email, NEW)["Location"] == "/account/second-factor/authenticate/"
    assert not is_in(fresh)


def test_a_closed_account_gets_no_link(mails: None, reviewer: Membership) -> None:
    reviewer.person.is_active = False
    reviewer.person.save()

    ask(reviewer.person.email)
    assert all("/account/password/new/" not in message.body for message in mail.outbox)


def test_asking_too_often_is_stopped(mails: None, reviewer: Membership) -> None:
    answers = [ask(reviewer.person.email).status_code for _time in range(6)]
    assert answers == [200] * 5 + [429]


# Changing it ---------------------------------------------------------------------------------------------


def test_changing_the_password_keeps_this_browser_and_ends_the_others(client: Client, reviewer: Membership) -> None:
    other = Client()
    sign_in(other, reviewer.person.email)
    form = {"oldpassword": "a-long-enough-password", "password1": NEW, "password2": NEW}

    assert "does not match" not in text_of(client.post("/account/password/", form, follow=True))

    assert is_in(client)
    assert not is_in(other)
    assert "password.changed" in verbs()


def test_changing_it_takes_the_old_one(client: Client, reviewer: Membership) -> None:
    client.post("/account/password/", {"oldpassword": "guess", "password1": NEW, "password2": NEW})
    assert sign_in(Client(), reviewer.person.email, NEW).status_code == 200


def test_whoever_has_none_chooses_a_first_one(reviewer: Membership) -> None:
    reviewer.person.set_unusable_password()
    reviewer.person.save()
    client = Client()
    client.force_login(reviewer.person)

    assert client.get("/account/password/")["Location"] == "/account/password/first/"
    client.post("/account/password/first/", {"password1": NEW, "password2": NEW})
    assert sign_in(Client(), reviewer.person.email, NEW).status_code == 302
