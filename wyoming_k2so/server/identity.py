"""Who this server is, whatever its address: an id that is made once and kept in the data folder."""

from __future__ import annotations

import logging
import re
import tempfile
import uuid
from pathlib import Path

_LOGGER = logging.getLogger(__name__)

FILE = "server-id"


def server_id(folder: Path) -> str | None:
    """The id of the server whose data folder this is, 32 hexadecimal digits; None when it cannot be kept."""
    path = folder / FILE
    try:
        kept = path.read_text("ascii", "replace").strip() if path.exists() else ""
        if re.fullmatch(r"[0-9a-f]{32}", kept):
            return kept
        made = uuid.uuid4().hex
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".new-", delete=False) as file:
            file.write(made + "\n")
        Path(file.name).replace(path)
    except (OSError, ValueError) as error:
        _LOGGER.warning("The server has no lasting id, so clients know it by its address: %s", error)
        return None
    return made
