"""Stand-ins for what surrounds a voice pipeline, without hardware or network: a conversation agent and a media player.

The agent echoes its input in pieces that ignore word boundaries, as the tokens of a language model do. The player
fetches media over HTTP as real ones do, and writes it to a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from homeassistant.components import conversation, media_player, media_source
from homeassistant.components.conversation.const import DATA_COMPONENT as AGENTS
from homeassistant.components.media_player.browse_media import async_process_play_media_url
from homeassistant.components.media_player.const import DATA_COMPONENT as PLAYERS
from homeassistant.components.media_player.const import MediaPlayerEntityFeature, MediaPlayerState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.typing import ConfigType

DOMAIN = "assist_stub"
PIECE_CHARS = 7


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Add the agent and the player."""
    settings = config[DOMAIN] or {}
    await hass.data[AGENTS].async_add_entities([Echo(settings.get("pause_s", 0.1))])
    await hass.data[PLAYERS].async_add_entities([Recorder(Path(hass.config.path("played")))])
    return True


class Echo(conversation.ConversationEntity):
    """Repeats what it is told."""

    _attr_name = "Echo"
    _attr_unique_id = "echo"
    _attr_supports_streaming = True

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s

    @property
    def supported_languages(self) -> list[str] | Literal["*"]:
        """Return all languages."""
        return "*"

    async def _async_handle_message(
        self, user_input: conversation.ConversationInput, chat_log: conversation.ChatLog
    ) -> conversation.ConversationResult:
        async for _ in chat_log.async_add_delta_content_stream(self.entity_id, self._pieces(user_input.text)):
            pass
        return conversation.async_get_result_from_chat_log(user_input, chat_log)

    async def _pieces(self, text: str) -> AsyncGenerator[conversation.AssistantContentDeltaDict]:
        yield {"role": "assistant"}
        for start in range(0, len(text), PIECE_CHARS):
            yield {"content": text[start : start + PIECE_CHARS]}
            await asyncio.sleep(self._pause_s)


class Recorder(media_player.MediaPlayerEntity):
    """Writes what it plays to a folder, and fires `assist_stub_played`."""

    _attr_name = "Recorder"
    _attr_unique_id = "recorder"
    _attr_state = MediaPlayerState.IDLE
    _attr_supported_features = MediaPlayerEntityFeature.PLAY_MEDIA | MediaPlayerEntityFeature.MEDIA_ANNOUNCE

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def async_play_media(self, media_type: str, media_id: str, **kwargs: Any) -> None:
        """Fetch the media and write it to a file."""
        if media_source.is_media_source_id(media_id):
            media_id = (await media_source.async_resolve_media(self.hass, media_id, self.entity_id)).url
        url = async_process_play_media_url(self.hass, media_id)
        started, first_s, data = monotonic(), None, b""
        async with async_get_clientsession(self.hass).get(url) as response:
            async for piece in response.content.iter_any():
                first_s = monotonic() - started if first_s is None else first_s
                data += piece
        path = self._folder / Path(response.url.path).name
        await self.hass.async_add_executor_job(_write, path, data)
        self.hass.bus.async_fire(
            "assist_stub_played",
            {
                "path": str(path),
                "status": response.status,
                "content_type": response.content_type,
                "first_s": first_s,
                "total_s": monotonic() - started,
            },
        )


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
