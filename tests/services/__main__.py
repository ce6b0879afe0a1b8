"""The test services from the command line.

    .venv/bin/python -m tests.services prepare
    .venv/bin/python -m tests.services run postgres -- .venv/bin/python manage.py check

`prepare` finds or installs every service, so that a lack is told before the first test runs. `run`
gives a command DATABASE_URL, REDIS_URL and DATA_DIR, for benchmarks and trials by hand; what the
command stored is gone when it ends, and the exit status is the command's own.
"""

import argparse
import signal
import subprocess
import sys
from types import FrameType

from playwright.sync_api import sync_playwright

from tests.services import chromium, gettext_tools, postgresql, redis_server
from tests.services.engine import Engine, engine_environment
from tests.services.installing import ServiceUnavailable


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.services", description="Services for tests.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("prepare", help="find or install PostgreSQL, Redis, GNU gettext and Chromium")
    run = actions.add_parser("run", help="run a command with SQLite, or with PostgreSQL and Redis")
    run.add_argument("engine", type=Engine, choices=list(Engine))
    run.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, end)
    try:
        if arguments.action == "prepare":
            return prepare()
        with engine_environment(arguments.engine):
            return subprocess.run(arguments.command).returncode
    except ServiceUnavailable as error:
        print(error, file=sys.stderr)
        return 1


def prepare() -> int:
    """Print where each service comes from. Raises ServiceUnavailable for the first that is missing."""
    print(f"PostgreSQL: {postgresql.source()}")
    print(f"Redis: {redis_server.source()}")
    print(f"GNU gettext: {gettext_tools.source()}")
    with sync_playwright() as playwright:
        print(f"Chromium: {chromium.find_chromium(playwright)}", flush=True)
    return 0


def end(signal_number: int, frame: FrameType | None) -> None:
    sys.exit(128 + signal_number)


if __name__ == "__main__":
    sys.exit(main())
