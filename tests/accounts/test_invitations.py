"""Invitations: made and shown once, accepted once, by whom they are for."""

import json
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from reviewapp.core.models import AuditEntry, Invitation, Membership, Person, Project
from reviewapp.core.services.invitations import InvitationRefused, accept_as, accept_as_new, invite, open_invitation
from tests.accounts.doing import is_in, set_up_app, sign_in
from tests.browser.cast import PASSWORD, a_member, a_project
from tests.browser.visiting import queries, signed_in, text_of

pytestmark = pytest.mark.django_db

NEW = "nia@people.example"
CONSOLE = "/projects/billing/settings/invitations/"


def invited(project: Project, email: str = NEW, role: str = "reviewer") -> str:
    """The path of a new link."""
    made = invite(project=project, email=email, role=role, actor="test", now=timezone.now())
    return f"/invitations/{made.token}/"


def join(client: Client, path: str, password: str = PASSWORD, name: str = "Nia") -> Any:
    return client.post(path, {"name": name, "password": password})


def over(client: Client, path: str) -> bool:
    response = client.get(path)
    return response.status_code == 404 and "This invitation is over" in text_of(response)


# Accepting -----------------------------------------------------------------------------------------------


def test_a_new_person_chooses_a_password_and_is_in(project: Project) -> None:
    path, client = invited(project, role="adjudicator"), Client()

    page = text_of(client.get(path))
    assert all(words in page for words in ("Invitation to Billing", NEW, "Adjudicator"))
    assert join(client, path)["Location"] == "/"

    assert is_in(client)
    member = Membership.objects.get(person__email=NEW)
    assert (member.project, member.role, member.person.name) == (project, "adjudicator", "Nia")
    assert sign_in(Client(), NEW)["Location"] == "/"
    verbs = set(AuditEntry.objects.filter(project=project).values_list("verb", flat=True))
    assert {"invitation.made", "invitation.accepted", "member.added"} <= verbs


def test_looking_at_the_link_changes_nothing(project: Project) -> None:
    path = invited(project)
    for _time in range(3):
        assert Client().get(path).status_code == 200
        assert Client().head(path).status_code == 200
    assert not Person.objects.filter(email=NEW).exists()


def test_it_works_once(project: Project) -> None:
    path = invited(project)
    join(Client(), path)

    assert over(Client(), path)
    assert join(Client(), path, "yet-another-password").status_code == 404
    assert sign_in(Client(), NEW, "yet-another-password").status_code == 200


def test_it_ends_after_two_weeks(project: Project) -> None:
    path = invited(project)
    with time_machine.travel(timezone.now() + timedelta(days=13, hours=23)):
        assert Client().get(path).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=14, minutes=1)):
        assert over(Client(), path)
        assert join(Client(), path).status_code == 404
    assert not Person.objects.filter(email=NEW).exists()


def test_it_ends_when_it_is_withdrawn_or_made_again(project: Project, owner: Membership) -> None:
    first = invited(project)
    second = invited(project)
    assert over(Client(), first)
    assert Client().get(second).status_code == 200

    row = Invitation.objects.get(revoked_at=None)
    signed_in(owner).post(f"{CONSOLE}{row.pk}/revoke/")
    assert over(Client(), second)
    assert join(Client(), second).status_code == 404


@pytest.mark.parametrize("token", ["x", "0" * 12 + ".secret", "%00", "a b", "..........."])
def test_a_made_up_link_is_over(project: Project, token: str) -> None:
    assert Client().get(f"/invitations/{token}/").status_code == 404


def test_the_right_prefix_with_another_secret_is_over(project: Project) -> None:
    assert over(Client(), invited(project)[:-2] + "/")


def test_a_weak_password_is_refused_and_the_link_kept(project: Project) -> None:
    path = invited(project)
    for password in ("short", "password1234", "nia@people.example", ""):
        assert join(Client(), path, password).status_code == 400, password
    assert join(Client(), path).status_code == 302


# Whoever has an account ------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", [PASSWORD, None], ids=["with a password", "without"])
def test_the_holder_of_a_link_gets_no_password_to_an_account_that_exists(
    project: Project, password: str | None
) -> None:
    """Another project's owner could invite anybody, and open the link themselves."""
    member = a_member(a_project("secret"), name="nia", password=password)
    path = invited(project)

    refused = join(Client(), path, "chosen-by-the-owner")

    assert refused.status_code == 400
    assert "sign in to accept" in text_of(refused)
    assert sign_in(Client(), NEW, "chosen-by-the-owner").status_code == 200
    member.person.refresh_from_db()
    assert member.person.has_usable_password() == (password is not None)
    assert not Membership.objects.filter(project=project, person=member.person).exists()


def test_opening_the_link_does_not_tell_whether_there_is_an_account(project: Project) -> None:
    a_member(a_project("secret"), name="known")
    pages = []
    for name in ("known", "nobody"):
        path = invited(project, f"{name}@people.example")
        page = text_of(Client().get(path)).replace(path.replace("/", "%2F"), "PATH").replace(f"{name}@", "NAME@")
        pages.append(re.sub(r'value="\w{64}"', "", page))
    assert pages[0] == pages[1]


def test_somebody_with_an_account_signs_in_and_joins(project: Project) -> None:
    member = a_member(a_project("secret"), name="nia", password=PASSWORD)
    path, client = invited(project, "NIA@people.example"), Client()
    assert f'href="/login/?next={path.replace("/", "%2F")}"' in text_of(client.get(path))

    assert sign_in(client, NEW, next=path)["Location"] == path
    assert "Join" in text_of(client.get(path))
    assert client.post(path)["Location"] == "/"

    assert is_in(client)
    assert member.person.memberships.count() == 2
    assert over(client, path)


def test_a_second_factor_comes_before_joining(project: Project) -> None:
    a_member(a_project("secret"), name="nia", password=PASSWORD)
    first = Client()
    sign_in(first, NEW)
    set_up_app(first)
    path, client = invited(project), Client()

    sign_in(client, NEW, next=path)
    assert client.post(path, {"name": "", "password": PASSWORD}).status_code == 400
    assert not Membership.objects.filter(project=project, person__email=NEW).exists()


def test_somebody_else_who_is_signed_in_cannot_take_it(project: Project, client: Client) -> None:
    path = invited(project)
    assert "This invitation is for another address" in text_of(client.get(path))
    assert client.post(path, {"password": PASSWORD}).status_code == 403
    assert Client().get(path).status_code == 200, "the link is used up"


def test_whoever_became_a_member_meanwhile_keeps_their_role(project: Project) -> None:
    path = invited(project, role="auditor")
    member = a_member(project, "reviewer", "nia")
    signed_in(member).post(path)
    member.refresh_from_db()
    assert member.role == "reviewer"


def test_of_two_who_accept_at_once_one_does(project: Project) -> None:
    made = invite(project=project, email=NEW, role="reviewer", actor="test", now=timezone.now())
    stale = open_invitation(token=made.token, now=timezone.now())
    assert stale is not None
    person = accept_as_new(invitation=made.invitation, password=PASSWORD, name="", now=timezone.now()).person
    with pytest.raises(InvitationRefused, match="used or revoked"):
        accept_as(invitation=stale, person=person, now=timezone.now())


# The owner's page --------------------------------------------------------------------------------------------


def ask(owner: Membership, email: str = NEW, role: str = "reviewer") -> Any:
    return signed_in(owner).post(CONSOLE, {"email": email, "role": role})


def test_the_link_is_shown_once_and_leads_in(owner: Membership) -> None:
    page = text_of(ask(owner))
    [path] = re.findall(r"http://testserver(/invitations/[^<]+)<", page)
    assert "No mail was sent" in page

    listed = text_of(signed_in(owner).get(CONSOLE))
    assert NEW in listed
    assert path.split(".")[1].strip("/") not in listed
    assert path.split(".")[1].strip("/") not in json.dumps(list(Invitation.objects.values()), default=str)
    assert join(Client(), path).status_code == 302
    assert NEW not in text_of(signed_in(owner).get(CONSOLE))


def test_it_is_mailed_where_mail_is_set_up(owner: Membership, settings: Any) -> None:
    settings.SENDS_EMAIL = True
    page = text_of(ask(owner))
    [message] = mail.outbox
    assert (message.to, message.subject) == ([NEW], "Invitation to Billing")
    [link] = re.findall(r"http://testserver/invitations/\S+", message.body)
    assert link in page
    assert f"It was sent to {NEW} as well" in page


def test_a_member_is_not_invited_again(owner: Membership, reviewer: Membership) -> None:
    refused = ask(owner, reviewer.person.email)
    assert refused.status_code == 400
    assert "is a member of this project already" in text_of(refused)


@pytest.mark.parametrize(("email", "role"), [("nonsense", "reviewer"), (NEW, "king"), ("", "reviewer"), (NEW, "")])
def test_it_refuses_what_is_no_address_and_no_role(owner: Membership, email: str, role: str) -> None:
    assert ask(owner, email, role).status_code == 400
    assert not Invitation.objects.exists()


def test_only_owners_of_the_project_invite_and_withdraw(project: Project, reviewer: Membership) -> None:
    invited(project)
    row = Invitation.objects.get()
    stranger = Membership.objects.get(project__slug="support", role="owner")
    for member in (reviewer, a_member(project, "auditor", "aud"), stranger):
        assert signed_in(member).get(CONSOLE).status_code == 404
        assert ask(member).status_code == 404
        assert signed_in(member).post(f"{CONSOLE}{row.pk}/revoke/").status_code == 404
    # Its own page, another project's invitation.
    assert signed_in(stranger).post(f"/projects/support/settings/invitations/{row.pk}/revoke/").status_code == 404
    row.refresh_from_db()
    assert row.revoked_at is None
    assert NEW not in text_of(signed_in(stranger).get("/projects/support/settings/invitations/"))


def test_the_list_costs_the_same_whatever_its_length(project: Project, owner: Membership) -> None:
    client = signed_in(owner)
    invited(project)
    one = queries(lambda: client.get(CONSOLE))
    for number in range(6):
        invited(project, f"person{number}@people.example")
    assert queries(lambda: client.get(CONSOLE)) == one


# The command -------------------------------------------------------------------------------------------------


def test_the_command_prints_the_link(project: Project) -> None:
    out = StringIO()
    call_command(
        "invite", NEW, "--project", "billing", "--role", "auditor", "--site", "https://review.example/", stdout=out
    )
    link = out.getvalue().strip()
    assert link.startswith("https://review.example/invitations/")
    assert join(Client(), link.removeprefix("https://review.example")).status_code == 302

    out = StringIO()
    call_command("invite", "two@people.example", "--project", "billing", "--role", "owner", "--json", stdout=out)
    assert set(json.loads(out.getvalue())) == {"email", "project", "role", "expires_at", "link"}


def test_the_command_says_what_is_wrong(project: Project, reviewer: Membership) -> None:
    for email, slug, message in (
        (NEW, "nowhere", "no project"),
        ("nonsense", "billing", "not an e-mail address"),
        (reviewer.person.email, "billing", "member of this project already"),
    ):
        with pytest.raises(CommandError, match=message):
            call_command("invite", email, "--project", slug, "--role", "reviewer")
