"""Rules of the repository that no other tool checks."""

import re
from pathlib import Path

import pytest

from tests.toolchain.repository import ROOT, name_of, repository_files

MOST_LINES = 400
VAGUE_NAMES = {"common.py", "helpers.py", "misc.py", "utils.py"}
# Django gives a module of this name at an app's root a meaning of its own.
APP_ROOTS = ("labeling", "routing", "reviewapp", "reviewapp/core", "reviewapp/demo")
REGISTRY_ADDRESS = re.compile(
    rb"pypi\.org|pythonhosted\.org|registry\.(?:npmjs\.org|yarnpkg\.com)|proxy\.golang\.org"
    rb"|(?<![\w-])--(?:extra-)?index-url"
    rb'|^(?:extra-)?index-url|^registry\s*=|source\s*=\s*\{\s*registry|"resolved":\s*"http',
    re.MULTILINE,
)


@pytest.mark.parametrize(
    "line",
    [
        b"see https://files.python" + b"hosted.org/packages/x.whl",
        b"--extra-" + b"index-url https://mirror.example/simple",
        b"source = { " + b'registry = "https://mirror.example" }',
        b'  "resolved": ' + b'"https://mirror.example/x.tgz"',
    ],
)
def test_it_knows_a_registry_address(line: bytes) -> None:
    assert REGISTRY_ADDRESS.search(line)


def test_it_takes_no_option_that_drops_addresses_for_one() -> None:
    assert not REGISTRY_ADDRESS.search(b"uv pip compile --no-emit-index-url")


def test_it_holds_no_registry_address() -> None:
    at_fault = [
        f"{name_of(path)}: {match[0]!r}"
        for path in repository_files()
        if (match := REGISTRY_ADDRESS.search(path.read_bytes()))
    ]
    assert at_fault == []


def is_product_code(path: Path) -> bool:
    return path.suffix == ".py" and not {"migrations", "tests"} & set(path.relative_to(ROOT).parts)


def test_it_keeps_modules_short() -> None:
    modules = [path for path in repository_files() if is_product_code(path)]
    assert modules
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in modules}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_it_names_modules_for_what_they_hold() -> None:
    vague = [name_of(path) for path in repository_files() if path.name in VAGUE_NAMES]
    assert vague == []


def test_it_keeps_no_signals_module_at_the_root_of_an_app() -> None:
    assert [name for name in APP_ROOTS if (ROOT / name / "signals.py").exists()] == []
