"""Health and readiness: alive is one thing, ready for traffic another."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client

from tests.services.server import free_port


def ask(path: str) -> tuple[int, dict[str, Any]]:
    answer = Client().get(path)
    return answer.status_code, answer.json()


def test_it_is_alive_without_any_database() -> None:
    # No test that asks for no database may reach one, so this would fail if /healthz tried.
    assert ask("/healthz") == (200, {"status": "ok"})


def test_it_is_not_ready_while_the_database_does_not_answer() -> None:
    status, body = ask("/readyz")
    assert (status, body["status"]) == (503, "unavailable")


@pytest.mark.django_db
def test_it_is_ready_with_every_migration() -> None:
    status, body = ask("/readyz")
    assert (status, body["status"], body["pending_migrations"]) == (200, "ok", 0)


@pytest.mark.django_db
def test_it_is_not_ready_with_a_migration_missing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'routing' AND name LIKE '0002%%'")
    status, body = ask("/readyz")
    assert (status, body["status"], body["pending_migrations"]) == (503, "unavailable", 1)


@pytest.mark.django_db
def test_it_is_ready_only_while_the_broker_answers(redis_url: str, settings: LazySettings) -> None:
    assert ask("/readyz")[1]["broker"] == "ok"
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    status, body = ask("/readyz")
    assert (status, body["status"], body["broker"]) == (503, "unavailable", "ConnectionError")


@pytest.mark.django_db
def test_an_embedded_installation_needs_no_broker(settings: LazySettings) -> None:
    settings.EMBEDDED = True
    settings.CELERY_BROKER_URL = "memory://localhost/"
    assert ask("/readyz") == (200, {"status": "ok", "pending_migrations": 0, "broker": "embedded"})
