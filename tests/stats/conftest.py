"""Lets the assertions of `fixtures.py` explain themselves like those of a test when they fail."""

import pytest

pytest.register_assert_rewrite("tests.stats.fixtures")
