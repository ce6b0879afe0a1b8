"""Webhooks: every verdict arrives, signed and in order, whatever the receiver does meanwhile."""

import random
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from standardwebhooks.webhooks import WebhookVerificationError

from reviewapp.core.models import AuditEntry
from routing.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from routing.services.outbound import Outbound
from routing.services.sending import GIVE_UP_AFTER, LONGEST_WAIT, next_attempt
from routing.services.webhooks import ROTATION, redeliver, redeliver_dead, rotate_secret, switch_off, switch_on
from tests.delivery.post import (
    LATER,
    PostOffice,
    arrived,
    endpoint_at,
    fresh,
    message_ids,
    states,
    verdict_of,
    verdicts,
    verify,
)
from tests.delivery.receivers import (
    Receiver,
    answering,
    babbling,
    dripping,
    endless,
    hanging_up,
    receiver,
    silent,
)
from tests.factories import make_noise
from tests.people import NOW, Cast

NAMES = ["a", "b", "c"]


def first_delivery(endpoint: WebhookEndpoint) -> WebhookDelivery:
    return WebhookDelivery.objects.filter(endpoint=endpoint).order_by("position")[0]


# What is sent ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_posts_the_feeds_own_rows_in_order(cast: Cast, office: PostOffice, server: Receiver) -> None:
    endpoint, secret = endpoint_at(cast, server.url)
    noise = make_noise()
    outputs = verdicts(cast, *NAMES)
    assert office.serve(endpoint) == 3
    assert arrived(server) == NAMES
    assert states(endpoint) == ["delivered"] * 3
    assert message_ids(server) == [str(verdict_of(output).public_id) for output in outputs]
    with time_machine.travel(office.now, tick=False):
        bodies = [verify(server, secret, office.now, index) for index in range(3)]
        feed = cast.program.get("/verdicts/").json()["results"]
    assert bodies == feed
    assert noise.project.slug not in str(bodies)


@pytest.mark.django_db
def test_a_forged_or_altered_message_is_not_verified(cast: Cast, office: PostOffice, server: Receiver) -> None:
    endpoint, secret = endpoint_at(cast, server.url)
    _, other_secret = endpoint_at(cast, server.url)
    verdicts(cast, "a")
    office.serve(endpoint)
    with time_machine.travel(office.now, tick=False):
        assert verify(server, secret, office.now)["output"]["external_id"] == "a"
        with pytest.raises(WebhookVerificationError):
            verify(server, other_secret, office.now)
    with time_machine.travel(office.now + timedelta(minutes=6)), pytest.raises(WebhookVerificationError, match="old"):
        verify(server, secret, office.now)


@pytest.mark.django_db
def test_both_secrets_sign_for_a_day_after_a_rotation(cast: Cast, office: PostOffice, server: Receiver) -> None:
    endpoint, former = endpoint_at(cast, server.url)
    new = rotate_secret(endpoint=endpoint, actor="test", now=LATER)
    for name, wait, works in (
        ("a", timedelta(0), True),
        ("b", ROTATION - timedelta(seconds=1), True),
        ("c", ROTATION, False),
    ):
        verdicts(cast, name)
        office.now = LATER + wait
        office.serve(endpoint)
        with time_machine.travel(office.now, tick=False):
            assert verify(server, new, office.now)["output"]["external_id"] == name
            if works:
                verify(server, former, office.now)
            else:
                with pytest.raises(WebhookVerificationError):
                    verify(server, former, office.now)


@pytest.mark.django_db
def test_the_secret_is_not_in_the_database_in_clear(cast: Cast, server: Receiver) -> None:
    endpoint, secret = endpoint_at(cast, server.url)
    assert secret.startswith("whsec_")
    row = str(WebhookEndpoint.objects.filter(pk=endpoint.pk).values().get()) + str(list(AuditEntry.objects.values()))
    assert secret not in row
    assert secret.removeprefix("whsec_") not in row


@pytest.mark.django_db
def test_a_changed_secret_key_is_named_as_the_cause(
    endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver, settings: Any
) -> None:
    verdicts(cast, "a")
    settings.SECRET_KEY = "another key entirely, forty characters long"
    assert office.serve(endpoint) == 0
    assert "SECRET_KEY" in first_delivery(endpoint).last_error
    rotate_secret(endpoint=endpoint, actor="test", now=office.now)
    office.wait(hours=25)
    assert office.serve(endpoint) == 1


# When it fails -----------------------------------------------------------------------------------------------

BROKEN = {
    "error": answering(500),
    "not found": answering(404),
    "too many": answering(429, Retry_After="60"),
    "redirect": answering(302, Location="http://127.0.0.1:1/"),
    "silent": silent,
    "dripping": dripping,
    "hanging up": hanging_up,
    "babbling": babbling,
}


@pytest.mark.django_db
@pytest.mark.parametrize("behaviour", BROKEN.values(), ids=BROKEN.keys())
def test_every_verdict_arrives_in_order_once_it_is_back(
    behaviour: Any, endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver
) -> None:
    office.seconds = 0.5
    verdicts(cast, *NAMES)
    server.behaviour = behaviour
    for _turn in range(3):
        assert office.serve(endpoint) == 0
        office.wait(minutes=10)
    assert arrived(server) == ["a"] * 3, "only the oldest is tried"
    assert len(set(message_ids(server))) == 1
    delivery = first_delivery(endpoint)
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 3)
    assert delivery.last_error
    assert (fresh(endpoint).failures, fresh(endpoint).failing_since) == (3, LATER)
    server.received.clear()
    server.behaviour = answering(204)
    office.seconds = 5.0
    assert office.serve(endpoint) == 3
    assert arrived(server) == NAMES
    assert (fresh(endpoint).failures, fresh(endpoint).failing_since) == (0, None)


@pytest.mark.django_db
def test_it_arrives_once_a_killed_receiver_is_back(
    endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver
) -> None:
    verdicts(cast, *NAMES)
    server.kill()
    assert office.serve(endpoint) == 0
    assert "Connection refused" in first_delivery(endpoint).last_error
    assert first_delivery(endpoint).last_status is None
    server.start()
    assert office.serve(endpoint) == 0, "not before it has waited"
    office.wait(seconds=6)
    assert office.serve(endpoint) == 3
    assert arrived(server) == NAMES


@pytest.mark.django_db
def test_an_endless_answer_is_an_answer(
    endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver
) -> None:
    verdicts(cast, *NAMES)
    server.behaviour = endless
    began = time.monotonic()
    assert office.serve(endpoint) == 3
    assert time.monotonic() - began < 5
    assert arrived(server) == NAMES
    assert server.bytes_out < 100_000_000


@pytest.mark.django_db
def test_a_redirect_inwards_is_not_followed(cast: Cast, office: PostOffice, server: Receiver) -> None:
    endpoint, _ = endpoint_at(cast, server.url)
    verdicts(cast, "a")
    with receiver() as inside:
        server.behaviour = answering(307, Location=inside.url)
        office.serve(endpoint)
        assert inside.received == []
    assert "redirect" in first_delivery(endpoint).last_error


@pytest.mark.django_db
def test_an_address_that_has_become_private_is_not_asked(
    endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts(cast, "a")
    monkeypatch.setattr(PostOffice, "client", Outbound(max_body=0))
    assert office.serve(endpoint) == 0
    assert server.received == []
    assert "PRIVATE_TARGETS" in first_delivery(endpoint).last_error


# How long it is tried ------------------------------------------------------------------------------------------


def test_waits_grow_to_four_hours_and_end_with_the_day() -> None:
    rng = random.Random(1)
    now, waits = NOW, []
    for attempts in range(1, 100):
        again = next_attempt(attempts=attempts, first=NOW, now=now, wait=0.0, rng=rng)
        if again is None:
            break
        waits.append((again - now).total_seconds())
        now = again
    assert now == NOW + GIVE_UP_AFTER
    assert 2.5 <= waits[0] <= 5
    assert max(waits) <= LONGEST_WAIT
    assert max(waits) > LONGEST_WAIT / 2
    assert all(later > earlier / 2 for earlier, later in pairwise(waits[:10]))
    assert 10 <= len(waits) <= 30


def test_receivers_of_one_network_do_not_come_back_in_the_same_second() -> None:
    rng = random.Random(1)
    moments = {next_attempt(attempts=9, first=NOW, now=NOW, wait=0.0, rng=rng) for _ in range(50)}
    assert len(moments) == 50


@pytest.mark.parametrize(
    ("status", "retry_after", "waits"),
    [
        (429, "3600", 3600),
        (503, "120", 120),
        (429, "999999", LONGEST_WAIT),
        (500, "3600", 5),
        (429, "soon", 5),
        (503, "-1", 5),
    ],
)
@pytest.mark.django_db
def test_it_waits_as_asked_within_reason(
    status: int,
    retry_after: str,
    waits: float,
    endpoint: WebhookEndpoint,
    cast: Cast,
    office: PostOffice,
    server: Receiver,
) -> None:
    verdicts(cast, "a")
    server.behaviour = answering(status, Retry_After=retry_after)
    office.serve(endpoint)
    waited = (first_delivery(endpoint).next_attempt_at - office.now).total_seconds()
    assert waits / 2 <= waited <= waits


@pytest.mark.django_db
def test_after_a_day_it_is_dead_and_the_next_one_has_its_turn(
    endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver
) -> None:
    verdicts(cast, *NAMES)
    server.behaviour = answering(500)
    office.serve(endpoint)
    while first_delivery(endpoint).state == DeliveryState.PENDING:
        office.serve(endpoint)
        office.now = max(office.now, first_delivery(endpoint).next_attempt_at)
    delivery = first_delivery(endpoint)
    assert states(endpoint) == ["dead", "pending", "pending"]
    assert delivery.last_attempt_at - delivery.first_attempt_at == GIVE_UP_AFTER
    assert set(arrived(server)) == {"a"}
    server.received.clear()
    server.behaviour = answering(200)
    assert office.serve(endpoint) == 2
    assert arrived(server) == ["b", "c"]


@pytest.fixture
def given_up(endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver) -> Iterator[WebhookEndpoint]:
    """An endpoint that works again, of whose three verdicts the first two were given up."""
    verdicts(cast, *NAMES)
    office.serve(endpoint)
    WebhookDelivery.objects.filter(endpoint=endpoint, position__lte=2).update(
        state=DeliveryState.DEAD, delivered_at=None, attempts=17, first_attempt_at=NOW
    )
    server.received.clear()
    return endpoint


@pytest.mark.django_db
def test_a_dead_one_is_sent_again_under_its_own_id(
    given_up: WebhookEndpoint, office: PostOffice, server: Receiver
) -> None:
    delivery = first_delivery(given_up)
    redeliver(delivery=delivery, actor="person:1", now=office.now)
    assert office.serve(given_up) == 1
    assert message_ids(server) == [str(delivery.event.verdict.public_id)]
    assert states(given_up) == ["delivered", "dead", "delivered"]
    assert redeliver_dead(endpoint=given_up, actor="person:1", now=office.now) == 1
    assert office.serve(given_up) == 1
    assert states(given_up) == ["delivered"] * 3
    assert AuditEntry.objects.filter(verb="webhook.redelivered", actor="person:1").count() == 2


@pytest.mark.django_db
def test_a_dead_one_sent_again_has_another_day(given_up: WebhookEndpoint, office: PostOffice, server: Receiver) -> None:
    server.behaviour = answering(500)
    office.wait(days=3)
    redeliver(delivery=first_delivery(given_up), actor="test", now=office.now)
    office.serve(given_up)
    assert states(given_up)[0] == "pending"


# Off and on ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_gone_switches_it_off_and_nothing_is_lost(
    endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver
) -> None:
    verdicts(cast, *NAMES)
    server.behaviour = answering(410)
    office.serve(endpoint)
    assert not fresh(endpoint).active
    assert "410" in fresh(endpoint).disabled_reason
    assert AuditEntry.objects.filter(verb="webhook.switched_off", actor="system").count() == 1
    office.wait(days=2)
    office.serve(endpoint)
    assert len(server.received) == 1
    server.behaviour = answering(200)
    switch_on(endpoint=endpoint, actor="test", now=office.now)
    assert office.serve(endpoint) == 3
    assert arrived(server) == ["a", *NAMES]


@pytest.mark.django_db
def test_while_it_is_off_nothing_is_sent_or_queued(
    endpoint: WebhookEndpoint, cast: Cast, office: PostOffice, server: Receiver
) -> None:
    assert switch_off(endpoint=endpoint, actor="test", reason="a pause", now=NOW)
    assert not switch_off(endpoint=endpoint, actor="test", reason="a pause", now=NOW)
    verdicts(cast, "a")
    assert (office.sweep(), office.serve(endpoint), states(endpoint)) == (0, 0, [])
    switch_on(endpoint=endpoint, actor="test", now=NOW)
    verdicts(cast, "b")
    assert office.serve(endpoint) == 1
    assert arrived(server) == ["b"]
