"""Where `say` puts its sound: the sound card, a WAV file or raw bytes, filled while the rest is generated."""

from __future__ import annotations

import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from wyoming_k2so.engine import AudioFormat, EngineError
from wyoming_k2so.reply.pipeline import Reply


class PlaybackError(EngineError):
    """The sound cannot be played or stored; the message says what to do."""


class Sink(Protocol):
    """Takes the sound of one reply."""

    def write(self, audio: bytes) -> None:
        """Take the next bytes; may wait until there is room."""

    def close(self) -> None:
        """Play or store what is left."""


class SoundCard:
    """The default output device, through PortAudio."""

    def __init__(self, format: AudioFormat) -> None:
        hint = "write to a file with -o FILE.wav instead"
        try:
            import sounddevice  # noqa: PLC0415  only this class needs it, and it needs a system library
        except (ImportError, OSError) as error:
            raise PlaybackError(
                f"playing needs the extra 'playback' and the system library PortAudio ({error}); {hint}"
            ) from None
        try:
            self._stream: Any = sounddevice.RawOutputStream(
                samplerate=format.rate, channels=format.channels, dtype=f"int{8 * format.width}"
            )
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise PlaybackError(f"there is no sound device to play on ({error}); {hint}") from None

    def write(self, audio: bytes) -> None:
        """Queue for playing, at the pace of the device."""
        self._stream.write(audio)

    def close(self) -> None:
        """Play to the end."""
        self._stream.stop()
        self._stream.close()


class WavFile:
    """A WAV file."""

    def __init__(self, path: Path, format: AudioFormat) -> None:
        try:
            self._raw = path.open("wb")
        except OSError as error:
            raise PlaybackError(f"cannot write {path}: {error.strerror}") from None
        if not self._raw.seekable():
            raise PlaybackError(f"cannot write {path}: the length in a WAV header is known last; stream with -o -")
        self._file = wave.open(self._raw)  # noqa: SIM115  closed by close()
        self._file.setnchannels(format.channels)
        self._file.setsampwidth(format.width)
        self._file.setframerate(format.rate)

    def write(self, audio: bytes) -> None:
        """Append samples."""
        self._file.writeframes(audio)

    def close(self) -> None:
        """Complete the header."""
        with self._raw:
            self._file.close()


class RawBytes:
    """Bare samples into an open binary file such as standard output."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, audio: bytes) -> None:
        """Pass on at once."""
        self._file.write(audio)
        self._file.flush()

    def close(self) -> None:
        """Leave the file open: it is not ours."""


class Playback:
    """Fills a sink from a reply, in a worker thread, as the chunks come."""

    def __init__(self, reply: Reply, open_sink: Callable[[AudioFormat], Sink]) -> None:
        self._reply = reply
        self._open_sink = open_sink
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="playback", daemon=True)

    def start(self) -> None:
        """Begin to take chunks."""
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False when it is still playing.

        Raises:
            PlaybackError: the sink could not be opened or filled; the reply is cancelled then.
        """
        self._thread.join(timeout)
        if self._error is not None:
            raise self._error
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._fill()
        except PlaybackError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001  PortAudio raises its own family
            self._error = PlaybackError(f"the sound could not be played or written: {error}")

    def _fill(self) -> None:
        sink: Sink | None = None
        try:
            for chunk in self._reply:
                sink = sink or self._open_sink(chunk.format)
                sink.write(chunk.audio)
            if sink is None and self._reply.format is not None:
                sink = self._open_sink(self._reply.format)
        finally:
            self._reply.cancel()
            if sink is not None:
                sink.close()
