"""The voice: text in as it arrives, sound out as it is made."""

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
from .client import K2soError, State
from .const import CONF_LANGUAGE, CONF_VOICE
from .coordinator import K2soConfigEntry, K2soCoordinator
from .entity import K2soEntity

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
# What a K2-SO server can be asked for.
_RATES = range(8_000, 96_001)


async def async_setup_entry(
    hass: HomeAssistant, entry: K2soConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the voice of a server."""
    async_add_entities([K2soTextToSpeech(entry.runtime_data)])


class K2soTextToSpeech(K2soEntity, tts.TextToSpeechEntity):
    """Speaks with the voices of a server."""

    _voices: Mapping[str, list[tts.Voice]]

    def __init__(self, coordinator: K2soCoordinator) -> None:
        super().__init__(coordinator, "speech")
        own = (ATTR_SPEED, ATTR_SAMPLE_RATE) if coordinator.data.control else ()
        self._attr_supported_options = [
            tts.ATTR_VOICE,
            ATTR_SPEAKER,
            *own,
            tts.ATTR_PREFERRED_FORMAT,
            *_CONVERSIONS,
        ]
        self._attr_supported_languages = []
        self._follow()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self._follow()
        super()._handle_coordinator_update()

    def _follow(self) -> None:
        """Take over the voices of the server."""
        state = self.coordinator.data
        languages = {language for voice in state.voices for language in voice.languages}
        if state.control and any(engine.state in ("loading", "failed") for engine in state.control.engines):
            # Pipelines in a language that only the missing engine speaks: another voice is better than none.
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
        """Those in force; a server that has none leaves them to the entry."""
        control = self.coordinator.data.control
        return control.settings if control else self.coordinator.config_entry.options

    @property
    @override
    def default_language(self) -> str:
        """The one that is set, as far as the default voice speaks it; else the house's."""
        speaker = self._find(self._settings.get(CONF_VOICE))
        known = speaker.languages if speaker else self.supported_languages
        house = self.coordinator.hass.config
        return next(iter(matches(self._settings.get(CONF_LANGUAGE) or house.language, known, house.country)), known[0])

    @property
    @override
    def default_options(self) -> Mapping[str, Any]:
        """Keep apart in the cache what sounds different."""
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
        """Speak a whole text."""

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
            yield silence  # players and ffmpeg take a file without sound for broken

    async def _speak(
        self, text: AsyncIterable[str], language: str, options: Mapping[str, Any]
    ) -> AsyncGenerator[AudioStart | AudioChunk]:
        state = self.coordinator.data
        name = options.get(tts.ATTR_VOICE)
        if name is None and state.control is None:
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
            # The figures of this reply, or that the server is gone.
            self.coordinator.config_entry.async_create_background_task(
                self.coordinator.hass,
                self.coordinator.async_request_refresh(),
                f"{self.coordinator.name} - after a reply",
            )


def _rate(preferred: Any) -> int | None:
    """Samples per second to ask the server for, so that nobody has to convert them."""
    return int(preferred) if preferred is not None and int(preferred) in _RATES else None


def _fingerprint(state: State, settings: Mapping[str, Any]) -> str:
    """Part of the key under which Home Assistant keeps sound: what would sound different now is made anew."""
    sound: list[Any] = [state.program, state.version, settings]
    if state.control is not None:
        sound.append([engine.name for engine in state.control.engines if engine.state == "ready"])
        if any(engine.state in ("idle", "loading") for engine in state.control.wanted):
            # Of who stands in for it nothing is played twice: only a server that is asked wakes its engine.
            sound += state.control.instance, state.control.figures["replies"]
    return hashlib.sha256(json.dumps(sound, sort_keys=True, default=str).encode()).hexdigest()[:16]
