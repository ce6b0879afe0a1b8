"""`manage.py up` on SQLite, as a process: it serves, does the background work, and stops without a trace."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.operations.installation import ROOT, Installation, Running, wait_until
from tests.services.server import free_port

# A person took an item an hour ago, for half an hour, and never came back.
PREPARE = """
from datetime import timedelta
from django.core.management import call_command
from django.utils import timezone
from labeling.services.claiming import claim_seat
from tests.factories import output_body, route
from tests.people import make_cast

call_command("migrate", verbosity=0)
then = timezone.now() - timedelta(hours=1)
cast = make_cast()
route(cast.project, output_body(), now=then)
assert claim_seat(reviewer=cast.reviewers[0], now=then)
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Migrated, with one seat whose lease has ended."""
    made = Installation(tmp_path_factory.mktemp("installation"))
    ended = made.manage("shell", "--command", PREPARE)
    assert ended.returncode == 0, ended.stderr
    return made


@pytest.fixture(scope="module")
def running(installation: Installation) -> Iterator[Running]:
    with installation.up() as started:
        yield started
        # Ctrl+C in a terminal ends it just as well.
        assert started.stop(signal.SIGINT) == 0
        assert not started.has_processes


def seat_states(folder: Path) -> list[str]:
    """Read past the application, in a connection of our own."""
    connection = sqlite3.connect(f"file:{folder / 'reviewapp.sqlite3'}?mode=ro", uri=True, timeout=10)
    try:
        return [row[0] for row in connection.execute("SELECT state FROM labeling_seat")]
    finally:
        connection.close()


def test_it_refuses_to_start_on_a_database_without_its_migrations(tmp_path: Path) -> None:
    ended = Installation(tmp_path).manage("up", "--port", str(free_port()))
    assert ended.returncode == 1
    assert ended.stderr.strip() == "CommandError: The database lacks migrations. Run: manage.py migrate"
    assert "Listening" not in ended.stdout


def test_it_serves_its_pages_and_their_style(running: Running) -> None:
    assert running.get("/healthz")[2] == '{"status": "ok"}'
    status, _headers, body = running.get("/readyz")
    assert (status, '"broker": "embedded"' in body) == (200, True)
    status, headers, body = running.get("/static/css/app.css")
    assert (status, headers["Content-Type"]) == (200, 'text/css; charset="utf-8"')
    assert body == (ROOT / "static" / "css" / "app.css").read_text(encoding="utf-8")
    status, headers, body = running.get("/login/")
    assert (status, 'name="password"' in body) == (200, True)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert running.get("/api/v1/outputs/")[0] == 401
    assert f"Listening on http://127.0.0.1:{running.port}/" in running.said()


def test_its_background_work_gives_back_a_seat_whose_lease_has_ended(
    installation: Installation, running: Running
) -> None:
    wait_until(lambda: seat_states(installation.folder) == ["open"], 40, running.said)


def test_a_second_one_on_the_same_port_says_so_and_ends(installation: Installation, running: Running) -> None:
    ended = installation.manage("up", "--port", str(running.port))
    assert ended.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{running.port}" in ended.stderr
    assert "already in use" in ended.stderr
    assert "Traceback" not in ended.stderr
    # The first one is none the worse for it.
    assert running.status("/healthz") == 200


@pytest.mark.parametrize(
    ("host", "port"),
    [("127.0.0.1", 70_000), ("192.0.2.1", 8000)],
    ids=["no port", "not our address"],
)
def test_an_address_nobody_can_listen_on_is_named(host: str, port: int) -> None:
    with pytest.raises(CommandError, match=f"Cannot listen on {host}:{port}: "):
        call_command("up", host=host, port=port)


def test_it_stops_cleanly_on_sigterm_and_leaves_no_process(installation: Installation) -> None:
    with installation.up() as running:
        assert running.has_processes
        assert running.stop(signal.SIGTERM) == 0
        wait_until(lambda: not running.has_processes, 5)
        assert running.status("/healthz") is None
        assert "Traceback" not in running.said()


def test_it_ends_with_an_error_when_its_web_server_does(installation: Installation) -> None:
    with installation.up() as running:
        (web,) = running.children
        os.kill(web, signal.SIGKILL)
        assert running.process.wait(30) != 0


def test_no_server_stays_behind_when_the_command_is_killed_outright(installation: Installation) -> None:
    with installation.up() as started:
        started.stop(signal.SIGKILL)
        wait_until(lambda: not started.has_processes, 30)
