"""What every test stands on: the databases, the browser, and which tests a run is for.

`TEST_ENGINE=sqlite` (the default) runs every test that the embedded installation can run.
`TEST_ENGINE=postgres` runs the tests that touch a database, again, on PostgreSQL and Redis; those
that touch none would only repeat themselves. Django is set up here, not by pytest-django's own
option, because its settings are read once and the addresses must be known by then.
"""

import atexit
import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import django
import pytest
from django.conf import settings

from tests.services.engine import Engine, chosen_engine, engine_environment
from tests.services.installing import ServiceUnavailable

ROOT = Path(__file__).resolve().parent.parent
REVIEW_DATA = ROOT / os.environ.get("REVIEW_DATA", "../shared/data")
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server"}
BROWSER_FIXTURES = {"browser", "page"}
PRODUCTION_FIXTURES = {"redis_url"}

_SERVICES = contextlib.ExitStack()
atexit.register(_SERVICES.close)


def start_engine() -> Engine:
    """Start the services, point Django's settings at them, and load Django."""
    if settings.configured or "DJANGO_SETTINGS_MODULE" in os.environ:
        pytest.exit("Unset DJANGO_SETTINGS_MODULE: the tests choose their own databases.", returncode=4)
    try:
        engine = chosen_engine()
        _SERVICES.enter_context(engine_environment(engine))
    except (ServiceUnavailable, ValueError) as error:
        pytest.exit(str(error), returncode=4)
    os.environ["DJANGO_SETTINGS_MODULE"] = "reviewapp.settings"
    django.setup()
    return engine


ENGINE = start_engine()


def pytest_configure(config: pytest.Config) -> None:
    # The default would end Python at once, without fixtures' clean-up.
    signal.signal(signal.SIGTERM, _end)


def _end(signal_number: int, frame: FrameType | None) -> None:
    pytest.exit(f"stopped by {signal.Signals(signal_number).name}", returncode=128 + signal_number)


def pytest_unconfigure(config: pytest.Config) -> None:
    _SERVICES.close()


def pytest_report_header(config: pytest.Config) -> str:
    data = "present" if REVIEW_DATA.is_dir() else "missing, tests that need it are left out"
    return f"engine: {ENGINE}, real outputs: {data}"


# Which tests run -----------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they use, then leave out what this run is not for."""
    left_out: dict[str, list[pytest.Item]] = {}
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & BROWSER_FIXTURES:
            item.add_marker("browser")
        if fixtures & PRODUCTION_FIXTURES:
            item.add_marker("postgres")
        reason = reason_to_leave_out(item, fixtures)
        if reason:
            left_out.setdefault(reason, []).append(item)
    dropped = {id(item) for group in left_out.values() for item in group}
    items[:] = [item for item in items if id(item) not in dropped]
    config.hook.pytest_deselected(items=[item for group in left_out.values() for item in group])
    config.stash[LEFT_OUT] = {reason: len(group) for reason, group in left_out.items()}


LEFT_OUT = pytest.StashKey[dict[str, int]]()


def reason_to_leave_out(item: pytest.Item, fixtures: set[str]) -> str | None:
    if item.get_closest_marker("needs_data") and not REVIEW_DATA.is_dir():
        return "REVIEW_DATA is not there"
    if ENGINE is Engine.SQLITE:
        return "run under TEST_ENGINE=postgres" if item.get_closest_marker("postgres") else None
    if item.get_closest_marker("postgres"):
        return None
    if item.get_closest_marker("browser"):
        return "browser, run under TEST_ENGINE=sqlite"
    return None if touches_database(item, fixtures) else "no database, run under TEST_ENGINE=sqlite"


def touches_database(item: pytest.Item, fixtures: set[str]) -> bool:
    from django.test import TransactionTestCase

    test_class = getattr(item, "cls", None)
    is_django_case = isinstance(test_class, type) and issubclass(test_class, TransactionTestCase)
    return bool(fixtures & DATABASE_FIXTURES or item.get_closest_marker("django_db") or is_django_case)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for reason, count in sorted(config.stash.get(LEFT_OUT, {}).items()):
        terminalreporter.write_line(f"left out: {count} tests ({reason})")


# Databases -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def review_data() -> Path:
    """Folder of the real outputs; use with the marker `needs_data`."""
    return REVIEW_DATA


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Address of the real Redis; a test that asks for it runs under TEST_ENGINE=postgres only."""
    return os.environ["REDIS_URL"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep SQLite's test database in a file: in memory, threads and write-ahead logging behave otherwise."""
    from django.db import connection

    if connection.vendor == "sqlite":
        folder = tmp_path_factory.mktemp("database")
        connection.settings_dict["TEST"]["NAME"] = str(folder / "test.sqlite3")


@pytest.fixture(scope="session", autouse=True)
def _flush_past_triggers() -> Iterator[None]:
    """Let the flush after a `transaction=True` test empty tables whose triggers refuse deletion.

    On SQLite a flush is a DELETE per table. The triggers are dropped and made again in the very
    transaction of the flush, so no test and no other connection ever sees the database without
    them. On PostgreSQL a flush is a TRUNCATE, which row triggers do not see.
    """
    from django.db.backends.sqlite3.base import DatabaseWrapper

    original: Callable[[Any, list[str]], None] = DatabaseWrapper.ops_class.execute_sql_flush

    def execute_sql_flush(operations: Any, sql_list: list[str]) -> None:
        with operations.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        drop = [f"DROP TRIGGER {operations.quote_name(name)}" for name, _ in triggers]
        original(operations, [*drop, *sql_list, *(sql for _, sql in triggers)])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseWrapper.ops_class, "execute_sql_flush", execute_sql_flush)
        yield


# Browser -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium (`playwright.sync_api.Browser`) for all browser tests."""
    from playwright.sync_api import sync_playwright

    from tests.services.chromium import find_chromium, launch_arguments

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread; Django would take every query for an async one.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        launched = playwright.chromium.launch(
            executable_path=find_chromium(playwright), headless=True, args=launch_arguments()
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh page with its own cookies. A script error or a breach of the CSP fails the test."""
    context = browser.new_context(locale="en-GB", timezone_id="UTC", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    complaints: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield opened
    context.close()
    assert not complaints, "the page complained:\n" + "\n".join(complaints)
