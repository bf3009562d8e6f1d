"""Addresses that a server can listen on."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from wyoming_k2so.settings.errors import UserError


class ServeError(UserError):
    """The server cannot listen on its address."""


class Address(NamedTuple):
    """A parsed address: TCP has a host and a port, a Unix socket has a path, standard input and output have neither."""

    scheme: str
    host: str = ""
    port: int = 0
    path: Path = Path()


def parse_uri(uri: str) -> Address:
    """Parse tcp://HOST:PORT, unix://PATH or stdio://. Raises ServeError if `uri` is none of these."""
    problem = f"{uri!r} is not a valid address; use tcp://HOST:PORT, unix://PATH or stdio://"
    scheme, separator, rest = uri.partition("://")
    if scheme == "stdio" and separator:
        return Address(scheme)
    if scheme == "unix" and rest:
        return Address(scheme, path=Path(rest))
    try:
        parts = urlsplit(uri)
        if scheme == "tcp" and parts.hostname and parts.port is not None:
            return Address(scheme, parts.hostname, parts.port)
    except ValueError as error:
        raise ServeError(f"{problem} ({error})") from None
    raise ServeError(problem)
