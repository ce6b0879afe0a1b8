import pytest

from reviewapp.core.models import Membership
from reviewapp.core.services.people import add_member
from tests.factories import make_noise
from tests.people import Cast, make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def noise(db: None) -> Cast:
    return make_noise()


@pytest.fixture
def second(cast: Cast) -> Membership:
    """Another owner of the cast's project."""
    return add_member(project=cast.project, email="oleg@shop.example", role="owner", actor="test")
