"""The Piper engine: the embedded voice, and voices from the data folder."""

from __future__ import annotations

import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.piper_voices import MODEL
from wyoming_k2so import engines
from wyoming_k2so.engine import EngineError, Interruptible, Request, Samples
from wyoming_k2so.engines.piper import EMBEDDED, PiperEngine, model
from wyoming_k2so.engines.piper.model import MAX_PHONEMES, split_phonemes
from wyoming_k2so.engines.piper.windowed_decoding import FIRST_WINDOW, Stage
from wyoming_k2so.settings.config import Config, EngineConfig, VoiceConfig

TEXT = "The washing machine finished twenty minutes ago."


@pytest.fixture(scope="module")
def piper(tmp_path_factory: pytest.TempPathFactory) -> PiperEngine:
    return load(tmp_path_factory.mktemp("empty"))


def load(folder: Path) -> PiperEngine:
    return PiperEngine.load(Config(engines=EngineConfig(data_dir=folder, cache_dir=folder / "cache")))


def speak(engine: PiperEngine, text: str = TEXT, **fields: Any) -> Samples:
    utterance = engine.open(Request(**{"voice": EMBEDDED, "language": "en-US"} | fields))
    try:
        assert utterance.rate == 22_050
        return np.concatenate([*utterance.say(text), np.zeros(0, np.float32)])
    finally:
        utterance.close()
        utterance.close()


def add_voice(folder: Path, name: str, **changes: Any) -> None:
    """Add a voice with the model of the embedded one."""
    data = json.loads(Path(f"{MODEL}.json").read_text("utf-8")) | changes
    (folder / f"{name}.onnx").symlink_to(MODEL)
    (folder / f"{name}.onnx.json").write_text(json.dumps(data), "utf-8")


def test_the_table_of_engines_loads_it(tmp_path: Path) -> None:
    assert engines.installed()["piper"].missing() == []
    assert isinstance(
        engines.installed().load(
            "piper", Config(engines=EngineConfig(data_dir=tmp_path, cache_dir=tmp_path / "cache"))
        ),
        PiperEngine,
    )


def test_the_embedded_voice_is_described(piper: PiperEngine) -> None:
    (voice,) = piper.voices()
    assert voice.name == EMBEDDED
    assert voice.languages == ("en-US",)
    assert voice.speakers == ()


def test_the_embedded_voice_speaks(piper: PiperEngine) -> None:
    sound = speak(piper)
    assert sound.dtype == np.float32
    assert 1.5 < len(sound) / 22_050 < 5
    assert 0.3 < np.abs(sound).max() < 1.5


@pytest.mark.parametrize("phonemes", ["a b " * 1000, "a" * 1700, "ab " * 7 + "c" * 600, "a" * MAX_PHONEMES, "a b", ""])
def test_long_phoneme_sequences_are_split_without_loss(phonemes: str) -> None:
    parts = list(split_phonemes(list(phonemes)))
    assert "".join("".join(part) for part in parts) == phonemes
    assert all(0 < len(part) <= MAX_PHONEMES for part in parts)
    assert all(part[-1] == " " for part in parts[:-1]) or "c" in phonemes or " " not in phonemes


def test_the_encoder_never_gets_too_many_phonemes(piper: PiperEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    encode, lengths = model._Encoder.encode, list[int]()

    def measured(self: model._Encoder, ids: list[int], *rest: Any) -> tuple[Any, int]:
        lengths.append(len(ids))
        return encode(self, ids, *rest)

    monkeypatch.setattr(model._Encoder, "encode", measured)
    next(piper.open(Request(EMBEDDED, "en-US")).say("你好" * 200))
    assert lengths
    assert max(lengths) < 3 * MAX_PHONEMES  # with padding between them


def test_audio_starts_before_the_sentence_is_complete(piper: PiperEngine) -> None:
    utterance = piper.open(Request(EMBEDDED, "en-US"))
    pieces = [len(piece) for piece in utterance.say(TEXT)]
    assert len(pieces) > 2
    assert pieces[0] == FIRST_WINDOW * 256


def test_an_utterance_can_be_interrupted(piper: PiperEngine) -> None:
    utterance = piper.open(Request(EMBEDDED, "en-US"))
    assert isinstance(utterance, Interruptible)
    pieces = utterance.say(TEXT)
    next(pieces)
    utterance.interrupt()
    with pytest.raises(Exception, match="terminate"):
        list(pieces)  # within the sentence: a window may have been computed ahead
    with pytest.raises(Exception, match="terminate"):
        next(utterance.say(TEXT))
    assert len(speak(piper)), "other utterances are not affected"


def test_closing_an_utterance_leaves_no_thread_inside_the_model(
    piper: PiperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that exits while a thread is inside the model is aborted."""
    compute, inside = Stage.__call__, list[None]()

    def slowly(self: Stage, *arguments: Any) -> Any:
        inside.append(None)
        time.sleep(0.05)
        try:
            return compute(self, *arguments)
        finally:
            inside.pop()

    monkeypatch.setattr(Stage, "__call__", slowly)
    pieces = piper.open(Request(EMBEDDED, "en-US")).say(TEXT * 5)
    next(pieces)
    assert inside
    pieces.close()
    assert not inside


def test_speed_changes_the_speaking_rate(piper: PiperEngine) -> None:
    normal, fast, slow = (len(speak(piper, speed=speed)) for speed in (1.0, 2.0, 0.5))
    # Each phoneme lasts a whole number of frames, rounded up, so twice the speed takes more than half the time.
    assert 0.45 < fast / normal < 0.7
    assert 1.5 < slow / normal < 2.1


def test_double_brackets_are_plain_text(piper: PiperEngine) -> None:
    """Digits are not phonemes: as phonemes, all of them would be dropped."""
    assert len(speak(piper, "[[1234567]]")) == pytest.approx(len(speak(piper, "1234567")), rel=0.2)


def test_the_data_folder_adds_voices(tmp_path: Path) -> None:
    add_voice(tmp_path, "de_DE-anna-low", language={"code": "de_DE"}, dataset="anna", audio=audio("low"))
    add_voice(tmp_path, "two", num_speakers=1, speaker_id_map={"calm": 0, "angry": 1}, language={})
    engine = load(tmp_path)
    embedded, anna, two = engine.voices()
    assert embedded.name == EMBEDDED
    assert (anna.name, anna.languages, anna.description) == ("de_DE-anna-low", ("de-DE",), "anna (low)")
    assert two.speakers == ("calm", "angry")
    assert len(speak(engine, voice="de_DE-anna-low", language="de-DE"))
    assert len(speak(engine, voice="two", speaker="angry"))


def audio(quality: str) -> dict[str, object]:
    return {"sample_rate": 22_050, "quality": quality}


def test_the_embedded_voice_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / f"{EMBEDDED}.onnx").write_bytes(b"something else")
    shutil.copy(f"{MODEL}.json", tmp_path / f"{EMBEDDED}.onnx.json")
    engine = load(tmp_path)
    assert len(engine.voices()) == 1
    assert len(speak(engine))


def test_damaged_voices_are_skipped_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    damaged = {
        "array": b"[]",
        "incomplete": b'{"audio": {"sample_rate": 22050}}',
        "missing": None,
        "no-json": b"{",
        "no-text": b"\xff\xff",
        "wrong-types": b'{"audio": 5}',
    }
    for name, content in damaged.items():
        (tmp_path / f"{name}.onnx").touch()
        if content is not None:
            (tmp_path / f"{name}.onnx.json").write_bytes(content)
    add_voice(tmp_path, "good")
    with caplog.at_level(logging.WARNING):
        engine = load(tmp_path)
    assert [voice.name for voice in engine.voices()] == [EMBEDDED, "good"]
    for name, message in zip(damaged, caplog.messages, strict=True):
        assert str(tmp_path / f"{name}.onnx.json") in message
        problem = "missing.onnx.json is missing" if name == "missing" else "is not a valid Piper voice configuration"
        assert problem in message


def test_a_damaged_model_is_an_error_when_it_is_used(tmp_path: Path) -> None:
    add_voice(tmp_path, "bad")
    (tmp_path / "bad.onnx").unlink()
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    engine = load(tmp_path)
    with pytest.raises(EngineError, match=r"voice bad: cannot load .*bad.onnx: .*; download it again"):
        engine.open(Request("bad", "en-US"))
    assert len(speak(engine))


def test_a_missing_folder_has_no_voices(tmp_path: Path) -> None:
    assert len(load(tmp_path / "nowhere").voices()) == 1


def test_with_a_seed_the_audio_is_reproducible(tmp_path: Path) -> None:
    config = Config(engines=EngineConfig(data_dir=tmp_path, cache_dir=tmp_path / "cache"), voice=VoiceConfig(seed=7))
    PiperEngine.load(config)  # measures the gain of the voice, once
    first, second = (
        [speak(engine, text) for text in (TEXT, "Yes, it is.")]
        for engine in (PiperEngine.load(config), PiperEngine.load(config))
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
