"""Files of others in static/vendor: all listed, none altered."""

import hashlib
import json

import pytest

from tests.toolchain.repository import ROOT

VENDOR = ROOT / "static" / "vendor"
PACKAGES = json.loads((VENDOR / "MANIFEST.json").read_text())["packages"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_it_keeps_files_as_they_were_published(package: dict[str, dict[str, str]]) -> None:
    hashes = {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in package["files"]}
    assert hashes == package["files"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_it_names_version_and_licence(package: dict[str, str]) -> None:
    assert package["version"]
    assert package["licence"]
    assert any("LICENSE" in name for name in package["files"])


def test_it_lists_every_file() -> None:
    listed = {name for package in PACKAGES for name in package["files"]} | {"MANIFEST.json"}
    present = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert present == listed
