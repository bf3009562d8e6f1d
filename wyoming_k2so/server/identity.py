"""The server's id: created once, kept in the data folder, independent of its address."""

from __future__ import annotations

import logging
import re
import tempfile
import uuid
from pathlib import Path

_LOGGER = logging.getLogger(__name__)

FILE = "server-id"


def server_id(folder: Path) -> str | None:
    """The id in this data folder, 32 hexadecimal digits; created if missing or damaged, None if it cannot be stored."""
    path = folder / FILE
    try:
        stored = path.read_text("ascii", "replace").strip() if path.exists() else ""
        if re.fullmatch(r"[0-9a-f]{32}", stored):
            return stored
        new = uuid.uuid4().hex
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".new-", delete=False) as file:
            file.write(new + "\n")
        Path(file.name).replace(path)
    except (OSError, ValueError) as error:
        _LOGGER.warning("could not store the server id, so clients identify this server by its address: %s", error)
        return None
    return new
