"""Where the tests find things: the integration, stand-in components, and the Pythons of other environments."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import pytest_socket

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "k2so"
ASSIST_STUB = Path(__file__).parent / "components" / "assist_stub"


def python_of(variable: str) -> str:
    """The Python of another environment, which script/test passes in a variable."""
    return os.environ.get(variable) or pytest.fail(f"{variable} must name the Python of an environment of its own")


def allow_sockets() -> None:
    """Allow sockets in fixtures that outlive a test: Home Assistant's test kit forbids them before each test."""
    pytest_socket.enable_socket()
