"""The authenticator app and recovery codes, and projects that ask for a second factor."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from reviewapp.core.models import AuditEntry, Membership, Person, Project
from reviewapp.core.services.keys import create_person_token
from reviewapp.core.services.second_factor import change_second_factor_rule
from tests.accounts.doing import (
    PERIOD,
    WORK,
    api_status,
    app_code,
    confirm,
    is_in,
    recovery_codes,
    set_up_app,
    sign_in,
    verbs,
)
from tests.browser.cast import PASSWORD, a_member, a_project, items
from tests.browser.visiting import signed_in, text_of

pytestmark = pytest.mark.django_db

ASKED = "/account/second-factor/authenticate/"
FACTORS = "/account/second-factor/"


def challenged(email: str, **more: Any) -> Client:
    """A new browser that has given the password and is asked for the second factor."""
    client = Client()
    assert sign_in(client, email, **more)["Location"] == ASKED
    return client


def give(client: Client, code: str) -> Any:
    return client.post(ASKED, {"code": code})


# Signing in --------------------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing_any_more(client: Client, reviewer: Membership) -> None:
    secret = set_up_app(client)
    other = challenged(reviewer.person.email, next=WORK)

    assert not is_in(other)
    assert api_status(other) == 401
    assert give(other, app_code(secret, 1))["Location"] == WORK
    assert is_in(other)


def test_a_wrong_code_is_refused_and_guessing_ends_soon(client: Client, reviewer: Membership) -> None:
    secret = set_up_app(client)
    other = challenged(reviewer.person.email)
    wrong = "000000" if app_code(secret) != "000000" else "111111"

    for _time in range(5):
        assert "Incorrect code" in text_of(give(other, wrong))
    assert "Too many failed login attempts" in text_of(give(other, app_code(secret, 1)))
    assert not is_in(other)


@pytest.mark.parametrize("later", [0, PERIOD, 2 * PERIOD])
def test_a_code_works_once_for_as_long_as_it_is_good(client: Client, reviewer: Membership, later: int) -> None:
    secret = set_up_app(client)
    code = app_code(secret, 1)
    assert give(challenged(reviewer.person.email), code).status_code == 302

    # The next step's code is taken early, so it would be good for two more periods.
    with time_machine.travel(timezone.now() + timedelta(seconds=later)):
        assert "Incorrect code" in text_of(give(challenged(reviewer.person.email), code))


def test_a_recovery_code_stands_in_once(client: Client, reviewer: Membership) -> None:
    set_up_app(client)
    code = recovery_codes(client)[3]

    assert give(challenged(reviewer.person.email), code).status_code == 302
    assert "Incorrect code" in text_of(give(challenged(reviewer.person.email), code))


def test_new_recovery_codes_end_the_old_ones(client: Client, reviewer: Membership) -> None:
    set_up_app(client)
    [old, *_others] = recovery_codes(client)
    client.post("/account/second-factor/recovery-codes/generate/")

    assert "Incorrect code" in text_of(give(challenged(reviewer.person.email), old))
    assert give(challenged(reviewer.person.email), recovery_codes(client)[0]).status_code == 302


def test_secrets_are_sealed_in_the_database(client: Client, reviewer: Membership) -> None:
    secret = set_up_app(client)
    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert Authenticator.objects.get(type="totp").data["secret"].startswith("gAAAA")


def test_the_code_that_switches_it_on_signs_nobody_in(client: Client, reviewer: Membership) -> None:
    secret = set_up_app(client)
    elsewhere = challenged(reviewer.person.email)
    give(elsewhere, app_code(secret))
    assert not is_in(elsewhere)


def test_setting_it_up_takes_the_password_once_more(client: Client) -> None:
    path = "/account/second-factor/totp/activate/"
    assert client.get(path)["Location"].startswith("/account/confirm/")
    assert "Incorrect password" in text_of(confirm(client, path, password="guess"))
    assert client.get(path).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_taking_it_away_takes_a_confirmation_and_makes_the_password_enough(
    client: Client, reviewer: Membership
) -> None:
    secret = set_up_app(client)
    stale = challenged(reviewer.person.email)
    give(stale, app_code(secret, 1))
    path = "/account/second-factor/totp/deactivate/"
    assert stale.post(path)["Location"].startswith("/account/confirm/")

    assert client.post(path)["Location"] == FACTORS
    assert sign_in(Client(), reviewer.person.email)["Location"] == "/"
    assert Authenticator.objects.count() == 0, "recovery codes for nothing are left"
    assert [verb for verb in verbs() if verb.startswith("second")] == ["second_factor.added", "second_factor.removed"]


@pytest.mark.django_db(transaction=True)
def test_changes_are_told_by_mail(client: Client, reviewer: Membership, settings: Any) -> None:
    settings.SENDS_EMAIL = True
    set_up_app(client)
    assert [message.to for message in mail.outbox] == [[reviewer.person.email]]


# The admin -----------------------------------------------------------------------------------------------


def test_the_admin_has_no_way_round_it(owner: Membership) -> None:
    owner.person.set_password(PASSWORD)
    owner.person.save()
    client = Client()
    sign_in(client, owner.person.email)
    secret = set_up_app(client)

    other = challenged(owner.person.email, next="/admin/")
    assert other.post("/admin/login/", {"username": owner.person.email, "password": PASSWORD}).status_code == 302
    # By way of the sign-in, which knows that one step is missing.
    visited = [address for address, _status in other.get("/admin/", follow=True).redirect_chain]
    assert visited == ["/admin/login/?next=/admin/", "/login/?next=/admin/", ASKED]
    # Asking at the sign-in again does not skip the second step, either.
    assert sign_in(other, owner.person.email, next="/admin/")["Location"] == ASKED
    assert give(other, app_code(secret, 1))["Location"] == "/admin/"
    assert other.get("/admin/").status_code == 200


# Projects that ask for one -------------------------------------------------------------------------------


@pytest.fixture
def asking(project: Project, owner: Membership) -> Project:
    change_second_factor_rule(project=project, required=True, actor=f"person:{owner.person_id}")
    return project


def test_a_member_without_one_is_led_to_it_and_then_back(asking: Project, client: Client) -> None:
    for page in (WORK, "/projects/billing/mine/", "/review/any/"):
        assert client.get(page)["Location"] == FACTORS, page
    assert client.post("/projects/billing/review/next/")["Location"] == FACTORS
    client.get(WORK)
    assert "Billing asks for a second factor" in text_of(client.get(FACTORS))

    set_up_app(client)

    page = text_of(client.get("/account/second-factor/recovery-codes/"))
    assert f'<a href="{WORK}">Go on where you were</a>' in page
    assert is_in(client)
    assert "Go on where you were" not in text_of(client.get(FACTORS))


def test_the_api_asks_the_browser_but_no_token_and_no_key(asking: Project, client: Client, owner: Membership) -> None:
    items(asking)
    refused = client.post("/api/v1/projects/billing/queue/claim/", {}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")

    token = create_person_token(person=Person.objects.get(email="rae@people.example"), actor="test")
    headers = {"Authorization": f"Token {token}"}
    claimed = Client().post(
        "/api/v1/projects/billing/queue/claim/", {}, content_type="application/json", headers=headers
    )
    assert claimed.status_code == 200


def test_owners_are_asked_too_at_the_console_and_in_the_admin(asking: Project, owner: Membership) -> None:
    client = signed_in(owner)
    for page in ("/projects/billing/console/", "/projects/billing/settings/", "/admin/"):
        assert client.get(page)["Location"] == FACTORS, page


def test_what_belongs_to_no_project_stays_open(asking: Project, client: Client) -> None:
    for page in ("/account/", "/account/preferences/", "/account/sessions/", FACTORS, "/logout/"):
        assert client.get(page).status_code == 200, page


def test_another_project_of_theirs_stays_open(asking: Project, reviewer: Membership) -> None:
    a_member(a_project("relaxed"))
    client = signed_in(reviewer)
    assert client.get("/projects/relaxed/review/").status_code == 200
    assert client.get(WORK)["Location"] == FACTORS


def test_strangers_learn_nothing_about_the_rule(asking: Project) -> None:
    assert Client().get(WORK)["Location"] == f"/login/?next={WORK}"
    stranger = Membership.objects.get(project__slug="support", role="reviewer")
    assert signed_in(stranger).get(WORK).status_code == 404


def test_owners_switch_the_rule_in_the_settings(project: Project, owner: Membership) -> None:
    client = signed_in(owner)
    path = "/projects/billing/settings/second-factor/"

    assert client.post(path, {"on": "yes"})["Location"] == "/projects/billing/settings/"
    project.refresh_from_db()
    assert project.second_factor_required
    assert AuditEntry.objects.filter(project=project, verb="second_factor.required").count() == 1
    assert client.get("/projects/billing/settings/")["Location"] == FACTORS

    change_second_factor_rule(project=project, required=False, actor="test")
    assert re.search(r"Second factor <span[^>]*>off", text_of(client.get("/projects/billing/settings/")))
    reviewer = a_member(project)
    assert signed_in(reviewer).post(path, {"on": "yes"}).status_code == 404


# When it is lost -------------------------------------------------------------------------------------------


def test_whoever_runs_the_installation_takes_a_lost_one_away(client: Client, reviewer: Membership) -> None:
    set_up_app(client)
    call_command("drop_second_factor", " Rae@people.example")

    assert sign_in(Client(), reviewer.person.email)["Location"] == "/"
    assert verbs()[-1] == "second_factor.dropped"
    with pytest.raises(CommandError, match="Nobody has the address"):
        call_command("drop_second_factor", "nobody@people.example")
