"""Repair issues: created while there is a problem, and deleted when it is solved."""

from __future__ import annotations

from typing import Any

import pytest
from homeassistant.core import HomeAssistant

from .config_entries import add_entry, pass_time
from .fake_server import fake_k2so, k2so_info
from .repair_issues import repair_issues

FAILED_ENGINE = [
    {"name": "piper", "state": "ready", "detail": ""},
    {"name": "xtts", "state": "failed", "detail": "the disk is full"},
]
FALLBACK_VOICE = {"name": "K2-SO", "engine": "xtts", "speaking": "piper", "detail": "The disk is full."}
REQUESTED = {"engine": "xtts", "quantization": "none"}
FAILED_SWITCH = {"name": "K2-SO", "settings": "engine xtts, quantization none", "reason": "Out of memory."}


@pytest.mark.parametrize(
    ("state", "issues"),
    [
        (
            {"engines": FAILED_ENGINE, "speaking": "piper", "settings": {"engine": "auto"}},
            {"fallback_voice": FALLBACK_VOICE},
        ),
        (
            {"engines": FAILED_ENGINE, "speaking": "piper", "settings": {"engine": "xtts"}},
            {"fallback_voice": FALLBACK_VOICE},
        ),
        ({"engines": FAILED_ENGINE, "speaking": "piper", "settings": {"engine": "piper"}}, {}),
        ({"failed": {"settings": REQUESTED, "reason": "out of memory"}}, {"failed_switch": FAILED_SWITCH}),
    ],
)
async def test_an_issue_lasts_as_long_as_its_problem(
    home: HomeAssistant, socket_enabled: None, state: dict[str, Any], issues: dict[str, Any]
) -> None:
    async with fake_k2so(**state).listen() as fake:
        entry = await add_entry(home, fake)
        assert repair_issues(home) == issues

        fake.script["k2so-describe"] = [k2so_info()]
        await pass_time(home)
        assert repair_issues(home) == {}

        fake.script["k2so-describe"] = [k2so_info(**state)]
        await pass_time(home)
        assert repair_issues(home) == issues
        await home.config_entries.async_unload(entry.entry_id)
        assert repair_issues(home) == {}
