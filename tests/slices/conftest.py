import pytest

from tests.people import Cast, make_cast

TWICE = {"overlap_share": 1.0, "overlap_raters": 2}


@pytest.fixture
def cast(db: None) -> Cast:
    """A project in which two people judge everything."""
    made = make_cast()
    made.put_in_force(tier=TWICE)
    return made
