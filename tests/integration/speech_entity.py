"""Uses the speech entity as Home Assistant does, within the test."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from homeassistant.components import tts
from homeassistant.components.tts.const import DATA_COMPONENT
from homeassistant.components.tts.entity import TTSAudioRequest
from homeassistant.core import HomeAssistant

ENTITY = "tts.k2_so_speech"
SENTENCE = "The kitchen light is on now."
REPLY = (
    "The washing machine is ready. It is raining outside, and the window in the bedroom is still open."
    " The front door has been open since this morning."
)


async def pieces(*texts: str) -> AsyncGenerator[str]:
    for text in texts:
        yield text


def entity(home: HomeAssistant) -> tts.TextToSpeechEntity:
    found = home.data[DATA_COMPONENT].get_entity(ENTITY)
    assert found
    return found


async def stream(
    home: HomeAssistant, text: AsyncGenerator[str] | str = SENTENCE, language: str = "en", **options: Any
) -> AsyncGenerator[bytes]:
    """Speak through the entity itself."""
    if isinstance(text, str):
        text = pieces(text)
    response = await entity(home).async_stream_tts_audio(TTSAudioRequest(language, options, text))
    assert response.extension == "wav"
    return response.data_gen


async def collect(sound: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in sound])


async def speak(home: HomeAssistant, message: str, language: str | None = None, **options: Any) -> bytes:
    """Speak through Home Assistant's TTS component, with its cache and conversion."""
    result = tts.async_create_stream(home, ENTITY, language, options)
    result.async_set_message(message)
    return await collect(result.async_stream_result())
