from collections.abc import Iterator
from typing import Any

import pytest

from tests.factories import make_noise
from tests.judges.bench import Bench
from tests.judges.server import Model, running_model
from tests.people import Cast, make_cast


@pytest.fixture(autouse=True)
def _loopback_allowed(settings: Any) -> None:
    """The server of the suite's own is on loopback, where judges are only with the operator's leave."""
    settings.PRIVATE_TARGETS = ["127.0.0.1"]


@pytest.fixture
def model() -> Iterator[Model]:
    with running_model() as running:
        yield running


@pytest.fixture
def cast(db: None) -> Cast:
    make_noise()
    return make_cast()


@pytest.fixture
def bench(cast: Cast, model: Model) -> Bench:
    """A judge called strict at the server, and a policy in force that asks it."""
    return Bench.set_up(cast, model)
