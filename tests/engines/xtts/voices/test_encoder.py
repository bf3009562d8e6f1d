"""Cloned voices: conditioning equal to Coqui's, unusable clips, the folder and the cache."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from tests.engines.xtts.support.clips import CountingEncoder, clipped, new_store, speech
from wyoming_k2so.engine import EngineError, Samples
from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts
from wyoming_k2so.engines.xtts.voices import store as voices_module
from wyoming_k2so.engines.xtts.voices.encoder import VoiceEncoder, read_clip
from wyoming_k2so.engines.xtts.voices.store import VoiceStore
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "voices"
    folder.mkdir()
    return folder


@pytest.fixture
def encoder(checkpoint: Checkpoint) -> VoiceEncoder:
    return VoiceEncoder(checkpoint.weights(), checkpoint.architecture, checkpoint.defaults)


@pytest.fixture
def store(checkpoint: Checkpoint, encoder: VoiceEncoder, clips: Path, tmp_path: Path) -> VoiceStore:
    return new_store(checkpoint, encoder, clips, tmp_path)


@pytest.mark.parametrize(("suffix", "rate", "channels"), [("wav", 22050, 1), ("wav", 16000, 2), ("flac", 44100, 1)])
def test_conditioning_equals_coqui(
    suffix: str,
    rate: int,
    channels: int,
    clips: Path,
    encoder: VoiceEncoder,
    reference: ReferenceXtts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sounds = [speech(7.3, rate, seed) for seed in range(2)]
    paths = [clips / f"{seed}.{suffix}" for seed in range(2)]
    for path, sound in zip(paths, sounds, strict=True):
        soundfile.write(path, np.stack([sound] * channels, 1), rate)
    monkeypatch.setattr("torchaudio.load", load_with_soundfile)  # torchcodec needs the libraries of ffmpeg
    latents, embedding = reference.model.get_conditioning_latents(
        [str(path) for path in paths], max_ref_length=30, gpt_cond_len=30, gpt_cond_chunk_len=4
    )
    ours = encoder.clone(paths)
    assert ours.latents.shape == latents[0].shape == (32, 64)
    assert (ours.latents - latents[0]).abs().max() <= 1e-4
    assert (ours.embedding - embedding[0]).abs().max() <= 1e-4
    other = encoder.clone(paths[:1])
    assert (ours.latents - other.latents).abs().max() > 1e-3, "the clips must matter"


def load_with_soundfile(path: str) -> tuple[Tensor, int]:
    data, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(data.T.copy()), rate


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_every_format_can_be_read(suffix: str, clips: Path) -> None:
    soundfile.write(clips / f"a.{suffix}", speech(2), 22050)
    audio = read_clip(clips / f"a.{suffix}")
    assert audio.shape[0] == 1
    assert abs(audio.shape[1] / 22050 - 2) < 0.1


@pytest.mark.parametrize(
    ("sound", "reason"),
    [(speech(0.5), "shorter than a second"), (np.zeros(44100, np.float32), "is silent"), (clipped(), "is clipped")],
)
def test_an_unusable_clip_is_reported_once_and_skipped(
    sound: Samples, reason: str, clips: Path, store: VoiceStore, caplog: pytest.LogCaptureFixture
) -> None:
    soundfile.write(clips / "bad.wav", sound, 22050)
    soundfile.write(clips / "good.wav", speech(2), 22050)
    with caplog.at_level(logging.WARNING):
        assert [clone.name for clone in store.clones()] == ["good"]
        (clips / "note.txt").write_text("changes the folder")
        store.clones()
    assert caplog.text.count(reason) == 1


def test_an_unreadable_folder_is_reported_and_skipped(
    clips: Path, store: VoiceStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clips / "lost+found").mkdir()
    soundfile.write(clips / "good.wav", speech(2), 22050)
    original = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path.name == "lost+found":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert [clone.name for clone in store.clones()] == ["good"]
    assert "lost+found" in caplog.text


def test_a_file_that_is_not_audio_is_skipped(clips: Path, store: VoiceStore, caplog: pytest.LogCaptureFixture) -> None:
    (clips / "bad.mp3").write_bytes(b"this is no sound" * 99)
    assert not store.clones()
    assert "bad.mp3 is not readable audio" in caplog.text


def test_loud_speech_is_not_clipped(clips: Path) -> None:
    sound = speech(2)
    soundfile.write(clips / "loud.wav", sound / np.abs(sound).max(), 22050, subtype="FLOAT")
    read_clip(clips / "loud.wav")


def test_languages_from_names_and_sidecars(clips: Path, store: VoiceStore) -> None:
    for name in ("anna.de", "bob", "carla", "dr.who", "eve"):
        soundfile.write(clips / f"{name}.wav", speech(1.5), 22050)
    (clips / "carla.json").write_text(json.dumps({"language": "es"}))
    (clips / "eve.toml").write_text('language = "klingon"')
    team = clips / "frank.pt-BR"
    team.mkdir()
    for index in range(2):
        soundfile.write(team / f"{index}.wav", speech(1.5, seed=index), 22050)
    found = {clone.name: (clone.language, len(clone.clips)) for clone in store.clones()}
    assert found == {
        "anna": ("de", 1),
        "bob": (None, 1),
        "carla": ("es", 1),
        "dr.who": (None, 1),
        "eve": (None, 1),
        "frank": ("pt-BR", 2),
    }


def test_new_changed_and_removed_clips_are_noticed(clips: Path, store: VoiceStore) -> None:
    assert store.clones() == []
    soundfile.write(clips / "a.wav", speech(2), 22050)
    assert [clone.name for clone in store.clones()] == ["a"]
    before = store.conditioning("a")
    assert store.conditioning("a") is before
    soundfile.write(clips / "a.wav", speech(2.5, seed=3), 22050)
    assert not torch.equal(store.conditioning("a").latents, before.latents)
    (clips / "a.wav").unlink()
    assert store.clones() == []
    with pytest.raises(EngineError, match="no voice 'a'"):
        store.conditioning("a")


def test_an_unchanged_folder_is_not_scanned_again(
    clips: Path, store: VoiceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(clips / "a.wav", speech(2), 22050)
    store.clones()
    monkeypatch.setattr(store, "_scan", lambda: pytest.fail("scanned again"))
    assert [clone.name for clone in store.clones()] == ["a"]


def test_the_cache_outlives_the_process_and_follows_the_content(
    clips: Path, checkpoint: Checkpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    soundfile.write(clips / "a.wav", speech(2), 22050)
    encoder = CountingEncoder()

    def ask(name: str = "a") -> float:
        return float(new_store(checkpoint, encoder, clips, tmp_path).conditioning(name).latents[0, 0])

    assert [ask(), ask()] == [1, 1]
    (clips / "a.wav").rename(clips / "b.wav")
    assert ask("b") == 1, "the content matters, not the name"
    soundfile.write(clips / "b.wav", speech(2, seed=1), 22050)
    assert ask("b") == 2
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:40])
    assert ask("b") == 3
    assert "damaged" in caplog.text
    assert ask("b") == 3
    assert not list((tmp_path / "cache").glob("*.part"))


def test_a_full_disk_costs_only_the_cache(
    clips: Path,
    checkpoint: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(voices_module, "save_file", full)
    soundfile.write(clips / "a.wav", speech(2), 22050)
    assert new_store(checkpoint, CountingEncoder(), clips, tmp_path).conditioning("a").latents[0, 0] == 1
    assert "cannot cache the cloned voice" in caplog.text
    assert not list((tmp_path / "cache").iterdir())


def test_a_clone_replaces_the_speaker_of_the_same_name(clips: Path, store: VoiceStore) -> None:
    built_in = store.conditioning("Damien Black")
    soundfile.write(clips / "Damien Black.wav", speech(2), 22050)
    assert not torch.equal(store.conditioning("Damien Black").latents, built_in.latents)
