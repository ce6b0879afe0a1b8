"""Several senders at once: each endpoint has one of them, and none waits for another's."""

import time
from datetime import timedelta
from typing import Any

import pytest

from routing.models import WebhookEndpoint
from routing.services import sending
from routing.services.feed import publish_everywhere
from routing.services.sending import serve_endpoint
from tests.delivery.post import (
    PostOffice,
    arrived,
    endpoint_at,
    fresh,
    message_ids,
    states,
    verdicts,
)
from tests.delivery.receivers import (
    Receiver,
    answering,
    dripping,
    receiver,
    silent,
)
from tests.people import NOW, Cast, make_cast

NAMES = ["a", "b", "c"]


@pytest.mark.django_db
def test_nobody_sends_to_an_endpoint_that_somebody_holds(
    endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts(cast, *NAMES)
    inner: list[int] = []
    genuine = sending.attempt

    def attempt(**arguments: Any) -> Any:
        inner.append(office.serve(endpoint))
        return genuine(**arguments)

    monkeypatch.setattr(sending, "attempt", attempt)
    assert office.serve(endpoint) == 3
    assert inner == [0, 0, 0]
    assert arrived(server) == NAMES


@pytest.mark.django_db
def test_what_was_sent_but_not_recorded_goes_out_again_under_the_same_id(
    endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after kill -9 between the answer and the commit."""
    verdicts(cast, *NAMES)

    def die(*arguments: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(sending, "_note", die)
        with pytest.raises(SystemExit):
            office.serve(endpoint)
    assert office.serve(endpoint) == 0, "the dead sender's lease still holds"
    office.wait(seconds=61)
    assert office.serve(endpoint) == 3
    assert arrived(server) == ["a", *NAMES]
    assert message_ids(server)[0] == message_ids(server)[1]


@pytest.mark.django_db
def test_a_sender_makes_way_after_its_turn(
    endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver
) -> None:
    verdicts(cast, *NAMES)
    moments = iter(range(100))

    def clock() -> Any:
        return office.now + timedelta(seconds=6 * next(moments))

    publish_everywhere(now=office.now)
    sent = serve_endpoint(endpoint_id=endpoint.pk, client=office.client, clock=clock, rng=office.rng)
    assert 0 < sent < 3
    assert fresh(endpoint).lease is None
    assert office.serve(endpoint) == 3 - sent


@pytest.mark.django_db(transaction=True)
def test_a_slow_or_dead_receiver_holds_up_nobody_else(office: PostOffice) -> None:
    cast, office.seconds = make_cast(), 20.0
    with receiver(silent) as slow, receiver(dripping) as dripper, receiver() as good, receiver() as dead:
        servers = [slow, dripper, good, dead]
        endpoints = [endpoint_at(cast, server.url)[0] for server in servers]
        dead.kill()
        verdicts(cast, *NAMES)
        began = time.monotonic()
        assert office.sweep() == 4
        assert time.monotonic() - began < 1, "the task does not wait for receivers"
        while len(good.received) < 3 and time.monotonic() - began < 10:
            time.sleep(0.02)
        assert arrived(good) == NAMES
        # And again, while the slow ones are still being waited for.
        verdicts(cast, "d")
        office.sweep()
        while len(good.received) < 4 and time.monotonic() - began < 10:
            time.sleep(0.02)
        assert arrived(good) == [*NAMES, "d"]
        assert time.monotonic() - began < 10
        slow.stopping.set()
        dripper.stopping.set()
        assert office.senders.wait(30)
        assert [len(server.received) for server in (slow, dripper, dead)] == [1, 1, 0]
        slow.behaviour = dripper.behaviour = answering(200)
        dead.start()
        office.wait(minutes=1)
        office.sweep()
        assert office.senders.wait(30)
        assert [arrived(server)[-4:] for server in servers] == [[*NAMES, "d"]] * 4
        assert [states(endpoint) for endpoint in endpoints] == [["delivered"] * 4] * 4


@pytest.mark.django_db(transaction=True)
def test_several_workers_send_each_verdict_once(office: PostOffice) -> None:
    cast = make_cast()
    with receiver() as good:
        endpoint, _ = endpoint_at(cast, good.url)
        names = [f"case-{number}" for number in range(12)]
        verdicts(cast, *names)
        offices = [PostOffice(now=office.now) for _ in range(4)]
        for _turn in range(3):
            for each in offices:
                each.sweep()
            for each in offices:
                assert each.senders.wait(30)
        assert arrived(good) == names
        assert states(endpoint) == ["delivered"] * 12


@pytest.mark.django_db(transaction=True)
def test_failing_receivers_do_not_get_the_last_senders(office: PostOffice) -> None:
    cast, office.seconds = make_cast(), 20.0
    office.senders.most, office.senders.reserved = 4, 1
    with receiver(silent) as slow, receiver() as good:
        for _number in range(6):
            endpoint_at(cast, slow.url)
        WebhookEndpoint.objects.update(failures=3, failing_since=NOW)
        endpoint_at(cast, good.url)
        verdicts(cast, "a")
        assert office.sweep() == 3, "the good one, and two that may be long in vain"
        deadline = time.monotonic() + 10
        while not good.received and time.monotonic() < deadline:
            time.sleep(0.02)
        assert arrived(good) == ["a"]
        office.sweep()
        assert len(slow.received) <= 3
        slow.stopping.set()
        assert office.senders.wait(30)
