"""Serves the metrics to Prometheus over HTTP, in its own threads."""

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

MAX_CLIENTS = 16
"""Each client takes a thread and a socket, which speech needs too."""


def export(registry: CollectorRegistry, host: str, port: int, allow_list: AllowList) -> int:
    """Serve until the program ends; returns the port, which the system chooses if `port` is 0.

    Raises:
        OSError: the port is taken or the host is invalid.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    server = _Server(family, str(address[0]), port, allow_list)
    server.set_app(make_wsgi_app(registry))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return int(server.server_port)


class _Handler(WSGIRequestHandler):
    timeout = 10.0
    """Seconds; disconnects a client that does not send its request or read the response."""

    def log_message(self, *_: Any) -> None:
        """Do not log requests."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, family: socket.AddressFamily, host: str, port: int, allow_list: AllowList) -> None:
        self.address_family = family
        self._allow_list = allow_list
        self._slots = threading.BoundedSemaphore(MAX_CLIENTS)
        super().__init__((host, port), _Handler)

    def verify_request(self, _request: Any, client_address: Any) -> bool:
        if not self._allow_list.admits(client_address[0]):
            _LOGGER.warning("rejected a metrics request: %s is not on the allow list", client_address[0])
            return False
        if not self._slots.acquire(blocking=False):
            _LOGGER.warning("rejected a metrics request: already %d clients connected", MAX_CLIENTS)
            return False
        return True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, _request: Any, client_address: Any) -> None:
        _LOGGER.debug("failed to send metrics to %s", client_address[0], exc_info=True)
