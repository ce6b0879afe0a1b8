"""Which network addresses may be asked: public ones, and the private ones that the operator allows."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.utils.translation import gettext as _

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# RFC 4291, section 2.4: what is in use of the global unicast space; all the rest is special.
GLOBAL_UNICAST = IPv6Network("2000::/3")
# RFC 6052, section 2.1: an IPv4 address behind a translator, in its last 32 bits.
TRANSLATED = IPv6Network("64:ff9b::/96")
# IANA's special-purpose registries (RFC 6890), written out because what Python counts as global differs by version.
SPECIAL: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        # Multicast, reserved and broadcast.
        "224.0.0.0/3",
        # The host agent of Azure's machines: public by number, reachable from inside only.
        "168.63.129.16/32",
        # Protocol assignments, Teredo among them, and documentation.
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
    )
)


class TargetRefused(Exception):
    """This address is never asked; the message says why, in words for whoever entered it."""


@dataclass(frozen=True, slots=True)
class PrivateTargets:
    """What the operator allows besides the public internet: host names in lower case, and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, words: Iterable[str]) -> "PrivateTargets":
        """From words that the environment has checked; a lone address is a network of one."""
        hosts, networks = set(), []
        for word in words:
            try:
                networks.append(ip_network(word, strict=False))
            except ValueError:
                hosts.add(word.lower().rstrip("."))
        return cls(frozenset(hosts), tuple(networks))

    def permit(self, host: str, addresses: Iterable[str]) -> bool:
        """Whether it is a target that the operator allowed: then plain http will do.

        Raises TargetRefused when any of the addresses is neither public nor allowed.
        """
        if host.lower().rstrip(".") in self.hosts:
            return True
        found = [_address(text) for text in addresses]
        allowed = [self._allows(address) for address in found]
        for address, is_allowed in zip(found, allowed, strict=True):
            if not (is_allowed or is_public(address)):
                raise TargetRefused(
                    _(
                        "%(host)s is at %(address)s, which is not on the public internet. "
                        "The operator can allow it with PRIVATE_TARGETS."
                    )
                    % {"host": host, "address": address}
                )
        return bool(allowed) and all(allowed)

    def _allows(self, address: Address) -> bool:
        # An IPv4 address in IPv6 clothes is the IPv4 address.
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped.version == network.version and mapped in network for network in self.networks)


def is_public(address: Address) -> bool:
    """Whether it is a global unicast address, and so is every IPv4 address that it stands for.

    Private, loopback, link-local (cloud metadata), shared (100.64.0.0/10), multicast, documentation,
    benchmarking, reserved and unspecified addresses are not.
    """
    if any(address.version == network.version and address in network for network in SPECIAL):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global
    if address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    if address in TRANSLATED:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.sixtofour:
        return is_public(address.sixtofour)
    return address in GLOBAL_UNICAST and address.is_global


def _address(text: str) -> Address:
    """The address without the zone that a resolver adds to link-local ones."""
    return ip_address(text.partition("%")[0])
