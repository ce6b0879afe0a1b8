"""The locks: complete, hashed, and in step with pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.toolchain.repository import ROOT

LOCKS = ROOT / "locks"
LOCK_FILES = sorted([*LOCKS.glob("*.lock"), LOCKS / "uv.txt"])
PIN = re.compile(r"^(?P<name>[a-z0-9.-]+)==(?P<version>[^ ;\\]+)", re.IGNORECASE)


def entries(lock: Path) -> list[str]:
    """One text per locked package, its continuation lines joined."""
    return lock.read_text().replace("\\\n", " ").splitlines()


def versions(lock: Path) -> dict[str, set[Version]]:
    """Locked versions by name; more than one where Pythons or systems differ."""
    found: dict[str, set[Version]] = {}
    for entry in entries(lock):
        match = PIN.match(entry)
        assert match, f"{lock.name}: not a pinned package: {entry[:80]}"
        found.setdefault(canonicalize_name(match["name"]), set()).add(Version(match["version"]))
    return found


def wanted(group: str | None) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = list(project["project"]["dependencies"])
    pending = [group] if group else []
    while pending:
        for line in project["dependency-groups"][pending.pop()]:
            if isinstance(line, dict):
                pending.append(line["include-group"])
            else:
                lines.append(line)
    return [Requirement(line) for line in lines]


def is_met(requirement: Requirement, locked: dict[str, set[Version]]) -> bool:
    found = locked.get(canonicalize_name(requirement.name), set())
    return bool(found) and all(version in requirement.specifier for version in found)


@pytest.mark.parametrize("lock", LOCK_FILES, ids=lambda lock: lock.name)
def test_it_pins_every_package_with_hashes(lock: Path) -> None:
    assert versions(lock)
    assert [entry[:60] for entry in entries(lock) if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(("name", "group"), [("run.lock", None), ("test.lock", "dev")])
def test_it_locks_what_the_project_asks_for(name: str, group: str | None) -> None:
    locked = versions(LOCKS / name)
    missing = [str(requirement) for requirement in wanted(group) if not is_met(requirement, locked)]
    assert missing == []


def test_it_tests_the_versions_that_run() -> None:
    run, test = versions(LOCKS / "run.lock"), versions(LOCKS / "test.lock")
    assert {name: test.get(name) for name in run} == run
