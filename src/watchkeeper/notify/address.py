"""Which addresses a webhook may connect to: those of the public internet, and what the operator lists."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from watchkeeper.notify.target import NotDelivered

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses as a translator writes them in IPv6 (RFC 6052)."""


def resolved(host: str, port: int, allowed: Iterable[str]) -> list[str]:
    """The addresses of a host, looked up once; whoever connects uses these and never the name again.

    Raises `NotDelivered` where it has none, or where one of them is not public and the host is not listed.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as failed:
        raise NotDelivered(f"the host {host} can't be found: {failed}.") from failed
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if host.lower() not in {name.lower().strip("[]") for name in allowed}:
        for address in addresses:
            if not is_public(address):
                raise NotDelivered(
                    f"{host} is at {address}, which is not a public address, so nothing was sent. If that is where "
                    f"notices belong, list {host} under `notify: allow:` in config.yaml."
                )
    return addresses


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, however it is written."""
    try:
        at = _plain(ipaddress.ip_address(address))
    except ValueError:
        return False
    return at.is_global and not at.is_multicast and not at.is_reserved


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
