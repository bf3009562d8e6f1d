"""Check whether the local server can speak, as health checks do."""

from __future__ import annotations

import argparse
import asyncio

from wyoming_k2so.server.healthcheck import count_voices
from wyoming_k2so.settings.config import Config
from wyoming_k2so.settings.errors import UserError
from wyoming_k2so.settings.options import OptionError


def check(config: Config, _flags: argparse.Namespace) -> int:
    """Count the voices of the server at the configured address. Raises UserError: it cannot speak."""
    uri = config.server.uri
    if not uri.startswith(("tcp://", "unix://")):
        raise OptionError(f"uri: {uri!r} cannot be checked; it must be tcp://HOST:PORT or unix://PATH")
    try:
        voices = asyncio.run(count_voices(uri))
    except (OSError, ValueError) as error:
        raise UserError(f"no server answers at {uri}: {error or 'timed out'}") from None
    if not voices:
        raise UserError(f"the server at {uri} has no voice")
    print(f"The server at {uri} speaks in {voices} voice{'s' if voices > 1 else ''}.")
    return 0
