"""Runs wyoming-k2so as an app (add-on) of Home Assistant.

Passes the app's options to the server as settings; the Dockerfile sets its address and folders. When the server accepts
connections, this announces it through the Supervisor, and Home Assistant offers to add it. It uses only the standard
library.
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
TIMEOUT_S = 10.0


def settings(options: Mapping[str, Any]) -> dict[str, str]:
    """The server's environment variables for the app's options. Empty options are left out: the server decides."""
    chosen = {key: value for key, value in options.items() if value not in (None, "")}
    return {
        f"K2SO_{key.upper()}": str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in chosen.items()
    }


class Supervisor:
    """The parts of the Supervisor's API that the app uses. Its methods raise OSError or ValueError on failure."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._token = token

    def has_integration(self, domain: str) -> bool:
        """Whether Home Assistant has this integration. Discovery for an unknown one would fail there."""
        return domain in self._request("/core/api/config/config_entries/flow_handlers")

    def announce(self, service: str, uri: str) -> None:
        """Let Home Assistant discover the server."""
        self._request("/discovery", {"service": service, "config": {"uri": uri}})

    def _request(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = Request(self._address + path, data, headers)  # noqa: S310  the Dockerfile sets the address
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return json.load(answer)


def announce(supervisor: Supervisor, uri: str) -> None:
    """Announce the server to Home Assistant's own Wyoming integration, and to ours if it is installed."""
    services = ["wyoming"]
    try:
        if supervisor.has_integration(INTEGRATION):
            services.append(INTEGRATION)
        else:
            _LOGGER.info("integration %s is not installed; announcing only to Wyoming Protocol", INTEGRATION)
    except (OSError, ValueError) as error:
        _LOGGER.warning("cannot find out whether integration %s is installed: %s", INTEGRATION, error)
    for service in services:
        try:
            supervisor.announce(service, uri)
            _LOGGER.info("announced to Home Assistant as %s", service)
        except (OSError, ValueError) as error:
            _LOGGER.warning("cannot announce to Home Assistant as %s: %s; add %s by hand", service, error, uri)


def wait_until_up(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server accepts connections; returns False if it exits first."""
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
    """Run the server until it exits; returns its exit status."""
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
    if wait_until_up(server, port):
        announce(supervisor, f"tcp://{socket.gethostname()}:{port}")
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
