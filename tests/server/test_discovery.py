"""Discovery over mDNS, on the loopback interface only."""

from __future__ import annotations

import asyncio
import socket

import pytest
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from wyoming_k2so import __version__
from wyoming_k2so.server.discovery import SERVICE_TYPES, announced, reachable_host

TIMEOUT_S = 10.0


class Listener:
    """Collects what a browser sees, by service type."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.changed = asyncio.Event()

    def __call__(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Added:
            self.names[service_type] = name
        elif state_change is ServiceStateChange.Removed:
            self.names.pop(service_type, None)
        self.changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while len(self.names) != count:
                self.changed.clear()
                await self.changed.wait()


async def test_a_browser_sees_both_types_appear_and_disappear() -> None:
    assert SERVICE_TYPES == ("_wyoming._tcp.local.", "_k2so._tcp.local.")
    async with AsyncZeroconf(interfaces=["127.0.0.1"]) as zeroconf:
        listener = Listener()
        browser = AsyncServiceBrowser(zeroconf.zeroconf, list(SERVICE_TYPES), handlers=[listener])
        async with announced("127.0.0.1", 12345, "Kitchen. Küche", "cafe"):
            await listener.until(2)
            assert listener.names == {kind: f"Kitchen- Küche.{kind}" for kind in SERVICE_TYPES}
            for kind, name in listener.names.items():
                info = AsyncServiceInfo(kind, name)
                assert await info.async_request(zeroconf.zeroconf, TIMEOUT_S * 1000)
                assert info.port == 12345
                assert info.parsed_addresses() == ["127.0.0.1"]
                assert info.decoded_properties == {"version": __version__, "id": "cafe"}
        await listener.until(0)
        await browser.async_cancel()


async def test_a_long_name_is_cut_to_the_limit_of_dns() -> None:
    async with AsyncZeroconf(interfaces=["127.0.0.1"]) as zeroconf:
        listener = Listener()
        browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE_TYPES[0], handlers=[listener])
        async with announced("127.0.0.1", 1, "ü" * 60):
            await listener.until(1)
            assert listener.names[SERVICE_TYPES[0]] == f"{'ü' * 29}.{SERVICE_TYPES[0]}"
        await browser.async_cancel()


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.7", "::1", "voice.example"])
def test_a_single_host_is_reachable_at_itself(host: str) -> None:
    assert reachable_host(host) == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_every_interface_is_reachable_at_one_address(host: str) -> None:
    address = reachable_host(host)
    assert address != host
    socket.inet_aton(address)
