"""Where `say` puts its sound: files, standard output and a sound card that writes down what it played."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.support.fakes import ScriptedEngine
from wyoming_k2so.audio.chunks import encode
from wyoming_k2so.commands.playback import Playback, PlaybackError, RawBytes, Sink, SoundCard, WavFile
from wyoming_k2so.engine import AudioFormat, Request
from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.voices.catalog import Choice

PATIENCE_S = 10.0
TEXT = "Hello there."

needs_alsa = pytest.mark.skipif(sys.platform != "linux", reason="the sound card of these tests is one of ALSA")


def reply(engine: ScriptedEngine, text: str = TEXT) -> Reply:
    found = Reply(Choice(engine, Request("test", "en-US")))
    found.start()
    found.feed(text)
    found.finish()
    return found


def play(reply: Reply, open_sink: Callable[[AudioFormat], Sink]) -> None:
    playback = Playback(reply, open_sink)
    playback.start()
    assert playback.wait(PATIENCE_S)


def pcm(engine: ScriptedEngine, text: str = TEXT) -> bytes:
    return encode(engine.sound(text), AudioFormat(engine.rate))


def test_a_wav_file_holds_the_whole_reply(tmp_path: Path) -> None:
    engine, path = ScriptedEngine(rate=22_050), tmp_path / "out.wav"
    play(reply(engine), partial(WavFile, path))
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        assert file.readframes(10**6) == pcm(engine)


def test_a_reply_without_text_is_an_empty_wav_file(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    play(reply(ScriptedEngine(), ""), partial(WavFile, path))
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnframes()) == (16_000, 0)


def test_raw_bytes_come_bare_and_leave_the_file_open() -> None:
    engine, file = ScriptedEngine(), io.BytesIO()
    play(reply(engine), lambda _: RawBytes(file))
    assert file.getvalue() == pcm(engine)


def test_sound_is_written_while_the_rest_is_generated() -> None:
    """The second sentence may only be spoken once the first has reached the sink."""
    gate, heard = threading.Semaphore(1), threading.Event()

    class Listener(RawBytes):
        def write(self, audio: bytes) -> None:
            super().write(audio)
            heard.set()

    engine, file = ScriptedEngine(gate=gate), io.BytesIO()
    text = "The first sentence is long enough to fill a chunk. And here comes the second one."
    playback = Playback(reply(engine, text), lambda _: Listener(file))
    playback.start()
    assert heard.wait(PATIENCE_S)
    assert engine.pieces < len(engine.sound(text)) / engine.rate / engine.piece_s
    gate.release(len(text))
    assert playback.wait(PATIENCE_S)
    assert file.getvalue() == pcm(engine, "".join(engine.said))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("/nowhere/out.wav", "cannot write /nowhere/out.wav: No such file or directory"),
        ("/", "cannot write /: Is a directory"),
        ("/dev/full", "cannot play or write the audio: .*No space left on device"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(place: str, message: str) -> None:
    # Longer than the queue, so that the engine would wait for ever if the reply were not cancelled.
    engine = ScriptedEngine(piece_s=1.0)
    spoken = reply(engine, "a" * 1_500)
    with pytest.raises(PlaybackError, match=message):
        play(spoken, partial(WavFile, Path(place)))
    assert spoken.join(PATIENCE_S)
    assert engine.open_utterances == 0


def test_a_wav_file_needs_a_place_that_can_be_rewound() -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(PlaybackError, match="stream raw samples with -o -"):
            play(reply(ScriptedEngine()), partial(WavFile, Path(f"/dev/fd/{writer}")))
    finally:
        os.close(reader)
        os.close(writer)


def test_any_fault_of_a_sink_is_told() -> None:
    class Broken(RawBytes):
        def write(self, audio: bytes) -> None:
            raise RuntimeError("the plug was pulled")

    with pytest.raises(PlaybackError, match="cannot play or write the audio: the plug was pulled"):
        play(reply(ScriptedEngine()), lambda _: Broken(io.BytesIO()))


def test_waiting_has_an_end() -> None:
    gate = threading.Semaphore(0)
    spoken = reply(ScriptedEngine(gate=gate))
    playback = Playback(spoken, lambda _: RawBytes(io.BytesIO()))
    playback.start()
    assert not playback.wait(0.01)
    spoken.cancel()
    gate.release()
    assert playback.wait(PATIENCE_S)


# ---- the sound card ---------------------------------------------------------------------------------------------


def test_without_the_python_package_the_error_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(PlaybackError, match=r"needs the extra 'playback'.*; write to a file with -o FILE.wav instead$"):
        SoundCard(AudioFormat(22_050))


def test_without_portaudio_the_error_names_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    with pytest.raises(PlaybackError, match=r"PortAudio \(PortAudio library not found\); write to a file with -o FILE"):
        SoundCard(AudioFormat(22_050))


def say(folder: Path, devices: str) -> subprocess.CompletedProcess[str]:
    """`say` in a process of its own, since PortAudio looks for devices once, with these ALSA devices."""
    config = folder / "asound.conf"
    config.write_text(devices)
    return subprocess.run(
        [sys.executable, "-m", "wyoming_k2so", "say", TEXT],
        env=os.environ | {"ALSA_CONFIG_PATH": str(config)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_alsa
def test_the_sound_card_plays_every_sample(tmp_path: Path) -> None:
    played, script = tmp_path / "played.raw", tmp_path / "play.py"
    config = tmp_path / "asound.conf"
    config.write_text(DEVICE.format(played=played))
    script.write_text(
        "import numpy as np\n"
        "from wyoming_k2so.engine import AudioFormat\n"
        "from wyoming_k2so.commands.playback import SoundCard\n"
        "sound = np.arange(-10_000, 10_000, dtype='<i2')\n"
        "card = SoundCard(AudioFormat(22_050))\n"
        "for start in range(0, len(sound), 4096):\n"
        "    card.write(sound[start : start + 4096].tobytes())\n"
        "card.close()\n"
    )
    environ = os.environ | {"ALSA_CONFIG_PATH": str(config)}
    subprocess.run([sys.executable, str(script)], env=environ, check=True, timeout=60)
    samples = np.fromfile(played, "<i2")
    np.testing.assert_array_equal(samples[:20_000], np.arange(-10_000, 10_000))
    assert not samples[20_000:].any(), "the device may only add silence"


DEVICE = 'pcm.!default {{ type file slave.pcm null file "{played}" format raw }}\npcm.null {{ type null }}\n'


@needs_alsa
def test_say_plays_through_the_default_device(tmp_path: Path) -> None:
    played = tmp_path / "played.raw"
    result = say(tmp_path, DEVICE.format(played=played))
    assert result.returncode == 0, result.stderr
    samples = np.fromfile(played, "<i2")
    assert 0.3 < len(samples) / 22_050 < 3
    assert np.abs(samples.astype(float)).max() > 10_000


@needs_alsa
def test_without_a_device_say_ends_with_one_line_that_names_the_way_out(tmp_path: Path) -> None:
    result = say(tmp_path, "pcm.!default { type hw card 99 }\nctl.!default { type hw card 99 }\n")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("wyoming-k2so: no sound device can play")
    assert line.endswith("write to a file with -o FILE.wav instead")
