"""Signing in, the home page and the menus."""

import re

import pytest
from django.test import Client

from reviewapp.core.models import Membership, Project
from tests.browser.cast import (
    PASSWORD,
    a_member,
    a_project,
)
from tests.browser.visiting import queries, signed_in, text_of


@pytest.fixture
def project(db: None) -> Project:
    return a_project()


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project)


@pytest.fixture
def client(reviewer: Membership) -> Client:
    return signed_in(reviewer)


# Signing in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/projects/billing/review/", "/projects/billing/mine/", "/review/any/"], ids=str)
def test_it_asks_strangers_to_sign_in_and_brings_them_back(project: Project, path: str) -> None:
    response = Client().get(path)

    assert response.status_code == 302
    assert response["Location"].startswith("/login/?next=")


def test_it_says_the_same_about_an_unknown_address_and_a_wrong_password(project: Project) -> None:
    a_member(project, password=PASSWORD)

    def refusal(email: str) -> str:
        response = Client().post("/login/", {"username": email, "password": "wrong"})
        assert response.status_code == 200
        return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text_of(response)).replace(email, "EMAIL")

    assert "do not go together" in refusal("nobody@people.example")
    assert refusal("rae@people.example") == refusal("nobody@people.example")


def test_it_signs_in_whatever_the_case_of_the_address(project: Project) -> None:
    a_member(project, password=PASSWORD)

    response = Client().post("/login/", {"username": " Rae@People.EXAMPLE ", "password": PASSWORD})

    assert response.status_code == 302
    assert response["Location"] == "/"


def test_it_asks_before_signing_out_by_a_link(client: Client) -> None:
    assert "Sign out?" in text_of(client.get("/logout/"))
    assert client.get("/projects/billing/review/").status_code == 200

    client.post("/logout/")
    assert client.get("/projects/billing/review/").status_code == 302


# Home and menus ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["reviewer", "adjudicator"])
def test_home_takes_a_person_with_one_queue_straight_to_it(project: Project, role: str) -> None:
    response = signed_in(a_member(project, role)).get("/")

    assert response["Location"] == "/projects/billing/review/"


def test_home_lists_several_projects_with_what_can_be_done_there(reviewer: Membership) -> None:
    other = a_project("support")
    a_member(other, "adjudicator")

    page = text_of(signed_in(reviewer).get("/"))

    assert "Billing" in page
    assert "Adjudicate" in page
    assert "/projects/support/review/" in page


def test_home_tells_a_person_without_a_project_whom_to_ask(reviewer: Membership) -> None:
    stranger = a_member(a_project("support"), name="sam")
    stranger.delete()

    assert "not a member of any project" in text_of(signed_in(stranger).get("/"))


def test_menus_cost_one_query_whatever_the_number_of_projects(client: Client, project: Project) -> None:
    one = queries(lambda: client.get("/projects/billing/review/"))
    for number in range(6):
        a_member(a_project(f"more-{number}"))

    assert queries(lambda: client.get("/projects/billing/review/")) == one


# When something is wrong -----------------------------------------------------------------------------


def test_an_unknown_page_has_a_way_back(client: Client) -> None:
    response = client.get("/projects/elsewhere/review/")

    assert response.status_code == 404
    assert "There is nothing here for you" in text_of(response)
    assert 'href="/"' in text_of(response)


def test_a_form_from_an_older_session_is_refused_in_plain_words(reviewer: Membership) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(reviewer.person)

    response = client.post("/projects/billing/review/next/")

    assert response.status_code == 403
    assert "what you typed is kept" in text_of(response)
