"""What goes to standard error: lines for people or JSON objects for machines."""

from __future__ import annotations

import json
import logging
import sys
import time

from .config import LogConfig


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


def configure(config: LogConfig) -> None:
    """Set up the root logger. Libraries speak at warning level and above, even with `debug`."""
    handler = logging.StreamHandler(sys.stderr)
    if config.log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("wyoming_k2so").setLevel(logging.DEBUG if config.debug else logging.INFO)
