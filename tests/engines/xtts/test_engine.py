"""The engine behind the seam: voices, replies, cancelling, and each guardrail."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.engines.xtts.support.clips import speech
from tests.engines.xtts.support.speaking import NO_GUARDRAILS, REQUEST, SPEAKER, TEXT, free_rows, with_settings
from wyoming_k2so import engines
from wyoming_k2so.engine import EngineError, Request, Samples
from wyoming_k2so.engines.xtts import guardrails
from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.scheduling.prefetch import Prompt
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.utterance import XttsUtterance
from wyoming_k2so.settings.config import Config, VoiceConfig
from wyoming_k2so.voices.catalog import Catalog


def speak(engine: XttsEngine, text: str = "Yes, it is on.", request: Request = REQUEST) -> Samples:
    utterance = engine.open(request)
    try:
        return np.concatenate(list(utterance.say(text)))
    finally:
        utterance.close()


def test_is_loaded_through_the_table_of_engines(config: Config) -> None:
    assert engines.installed().load("xtts", config).name == "xtts"


def test_every_speaker_is_a_voice_in_all_languages(engine: XttsEngine) -> None:
    voices = {voice.name: voice for voice in engine.voices()}
    assert set(voices) >= {"Claribel Dervla", SPEAKER}
    assert len(voices[SPEAKER].languages) == 17
    assert voices[SPEAKER].languages[0] == "en"
    assert "zh-CN" in voices[SPEAKER].languages
    assert engine.max_chars("ja") == 71


def test_new_clip_becomes_a_voice_at_once(engine: XttsEngine, config: Config) -> None:
    folder = config.engines.data_dir / "voices-xtts"
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "anna.de.wav", speech(2), 22050)
    first = engine.voices()[0]
    assert (first.name, first.language, first.languages[:2]) == ("anna", "de", ("de", "en"))
    assert engine.voices()[1].language is None
    assert len(speak(engine, "Ja.", Request("anna", "de", seed=1))) > 4096
    (folder / "anna.de.wav").unlink()
    assert "anna" not in {voice.name for voice in engine.voices()}
    with pytest.raises(EngineError, match="no voice 'anna'"):
        engine.open(Request("anna", "de"))


def test_sound_equals_that_of_coqui(engine: XttsEngine, reference: ReferenceXtts) -> None:
    """All the way from text to samples."""
    raw = with_settings(engine, greedy=True, **NO_GUARDRAILS)
    ours = speak(raw, "The light is on.", replace(REQUEST, speed=1.25))
    sampling = Sampling(repetition_penalty=5.0, greedy=True)  # the penalty that the checkpoint recommends
    theirs = reference.infer("The light is on.", "en", reference.speaker(SPEAKER), sampling, speed=1.25)
    assert raw.sampling.repetition_penalty == 5.0
    assert len(ours) == len(theirs.samples)
    assert np.abs(ours - theirs.samples.numpy()).max() <= 1e-4


def test_first_sound_fills_a_chunk(engine: XttsEngine) -> None:
    pieces = [len(piece) for piece in engine.open(REQUEST).say(TEXT) if len(piece)]
    assert len(pieces) > 2
    assert 4096 <= pieces[0] < 6000


def test_a_seed_makes_a_reply_reproducible(engine: XttsEngine) -> None:
    assert np.array_equal(speak(engine), speak(engine))
    assert not np.array_equal(speak(engine), speak(engine, request=replace(REQUEST, seed=2)))
    unseeded = replace(REQUEST, seed=None)
    assert not np.array_equal(speak(engine, request=unseeded), speak(engine, request=unseeded))


def test_a_repeated_segment_sounds_the_same(engine: XttsEngine) -> None:
    """The pipeline repeats a failed segment in a new utterance and drops what has been played already."""
    utterance = engine.open(REQUEST)
    first = [np.concatenate(list(utterance.say(text))) for text in ("Yes.", "It is on.")]
    assert np.array_equal(np.concatenate(list(engine.open(REQUEST).say("It is on."))), first[1])


def test_a_request_without_a_seed_sounds_different_each_time(engine: XttsEngine) -> None:
    unseeded = replace(REQUEST, seed=None)
    first, second = speak(engine, request=unseeded), speak(engine, request=unseeded)
    assert not np.array_equal(first, second)


def test_the_seed_of_the_settings_is_the_default(engine: XttsEngine) -> None:
    seeded = Catalog([engine], VoiceConfig(seed=9)).resolve(voice=SPEAKER, language="en").request
    assert np.array_equal(speak(engine, request=seeded), speak(engine, request=seeded))
    assert not np.array_equal(speak(engine, request=seeded), speak(engine))


def test_closing_the_iterator_frees_its_row(engine: XttsEngine) -> None:
    utterance = engine.open(REQUEST)
    sound = utterance.say(TEXT)
    next(sound)
    before = free_rows(engine._loaded.scheduler)
    sound.close()
    assert free_rows(engine._loaded.scheduler) == before + 1


def test_there_is_a_piece_per_token_so_that_a_caller_can_cancel(engine: XttsEngine) -> None:
    pieces = list(with_settings(engine, vocoder_windows=(7, 20)).open(REQUEST).say(TEXT))
    assert sum(len(piece) == 0 for piece in pieces) > len(pieces) / 2


def test_replies_in_several_threads_do_not_affect_each_other(engine: XttsEngine) -> None:
    texts = ["Yes, it is.", "No, it is not on."]
    alone = [speak(engine, text) for text in texts]
    together: dict[str, Samples] = {}
    threads = [threading.Thread(target=lambda t=text: together.update({t: speak(engine, t)})) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for text, expected in zip(texts, alone, strict=True):
        assert np.abs(together[text] - expected).max() <= 1e-4


def test_inference_mode_does_not_leak(engine: XttsEngine) -> None:
    sound = engine.open(REQUEST).say(TEXT)
    next(sound)
    assert not torch.is_inference_mode_enabled()
    sound.close()


def test_text_without_words_is_a_short_silence(engine: XttsEngine) -> None:
    sound = speak(engine, "?! ...")
    assert len(sound) == 2400
    assert not sound.any()


def test_text_with_too_many_tokens_is_split(engine: XttsEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def remember(self: object, prompt: Prompt) -> list[Samples]:
        sizes.append(len(prompt.tokens))
        return [np.zeros(1, np.float32)]

    monkeypatch.setattr(XttsUtterance, "_say", remember)
    speak(engine, "9" * 120 + " " + "8" * 120)
    assert len(sizes) > 1
    assert max(sizes) <= 402


def test_token_budget_ends_a_short_text(engine: XttsEngine) -> None:
    limited = speak(with_settings(engine, **NO_GUARDRAILS | {"token_budget": True}), "No.")
    free = speak(with_settings(engine, **NO_GUARDRAILS), "No.")
    assert len(limited) < len(free)
    assert len(limited) <= guardrails.token_budget("No.", "en") * 1115


def test_a_loop_ends_the_segment(engine: XttsEngine) -> None:
    """Greedy and without a penalty, a small model falls into a loop."""
    looping = with_settings(engine, **NO_GUARDRAILS | {"stop_loops": True})
    looping.sampling = Sampling(repetition_penalty=1.0, greedy=True)
    free = with_settings(engine, **NO_GUARDRAILS)
    free.sampling = looping.sampling
    assert len(speak(looping)) < len(speak(free)) / 2


def test_tail_is_trimmed(engine: XttsEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    tone, silence = np.full(24000, 0.1, np.float32), np.zeros(24000, np.float32)

    def invented(*_: object, **__: object) -> object:
        yield from (tone, silence, tone)

    monkeypatch.setattr(XttsUtterance, "_generate", invented)
    assert len(speak(with_settings(engine, trim_tail=False), "Yes.")) == 72000
    assert 24000 <= len(speak(engine, "Yes.")) < 30000


def test_only_silence_is_an_error(engine: XttsEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> object:
        yield np.zeros(24000, np.float32)

    monkeypatch.setattr(XttsUtterance, "_generate", silent)
    with pytest.raises(EngineError, match="only silence"):
        speak(engine)


def test_plain_punctuation_ignores_quotes(engine: XttsEngine) -> None:
    assert np.array_equal(speak(engine, "“Yes?!” – (no)."), speak(engine, "Yes?, no."))


def test_the_log_does_not_contain_the_text(engine: XttsEngine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        speak(engine, "My secret is safe.")
    assert "secret" not in caplog.text


def test_a_closed_utterance_refuses_to_speak(engine: XttsEngine) -> None:
    utterance = engine.open(REQUEST)
    utterance.close()
    utterance.close()
    with pytest.raises(EngineError, match="utterance is closed"):
        list(utterance.say("Yes."))


def test_the_default_checkpoint_needs_consent(config: Config) -> None:
    with pytest.raises(EngineError, match="Coqui Public Model License"):
        XttsEngine.load(config.with_group(XttsSettings()))


def test_cancelling_is_quick(engine: XttsEngine) -> None:
    sound = engine.open(REQUEST).say(TEXT)
    for _ in range(3):
        next(sound)
    began = time.monotonic()
    sound.close()
    assert time.monotonic() - began < 0.2


def test_importing_the_command_line_does_not_import_torch() -> None:
    code = "import sys, wyoming_k2so.cli, wyoming_k2so.engines.xtts; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
