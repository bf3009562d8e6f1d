"""How a request is matched to an engine, voice, speaker and language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.fakes import ScriptedEngine, make_voice
from wyoming_k2so.engine import Voice
from wyoming_k2so.settings.config import VoiceConfig
from wyoming_k2so.voices.catalog import Catalog, Choice, UnknownVoice
from wyoming_k2so.voices.unloaded import UnloadedEngine

BIG = ScriptedEngine(
    make_voice("Ana", "en", "de", "pt-BR"),
    make_voice("Bert", "en", "de", speakers=("calm", "angry")),
    name="big",
)
SMALL = ScriptedEngine(make_voice("joe", "en-US"), make_voice("thorsten", "de-DE"), name="small")


def catalog(*engines: ScriptedEngine, **defaults: Any) -> Catalog:
    return Catalog(engines or (BIG, SMALL), VoiceConfig(**defaults))


def who(choice: Choice) -> tuple[str, str, str]:
    return choice.engine.name, choice.request.voice, choice.request.language


def test_the_first_voice_of_the_first_engine_is_the_default() -> None:
    choice = catalog().resolve()
    assert who(choice) == ("big", "Ana", "en")
    assert choice.request.speaker is None
    assert choice.request.speed == 1.0


@pytest.mark.parametrize("name", ["thorsten", "THORSTEN", "Thorsten"])
def test_a_voice_name_is_matched_without_regard_to_case(name: str) -> None:
    assert who(catalog(voice="Ana", language="en").resolve(voice=name)) == ("small", "thorsten", "de-DE")


def test_a_preferred_engine_comes_first() -> None:
    voices = catalog(SMALL)
    voices.put(BIG)
    assert voices.engines == (BIG, SMALL)
    assert who(voices.resolve()) == ("big", "Ana", "en")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("de", ("big", "Ana", "de")),
        ("de-DE", ("big", "Ana", "de")),
        ("en_US", ("big", "Ana", "en")),
        ("PT-br", ("big", "Ana", "pt-BR")),
        ("pt", ("big", "Ana", "pt-BR")),
    ],
)
def test_a_language_selects_a_voice_and_its_own_tag(asked: str, found: tuple[str, str, str]) -> None:
    assert who(catalog().resolve(language=asked)) == found


def test_an_exact_tag_is_preferred_to_the_same_language() -> None:
    voice = ScriptedEngine(make_voice("v", "pt-BR", "pt-PT"))
    assert who(catalog(voice).resolve(language="pt-pt")) == ("scripted", "v", "pt-PT")


def test_the_default_voice_is_used_if_the_request_names_none() -> None:
    assert who(catalog(voice="JOE").resolve()) == ("small", "joe", "en-US")


def test_the_default_voice_is_not_used_for_a_language_it_does_not_speak() -> None:
    voices = catalog(voice="joe")
    assert who(voices.resolve(language="en")) == ("small", "joe", "en-US")
    assert who(voices.resolve(language="de")) == ("big", "Ana", "de")


def test_the_default_language_selects_the_voice_and_its_tag() -> None:
    assert who(catalog(SMALL, language="de").resolve()) == ("small", "thorsten", "de-DE")
    assert who(catalog(language="de").resolve()) == ("big", "Ana", "de")


def test_the_default_language_applies_to_a_named_voice_that_speaks_it() -> None:
    assert who(catalog(language="de").resolve(voice="Bert")) == ("big", "Bert", "de")
    assert who(catalog(language="de").resolve(voice="joe")) == ("small", "joe", "en-US")


def test_a_voice_s_own_language_is_used_unless_the_request_names_one() -> None:
    clone = ScriptedEngine(replace(make_voice("anna", "de", "en"), language="de"))
    voices = catalog(clone, language="en")
    assert who(voices.resolve(voice="anna")) == ("scripted", "anna", "de")
    assert who(voices.resolve(voice="anna", language="en")) == ("scripted", "anna", "en")


def test_a_default_that_no_loaded_engine_has_is_ignored() -> None:
    assert who(catalog(SMALL, voice="Ana").resolve()) == ("small", "joe", "en-US")
    assert who(catalog(SMALL, language="pt").resolve()) == ("small", "joe", "en-US")


@pytest.mark.parametrize(
    ("defaults", "message"),
    [
        ({"voice": "Anna"}, "there is no voice 'Anna'; available: Ana, Bert, joe, thorsten"),
        ({"language": "xx"}, "no voice speaks 'xx'; available languages: de, de-DE, en, en-US, pt-BR"),
        ({"speaker": "loud"}, "voice 'Ana' has no speaker 'loud'; it has only one"),
        ({"voice": "joe", "language": "de"}, "voice 'joe' does not speak 'de'; it speaks: en-US"),
    ],
)
def test_invalid_defaults_are_rejected(defaults: dict[str, object], message: str) -> None:
    with pytest.raises(UnknownVoice) as caught:
        catalog(**defaults).check_defaults()
    assert str(caught.value) == message


def test_valid_defaults_are_accepted() -> None:
    catalog(voice="bert", speaker="angry", language="de").check_defaults()


def test_a_request_may_name_a_speaker() -> None:
    assert catalog().resolve(voice="Bert", speaker="angry").request.speaker == "angry"


def test_the_default_speaker_applies_to_voices_that_have_it() -> None:
    voices = catalog(voice="Bert", speaker="angry")
    assert voices.resolve().request.speaker == "angry"
    assert voices.resolve(voice="Bert").request.speaker == "angry"
    assert voices.resolve(voice="Bert", speaker="calm").request.speaker == "calm"
    assert voices.resolve(voice="Ana").request.speaker is None


def test_speed_comes_from_the_request_or_the_defaults() -> None:
    assert catalog(speed=1.5).resolve().request.speed == 1.5
    assert catalog(speed=1.5).resolve(speed=0.5).request.speed == 0.5


def test_the_search_can_be_limited_to_one_engine() -> None:
    assert who(catalog().resolve(engine="small")) == ("small", "joe", "en-US")
    with pytest.raises(UnknownVoice, match=r"no voice 'Ana'; available: joe, thorsten$"):
        catalog().resolve(voice="Ana", engine="small")


def test_an_unknown_voice_is_rejected_with_the_known_ones() -> None:
    with pytest.raises(UnknownVoice, match=r"there is no voice 'Zoe'; available: Ana, Bert, joe, thorsten$"):
        catalog().resolve(voice="Zoe")


def test_an_unknown_language_is_rejected_with_the_known_ones() -> None:
    with pytest.raises(UnknownVoice, match=r"no voice speaks 'fr'; available languages: de-DE, en-US$"):
        catalog(SMALL).resolve(language="fr")
    with pytest.raises(UnknownVoice, match=r"voice 'joe' does not speak 'fr'; it speaks: en-US$"):
        catalog().resolve(voice="joe", language="fr")


def test_an_unknown_speaker_is_rejected_with_the_known_ones() -> None:
    with pytest.raises(UnknownVoice, match=r"voice 'Bert' has no speaker 'sad'; available: calm, angry$"):
        catalog().resolve(voice="Bert", speaker="sad")
    with pytest.raises(UnknownVoice, match=r"voice 'joe' has no speaker 'sad'; it has only one$"):
        catalog().resolve(voice="joe", speaker="sad")


def test_without_any_voice_every_request_is_rejected() -> None:
    with pytest.raises(UnknownVoice, match=r"^there is no voice$"):
        Catalog().resolve()
    with pytest.raises(UnknownVoice, match=r"there is no voice 'Ana'; available: none$"):
        Catalog().resolve(voice="Ana")


def fallback(*engines: ScriptedEngine, **request: Any) -> tuple[str, str, str] | None:
    voices = catalog(*engines)
    found = voices.fallback(voices.resolve(**request))
    return who(found) if found else None


def test_the_fallback_is_the_last_engine_in_the_reply_s_language() -> None:
    assert fallback(BIG, SMALL, voice="Ana", language="de") == ("small", "thorsten", "de-DE")
    assert fallback(BIG, SMALL, voice="Ana", language="en") == ("small", "joe", "en-US")


def test_a_fallback_in_another_language_is_better_than_none() -> None:
    assert fallback(BIG, SMALL, voice="Ana", language="pt") == ("small", "joe", "en-US")


def test_another_voice_of_the_same_engine_can_be_the_fallback() -> None:
    assert fallback(SMALL, voice="joe") == ("small", "thorsten", "de-DE")


def test_a_voice_is_not_its_own_fallback() -> None:
    only = ScriptedEngine(make_voice("only"), name="only")
    assert fallback(only) is None
    assert fallback(BIG, only, voice="only") == ("big", "Ana", "en")


def test_the_fallback_keeps_the_speed_but_not_the_speaker() -> None:
    voices = catalog(BIG, SMALL)
    found = voices.fallback(voices.resolve(voice="Bert", speaker="calm", speed=1.5))
    assert found is not None
    assert (found.request.speaker, found.request.speed) == (None, 1.5)


# ---- engines that are reloaded --------------------------------------------------------------------------------------


def test_a_choice_moves_to_the_engine_that_replaced_its_own() -> None:
    voices = catalog(BIG, SMALL)
    choice = voices.resolve(voice="Bert", speaker="angry", language="de", speed=1.5)
    assert voices.current(choice) is choice
    new = ScriptedEngine(*BIG.voices(), name="big")
    voices.put(new)
    now = voices.current(choice)
    assert (now.engine, now.request, now.meter) == (new, choice.request, choice.meter)
    voices.drop("big")
    assert voices.current(choice) is choice


@pytest.mark.parametrize(
    "voice",
    [
        make_voice("Bart", "en", "de", speakers=("calm", "angry")),
        make_voice("Bert", "en", speakers=("calm", "angry")),
        make_voice("Bert", "en", "de", speakers=("calm",)),
    ],
)
def test_a_choice_stays_if_the_new_engine_cannot_speak_it(voice: Voice) -> None:
    voices = catalog(BIG, SMALL)
    choice = voices.resolve(voice="Bert", speaker="angry", language="de")
    voices.put(ScriptedEngine(voice, name="big"))
    assert voices.current(choice) is choice


def test_a_choice_does_not_move_to_an_unloaded_engine() -> None:
    voices = catalog(BIG, SMALL)
    choice = voices.resolve(voice="Bert")
    voices.put(UnloadedEngine(BIG, wake=lambda: None))
    assert voices.current(choice) is choice


def test_another_voice_is_used_while_an_engine_is_missing() -> None:
    voices = Catalog([ScriptedEngine(make_voice("ann", "en-US"), make_voice("bert", "de"))])
    with pytest.raises(UnknownVoice):
        voices.resolve(voice="Ana Florence")
    voices.incomplete = True
    choice = voices.resolve(voice="Ana Florence", language="de", speed=1.5)
    assert (choice.request.voice, choice.request.language, choice.request.speed) == ("bert", "de", 1.5)
    assert choice.instead_of == "Ana Florence de"
    assert voices.resolve(voice="Ana Florence", language="ja").request.voice == "ann"
    assert voices.resolve(language="ja").request.voice == "ann"
    assert voices.resolve(voice="bert").instead_of is None


def test_the_seed_of_the_settings_is_the_default() -> None:
    assert Catalog([BIG], VoiceConfig(seed=9)).resolve().request.seed == 9
    assert Catalog([BIG]).resolve().request.seed is None
