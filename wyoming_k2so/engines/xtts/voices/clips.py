"""Writes clips into the voice folder on behalf of clients, who may be anybody on the network.

A name becomes a file name only if it consists of letters, digits and a few harmless marks, so that it cannot point to
another folder, be hidden or look empty. A clip stays in a hidden folder until it has been checked, and is then moved to
its place in one step. Links are never followed.
"""

from __future__ import annotations

import io
import os
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import regex
import soundfile

from wyoming_k2so.engine import EngineError

MAX_BYTES = 512 * 1024 * 1024
"""Of all files in the folder together."""

MAX_VOICES = 100

# The encoders use the first 30 s. A small file can hold hours of silence, which would fill the memory.
_LONGEST_S = 120
_MOST_SAMPLES = _LONGEST_S * 2 * 48_000

_LONGEST_NAME = 48
_NAME = regex.compile(r"(?V1)[[\p{L}\p{N}]--\p{DI}][[\p{L}\p{M}\p{N}_' -]--\p{DI}]*")
_TAG = regex.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")

_SUFFIXES = {"WAV": ".wav", "WAVEX": ".wav", "FLAC": ".flac", "OGG": ".ogg", "MP3": ".mp3", "MPEG": ".mp3"}


def check_name(name: str) -> None:
    """Raise EngineError if this is not a valid name of a voice."""
    if len(name) > _LONGEST_NAME:
        raise EngineError(f"the voice name is too long; use at most {_LONGEST_NAME} characters")
    if _NAME.fullmatch(name) is None or not unicodedata.is_normalized("NFC", name):
        raise EngineError(
            "invalid voice name; start with a letter or digit and use only letters, digits, spaces and the marks - _ '"
        )


def check_language(language: str, known: Sequence[str]) -> None:
    """Raise EngineError unless `language` is a BCP 47 tag of one of the `known` languages."""
    if not _TAG.fullmatch(language) or language.lower().split("-")[0] not in {tag.split("-")[0] for tag in known}:
        raise EngineError(f"XTTS does not speak this language; choose one of: {', '.join(known)}")


@contextmanager
def staged(folder: Path, name: str, language: str | None, clip: bytes) -> Iterator[Path]:
    """Write the clip of a new voice into a hidden folder, where the caller checks it; move it to its place at the end.

    Args:
        folder: the voice folder; created if it does not exist.
        name: has passed `check_name`.
        language: becomes part of the file's name.
        clip: an audio file.

    Raises:
        EngineError: there is no room, the name is taken, or the clip is not usable audio. Nothing has changed then, nor
            if the caller raises.
    """
    file = name + (f".{language}" if language else "") + _suffix(name, clip)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_room(folder, name, len(clip))
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as hidden:
            path = Path(hidden, file)
            with path.open("xb") as out:
                out.write(clip)
                out.flush()
                os.fsync(out.fileno())
            yield path
            path.replace(folder / file)
    except OSError as error:
        raise EngineError(f"cannot write to the voice folder: {error.strerror or error}") from error


def remove(clip: Path, cached: Path) -> None:
    """Remove a clip, its sidecars, and the cached conditioning. Raises EngineError if that is not possible."""
    try:
        for path in (clip, clip.with_suffix(".json"), clip.with_suffix(".toml"), cached):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise EngineError(f"cannot remove the clip: {error.strerror or error}") from error


def _suffix(name: str, clip: bytes) -> str:
    """The file suffix for a clip's format. Raises EngineError if it is not audio or too long."""
    try:
        with soundfile.SoundFile(io.BytesIO(clip)) as file:
            suffix, samples, seconds = (
                _SUFFIXES[file.format],
                file.frames * file.channels,
                file.frames / file.samplerate,
            )
    except (OSError, soundfile.SoundFileError, ValueError, KeyError) as error:
        raise EngineError(f"the clip of {name} is not readable audio; use wav, flac, ogg or mp3") from error
    if seconds > _LONGEST_S or samples > _MOST_SAMPLES:
        raise EngineError(f"the clip of {name} is too long; six to thirty seconds of speech are best")
    return suffix


def _check_room(folder: Path, name: str, size: int) -> None:
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    taken = {unicodedata.normalize("NFC", entry.name).partition(".")[0].casefold() for entry in entries}
    if name.casefold() in taken:
        raise EngineError(f"a clip named {name} already exists; remove that voice first, or choose another name")
    if len(entries) >= MAX_VOICES:
        raise EngineError(f"there are {MAX_VOICES} voices already; remove one first")
    files = (path for entry in entries for path in ([entry] if not entry.is_dir() else entry.iterdir()))
    if sum(path.lstat().st_size for path in files) + size > MAX_BYTES:
        raise EngineError(f"the voice folder has reached its limit of {MAX_BYTES // 1024**2} MiB; remove a voice first")
