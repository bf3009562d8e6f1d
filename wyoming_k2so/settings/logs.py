"""Logging to standard error: lines for people, or JSON objects for programs."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterable

from .config import LogConfig

MOST_A_MINUTE = 60


class Flood(logging.Filter):
    """Limits how often our messages of one kind are logged, so that no client can fill the disk with them."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log a message. Messages of one kind have the same format string."""
        if not record.name.startswith("wyoming_k2so"):
            return True
        now, kind = time.monotonic(), (record.levelno, record.msg)
        began, count = self._kinds.get(kind, (now, 0))
        if now >= began + 60:
            began, count = now, 0
        self._kinds[kind] = began, count + 1
        if count + 1 == MOST_A_MINUTE:
            record.msg += " (more of this kind are suppressed for up to a minute)"
        return count < MOST_A_MINUTE


class JsonFormatter(logging.Formatter):
    """One JSON object per message."""

    def format(self, record: logging.LogRecord) -> str:
        """Time in UTC, level, logger, message and the traceback, if there is one."""
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
    """One line per message, whatever text from the network it contains. A traceback follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """The line."""
        line = super().formatMessage(record)
        return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)


def configure(config: LogConfig, private: Iterable[str] = ()) -> None:
    """Set up the root logger. Libraries log warnings and errors only, even with `debug`.

    `private`: loggers of libraries that may quote users' texts; they are silent without `debug`.
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
    for library in private:
        logging.getLogger(library).setLevel(logging.WARNING if config.debug else logging.CRITICAL)
