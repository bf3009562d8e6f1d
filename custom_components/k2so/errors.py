"""What can go wrong with a server, in words that a user can read."""

import re

from homeassistant.exceptions import HomeAssistantError

from .const import DOMAIN

ERROR_CODES = (
    "bad-request",
    "bad-setting",
    "bad-voice",
    "busy",
    "cannot-clone",
    "failed",
    "forbidden",
    "locked",
    "shutdown",
    "synthesis-failed",
    "unknown-voice",
)
"""The error codes of a K2-SO server. Each has a translation of its own."""

# A plain word. Names such as int8 and tcp://0.0.0.0 keep their spelling.
FIRST_WORD = re.compile(r"[a-z][a-z'-]*[,:;]?(?=\s|$)")


class K2soError(HomeAssistantError):
    """A request failed; `translation_key` says how."""

    def __init__(self, key: str, **placeholders: str) -> None:
        super().__init__(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
        self.key = key
        self.reason = placeholders.get("reason", "")
        """What the server said, as a sentence."""


def from_server(code: str | None, text: str) -> K2soError:
    """The error that a server reported in a Wyoming error event."""
    return K2soError(code.replace("-", "_") if code in ERROR_CODES else "server_error", reason=sentence(text))


def sentence(text: str) -> str:
    """A server message as a sentence: servers write them in lower case and without a full stop."""
    text = text.strip()
    if FIRST_WORD.match(text):
        text = text[0].upper() + text[1:]
    return text if not text or text[-1] in ".!?…" else f"{text}."
