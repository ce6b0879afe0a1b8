from collections.abc import Iterator

import pytest

from routing.models import WebhookEndpoint
from tests.delivery.post import PostOffice, endpoint_at
from tests.delivery.receivers import Receiver, receiver
from tests.people import Cast, make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture(autouse=True)
def _loopback_allowed(settings: object) -> None:
    settings.PRIVATE_TARGETS = ["127.0.0.1"]


@pytest.fixture
def office() -> Iterator[PostOffice]:
    opened = PostOffice()
    yield opened
    assert opened.senders.wait(30), "a sender outlives its test"


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def endpoint(cast: Cast, server: Receiver) -> WebhookEndpoint:
    return endpoint_at(cast, server.url)[0]
