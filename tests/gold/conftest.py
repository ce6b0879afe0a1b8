from collections.abc import Iterator

import pytest
from django.core.cache import cache

from tests.factories import make_noise
from tests.people import Cast, make_cast


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def cast(db: None) -> Cast:
    """A project, and beside it another one with rows of every kind that must never matter."""
    make_noise()
    return make_cast()
