import pytest

from tests.factories import make_noise
from tests.people import Cast, make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def noise(db: None) -> Cast:
    return make_noise()
