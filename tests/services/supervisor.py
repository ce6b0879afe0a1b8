"""Keeps one server alive for as long as its starter lives, however the starter ends.

The starter holds the write end of this process's standard input. End of file there, by a clean stop
or because the starter was killed, makes the supervisor stop the server and remove its folder. This
file runs as a program of its own and imports only the standard library.
"""

import argparse
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

GRACE_SECONDS = 20
LOG_NAME = "server.log"


def run(command: list[str], *, folder: Path, user: str | None, stop_signal: signal.Signals) -> int:
    """Run `command` in `folder` until standard input ends. Returns 0, or 1 if the server died first."""
    as_user: dict[str, Any] = {"user": user, "group": primary_group(user), "extra_groups": []} if user else {}
    try:
        with (folder / LOG_NAME).open("wb") as log:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, **as_user)
            asked_to_stop = wait_for_end_of_input(server)
            stop(server, stop_signal)
        if not asked_to_stop:
            lines = (folder / LOG_NAME).read_text(errors="replace").splitlines()
            print("\n".join([f"{command[0]} ended with {server.returncode}:", *lines[-20:]]), file=sys.stderr)
        return 0 if asked_to_stop else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def primary_group(user: str) -> int:
    import pwd  # not on Windows, where no user is ever given

    return pwd.getpwnam(user).pw_gid


def wait_for_end_of_input(server: "subprocess.Popen[bytes]") -> bool:
    """True when the starter let go, False when the server ended on its own."""
    while server.poll() is None:
        readable, _, _ = select.select([0], [], [], 0.2)
        if readable and not os.read(0, 1024):
            return True
    return False


def stop(server: "subprocess.Popen[bytes]", stop_signal: signal.Signals) -> None:
    if server.poll() is None:
        server.send_signal(stop_signal)
        try:
            server.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a server until standard input ends.")
    parser.add_argument("--folder", type=Path, required=True, help="working folder, removed at the end")
    parser.add_argument("--user", help="whom to run the server as")
    parser.add_argument("--stop-signal", type=signal.Signals.__getitem__, default=signal.SIGTERM)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    return run(arguments.command, folder=arguments.folder, user=arguments.user, stop_signal=arguments.stop_signal)


if __name__ == "__main__":
    sys.exit(main())
