"""Servers for tests must never outlive the run that started them."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.services.installing import ServiceUnavailable
from tests.services.server import SUPERVISOR, free_port, private_folder, running

# Starts a server under a supervisor, tells its number, and waits to be killed.
STARTER = """
import subprocess, sys, time
supervisor = subprocess.Popen([sys.executable, {supervisor!r}, "--folder", {folder!r}, "--", "sleep", "300"],
                              stdin=subprocess.PIPE)
print(supervisor.pid, flush=True)
time.sleep(300)
"""


def wait_until_gone(folder: Path) -> bool:
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not folder.exists()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_it_stops_the_server_when_its_starter_is_killed(tmp_path: Path, end: signal.Signals) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    code = STARTER.format(supervisor=str(SUPERVISOR), folder=str(folder))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        assert int(starter.stdout.readline()) > 0
        starter.send_signal(end)
        starter.wait()
    assert wait_until_gone(folder)


def test_it_stops_the_server_at_the_end_of_the_block() -> None:
    with private_folder("proof") as folder:
        with running(["sleep", "300"], folder=folder, answers=lambda: True):
            assert folder.is_dir()
        assert not folder.exists()


def test_it_says_that_a_server_did_not_start(capfd: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-c", "print('the port is taken')"]
    with (
        private_folder("proof") as folder,
        pytest.raises(ServiceUnavailable, match="did not start"),
        running(command, folder=folder, answers=lambda: False),
    ):
        pass
    assert "the port is taken" in capfd.readouterr().err


def test_it_finds_a_free_port() -> None:
    assert 1024 <= free_port() < 65536
