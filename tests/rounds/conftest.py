import pytest

from tests.people import Cast, make_cast
from tests.rounds.school import open_school


@pytest.fixture
def cast(db: None) -> Cast:
    """A shop with onboarding, five practice cases, twelve gold cases and live work; its people are live."""
    return open_school(make_cast())
