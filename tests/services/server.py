"""A private server in a temporary folder, on a free port, gone when its starter is."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.services.installing import ServiceUnavailable

SUPERVISOR = Path(__file__).with_name("supervisor.py")
READY_SECONDS = 60


def free_port() -> int:
    """A port nobody listens on now. Another process may take it first: then the start fails loudly."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def private_folder(name: str, owner: str | None = None) -> Iterator[Path]:
    """A new temporary folder that only `owner` (by default we) may enter; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"review-tests-{name}-"))
    try:
        if owner:
            shutil.chown(folder, user=owner)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(
    command: list[str],
    *,
    folder: Path,
    answers: Callable[[], bool],
    user: str | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Iterator[None]:
    """Run `command` as `user` in `folder` while the block runs; enter it once `answers()` is true.

    Raises ServiceUnavailable if the server ends or stays silent for `READY_SECONDS`; what the server
    wrote has then gone to standard error.
    """
    # Without the script's own folder on the path: a module there has the name of one of the standard library.
    supervisor_command = [sys.executable, "-P", str(SUPERVISOR), f"--folder={folder}"]
    supervisor_command += [f"--stop-signal={stop_signal.name}", *([f"--user={user}"] if user else [])]
    supervisor = subprocess.Popen(
        [*supervisor_command, "--", *command],
        stdin=subprocess.PIPE,
        # Ctrl-C reaches the whole group at once; the servers outlive the tests by a moment.
        start_new_session=True,
    )
    assert supervisor.stdin is not None
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not answers():
            if supervisor.poll() is not None:
                raise ServiceUnavailable(f"{command[0]} did not start: see its last lines above.")
            if time.monotonic() > deadline:
                raise ServiceUnavailable(f"{command[0]} did not answer within {READY_SECONDS} s.")
            time.sleep(0.05)
        yield
    finally:
        supervisor.stdin.close()
        supervisor.wait()


def unprivileged_user() -> str | None:
    """Whom to run a server as that refuses to be root: None when we are not root ourselves."""
    if os.name == "nt" or os.geteuid() != 0:
        return None
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)
