"""Fixtures: a running Home Assistant, a running server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket

from .hass import HassProcess, free_port
from .server import ServerProcess

HOUSE = Path(__file__).parent / "house" / "test_house"


@pytest.fixture(scope="session")
def sockets() -> None:
    """The test kit of Home Assistant forbids sockets before each test; fixtures that live longer need them too."""
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def _sockets_in_tests(socket_enabled: None) -> None:
    """Everything here speaks to real processes, which the kit lets be on 127.0.0.1 only."""


@pytest.fixture(scope="session")
def server_python() -> str:
    """The Python of the environment that the server runs in."""
    if python := os.environ.get("K2SO_DEV_SERVER_PYTHON"):
        return python
    pytest.fail("K2SO_DEV_SERVER_PYTHON must name the Python of the server's own environment")


@pytest.fixture(scope="session")
def server(sockets: None, server_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that speaks with its embedded voice."""
    process = ServerProcess(server_python, free_port(), tmp_path_factory.mktemp("server"))
    try:
        process.start()
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="session")
def hass_process(sockets: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HassProcess]:
    """A Home Assistant with an agent that says back what it is told, and a player that writes files."""
    process = HassProcess(tmp_path_factory.mktemp("hass"), configuration="test_house:\n", components=(HOUSE,))
    try:
        process.start()
        yield process
    finally:
        process.stop()
