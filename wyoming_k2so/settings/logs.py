"""What goes to standard error: lines for people or JSON objects for machines."""

from __future__ import annotations

import json
import logging
import sys
import time

from .config import LogConfig

_TOLD_TEXTS = ("piper", "TTS")


MOST_A_MINUTE = 60


class Flood(logging.Filter):
    """Lets our messages of one kind through so many times a minute: no client can fill the disk with them."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to tell it. A kind is what was not yet put together with a message's values."""
        if not record.name.startswith("wyoming_k2so"):
            return True
        now, kind = time.monotonic(), (record.levelno, record.msg)
        began, count = self._kinds.get(kind, (now, 0))
        if now >= began + 60:
            began, count = now, 0
        self._kinds[kind] = began, count + 1
        if count + 1 == MOST_A_MINUTE:
            record.msg += " (more of this kind are left out for up to a minute)"
        return count < MOST_A_MINUTE


class JsonFormatter(logging.Formatter):
    """One JSON object per message."""

    def format(self, record: logging.LogRecord) -> str:
        """Time in UTC, level, logger, message and, if there is one, the traceback."""
        fields = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


class LineFormatter(logging.Formatter):
    """One line per message, whatever names from the network are in it; a traceback follows in lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """The line."""
        line = super().formatMessage(record)
        return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)


def configure(config: LogConfig) -> None:
    """Set up the root logger. Libraries speak at warning level and above, even with `debug`. Without it, floods end.

    Those that are given users' texts quote them in warnings, so that they speak only with `debug`.
    """
    handler = logging.StreamHandler(sys.stderr)
    if config.log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(LineFormatter())
    if not config.debug:
        handler.addFilter(Flood())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("wyoming_k2so").setLevel(logging.DEBUG if config.debug else logging.INFO)
    for library in _TOLD_TEXTS:
        logging.getLogger(library).setLevel(logging.WARNING if config.debug else logging.CRITICAL)
