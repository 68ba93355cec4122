"""Where texts may be fetched from, besides Label Studio: names, addresses, networks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, TypeAlias

from prelabel.errors import ConfigError, shorten

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAME = re.compile(r"(?!.*\.\.)[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
# IPv6 addresses that stand for an IPv4 address which a gateway would call (RFC 6052, 3056, 4380).
_GATEWAYS = [ipaddress.ip_network(net) for net in ("64:ff9b::/96", "2002::/16", "2001::/32")]


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchHosts:
    """Names and networks that texts may be fetched from.

    >>> hosts = FetchHosts.parse("files.example.com, 10.0.0.0/8")
    >>> hosts.has_name("files.example.com"), hosts.lets_call(ipaddress.ip_address("127.0.0.1"))
    (True, False)
    """

    names: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a list with commas; raise `ConfigError` for what is neither a name nor a network."""
        names, networks = set(), []
        for item in filter(None, (part.strip().lower().strip("[]") for part in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(item))
            except ValueError as error:
                if not _NAME.fullmatch(item) or re.fullmatch(r"[\d.]+", item):
                    raise ConfigError(
                        f"Received {shorten(item)} in PRELABEL_FETCH_HOSTS",
                        expected="host names, IP addresses and networks with commas between, as in "
                        "files.example.com,10.1.2.0/24",
                        fix="Leave out http://, ports and paths.",
                    ) from error
                names.add(item)
        return cls(names=frozenset(names), networks=tuple(networks))

    def has_name(self, host: str) -> bool:
        """Whether a host is listed by its name, or as the address that it is."""
        try:
            return self.has_address(ipaddress.ip_address(host))
        except ValueError:
            return host.lower().rstrip(".") in self.names

    def has_address(self, address: Address) -> bool:
        """Whether an address is listed, or in a listed network."""
        mapped = getattr(address, "ipv4_mapped", None)
        return any(each in net for net in self.networks for each in (address, mapped) if each)

    def lets_call(self, address: Address) -> bool:
        """Whether an address that a listed name has may be called: it is public, or listed."""
        return self.has_address(address) or _is_public(address)

    def find_refused(self, addresses: Iterable[Address]) -> Address | None:
        """Return an address that may not be called."""
        return next((address for address in addresses if not self.lets_call(address)), None)


def _is_public(address: Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None) or address
    behind = any(address in net for net in _GATEWAYS)
    return mapped.is_global and not mapped.is_multicast and not behind
