"""Starts wyoming-k2so as an app (add-on) of Home Assistant.

The app's options become the server's settings, and the Dockerfile's variables say where all is. Once the server accepts
clients, the Supervisor is told, and Home Assistant offers to add it. This needs Python's standard library only.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

_LOGGER = logging.getLogger("k2so")

INTEGRATION = "k2so"
POLL_S = 0.5
PATIENCE_S = 10.0


def settings(options: Mapping[str, Any]) -> dict[str, str]:
    """Environment variables of the server for the app's options. What is left empty stays the server's choice."""
    chosen = {key: value for key, value in options.items() if value not in (None, "")}
    return {
        f"K2SO_{key.upper()}": str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in chosen.items()
    }


class Supervisor:
    """What an app may ask of Home Assistant."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._token = token

    def has_integration(self, domain: str) -> bool:
        """Whether Home Assistant can set this integration up. Discovery of an unknown one would be an error there."""
        return domain in self._ask("/core/api/config/config_entries/flow_handlers")

    def announce(self, service: str, uri: str) -> None:
        """Let Home Assistant discover the server."""
        self._ask("/discovery", {"service": service, "config": {"uri": uri}})

    def _ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Raises OSError or ValueError when there is no sound answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = Request(self._address + path, data, headers)  # noqa: S310  the Dockerfile says where
        with urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return json.load(answer)


def announce(supervisor: Supervisor, uri: str) -> None:
    """Tell Home Assistant of the server: its own Wyoming integration always, ours if it is installed."""
    services = ["wyoming"]
    try:
        if supervisor.has_integration(INTEGRATION):
            services.append(INTEGRATION)
        else:
            _LOGGER.info("The integration %s is not installed in Home Assistant; Wyoming Protocol will do", INTEGRATION)
    except (OSError, ValueError) as error:
        _LOGGER.warning("Home Assistant does not say whether it has the integration %s: %s", INTEGRATION, error)
    for service in services:
        try:
            supervisor.announce(service, uri)
            _LOGGER.info("Announced to Home Assistant as %s", service)
        except (OSError, ValueError) as error:
            _LOGGER.warning("Not announced to Home Assistant as %s, add %s by hand: %s", service, uri, error)


def accepts(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server takes connections; False if it ends before."""
    while True:
        try:
            server.wait(POLL_S)
        except subprocess.TimeoutExpired:
            pass
        else:
            return False
        try:
            socket.create_connection(("127.0.0.1", port), timeout=POLL_S).close()
        except OSError:
            continue
        return True


def main() -> int:
    """Run the server until it ends; returns its exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    environment = dict(os.environ)
    supervisor = Supervisor(environment.pop("SUPERVISOR"), environment.pop("SUPERVISOR_TOKEN"))
    Path(environment["K2SO_VOICES_DIR"]).mkdir(parents=True, exist_ok=True)
    options = json.loads(Path(environment["K2SO_DATA_DIR"], "options.json").read_text("utf-8"))
    server = subprocess.Popen(["wyoming-k2so", "serve"], env=environment | settings(options))  # noqa: S607
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.terminate())
    port = urlsplit(environment["K2SO_URI"]).port
    assert port
    if accepts(server, port):
        announce(supervisor, f"tcp://{socket.gethostname()}:{port}")
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
