"""Which engine speaks a request, and in which of its voices: the voices of all loaded engines in one place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from wyoming_k2so.audio.loudness import Meter
from wyoming_k2so.engine import Engine, Request, Voice
from wyoming_k2so.settings.config import VoiceConfig

from .unloaded import UnloadedEngine


class UnknownVoice(LookupError):
    """No voice matches a request; the message lists the voices that exist."""


@dataclass(frozen=True)
class Choice:
    """An engine and how it shall speak."""

    engine: Engine
    request: Request
    instead_of: str | None = None
    """What was asked for, if it is not available now."""

    asleep: UnloadedEngine | None = None
    """The engine that would have spoken; wake it."""

    meter: Meter = field(default_factory=Meter, compare=False, repr=False)
    """How loud the voice has been so far."""


class Catalog:
    """The loaded engines, in order of preference. Engines may join and leave while requests are resolved."""

    def __init__(self, engines: Iterable[Engine] = (), defaults: VoiceConfig | None = None) -> None:
        self._engines = tuple(engines)
        self._meters: defaultdict[tuple[str, str, str | None], Meter] = defaultdict(Meter)
        self.defaults = defaults or VoiceConfig()
        self.incomplete = False
        """A wanted engine is not here, so voices may be missing that a client has seen."""

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engines, the most preferred first."""
        return self._engines

    def named(self, name: str) -> Engine | None:
        """The engine of that name, or None."""
        return next((engine for engine in self._engines if engine.name == name), None)

    def put(self, engine: Engine, *, first: bool = True) -> None:
        """Add an engine before or after the others, or replace the one of its name."""
        if self.named(engine.name) is not None:
            self._engines = tuple(engine if old.name == engine.name else old for old in self._engines)
        else:
            self._engines = (engine, *self._engines) if first else (*self._engines, engine)

    def drop(self, name: str) -> None:
        """Remove an engine. Replies that it speaks go on."""
        self._engines = tuple(engine for engine in self._engines if engine.name != name)

    def resolve(
        self,
        *,
        voice: str | None = None,
        speaker: str | None = None,
        language: str | None = None,
        speed: float | None = None,
        engine: str | None = None,
    ) -> Choice:
        """Choose the engine and voice of a request.

        The name of a voice decides. Without one the language decides, and among the voices that speak it the server's
        default voice comes first. Without either the default voice speaks. `engine` limits the search to one engine.
        Defaults are only preferences: another voice speaks if no loaded engine can meet them. The same goes for
        requests while the catalog is `incomplete` or the engine that would speak is unloaded.

        Raises:
            UnknownVoice: no voice matches.
        """
        asleep = None
        try:
            choice = self._resolve(self._engines, voice, speaker, language, speed, engine)
            if not isinstance(choice.engine, UnloadedEngine):
                return choice
            asleep, language = choice.engine, choice.request.language
            asked = choice.request.voice
        except UnknownVoice:
            if not self.incomplete:
                raise
            asked = " ".join(filter(None, (voice, speaker, language)))
        awake = self._awake()
        known = language if language is not None and _anyone_speaks(awake, language) else None
        return replace(self._resolve(awake, None, None, known, speed, None), instead_of=asked, asleep=asleep)

    def _awake(self) -> tuple[Engine, ...]:
        return tuple(engine for engine in self._engines if not isinstance(engine, UnloadedEngine))

    def _resolve(
        self,
        engines: tuple[Engine, ...],
        voice: str | None,
        speaker: str | None,
        language: str | None,
        speed: float | None,
        engine: str | None,
    ) -> Choice:
        offers = [(e, v) for e in engines if engine in (None, e.name) for v in e.voices()]
        if voice is not None:
            fits = [offer for offer in offers if offer[1].name.casefold() == voice.casefold()]
            if not fits:
                raise UnknownVoice(f"there is no voice {voice!r}; available: {_names(offers)}")
        else:
            fits = self._without_name(offers, language)
        chosen, found = fits[0]
        request = Request(
            voice=found.name,
            language=self._language(found, language),
            speaker=_speaker(found, speaker, self.defaults.speaker),
            speed=self.defaults.speed if speed is None else speed,
            seed=self.defaults.seed,
        )
        return self._choice(chosen, request)

    def current(self, choice: Choice) -> Choice:
        """The same choice with the engine that has replaced its own, if that engine can speak the request."""
        request = choice.request
        for engine in self._awake():
            if engine.name == choice.engine.name and engine is not choice.engine:
                fits = [v for v in engine.voices() if v.name == request.voice]
                if fits and request.language in fits[0].languages and request.speaker in (None, *fits[0].speakers):
                    return self._choice(engine, request)
        return choice

    def check_defaults(self) -> None:
        """Raise UnknownVoice if no voice matches the default voice, speaker and language."""
        wished = self.defaults
        self.resolve(voice=wished.voice, speaker=wished.speaker, language=wished.language)

    def fallback(self, choice: Choice) -> Choice | None:
        """The voice that speaks if `choice` cannot: one of the last engine, in the same language if possible."""
        for engine in reversed(self._awake()):
            for voice in sorted(engine.voices(), key=lambda v: not _speaks(v, choice.request.language)):
                if (engine.name, voice.name) != (choice.engine.name, choice.request.voice):
                    known = _speaks(voice, choice.request.language) or voice.languages[0]
                    return self._choice(engine, replace(choice.request, voice=voice.name, language=known, speaker=None))
        return None

    def _choice(self, engine: Engine, request: Request) -> Choice:
        return Choice(engine, request, meter=self._meters[engine.name, request.voice, request.speaker])

    def _without_name(self, offers: list[tuple[Engine, Voice]], language: str | None) -> list[tuple[Engine, Voice]]:
        wanted = language or (None if self.defaults.voice else self.defaults.language)
        fits = [offer for offer in offers if wanted is None or _speaks(offer[1], wanted)]
        if not fits and language is None:
            fits = list(offers)
        if not fits:
            known = sorted({tag for _, v in offers for tag in v.languages})
            raise UnknownVoice(
                f"no voice speaks {language!r}; available languages: {', '.join(known)}"
                if known
                else "there is no voice"
            )
        if self.defaults.voice is not None:
            default = self.defaults.voice.casefold()
            fits.sort(key=lambda offer: offer[1].name.casefold() != default)
        return fits

    def _language(self, voice: Voice, asked: str | None) -> str:
        if asked is not None:
            known = _speaks(voice, asked)
            if known is None:
                raise UnknownVoice(
                    f"voice {voice.name!r} does not speak {asked!r}; it speaks: {', '.join(voice.languages)}"
                )
            return known
        default = voice.language or self.defaults.language
        return (_speaks(voice, default) if default else None) or voice.languages[0]


def _anyone_speaks(engines: Iterable[Engine], language: str) -> bool:
    return any(_speaks(voice, language) for engine in engines for voice in engine.voices())


def _speaks(voice: Voice, language: str) -> str | None:
    """The voice's own tag for `language`: the same tag, else one of the same primary language, else None."""
    wanted = _tag(language)
    for tag in voice.languages:
        if _tag(tag) == wanted:
            return tag
    return next((tag for tag in voice.languages if _tag(tag)[0] == wanted[0]), None)


def _tag(language: str) -> list[str]:
    return language.replace("_", "-").casefold().split("-")


def _speaker(voice: Voice, asked: str | None, default: str | None) -> str | None:
    if asked is None:
        return default if default in voice.speakers else None
    if asked in voice.speakers:
        return asked
    speakers = f"available: {', '.join(voice.speakers)}" if voice.speakers else "it has only one"
    raise UnknownVoice(f"voice {voice.name!r} has no speaker {asked!r}; {speakers}")


def _names(offers: list[tuple[Engine, Voice]]) -> str:
    return ", ".join(v.name for _, v in offers) or "none"
