"""Makes `.venv` hold exactly what `locks/test.lock` names. Run by `make env`; a repeat is instant.

Only the standard library is at hand here: `venv` makes the environment, pip puts a hash-pinned uv
into it, and uv installs the lock. Where uv cannot reach a package index that pip can (a mirror set
up in pip's own configuration), pip installs the same lock with the same hashes.
"""

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

OLDEST_PYTHON = (3, 11)
LOCKS = Path(__file__).resolve().parent
ENVIRONMENT = LOCKS.parent / ".venv"
STAMP = ENVIRONMENT / "installed.sha256"
SCRIPTS = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / "python"
UV_LOCK, LOCK = LOCKS / "uv.txt", LOCKS / "test.lock"


def wanted_stamp() -> str:
    """Changes with the locks, the Python, and the place: a moved environment has broken scripts."""
    digest = hashlib.sha256()
    for part in (platform.python_version(), sys.base_prefix, str(ENVIRONMENT)):
        digest.update(part.encode() + b"\0")
    for lock in (UV_LOCK, LOCK):
        digest.update(lock.read_bytes())
    return digest.hexdigest()


def is_current(stamp: str) -> bool:
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text().strip() == stamp


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two `make` runs in one folder wait for each other instead of installing over each other."""
    if os.name == "nt":
        yield
        return
    import fcntl

    folder = os.open(LOCKS, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def create_environment() -> None:
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not has_ensurepip() and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"This Python cannot make environments: installing python{version}-venv", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-qq", "-y", f"python{version}-venv"], check=False)
    if not has_ensurepip():
        sys.exit(f"This Python has no ensurepip. On Debian or Ubuntu: apt-get install python{version}-venv")
    venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(ENVIRONMENT)


def has_ensurepip() -> bool:
    # Debian ships a Python whose `venv` imports but whose `ensurepip` is in a package of its own.
    return subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True).returncode == 0


def pip(*arguments: str | Path) -> int:
    # pip's own configuration stays in force, so that a mirror set up there is used.
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    return subprocess.run([PYTHON, "-m", "pip", "install", *quiet, *arguments]).returncode


def install() -> None:
    if pip("--require-hashes", "--no-deps", "-r", UV_LOCK) == 0:
        # The certificates of the system: a company's proxy is known there, not in uv's own list.
        command = [str(SCRIPTS / "uv"), "--system-certs", "pip", "sync", "--quiet", "--require-hashes"]
        if subprocess.run([*command, "--python", str(PYTHON), str(LOCK)]).returncode == 0:
            return
    print("uv could not install the lock; pip does it instead, which takes a minute longer", flush=True)
    if pip("--require-hashes", "--no-deps", "-r", LOCK) != 0:
        sys.exit(f"{LOCK.name} could not be installed: the lines above say why.")


def main() -> None:
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer is needed, this is {sys.version}.")
    stamp = wanted_stamp()
    if is_current(stamp):
        return
    with one_at_a_time():
        if is_current(stamp):
            return
        print(f"Installing {LOCK.relative_to(LOCKS.parent)} into {ENVIRONMENT.name}", flush=True)
        create_environment()
        install()
        STAMP.write_text(stamp + "\n")


if __name__ == "__main__":
    main()
