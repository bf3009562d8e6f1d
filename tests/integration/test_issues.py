"""What the user is told to repair, and that it is told no longer than there is a problem."""

from __future__ import annotations

from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from custom_components.k2so.const import DOMAIN

from .conftest import add, pass_time
from .fake_server import k2so, k2so_info

FAILED = [
    {"name": "piper", "state": "ready", "detail": ""},
    {"name": "xtts", "state": "failed", "detail": "the disk is full"},
]
MISSING = {"name": "K2-SO", "engine": "xtts", "speaking": "piper", "detail": "the disk is full"}
ASKED = {"engine": "xtts", "quantization": "none"}
REFUSED = {"name": "K2-SO", "settings": "engine xtts, quantization none", "reason": "memory is short"}


def problems(home: HomeAssistant) -> dict[str | None, dict[str, str] | None]:
    found = [issue for (domain, _), issue in ir.async_get(home).issues.items() if domain == DOMAIN and issue.active]
    return {issue.translation_key: issue.translation_placeholders for issue in found}


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"engines": FAILED, "speaking": "piper", "settings": {"engine": "auto"}}, {"fallback_voice": MISSING}),
        ({"engines": FAILED, "speaking": "piper", "settings": {"engine": "xtts"}}, {"fallback_voice": MISSING}),
        ({"engines": FAILED, "speaking": "piper", "settings": {"engine": "piper"}}, {}),
        ({"failed": {"settings": ASKED, "reason": "memory is short"}}, {"failed_switch": REFUSED}),
    ],
)
async def test_the_user_learns_that_something_else_speaks_than_was_asked_for(
    home: HomeAssistant, socket_enabled: None, state: dict[str, Any], told: dict[str, Any]
) -> None:
    async with k2so(**state).listen() as peer:
        entry = await add(home, peer)
        assert problems(home) == told

        peer.script["k2so-describe"] = [k2so_info()]
        await pass_time(home)
        assert problems(home) == {}

        peer.script["k2so-describe"] = [k2so_info(**state)]
        await pass_time(home)
        assert problems(home) == told
        await home.config_entries.async_unload(entry.entry_id)
        assert problems(home) == {}
