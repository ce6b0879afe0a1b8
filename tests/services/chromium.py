"""A real Chromium for the browser tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Playwright

from tests.services.installing import ServiceUnavailable, announce, install_debian_package

NAMES = ("chromium", "chromium-browser", "google-chrome")
HELP = (
    "Browser tests need Chromium. Any one of these helps:\n"
    "  apt-get install chromium          (Debian, as root)\n"
    "  .venv/bin/python -m playwright install --with-deps chromium\n"
    "  export CHROMIUM=/path/to/chromium\n"
    "  make test-fast                    (no browser)"
)


def find_chromium(playwright: Playwright) -> Path:
    """Path of a Chromium that starts. Raises ServiceUnavailable when there is none to be had."""
    given = os.environ.get("CHROMIUM")
    if given:
        return Path(given)
    found = on_path()
    if found is None and install_debian_package("chromium"):
        found = on_path()
    if found is None:
        found = playwright_build(playwright)
    if found is None:
        raise ServiceUnavailable(HELP)
    return found


def on_path() -> Path | None:
    """The first that really runs: Ubuntu's `chromium-browser` is a stub that asks for a snap."""
    for name in NAMES:
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            return Path(path)
    return None


def playwright_build(playwright: Playwright) -> Path | None:
    path = Path(playwright.chromium.executable_path)
    if not path.exists():
        announce("fetching playwright's own Chromium")
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True)
    return path if path.exists() else None


def launch_arguments() -> list[str]:
    arguments = [
        # /dev/shm is 64 MB in many containers, which Chromium outgrows.
        "--disable-dev-shm-usage",
        # Pages must work without the outside world; a request there fails at once.
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
    ]
    if os.name != "nt" and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    return arguments
