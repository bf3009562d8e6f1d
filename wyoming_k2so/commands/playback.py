"""Where `say` writes its audio while it is generated: the sound card, a WAV file or raw bytes."""

from __future__ import annotations

import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from wyoming_k2so.engine import AudioFormat
from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.settings.errors import UserError


class PlaybackError(UserError):
    """The audio cannot be played or written."""


class Sink(Protocol):
    """Takes the audio of one reply."""

    def write(self, audio: bytes) -> None:
        """Take the next bytes; may block until there is room."""

    def close(self) -> None:
        """Play or write what is left."""


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
            raise PlaybackError(f"no sound device can play ({error}); {hint}") from None

    def write(self, audio: bytes) -> None:
        """Queue the samples; blocks at the speed of the device."""
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
            raise PlaybackError(f"cannot write {path}: a WAV file must be seekable; stream raw samples with -o -")
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
    """Raw samples into an open binary file such as standard output."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, audio: bytes) -> None:
        """Write and flush."""
        self._file.write(audio)
        self._file.flush()

    def close(self) -> None:
        """No-op: the file belongs to the caller."""


class Playback:
    """Copies the chunks of a reply to a sink, in a thread of its own."""

    def __init__(self, reply: Reply, open_sink: Callable[[AudioFormat], Sink]) -> None:
        self._reply = reply
        self._open_sink = open_sink
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="playback", daemon=True)

    def start(self) -> None:
        """Start copying."""
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False if it is still playing.

        Raises:
            PlaybackError: the sink cannot be opened or written; the reply is cancelled.
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
            self._error = PlaybackError(f"cannot play or write the audio: {error}")

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
