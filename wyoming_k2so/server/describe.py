"""The answer to `describe`."""

from __future__ import annotations

from collections.abc import Iterable

from wyoming.info import Attribution, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker

from wyoming_k2so import __version__, engine
from wyoming_k2so.voices.catalog import Catalog

PROGRAM = "k2so"
HOME = Attribution("wyoming-k2so", "")


def describe(catalog: Catalog) -> Info:
    """List a program with every voice, then one program per engine.

    Home Assistant's own integration uses only the first; other clients can select one.
    """
    programs = [
        TtsProgram(
            name=e.name,
            description=e.description,
            attribution=_attribution(e.attribution),
            installed=True,
            version=e.version,
            voices=_voices(e.voices()),
            supports_synthesize_streaming=True,
        )
        for e in catalog.engines
    ]
    everything = TtsProgram(
        name=PROGRAM,
        description="K2-SO, a local voice that streams",
        attribution=HOME,
        installed=True,
        version=__version__,
        voices=[voice for program in programs for voice in program.voices],
        supports_synthesize_streaming=True,
    )
    return Info(tts=[everything, *programs])


def _voices(voices: Iterable[engine.Voice]) -> list[TtsVoice]:
    return [
        TtsVoice(
            name=v.name,
            description=v.description,
            attribution=_attribution(v.attribution),
            installed=True,
            version=v.version,
            languages=list(v.languages),
            speakers=[TtsVoiceSpeaker(name) for name in v.speakers] or None,
        )
        for v in voices
    ]


def _attribution(attribution: engine.Attribution) -> Attribution:
    return Attribution(attribution.name, attribution.url)
