"""Clips that clients send over the network: names, limits, and nothing left half done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.engines.xtts.support.clips import CountingEncoder, clipped, encoded, new_store, speech
from wyoming_k2so.engine import Cloning, EngineError
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.voices import clips as module
from wyoming_k2so.engines.xtts.voices.encoder import read_clip
from wyoming_k2so.engines.xtts.voices.store import VoiceStore
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint

CLIP = encoded(speech(2))


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return tmp_path / "voices"


@pytest.fixture
def store(checkpoint: Checkpoint, clips: Path, tmp_path: Path) -> VoiceStore:
    return new_store(checkpoint, CountingEncoder(), clips, tmp_path)


def everything(folder: Path) -> dict[str, bytes | None]:
    """All files and folders in a folder, including hidden ones."""
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}


@pytest.mark.parametrize(("format", "suffix"), [("WAV", "wav"), ("FLAC", "flac"), ("OGG", "ogg"), ("MP3", "mp3")])
def test_a_voice_is_added_and_removed(store: VoiceStore, clips: Path, format: str, suffix: str) -> None:
    clip = encoded(speech(2), format=format)
    store.add("Anna Lena", "de", clip)
    assert everything(clips) == {f"Anna Lena.de.{suffix}": clip}
    (clone,) = store.clones()
    assert (clone.name, clone.language) == ("Anna Lena", "de")
    assert store.encoder.calls == 1  # type: ignore[attr-defined]
    assert store.conditioning("Anna Lena").latents[0, 0] == 1, "computed when the voice was added"

    store.remove("anna lena")
    assert everything(clips) == {}
    assert store.clones() == []
    assert not list(clips.parent.joinpath("cache").iterdir())


@pytest.mark.parametrize("name", ["anna", "हिंदी", "O'Neil 2", "Jörg", "zoë-2_b", "小明", "7"])
def test_names_that_are_valid(store: VoiceStore, name: str) -> None:
    store.add(name, None, CLIP)
    assert [clone.name for clone in store.clones()] == [name]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../anna",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "C:anna",
        "anna\0",
        "anna\n",
        ".anna",
        "-anna",
        " anna",
        "anna.de",
        "anna.wav",
        "a\u2215b",
        "a\uff0fb",
        "\u2024\u2024",
        "anna\u200b",
        "anna\ufe0f",
        "\u3164",
        "\u202eanna",
        "a\u0308",
        "a\ud83d",
        "~",
        "*",
        "x" * 49,
    ],
)
def test_invalid_names(store: VoiceStore, clips: Path, name: str) -> None:
    with pytest.raises(EngineError, match="name"):
        store.add(name, None, CLIP)
    assert not clips.exists()


@pytest.mark.parametrize("language", ["tlh", "de/../..", "de.x", "../de", "d", "de-" + "x" * 20, "de\0"])
def test_invalid_languages(store: VoiceStore, clips: Path, language: str) -> None:
    with pytest.raises(EngineError, match=r"choose one of: .*\bde\b"):
        store.add("anna", language, CLIP)
    assert not clips.exists()


@pytest.mark.parametrize("language", ["de", "pt-BR", "zh-cn", "DE"])
def test_languages_that_are_valid(store: VoiceStore, language: str) -> None:
    store.add("anna", language, CLIP)
    assert store.clones()[0].language == language


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        (b"", "not readable audio"),
        (b"this is no sound" * 99, "not readable audio"),
        (CLIP[:30], "not readable audio|shorter"),
        (encoded(speech(0.5)), "shorter than a second"),
        (encoded(np.zeros(44100, np.float32)), "is silent"),
        (encoded(clipped()), "is clipped"),
        (encoded(speech(121, 8000), 8000), "too long"),
        (encoded(np.zeros((11_600_000 // 8, 8), np.float32), 48_000, "FLAC"), "too long"),
        (encoded(speech(2, 44_101), 44_101), "44101 Hz"),
        (encoded(speech(2), format="AIFF"), "use wav"),
    ],
)
def test_unusable_clips(store: VoiceStore, clips: Path, clip: bytes, reason: str) -> None:
    with pytest.raises(EngineError, match=reason):
        store.add("anna", "de", clip)
    assert not clips.exists() or everything(clips) == {}
    assert store.clones() == []


def test_a_name_is_taken_whatever_its_case_format_and_language(store: VoiceStore, clips: Path) -> None:
    store.add("Anna", "de", CLIP)
    (clips / "bad.mp3").write_bytes(b"no sound")
    (clips / "team").mkdir()
    before = everything(clips)
    for name in ("anna", "bad", "TEAM"):
        with pytest.raises(EngineError, match="already"):
            store.add(name, "en", CLIP)
    assert everything(clips) == before


def test_links_are_not_followed(store: VoiceStore, clips: Path, tmp_path: Path) -> None:
    clips.mkdir()
    outside = tmp_path / "precious.wav"
    outside.write_bytes(CLIP)
    (clips / "anna.wav").symlink_to(outside)
    (clips / "bob.wav").symlink_to(tmp_path / "nowhere.wav")
    for name in ("anna", "bob"):
        with pytest.raises(EngineError, match="already"):
            store.add(name, None, encoded(speech(3)))
    assert not (tmp_path / "nowhere.wav").exists()
    store.remove("anna")
    assert outside.read_bytes() == CLIP
    assert not (clips / "anna.wav").is_symlink()


def test_only_a_voice_of_one_clip_can_be_removed(store: VoiceStore, clips: Path) -> None:
    (clips / "team").mkdir(parents=True)
    (clips / "team" / "one.wav").write_bytes(CLIP)
    before = everything(clips)
    with pytest.raises(EngineError, match="folder of clips"):
        store.remove("team")
    for name in ("Damien Black", "../voices/team", "team/one"):
        with pytest.raises(EngineError, match="no cloned voice"):
            store.remove(name)
    assert everything(clips) == before


def test_a_sidecar_is_removed_with_its_clip(store: VoiceStore, clips: Path) -> None:
    clips.mkdir()
    (clips / "eve.wav").write_bytes(CLIP)
    (clips / "eve.toml").write_text('language = "es"')
    (clips / "everest.wav").write_bytes(CLIP)
    store.remove("eve")
    assert set(everything(clips)) == {"everest.wav"}


def test_the_folder_has_limits(store: VoiceStore, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VOICES", 2)
    store.add("a", None, CLIP)
    monkeypatch.setattr(module, "MAX_BYTES", 2 * len(CLIP) - 1)
    with pytest.raises(EngineError, match="limit of"):
        store.add("b", None, CLIP)
    monkeypatch.setattr(module, "MAX_BYTES", 9 * len(CLIP))
    store.add("b", None, CLIP)
    with pytest.raises(EngineError, match="2 voices already"):
        store.add("c", None, CLIP)
    assert set(everything(clips)) == {"a.wav", "b.wav"}


def test_a_voice_that_cannot_be_cloned_is_not_kept(store: VoiceStore, clips: Path) -> None:
    def broken(*_: Any) -> Any:
        raise EngineError("no complete voice encoder")

    store.encoder.clone = broken  # type: ignore[assignment, method-assign]
    with pytest.raises(EngineError, match="no complete voice encoder"):
        store.add("anna", None, CLIP)
    assert everything(clips) == {}


def test_a_full_disk_leaves_nothing(store: VoiceStore, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EngineError, match="cannot write to the voice folder: No space left"):
        store.add("anna", None, CLIP)
    assert everything(clips) == {}

    (clips / "file").write_text("no folder")
    store._folder = clips / "file"
    with pytest.raises(EngineError, match="cannot write"):
        store.add("anna", None, CLIP)


def test_hidden_files_are_not_voices(store: VoiceStore, clips: Path) -> None:
    (clips / ".new-1").mkdir(parents=True)
    (clips / ".new-1" / "anna.wav").write_bytes(CLIP)
    (clips / "._anna.wav").write_bytes(CLIP)
    assert store.clones() == []


def test_a_rate_whose_resampling_would_take_gigabytes_is_rejected(clips: Path) -> None:
    clips.mkdir()
    for rate in (8000, 16000, 22050, 44100, 48000, 96000):
        soundfile.write(clips / "a.wav", speech(1.1, rate), rate)
        read_clip(clips / "a.wav")
    soundfile.write(clips / "a.wav", speech(1.1, 22051), 22051)
    with pytest.raises(EngineError, match="22051 Hz"):
        read_clip(clips / "a.wav")


def test_the_engine_adds_and_removes_voices(engine: XttsEngine, tmp_path: Path) -> None:
    cloning: Cloning = engine
    assert isinstance(cloning, Cloning)
    cloning.add_voice("Gerda", "de", CLIP)
    voice = next(voice for voice in engine.voices() if voice.name == "Gerda")
    assert voice.languages[0] == "de"
    assert engine.conditioning("Gerda").latents.isfinite().all()
    cloning.remove_voice("Gerda")
    assert "Gerda" not in {voice.name for voice in engine.voices()}
