"""`manage.py up`: web and background work in one go."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

GRACE_SECONDS = 20
# From <linux/prctl.h>.
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Command(BaseCommand):
    help = (
        "Serve the application with its background work. Without REDIS_URL everything runs in one process; "
        "with it, web workers and a Celery worker with beat run side by side. Stops cleanly on SIGTERM. "
        "Example: manage.py up --host 127.0.0.1 --port 8000"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
        parser.add_argument("--workers", type=int, default=2, help="web processes with Redis (default: %(default)s)")

    def handle(self, *args: Any, host: str, port: int, workers: int, **options: Any) -> None:
        _check_port(host, port)
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database lacks migrations. Run: manage.py migrate")
        connection.close()
        commands = [_web(host, port, 1 if settings.EMBEDDED else workers)]
        if not settings.EMBEDDED:
            commands.append(_background())
        environment = os.environ | ({"REVIEWAPP_EMBEDDED_WORKER": "1"} if settings.EMBEDDED else {})
        # From here on a signal is only noted, so that none can come between a start and its supervision.
        stopping = _stop_requests()
        processes = [subprocess.Popen(command, env=environment, preexec_fn=_end_with_parent) for command in commands]
        self.stdout.write(f"Listening on http://{host}:{port}/ (Ctrl+C stops)")
        self.stdout.flush()
        sys.exit(_supervise(processes, stopping))


def _end_with_parent() -> None:
    """Runs in the child before it becomes the server: if this command is killed outright, the kernel tells the child
    to stop, so that no server stays behind on the port. Linux only (prctl(2), PR_SET_PDEATHSIG); elsewhere nothing."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _check_port(host: str, port: int) -> None:
    """Raises CommandError if we cannot listen there. The web server itself would share a port that is taken, and
    get some of the requests meant for whoever was there first."""
    try:
        family, kind, protocol, _name, found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # Connections of an earlier run that are not quite gone do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((found[0], port, *found[2:]))
    except (OSError, OverflowError) as error:
        raise CommandError(f"Cannot listen on {host}:{port}: {error}. Choose others with --host and --port.") from None


def _web(host: str, port: int, workers: int) -> list[str]:
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)]
    tuning = ["--workers", str(workers), "--blocking-threads", "1" if workers > 1 else "4", "--no-ws"]
    # A web process that dies is started again; supervision above is for the group as a whole.
    return [*granian, *tuning, "--respawn-failed-workers", "--log-level", "warning", "reviewapp.wsgi:application"]


def _background() -> list[str]:
    celery = [sys.executable, "-m", "celery", "--app", "reviewapp", "worker", "--beat"]
    return [*celery, "--schedule", str(settings.DATA_DIR / "celerybeat"), "--loglevel", "WARNING", "--concurrency", "2"]


def _stop_requests() -> list[int]:
    """A list that SIGTERM and SIGINT are added to from now on."""
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stopping.append(received))
    return stopping


def _supervise(processes: list[subprocess.Popen[bytes]], stopping: list[int]) -> int:
    """Wait until a signal comes or a process ends by itself; then stop all. The exit code is 0 after a signal."""
    while not stopping and all(process.poll() is None for process in processes):
        time.sleep(0.2)
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for process in processes:
        try:
            process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
    return 0 if stopping else max((process.returncode or 1) for process in processes)
