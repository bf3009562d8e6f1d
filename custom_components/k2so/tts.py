"""The text-to-speech entity: streams text in and audio out."""

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import aclosing
from typing import Any, override

from homeassistant.components import tts
from homeassistant.components.tts.entity import TTSAudioRequest, TTSAudioResponse
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util.language import matches
from wyoming.audio import AudioChunk, AudioStart
from wyoming.info import TtsVoice
from wyoming.tts import SynthesizeVoice

from . import wav
from .const import CONF_LANGUAGE, CONF_VOICE
from .coordinator import K2soConfigEntry, K2soCoordinator
from .entity import K2soEntity
from .errors import K2soError
from .models import ServerState

PARALLEL_UPDATES = 0

ATTR_SPEAKER = "speaker"
ATTR_SPEED = "speed"
ATTR_SAMPLE_RATE = "sample_rate"
ATTR_FINGERPRINT = "fingerprint"

_WAV = "wav"
_CONVERSIONS = (
    tts.ATTR_PREFERRED_SAMPLE_RATE,
    tts.ATTR_PREFERRED_SAMPLE_CHANNELS,
    tts.ATTR_PREFERRED_SAMPLE_BYTES,
    tts.ATTR_PREFERRED_BITRATE,
)
# The sample rates that a K2-SO server offers, in Hz.
_RATES = range(8_000, 96_001)


async def async_setup_entry(
    hass: HomeAssistant, entry: K2soConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the entity of a server."""
    async_add_entities([K2soTextToSpeech(entry.runtime_data)])


class K2soTextToSpeech(K2soEntity, tts.TextToSpeechEntity):
    """Speaks with the voices of a server."""

    _voices: Mapping[str, list[tts.Voice]]

    def __init__(self, coordinator: K2soCoordinator) -> None:
        super().__init__(coordinator, "speech")
        k2so_options = (ATTR_SPEED, ATTR_SAMPLE_RATE) if coordinator.data.k2so else ()
        self._attr_supported_options = [
            tts.ATTR_VOICE,
            ATTR_SPEAKER,
            *k2so_options,
            tts.ATTR_PREFERRED_FORMAT,
            *_CONVERSIONS,
        ]
        self._attr_supported_languages = []
        self._update_voices()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self._update_voices()
        super()._handle_coordinator_update()

    def _update_voices(self) -> None:
        state = self.coordinator.data
        languages = {language for voice in state.voices for language in voice.languages}
        if state.k2so and any(engine.state in ("loading", "failed") for engine in state.k2so.engines):
            # Keep the languages that only the missing engine speaks: for a pipeline in one of them, the fallback voice
            # is better than none.
            languages.update(self._attr_supported_languages)
        self._attr_supported_languages = sorted(languages)
        self._voices = {
            language: sorted(
                (tts.Voice(v.name, v.description or v.name) for v in state.voices if language in v.languages),
                key=lambda voice: voice.name,
            )
            for language in languages
        }

    @property
    def _settings(self) -> Mapping[str, Any]:
        """The settings in force: the server's, or the entry's options if the server has no settings."""
        k2so = self.coordinator.data.k2so
        return k2so.settings if k2so else self.coordinator.config_entry.options

    @property
    @override
    def default_language(self) -> str:
        """The configured language or Home Assistant's, if the default voice speaks it; else the voice's first."""
        voice = self._find(self._settings.get(CONF_VOICE))
        spoken = voice.languages if voice else self.supported_languages
        config = self.coordinator.hass.config
        wanted = self._settings.get(CONF_LANGUAGE) or config.language
        return next(iter(matches(wanted, spoken, config.country)), spoken[0])

    @property
    @override
    def default_options(self) -> Mapping[str, Any]:
        """Part of the cache key: a cached reply is used only while it would still sound the same."""
        return {ATTR_FINGERPRINT: _fingerprint(self.coordinator.data, self._settings)}

    def _find(self, name: str | None) -> TtsVoice | None:
        return next((voice for voice in self.coordinator.data.voices if voice.name == name), None)

    @callback
    @override
    def async_get_supported_voices(self, language: str) -> list[tts.Voice] | None:
        """The voices that speak a language."""
        return self._voices.get(language)

    @override
    async def async_stream_tts_audio(self, request: TTSAudioRequest) -> TTSAudioResponse:
        """Speak text while it arrives."""
        return TTSAudioResponse(_WAV, self._stream(request))

    @override
    async def async_get_tts_audio(self, message: str, language: str, options: dict[str, Any]) -> tts.TtsAudioType:
        """Speak a complete text."""

        async def text() -> AsyncGenerator[str]:
            yield message

        start: AudioStart | None = None
        sound = bytearray()
        async with aclosing(self._speak(text(), language, options)) as events:
            async for event in events:
                if isinstance(event, AudioStart):
                    start = event
                else:
                    sound += event.audio
        if start is None:
            raise K2soError("no_sound")
        header = wav.header(start.rate, start.width, start.channels, as_float=False, size=len(sound))
        return _WAV, header + sound

    async def _stream(self, request: TTSAudioRequest) -> AsyncGenerator[bytes]:
        options = request.options
        # Home Assistant runs ffmpeg then.
        converted = options.get(tts.ATTR_PREFERRED_FORMAT) != _WAV or any(options.get(key) for key in _CONVERSIONS)
        as_float = heard = False
        silence = b""
        async with aclosing(self._speak(request.message_gen, request.language, options)) as events:
            async for event in events:
                if isinstance(event, AudioStart):
                    as_float = converted and event.width == 2
                    width = 4 if as_float else event.width
                    silence = bytes(event.rate // 10 * event.channels * width)
                    yield wav.header(event.rate, width, event.channels, as_float=as_float)
                else:
                    heard = True
                    yield wav.to_float(event.audio) if as_float else event.audio
        if not silence:
            raise K2soError("no_sound")
        if not heard:
            yield silence  # players and ffmpeg treat a file without samples as broken

    async def _speak(
        self, text: AsyncIterable[str], language: str, options: Mapping[str, Any]
    ) -> AsyncGenerator[AudioStart | AudioChunk]:
        state = self.coordinator.data
        name = options.get(tts.ATTR_VOICE)
        if name is None and state.k2so is None:
            name = self.coordinator.config_entry.options.get(CONF_VOICE)
            if (default := self._find(name)) is None or language not in default.languages:
                name = None
        voice = self._find(name)
        context = {
            "language": language if voice is None or language in voice.languages else None,
            "speed": options.get(ATTR_SPEED),
            "sample_rate": options.get(ATTR_SAMPLE_RATE, _rate(options.get(tts.ATTR_PREFERRED_SAMPLE_RATE))),
        }
        try:
            async with aclosing(
                self.coordinator.client.speak(
                    text,
                    SynthesizeVoice(name=name, language=language, speaker=options.get(ATTR_SPEAKER)),
                    {key: value for key, value in context.items() if value is not None},
                    streams=state.streams,
                )
            ) as events:
                async for event in events:
                    yield event
        finally:
            # Fetch the measurements of this reply, or find out that the server is gone.
            self.coordinator.config_entry.async_create_background_task(
                self.coordinator.hass,
                self.coordinator.async_request_refresh(),
                f"{self.coordinator.name} - after a reply",
            )


def _rate(preferred: Any) -> int | None:
    """The sample rate in Hz to request from the server, which saves a conversion; None to leave it to the server."""
    return int(preferred) if preferred is not None and int(preferred) in _RATES else None


def _fingerprint(state: ServerState, settings: Mapping[str, Any]) -> str:
    """A hash of everything that changes how a reply sounds."""
    sound: list[Any] = [state.program, state.version, settings]
    if state.k2so is not None:
        sound.append([engine.name for engine in state.k2so.engines if engine.state == "ready"])
        if any(engine.state in ("idle", "loading") for engine in state.k2so.selected_engines):
            # Never serve the fallback voice from the cache: only a request makes the server load its engine.
            sound += state.k2so.instance, state.k2so.figures["replies"]
    return hashlib.sha256(json.dumps(sound, sort_keys=True, default=str).encode()).hexdigest()[:16]
