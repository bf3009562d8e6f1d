"""Fixtures that tests of several rooms share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.support.server_process import ServerProcess


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Restore the log level that a command may have set in this process."""
    logger = logging.getLogger("wyoming_k2so")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture(scope="session")
def server() -> Iterator[ServerProcess]:
    """One real server process, shared by all tests that do not change it."""
    process = ServerProcess("--debug")
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log


@pytest.fixture
def logs_restored() -> Iterator[None]:
    """Restore logging after tests in which the program configures it."""
    root, ours = logging.getLogger(), logging.getLogger("wyoming_k2so")
    before = root.level, root.handlers[:], ours.level
    libraries = {name: logging.getLogger(name).level for name in ("piper", "TTS")}
    root.handlers.clear()  # pytest's, which `configure` would close
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    ours.setLevel(before[2])
    for name, level in libraries.items():
        logging.getLogger(name).setLevel(level)
