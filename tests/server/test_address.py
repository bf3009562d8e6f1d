"""Parsing the server's address."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_k2so.server.address import ServeError, parse_uri


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("tcp://0.0.0.0:10200", ("tcp", "0.0.0.0", 10200, Path())),
        ("tcp://[::1]:0", ("tcp", "::1", 0, Path())),
        ("unix:///run/k2so.sock", ("unix", "", 0, Path("/run/k2so.sock"))),
        ("unix://Here/a:b?#c", ("unix", "", 0, Path("Here/a:b?#c"))),
        ("stdio://", ("stdio", "", 0, Path())),
    ],
)
def test_valid_addresses(uri: str, parts: tuple[str, str, int, Path]) -> None:
    assert parse_uri(uri) == parts


@pytest.mark.parametrize(
    "uri", ["", "10200", "h:1", "http://h:1", "tcp://1.2.3.4", "tcp://:1", "tcp://h:99999", "unix://"]
)
def test_invalid_addresses(uri: str) -> None:
    with pytest.raises(ServeError, match=r"is not a valid address; use tcp://HOST:PORT, unix://PATH or stdio://"):
        parse_uri(uri)
