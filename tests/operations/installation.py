"""A real installation in a folder of its own: commands and `manage.py up` as processes, asked over HTTP."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

from tests.services.engine import INSTALLATION_VARIABLES
from tests.services.server import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0


@dataclass(frozen=True)
class Installation:
    """What `manage.py` runs with: a folder for its data, and further variables."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in INSTALLATION_VARIABLES}
        kept.pop("DJANGO_SETTINGS_MODULE", None)
        return kept | {"DATA_DIR": str(self.folder), "PYTHONUNBUFFERED": "1"} | dict(self.variables)

    def manage(self, *arguments: str, timeout: float = 120) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    @contextlib.contextmanager
    def up(self) -> Iterator["Running"]:
        """`manage.py up` on a free port, ready for requests; stopped at the end if the test has not done so."""
        port = free_port()
        log = self.folder / f"up-{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(port)],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
                # Its process group then holds whatever it starts, and nothing else.
                start_new_session=True,
            )
        running = Running(process, port, log)
        try:
            wait_until(lambda: running.ended or running.status("/healthz") == 200, START_SECONDS, running.said)
            assert not running.ended, running.said()
            yield running
        finally:
            running.kill()


@dataclass(frozen=True)
class Running:
    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def has_processes(self) -> bool:
        """Whether anything of its process group is alive."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    @property
    def children(self) -> list[int]:
        """Process ids of what `manage.py up` itself started."""
        shown = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True)
        return [int(word) for word in shown.stdout.split()]

    def get(self, path: str) -> tuple[int, Message, str]:
        """Status, headers and body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()

    def status(self, path: str) -> int | None:
        """None while nobody answers."""
        try:
            return self.get(path)[0]
        except OSError:
            return None

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = 30) -> int:
        """The exit code after a signal to `manage.py up` alone, as a service manager would send it."""
        self.process.send_signal(number)
        return self.process.wait(timeout)

    def kill(self) -> None:
        if not self.ended:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


def wait_until(happened: Callable[[], object], seconds: float, explain: Callable[[], str] = str) -> None:
    """Fails with `explain()` if it has not happened by then."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"not within {seconds:g} s. {explain()}"
        time.sleep(0.1)
