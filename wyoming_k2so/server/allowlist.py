"""Which addresses may connect."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network


class AllowList:
    """Addresses and networks; an empty list lets everybody in."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Read them; an address is a network of one. Raises ValueError when one is none."""
        try:
            self._networks = [ip_network(text.strip(), strict=False) for text in texts]
        except ValueError as error:
            raise ValueError(f"{error}; give addresses or networks such as 192.168.1.0/24") from None

    def admits(self, host: str) -> bool:
        """Whether the client at this address may connect; an IPv4 address may come as one of IPv6."""
        if not self._networks:
            return True
        address = ip_address(host.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)
