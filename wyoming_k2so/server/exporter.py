"""Figures for Prometheus over HTTP, in threads of their own."""

from __future__ import annotations

import logging
import socket
import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from .allowlist import AllowList

_LOGGER = logging.getLogger(__name__)


MOST_AT_ONCE = 16
"""Each client that asks takes a thread and a socket, which speech needs too."""


def export(registry: CollectorRegistry, host: str, port: int, allowed: AllowList) -> int:
    """Answer from now on until the program ends; returns the port, which 0 leaves open.

    Raises:
        OSError: the port is taken, or the host is none.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    server = _Server(family, str(address[0]), port, allowed)
    server.set_app(make_wsgi_app(registry))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return int(server.server_port)


class _Handler(WSGIRequestHandler):
    timeout = 10.0
    """A client that neither asks nor takes its answer for so long loses its thread."""

    def log_message(self, *_: Any) -> None:
        """Say nothing of each request."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, family: socket.AddressFamily, host: str, port: int, allowed: AllowList) -> None:
        self.address_family = family
        self._allowed = allowed
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__((host, port), _Handler)

    def verify_request(self, _request: Any, client_address: Any) -> bool:
        if not self._allowed.admits(client_address[0]):
            _LOGGER.warning("Refused to tell metrics: %s is none of the addresses that may connect", client_address[0])
            return False
        if not self._room.acquire(blocking=False):
            _LOGGER.warning("Refused to tell metrics: %d clients ask already", MOST_AT_ONCE)
            return False
        return True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, _request: Any, client_address: Any) -> None:
        _LOGGER.debug("Metrics for %s were not sent", client_address[0], exc_info=True)
