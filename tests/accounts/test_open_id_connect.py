"""Signing in with the organisation's service, against a real one on loopback."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.utils import timezone

from reviewapp.core.models import Membership, Person, Project
from reviewapp.core.services.invitations import invite
from tests.accounts.doing import WORK, is_in, set_up_app, sign_in, verbs
from tests.accounts.identity import CLIENT, Provider, running_provider
from tests.browser.cast import PASSWORD, a_member, a_project
from tests.browser.visiting import text_of

pytestmark = pytest.mark.django_db

SERVICE = "/account/service/sso/"
NEW = "nia@people.example"


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with running_provider() as provider:
        app = {
            "provider_id": "sso",
            "name": "Example Works",
            "client_id": CLIENT[0],
            "secret": CLIENT[1],
            "settings": {"server_url": provider.url},
        }
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
        yield provider


def who(email: str, subject: str = "u-1", verified: Any = True) -> dict[str, Any]:
    return {"sub": subject, "email": email, "email_verified": verified, "name": "Nia Example"}


def way_back(client: Client, query: str = "") -> str:
    """Go to the service; the path that it sends the browser back to."""
    leaving = client.get(SERVICE + query)
    assert leaving.status_code == 302
    back = httpx.get(leaving["Location"], trust_env=False).headers["Location"]
    parts = urlsplit(back)
    assert parts.netloc == "testserver"
    return f"{parts.path}?{parts.query}"


def through(client: Client, query: str = "") -> Any:
    return client.get(way_back(client, query))


def test_somebody_with_an_account_is_known_by_the_verified_address(provider: Provider, reviewer: Membership) -> None:
    provider.claims = who("Rae@People.example")
    client = Client()
    assert "Sign in with Example Works" in text_of(client.get("/login/"))

    assert through(client, f"?next={WORK}")["Location"] == WORK

    assert is_in(client)
    assert SocialAccount.objects.get().user == reviewer.person
    assert "sign_in_service.connected" in verbs()
    assert sign_in(Client(), reviewer.person.email).status_code == 302, "the password is gone"


def test_from_then_on_the_service_s_own_name_for_them_counts(provider: Provider, reviewer: Membership) -> None:
    provider.claims = who(reviewer.person.email)
    through(Client())
    a_member(reviewer.project, name="other")

    provider.claims = who("other@people.example")
    client = Client()
    through(client)
    assert "rae@people.example" in text_of(client.get("/account/"))
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize("verified", [False, None, "false", "no", 0, 1, [True]], ids=repr)
def test_an_address_that_is_not_verified_opens_nothing(provider: Provider, reviewer: Membership, verified: Any) -> None:
    provider.claims = who(reviewer.person.email, verified=verified)
    client = Client()
    refused = through(client)

    assert refused.status_code == 403
    assert "There is no account for you here" in text_of(refused)
    assert not is_in(client)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("claims", [{"sub": "u-1"}, {"sub": "u-1", "email": "", "email_verified": True}], ids=repr)
def test_whoever_comes_without_an_address_finds_nothing(provider: Provider, claims: dict[str, Any]) -> None:
    provider.claims = claims
    assert through(Client()).status_code == 403


def test_nobody_signs_up_by_it(provider: Provider, project: Project) -> None:
    provider.claims = who("stranger@people.example")
    before = Person.objects.count()
    known_not_verified = Client()

    stranger = through(Client())
    provider.claims = who("owner@billing.example", verified=False)
    assert text_of(stranger) == text_of(through(known_not_verified)), "the answer tells who has an account"
    assert Person.objects.count() == before


def test_somebody_invited_gets_the_account_by_signing_in(provider: Provider, project: Project) -> None:
    other = a_project("second")
    for where, role in ((project, "reviewer"), (other, "auditor")):
        invite(project=where, email=NEW, role=role, actor="test", now=timezone.now())
    provider.claims = who(NEW)
    client = Client()

    assert through(client)["Location"] == "/"

    person = Person.objects.get(email=NEW)
    assert person.name == "Nia Example"
    assert not person.has_usable_password()
    assert {(row.project.slug, row.role) for row in person.memberships.all()} == {
        ("billing", "reviewer"),
        ("second", "auditor"),
    }
    assert is_in(client)


def test_an_invitation_that_is_over_is_none(provider: Provider, project: Project, owner: Membership) -> None:
    made = invite(project=project, email=NEW, role="reviewer", actor="test", now=timezone.now())
    type(made.invitation).objects.update(revoked_at=timezone.now())
    provider.claims = who(NEW)
    assert through(Client()).status_code == 403
    assert not Person.objects.filter(email=NEW).exists()


def test_the_second_factor_is_asked_for_here_too(provider: Provider, client: Client, reviewer: Membership) -> None:
    set_up_app(client)
    provider.claims = who(reviewer.person.email)
    other = Client()

    assert through(other)["Location"] == "/account/second-factor/authenticate/"
    assert not is_in(other)


def test_a_closed_account_stays_closed(provider: Provider, reviewer: Membership) -> None:
    reviewer.person.is_active = False
    reviewer.person.save()
    provider.claims = who(reviewer.person.email)
    client = Client()
    assert through(client)["Location"] == "/account/closed/"
    assert not is_in(client)


def test_user_information_about_somebody_else_is_refused(provider: Provider, reviewer: Membership) -> None:
    provider.claims, provider.lies = who("mallory@people.example"), who(reviewer.person.email, subject="u-2")
    client = Client()
    assert through(client).status_code == 403
    assert not is_in(client)


def test_no_link_ties_an_identity_to_whoever_is_signed_in(
    provider: Provider, client: Client, reviewer: Membership
) -> None:
    provider.claims = who("mallory@people.example")
    assert client.get(f"{SERVICE}?process=connect")["Location"] == "/"
    # Begun before somebody signed in, in the same browser.
    fresh = Client()
    back = way_back(fresh, "?process=connect")
    sign_in(fresh, reviewer.person.email)
    fresh.get(back)
    assert not SocialAccount.objects.exists()


def test_an_answer_that_nobody_asked_for_is_refused(provider: Provider, reviewer: Membership) -> None:
    provider.claims = who(reviewer.person.email)
    back = way_back(Client())
    other = Client()
    assert other.get(back).status_code in (401, 403)
    assert not is_in(other)


def test_a_code_works_once(provider: Provider, reviewer: Membership) -> None:
    provider.claims = who(reviewer.person.email)
    client = Client()
    back = way_back(client)
    client.get(back)
    client.post("/logout/")
    client.get(back)
    assert not is_in(client)


def test_whoever_changes_their_mind_there_is_told(provider: Provider) -> None:
    client = Client()
    state = parse_qs(urlsplit(client.get(SERVICE)["Location"]).query)["state"][0]
    page = client.get(f"{SERVICE}back/", {"error": "access_denied", "state": state}, follow=True)
    assert "You did not sign in" in text_of(page)


def test_a_service_that_is_down_is_no_error_of_ours(provider: Provider, reviewer: Membership) -> None:
    provider.broken = True
    page = Client().get(SERVICE)
    assert page.status_code == 502
    assert "did not answer as expected" in text_of(page)

    provider.broken = False
    client = Client()
    back = way_back(client)
    provider.broken = True
    assert "did not answer as expected" in text_of(client.get(back))


def test_it_goes_on_where_it_was_and_nowhere_else(provider: Provider, reviewer: Membership) -> None:
    provider.claims = who(reviewer.person.email)
    assert through(Client(), "?next=https://evil.example/")["Location"] == "/"


def test_without_a_service_there_is_neither_button_nor_address(reviewer: Membership) -> None:
    assert "/account/service/" not in text_of(Client().get("/login/"))
    assert Client().get(SERVICE).status_code == 404
    assert Client().get(f"{SERVICE}back/").status_code == 404
    assert Client().get("/account/service/other/").status_code == 404


def test_other_people_s_passwords_still_work(provider: Provider, reviewer: Membership) -> None:
    assert sign_in(Client(), reviewer.person.email, PASSWORD).status_code == 302
