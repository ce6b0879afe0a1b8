"""Which addresses are asked at all."""

import socket
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from reviewapp.environment import read_environment
from routing.services.outbound import Outbound
from routing.services.targets import PrivateTargets, TargetRefused

REFUSED = (
    # Loopback, by number and by name.
    "https://127.0.0.1/",
    "https://127.8.9.10/",
    "https://localhost/",
    "https://[::1]/",
    # Other spellings of 127.0.0.1, which resolvers understand: decimal, short, octal, hexadecimal.
    "https://2130706433/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://0x7f000001/",
    "https://0/",
    "https://0.0.0.0/",
    "https://[::]/",
    # Private networks.
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.254/",
    "https://192.168.1.1/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    # Link-local, where clouds keep their metadata; and the agent of one of them at a public number.
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/",
    "https://168.63.129.16/",
    # Shared between a provider's customers.
    "https://100.64.0.1/",
    "https://100.127.255.254/",
    # Multicast, broadcast, reserved, documentation, benchmarking, protocol assignments, former site-local.
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://240.0.0.1/",
    "https://[ff02::1]/",
    "https://203.0.113.7/",
    "https://198.18.0.1/",
    "https://192.0.0.192/",
    "https://192.88.99.1/",
    "https://[2001:db8::1]/",
    "https://[fec0::1]/",
    # IPv4 in the clothes of IPv6: mapped, compatible, translated, 6to4, Teredo.
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::10.0.0.1]/",
    "https://[64:ff9b:1::10.0.0.1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:7f00:1::]/",
)
UNREADABLE = (
    "",
    "receiver.example/hook",
    "//receiver.example/hook",
    "ftp://receiver.example/",
    "file:///etc/passwd",
    "gopher://receiver.example/",
    "https://",
    "https:///hook",
    "https://user:secret@receiver.example/",
    "https://user@8.8.8.8/",
    "https://8.8.8.8:0/",
    "https://8.8.8.8:99999/",
    "https://8.8.8.8:x/",
    "https://8.8.8.8\\@127.0.0.1/",
    "https://8.8.8.8/a b",
    "https://8.8.8.8/\r\nHost: internal",
    "https://8.8.8.8/\x00",
    "https://8.8.8.8/" + "x" * 2000,
    "https://[::1",
)


@pytest.mark.parametrize("url", [*REFUSED, *UNREADABLE])
def test_it_refuses_what_is_not_a_public_address(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*arguments: Any, **options: Any) -> None:
        pytest.fail("it connected")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(TargetRefused) as checked:
        Outbound().check(url)
    with pytest.raises(TargetRefused):
        Outbound().send("POST", url, content=b"secret")
    assert len(str(checked.value)) > 20
    assert str(checked.value).endswith((".", "}")) or "cannot be read" in str(checked.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://8.8.8.8/",
        "https://8.8.8.8:8443/hook?a=b",
        "https://[2606:4700::1111]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[64:ff9b::8.8.8.8]/",
        "https://134744072/",
    ],
)
def test_it_lets_public_addresses_pass(url: str) -> None:
    Outbound().check(url)


def test_it_asks_for_https_on_the_open_internet() -> None:
    with pytest.raises(TargetRefused, match="https"):
        Outbound().check("http://8.8.8.8/")


@pytest.mark.parametrize(
    ("word", "url"),
    [
        ("localhost", "http://localhost:9/"),
        ("LocalHost", "https://LOCALHOST./"),
        ("127.0.0.1", "http://127.0.0.1/"),
        ("127.0.0.0/8", "http://127.1.2.3/"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
        ("10.0.0.0/8", "https://10.1.2.3/"),
        ("fd00::/8", "https://[fd00::1]/"),
        ("::1", "http://[::1]:8000/"),
    ],
)
def test_it_goes_where_the_operator_allows_it(word: str, url: str) -> None:
    Outbound(allowed=PrivateTargets.of([word])).check(url)


@pytest.mark.parametrize(
    ("word", "url"),
    [
        ("127.0.0.1", "http://127.0.0.2/"),
        ("10.0.0.0/8", "https://192.168.0.1/"),
        ("internal.example", "https://localhost/"),
        ("fd00::/8", "https://[fe80::1]/"),
    ],
)
def test_what_the_operator_allows_opens_nothing_else(word: str, url: str) -> None:
    with pytest.raises(TargetRefused):
        Outbound(allowed=PrivateTargets.of([word])).check(url)


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: rows)
    with pytest.raises(TargetRefused, match=r"10\.0\.0\.1"):
        Outbound().check("https://both.example/")


def test_the_environment_names_private_targets(tmp_path: Any) -> None:
    found = read_environment({"PRIVATE_TARGETS": " localhost, 10.0.0.0/8 ,judge.internal,::1 "}, tmp_path)
    assert found.private_targets == ["localhost", "10.0.0.0/8", "judge.internal", "::1"]
    assert read_environment({}, tmp_path).private_targets == []


@pytest.mark.parametrize("word", ["10.0.0.0/99", "http://x", "a b", "127.1", "010.0.0.1", "*", "x/8"])
def test_a_slip_in_private_targets_stops_the_start_and_names_it(word: str, tmp_path: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="PRIVATE_TARGETS"):
        read_environment({"PRIVATE_TARGETS": word}, tmp_path)
