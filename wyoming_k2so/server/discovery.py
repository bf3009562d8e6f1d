"""Service discovery: the address at which others reach this machine, and its announcement over mDNS."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wyoming_k2so import __version__

# Home Assistant's own Wyoming integration claims the first type; ours listens for the second, so that both work.
SERVICE_TYPES = ("_wyoming._tcp.local.", "_k2so._tcp.local.")

# DNS allows 63; zeroconf appends a number to a name that is taken.
MAX_LABEL_BYTES = 59

_MDNS_GROUP = "224.0.0.251"


def reachable_host(host: str) -> str:
    """The address at which others reach a server bound to `host`: the same, unless it means every interface."""
    try:
        if not ipaddress.ip_address(host).is_unspecified:
            return host
    except ValueError:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_MDNS_GROUP, 1))  # sends nothing, only looks up the route
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


@asynccontextmanager
async def announced(host: str, port: int, name: str = "", identity: str | None = None) -> AsyncIterator[None]:
    """Announce the server while the context is open.

    Args:
        host: the address the server is bound to; a single address is announced on its own interface only.
        port: TCP port.
        name: shown to users; empty for the machine's host name.
        identity: lets clients recognize the server when its address has changed.
    """
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf  # noqa: PLC0415  `reachable_host` does not need it

    reachable = reachable_host(host)
    address = socket.gethostbyname(reachable)
    every = reachable != host
    label = re.sub(r"[\x00-\x1f.]", "-", name or f"k2so-{socket.gethostname()}")
    label = label.encode()[:MAX_LABEL_BYTES].decode("utf-8", "ignore")
    properties = {"version": __version__} | ({"id": identity} if identity else {})
    zeroconf = AsyncZeroconf() if every else AsyncZeroconf(interfaces=[address])
    try:
        for service_type in SERVICE_TYPES:
            await zeroconf.async_register_service(
                AsyncServiceInfo(
                    service_type,
                    f"{label}.{service_type}",
                    addresses=[socket.inet_aton(address)],
                    port=port,
                    properties=properties,
                    server=f"{re.sub(r'[^A-Za-z0-9-]', '-', label)}.local.",
                ),
                allow_name_change=True,
            )
        yield
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()
