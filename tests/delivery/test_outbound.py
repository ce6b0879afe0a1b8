"""Requests to strangers' servers: pinned, bounded in time and size, and never anywhere else."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from routing.services import outbound
from routing.services.outbound import BadAnswer, DeadlineExceeded, Outbound, Unreachable
from routing.services.targets import PrivateTargets, TargetRefused
from tests.delivery.receivers import (
    Certificate,
    Receiver,
    answering,
    babbling,
    dripping,
    endless,
    hanging_up,
    receiver,
    silent,
)

LOOPBACK = PrivateTargets.of(["127.0.0.1"])


def client(**changes: Any) -> Outbound:
    return Outbound(**({"allowed": LOOPBACK, "total_seconds": 1.0} | changes))


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def names(monkeypatch: pytest.MonkeyPatch, *turns: str) -> list[str]:
    """Every name resolves to the next address of `turns`, the last one for ever; what was asked is kept."""
    asked: list[str] = []
    genuine = socket.getaddrinfo

    def resolve(host: str, port: int, *arguments: Any, **options: Any) -> Any:
        if host[:1].isdigit():
            return genuine(host, port, *arguments, **options)
        asked.append(host)
        return genuine(turns[min(len(asked), len(turns)) - 1], port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_it_sends_what_it_is_given_and_brings_back_the_answer(server: Receiver) -> None:
    def answer(handler: Any) -> None:
        handler.send_response(422)
        handler.send_header("X-Odd", "yes")
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        handler.wfile.write(b"wrong")

    server.behaviour = answer
    got = client().send("POST", server.url + "?a=b%20c", headers={"X-Mine": "1"}, content=b"body")
    assert (got.status, got.ok, got.body, got.truncated, got.headers["x-odd"]) == (422, False, b"wrong", False, "yes")
    [request] = server.received
    assert (request.path, request.body) == ("/hook?a=b%20c", b"body")
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert (request.headers["x-mine"], request.headers["accept-encoding"]) == ("1", "identity")


def test_it_connects_to_the_address_it_has_checked_whatever_the_name_says_next(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = names(monkeypatch, "127.0.0.1", "127.0.0.99")
    got = client().send("POST", f"http://rebinding.example:{server.port}/hook")
    assert got.ok
    assert asked == ["rebinding.example"], "one look at the name, not one for the check and one for the connection"
    assert server.received[0].headers["host"] == f"rebinding.example:{server.port}"


def test_it_refuses_a_name_that_was_public_when_it_was_entered(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "8.8.8.8", "127.0.0.1")
    url = f"https://rebinding.example:{server.port}/hook"
    Outbound().check(url)
    with pytest.raises(TargetRefused, match=r"127\.0\.0\.1"):
        Outbound(total_seconds=1.0).send("POST", url)
    assert server.received == []


def test_it_follows_no_redirect(server: Receiver) -> None:
    with receiver() as inside:
        for status in (301, 302, 303, 307, 308):
            server.behaviour = answering(status, Location=inside.url)
            got = client().send("POST", server.url)
            assert (got.status, got.ok) == (status, False)
        assert inside.received == []


def test_it_takes_no_proxy_from_the_environment(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert client().send("POST", server.url).ok
        assert (len(server.received), len(proxy.received)) == (1, 0)


@pytest.mark.parametrize("behaviour", [silent, dripping], ids=["silent", "dripping"])
def test_it_ends_at_its_deadline_whatever_the_server_does(server: Receiver, behaviour: Any) -> None:
    server.behaviour = behaviour
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        client(total_seconds=0.6, read_seconds=0.4).send("POST", server.url, content=b"x")
    assert time.monotonic() - began < 2


def test_it_ends_at_its_deadline_when_the_server_does_not_read(server: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            client(total_seconds=0.6).send(
                "POST", f"http://127.0.0.1:{deaf.getsockname()[1]}/", content=b"x" * 30_000_000
            )
        assert time.monotonic() - began < 2


def test_it_ends_at_its_deadline_when_the_name_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: done.wait(20) and [])
    began = time.monotonic()
    try:
        with pytest.raises(DeadlineExceeded, match="resolved"):
            client(total_seconds=0.3).send("POST", "https://slow.example/")
    finally:
        done.set()
    assert time.monotonic() - began < 2


def test_it_reads_no_more_of_an_answer_than_it_was_told(server: Receiver) -> None:
    server.behaviour = endless
    got = client(max_body=100_000, total_seconds=10.0).send("POST", server.url)
    assert (got.status, len(got.body), got.truncated) == (200, 100_000, True)
    time.sleep(0.1)
    assert server.bytes_out < 50_000_000, "the server could go on sending"


def test_it_needs_no_body_to_know_the_status(server: Receiver) -> None:
    server.behaviour = endless
    got = client(max_body=0).send("POST", server.url)
    assert (got.status, got.body, got.truncated) == (200, b"", True)


def test_it_unpacks_nothing(server: Receiver) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)

    def answer(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(bomb)))
        handler.end_headers()
        handler.wfile.write(bomb)

    server.behaviour = answer
    assert client().send("GET", server.url).body == bomb


def test_it_says_in_plain_words_what_went_wrong(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    server.behaviour = babbling
    with pytest.raises(BadAnswer, match="not HTTP"):
        client().send("POST", server.url)
    server.behaviour = hanging_up
    with pytest.raises((Unreachable, BadAnswer)):
        client().send("POST", server.url)
    server.kill()
    with pytest.raises(Unreachable, match="Connection refused"):
        client().send("POST", server.url)

    def unknown(*arguments: Any, **options: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"gone\.example cannot be resolved"):
        client().send("POST", "https://gone.example/")


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """A certificate for receiver.example that this process trusts."""
    made = Certificate(("receiver.example",), tmp_path)
    monkeypatch.setattr(outbound, "_tls", lambda: ssl.create_default_context(cafile=str(made.file)))
    return made


def test_it_verifies_the_name_although_it_connects_to_a_number(
    trusted: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "127.0.0.1")
    with receiver(tls=trusted.server_side) as server:
        got = client().send("POST", f"https://receiver.example:{server.port}/hook", content=b"x")
        assert (got.status, server.received[0].headers["host"]) == (200, f"receiver.example:{server.port}")
        with pytest.raises(Unreachable, match="certificate is not valid"):
            client().send("POST", f"https://other.example:{server.port}/hook", content=b"x")
        assert len(server.received) == 1


def test_it_trusts_no_certificate_of_a_strangers_making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "127.0.0.1")
    made = Certificate(("receiver.example",), tmp_path)
    with receiver(tls=made.server_side) as server:
        with pytest.raises(Unreachable, match="certificate is not valid"):
            client().send("POST", f"https://receiver.example:{server.port}/hook")
        assert server.received == []


def test_it_speaks_no_tls_with_a_server_that_does_not(server: Receiver) -> None:
    with pytest.raises((Unreachable, DeadlineExceeded)):
        client().send("POST", f"https://127.0.0.1:{server.port}/")


def test_it_works_from_several_threads_at_once(server: Receiver) -> None:
    shared, failures = client(total_seconds=10.0), []

    def ask(number: int) -> None:
        try:
            for turn in range(10):
                assert shared.send("POST", server.url, content=f"{number}-{turn}".encode()).ok
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({request.body for request in server.received}) == 80
