"""The allow list: which addresses may connect."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network


class AllowList:
    """Addresses and networks. An empty list admits everyone."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Parse the entries; a single address is a network of one. Raises ValueError for an invalid entry."""
        try:
            self._networks = [ip_network(text.strip(), strict=False) for text in texts]
        except ValueError as error:
            raise ValueError(f"{error}; give addresses or networks such as 192.168.1.0/24") from None

    def admits(self, host: str) -> bool:
        """Whether a client at this address may connect. IPv4-mapped IPv6 addresses count as IPv4."""
        if not self._networks:
            return True
        address = ip_address(host.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)
