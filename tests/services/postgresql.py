"""A private PostgreSQL cluster for one test run: quick, and careless about power cuts."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests.services.installing import ServiceUnavailable, install_debian_package, wheels_folder
from tests.services.server import free_port, private_folder, running, unprivileged_user
from tests.services.supervisor import primary_group

OLDEST_VERSION = 15
SYSTEM_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    # The cluster is thrown away, so nothing has to survive a crash of the machine.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Compiling pays for long queries only, and a fresh table, of which nothing is known, makes any query look long.
    "jit": "off",
}
HELP = (
    f"Tests on PostgreSQL need version {OLDEST_VERSION} or newer. Any one of these helps:\n"
    "  apt-get install postgresql        (Debian or Ubuntu, as root)\n"
    "  export TEST_DATABASE_URL=postgres://user:password@host/database   (the user may create databases)\n"
    "  make test-fast                    (SQLite only)"
)


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Address of a server whose user may create databases: TEST_DATABASE_URL, else a private cluster."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    binaries = find_binaries()
    user = unprivileged_user()
    with private_folder("postgresql", owner=user) as folder:
        binaries = readable_binaries(binaries, folder, user)
        password, port = secrets.token_urlsafe(24), free_port()
        data = make_cluster(binaries, folder, password, user)
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port)]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        url = f"postgres://tests:{password}@127.0.0.1:{port}/postgres"
        with running(command, folder=folder, user=user, stop_signal=signal.SIGINT, answers=lambda: answers(url)):
            yield url


def source() -> str:
    """Where the server comes from. Raises ServiceUnavailable when there is none to be had."""
    return "TEST_DATABASE_URL" if os.environ.get("TEST_DATABASE_URL") else str(find_binaries())


def find_binaries() -> Path:
    """Folder with `initdb` and `postgres`. Raises ServiceUnavailable when there is none to be had."""
    found = system_binaries()
    if found is None and install_debian_package("postgresql"):
        found = system_binaries()
    if found is None:
        wheels = wheels_folder()
        found = newest(wheels.glob("*/pginstall/bin")) if wheels else None
    if found is None:
        raise ServiceUnavailable(HELP)
    return found


def system_binaries() -> Path | None:
    folders = [folder for pattern in SYSTEM_FOLDERS for folder in Path("/").glob(pattern.lstrip("/"))]
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return newest(folders)


def newest(folders: Any) -> Path | None:
    versions = {folder: version for folder in folders if (version := major_version(folder)) >= OLDEST_VERSION}
    return max(versions, key=lambda folder: versions[folder], default=None)


def major_version(folder: Path) -> int:
    """0 where the two programs that are needed are not both there."""
    if not (folder / "initdb").exists() or not (folder / "postgres").exists():
        return 0
    done = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True)
    match = re.search(r"(\d+)", done.stdout)
    return int(match[1]) if match and done.returncode == 0 else 0


def readable_binaries(binaries: Path, folder: Path, user: str | None) -> Path:
    """`binaries`, or a copy in `folder` where `user` may not enter the place they are in."""
    if user is None or run_as(user, [str(binaries / "postgres"), "--version"], "/").returncode == 0:
        return binaries
    # The binaries of a wheel look for their libraries in `*.libs`, three folders up.
    site, copy = binaries.parents[2], folder / "installation"
    shutil.copytree(binaries.parent, copy / binaries.parent.relative_to(site), symlinks=True)
    for libraries in site.glob("*.libs"):
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    return copy / binaries.relative_to(site)


def make_cluster(binaries: Path, folder: Path, password: str, user: str | None) -> Path:
    data, password_file = folder / "data", folder / "password"
    password_file.write_text(password)
    password_file.chmod(0o600)
    if user:
        shutil.chown(password_file, user=user)
    command = [str(binaries / "initdb"), "-D", str(data), "-U", "tests", f"--pwfile={password_file}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
    done = run_as(user, command, str(folder))
    if done.returncode != 0:
        raise ServiceUnavailable(f"initdb failed: {done.stdout}{done.stderr}")
    return data


def run_as(user: str | None, command: list[str], folder: str) -> "subprocess.CompletedProcess[str]":
    as_user: dict[str, Any] = {"user": user, "group": primary_group(user), "extra_groups": []} if user else {}
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, **as_user)
    except PermissionError as error:
        return subprocess.CompletedProcess(command, 126, "", str(error))


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
