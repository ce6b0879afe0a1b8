"""A project with a reviewer who has a password, and an empty cache: rate limits and used codes live there."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from reviewapp.core.models import Membership, Project
from tests.browser.cast import PASSWORD, a_member, a_project


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """Hashing one properly takes a third of a second, and nothing here depends on it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _noise(request: Any) -> None:
    """Somebody else, in another project, whom nothing here is about."""
    if "project" in request.fixturenames:
        request.getfixturevalue("project")
        a_member(a_project("support"), name="noise")


@pytest.fixture
def project(db: None) -> Project:
    return a_project()


@pytest.fixture
def reviewer(project: Project) -> Membership:
    return a_member(project, password=PASSWORD)


@pytest.fixture
def owner(project: Project) -> Membership:
    return project.memberships.get(role="owner")


@pytest.fixture
def client(reviewer: Membership) -> Client:
    """The reviewer's browser, signed in with the password."""
    from tests.accounts.doing import sign_in

    client = Client()
    sign_in(client, reviewer.person.email)
    return client
