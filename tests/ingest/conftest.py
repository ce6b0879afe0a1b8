from pathlib import Path

import pytest

from tests.factories import make_noise
from tests.people import Caller, Cast, make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The project under test, beside another one full of the same kinds of rows."""
    make_noise()
    return make_cast()


@pytest.fixture
def program(cast: Cast) -> Caller:
    return cast.program


@pytest.fixture(scope="session")
def files() -> Path:
    """Small exports in the shapes of the tools that write them."""
    return Path(__file__).parent / "files"
