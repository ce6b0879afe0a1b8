"""Promise 10: what belongs to a project one is not a member of does not exist, at any address.

Addresses come from the URL configuration, so a new one is tested the day it is routed; one whose
parameters the estate has no object for fails the test until it gets one.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import ForeignKey, Model
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from reviewapp.core.models import Membership, Project, Role
from reviewapp.core.services.people import add_member
from tests.addresses import Address, addresses
from tests.factories import make_noise
from tests.people import Cast, make_cast, person
from tests.promises.estate import Estate, build_estate

pytestmark = pytest.mark.django_db

MARK = "marmalade"
HIDDEN = {401, 403, 404, 405}
# Opens for whoever was handed the link, and for nobody else: there is no outsider who has it.
HANDED_OUT = "invitations/<str:token>/"
# Answers only once a sign-in service is set up, or with 401 by nature; tests/accounts looks at them.
OF_A_SERVICE = {"account/service/<str:provider_id>/back/", "account/service/error/"}
# Bodies that would do something, if they were let through.
BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"reason": "x", "password": "x", "decision": "approve", "confirm": "yes"},
    {"idempotency_key": "k", "values": {"acceptable": "yes"}},
)


@dataclass(frozen=True)
class Outsider:
    """Somebody who is not in the project: how they ask, and what for."""

    name: str
    ask: Callable[[str, str, dict[str, Any]], HttpResponse]


@pytest.fixture
def estate(db: None) -> Estate:
    return build_estate(make_cast(MARK))


@pytest.fixture
def elsewhere(db: None) -> Cast:
    return make_noise()


def outsiders(elsewhere: Cast) -> Iterator[Outsider]:
    """The other project's key and people, by token and by session; a stranger; nobody at all."""
    yield Outsider("key", _with_header(f"Api-Key {elsewhere.key}"))
    for member in (elsewhere.owner, elsewhere.auditor, elsewhere.adjudicator, elsewhere.reviewers[0]):
        yield Outsider(f"{member.role} by token", _with_header(person(member).headers["Authorization"]))
        client = Client()
        client.force_login(member.person)
        yield Outsider(f"{member.role} by session", _with_client(client))
    yield Outsider("nobody", _with_client(Client()))


def _with_header(authorization: str) -> Callable[[str, str, dict[str, Any]], HttpResponse]:
    return _with_client(Client(headers={"Authorization": authorization}))


def _with_client(client: Client) -> Callable[[str, str, dict[str, Any]], HttpResponse]:
    def ask(method: str, path: str, body: dict[str, Any]) -> HttpResponse:
        if method == "get":
            return client.get(path)
        if path.startswith("/api/"):
            return getattr(client, method)(path, json.dumps(body), content_type="application/json")
        return getattr(client, method)(path, body)

    return ask


def test_it_answers_nothing_to_anybody_from_elsewhere(estate: Estate, elsewhere: Cast) -> None:
    before = rows_of(estate.cast.project)
    leaks = []
    # Signing out comes last: after it, everybody is nobody.
    asked = sorted(addresses(), key=lambda address: address.route == "logout/")
    for outsider in outsiders(elsewhere):
        for address in asked:
            if address.route == HANDED_OUT:
                continue
            path = address.path(estate.address_values)
            for method in address.methods:
                for body in BODIES if method != "get" else BODIES[:1]:
                    response = outsider.ask(method, path, body)
                    if not hidden(address, response):
                        leaks.append(f"{outsider.name}: {method} {path} answered {response.status_code}")
    assert not leaks, "\n".join(sorted(set(leaks)))
    assert rows_of(estate.cast.project) == before


def hidden(address: Address, response: HttpResponse) -> bool:
    """Refused; or sent to the sign-in; or, at an address that names no project, answered without a word of ours."""
    if response.status_code == 302 and response["Location"].startswith("/login/"):
        return True
    if response.status_code in HIDDEN:
        return MARK not in told(response).replace(f"/{MARK}/", "/")
    return "projects/slug" not in address.parameters and MARK not in told(response)


def told(response: HttpResponse) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode() + str(response.headers)


def test_it_answers_people_of_the_project_at_every_one_of_these_addresses(estate: Estate) -> None:
    """Or the test above would pass over addresses that lead nowhere."""
    insiders = [_with_header(f"Api-Key {estate.cast.key}")]
    for member in (estate.cast.reviewers[0], estate.cast.owner):
        client = Client()
        client.force_login(member.person)
        insiders += [_with_client(client), _with_header(person(member).headers["Authorization"])]
    silent = []
    for address in sorted(addresses(), key=lambda address: address.route == "logout/"):
        if address.route in OF_A_SERVICE:
            continue
        path = address.path(estate.address_values)
        asked = [ask(method, path, {}).status_code for ask in insiders for method in address.methods]
        if not set(asked) - {401, 403, 404, 405}:
            silent.append(f"{address.route}: {asked}")
    assert not silent, "\n".join(silent)


@pytest.mark.parametrize("role", Role.values)
def test_it_answers_404_and_not_403_for_a_project_one_is_not_in(role: str, estate: Estate, elsewhere: Cast) -> None:
    """A 403 would say that there is something."""
    member = Membership.objects.filter(project=elsewhere.project, role=role)[0]
    ask = _with_header(person(member).headers["Authorization"])
    for address in addresses():
        if not address.is_api or "projects/slug" not in address.parameters:
            continue
        there = address.path(estate.address_values)
        nowhere = address.path(estate.address_values | {"projects/slug": "nowhere"})
        for method in address.methods:
            first, second = ask(method, there, {}), ask(method, nowhere, {})
            assert (first.status_code, first.content) == (second.status_code, second.content) == (404, second.content)


def test_it_shows_a_member_of_both_projects_one_at_a_time(estate: Estate, elsewhere: Cast) -> None:
    both = add_member(project=elsewhere.project, email=estate.cast.owner.person.email, role=Role.OWNER, actor="test")
    client = Client()
    client.force_login(both.person)
    for address in addresses():
        if "projects/slug" in address.parameters and "get" in address.methods:
            response = client.get(address.path(estate.address_values | {"projects/slug": "elsewhere"}))
            # The menu, outside of <main>, names the person's projects; some pages name their own address.
            text = told(response).partition("<main")[2].partition("</main>")[0] or told(response)
            text = text.replace(f"{MARK}.example", "")
            assert MARK not in text, f"{address.route} shows {MARK} at another project's address"


# Every row of a project, by following foreign keys to it --------------------------------------------------


def rows_of(project: Project) -> dict[str, list[dict[str, Any]]]:
    return {
        model._meta.label: list(model._default_manager.filter(**{path: project.pk}).order_by("pk").values())
        for label in ("core", "labeling", "routing")
        for model in apps.get_app_config(label).get_models()
        if (path := path_to_project(model))
    }


def path_to_project(model: type[Model], seen: frozenset[type[Model]] = frozenset()) -> str | None:
    """The shortest way along foreign keys from a row to its project, as a filter."""
    if model is Project:
        return "pk"
    ways = [
        field.name if further == "pk" else f"{field.name}__{further}"
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and field.related_model not in seen
        if (further := path_to_project(field.related_model, seen | {model}))
    ]
    return min(ways, key=lambda way: (way.count("__"), way), default=None)


def test_it_finds_the_way_to_the_project_from_every_kind_of_row() -> None:
    models = [model for label in ("core", "labeling", "routing") for model in apps.get_app_config(label).get_models()]
    without = {model.__name__ for model in models if path_to_project(model) is None}
    assert without == {"Person", "PersonToken"}


# The admin ------------------------------------------------------------------------------------------------


def admin_pages(project: Project) -> Iterator[str]:
    """The list of every kind of object in the admin, and the pages of one object of each kind."""
    for model in admin.site._registry:
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{base}_changelist")
        yield reverse(f"{base}_add")
        path = path_to_project(model)
        for row in model._default_manager.filter(**{path: project.pk})[:1] if path else ():
            for page in ("change", "delete", "history"):
                yield reverse(f"{base}_{page}", args=[row.pk])


def test_it_shows_nothing_in_the_admin_to_an_owner_from_elsewhere(estate: Estate, elsewhere: Cast) -> None:
    client = Client()
    client.force_login(elsewhere.owner.person)
    before = rows_of(estate.cast.project)
    pages = list(admin_pages(estate.cast.project))
    insider = Client()
    insider.force_login(estate.cast.owner.person)
    assert sum(MARK in told(insider.get(page)) for page in pages) > 5, "the admin hides everything from everybody"
    for page in pages:
        assert MARK not in told(client.get(page, follow=True)), page
        assert client.post(page, {"post": "yes"}, follow=True).status_code < 500
    assert rows_of(estate.cast.project) == before


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADJUDICATOR, Role.AUDITOR])
def test_it_keeps_everybody_but_owners_out_of_the_admin(role: str, estate: Estate) -> None:
    member = Membership.objects.filter(project=estate.cast.project, role=role)[0]
    client = Client()
    client.force_login(member.person)
    for page in [reverse("admin:index"), *admin_pages(estate.cast.project)]:
        response = client.get(page)
        assert response.status_code in (302, 403, 404), page
        assert MARK not in told(response).replace(MARK + ".example", ""), page
