import pytest

from reviewapp.core.models import Membership
from tests.aggregation.crowd import make_crowd
from tests.people import Cast


@pytest.fixture
def crowd(db: None) -> tuple[Cast, list[Membership]]:
    return make_crowd()


@pytest.fixture
def cast(crowd: tuple[Cast, list[Membership]]) -> Cast:
    return crowd[0]


@pytest.fixture
def reviewers(crowd: tuple[Cast, list[Membership]]) -> list[Membership]:
    return crowd[1]
