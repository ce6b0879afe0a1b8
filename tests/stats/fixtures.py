"""The reference numbers of the statistics: loading them and holding a result against them.

A fixture file holds cases of the shape {"id", "inputs", "expected", "tolerance"}. Every key of every
expected block is compared, and a key that the test does not produce fails it: `assert_matches` walks the
expected block and the result together and wants the same keys on both sides.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

DEFAULT_DIRECTORY = Path(__file__).resolve().parents[1] / "fixtures" / "stats"


def fixtures_directory() -> Path:
    """`FIXTURES_DIR` from the environment, else the fixtures of this repository."""
    return Path(os.environ.get("FIXTURES_DIR") or DEFAULT_DIRECTORY)


def load_cases(stem: str) -> list[Any]:
    """The cases of `<stem>.json` as pytest parameters named by their ids.

    Another directory need not hold every file, and the skip says which it lacks. But this repository's own
    must, and a directory without any fixture is a mistake: both stop the collection.
    """
    directory = fixtures_directory()
    path = directory / f"{stem}.json"
    if not path.is_file():
        if directory == DEFAULT_DIRECTORY or not any(directory.glob("*.json")):
            raise FileNotFoundError(f"no fixture at {path}")
        return [pytest.param({}, id=stem, marks=pytest.mark.skip(reason=f"no fixture at {path}"))]
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["fixture"] == stem, f"{path} holds the fixture {document['fixture']!r}"
    assert document["cases"], f"{path} holds no cases"
    return [pytest.param(case, id=case["id"]) for case in document["cases"]]


def assert_matches(actual: Any, expected: Any, tolerance: float, where: str = "expected") -> None:
    """Same shape, same keys, same values; numbers to an absolute `tolerance`, a list may meet a tuple.

    None only matches None, a truth value only a truth value: an undefined statistic is not a zero.
    """
    if isinstance(expected, Mapping):
        assert isinstance(actual, Mapping), f"{where}: {actual!r} is not a mapping"
        assert set(actual) == set(expected), f"{where}: keys {sorted(actual)} against {sorted(expected)}"
        for key, value in expected.items():
            assert_matches(actual[key], value, tolerance, f"{where}.{key}")
    elif isinstance(expected, list):
        assert isinstance(actual, list | tuple), f"{where}: {actual!r} is not a list"
        assert len(actual) == len(expected), f"{where}: {len(actual)} values against {len(expected)}"
        for index, value in enumerate(expected):
            assert_matches(actual[index], value, tolerance, f"{where}[{index}]")
    elif expected is None or isinstance(expected, bool | str):
        assert type(actual) is type(expected), f"{where}: {actual!r} is not {expected!r}"
        assert actual == expected, f"{where}: {actual!r} is not {expected!r}"
    else:
        assert not isinstance(actual, bool), f"{where}: {actual!r} is not a number"
        assert isinstance(actual, int | float), f"{where}: {actual!r} is not a number"
        assert math.isfinite(actual), f"{where}: {actual!r}"
        # The expected numbers are printed to twelve digits, so a tolerance of 0 means "to the last of them".
        allowed = max(tolerance, 1e-11 * abs(expected)) if isinstance(expected, float) else tolerance
        assert abs(actual - expected) <= allowed, f"{where}: {actual!r} is not {expected!r} ± {allowed}"
