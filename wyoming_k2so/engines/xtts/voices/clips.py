"""Writing into the folder of clips for clients, who may be anybody on the network.

A name becomes a file name only when it holds nothing but letters, digits and a few harmless marks, so that it can name
no other folder, no hidden file and nothing that looks like an empty name. A clip lies in a hidden folder until it has
been found good; then it is moved to its place in one step. Links are never followed.
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
"""Of all files in the folder."""

MAX_VOICES = 100

# The encoders look at the first 30 s. A small file can hold hours of silence, which would fill the memory.
_LONGEST_S = 120
_MOST_SAMPLES = _LONGEST_S * 2 * 48_000

_LONGEST_NAME = 48
_NAME = regex.compile(r"(?V1)[[\p{L}\p{N}]--\p{DI}][[\p{L}\p{M}\p{N}_' -]--\p{DI}]*")
_TAG = regex.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")

_SUFFIXES = {"WAV": ".wav", "WAVEX": ".wav", "FLAC": ".flac", "OGG": ".ogg", "MP3": ".mp3", "MPEG": ".mp3"}


def check_name(name: str) -> None:
    """Raise EngineError when a voice may not have this name."""
    if len(name) > _LONGEST_NAME:
        raise EngineError(f"A voice's name may have at most {_LONGEST_NAME} characters.")
    if _NAME.fullmatch(name) is None or not unicodedata.is_normalized("NFC", name):
        raise EngineError(
            "A voice's name begins with a letter or digit and holds letters, digits, spaces and the marks - _ ' only."
        )


def check_language(language: str, known: Sequence[str]) -> None:
    """Raise EngineError when `language` is no BCP 47 tag of one of the languages `known`."""
    if not _TAG.fullmatch(language) or language.lower().split("-")[0] not in {tag.split("-")[0] for tag in known}:
        raise EngineError(f"XTTS does not speak this language; it speaks: {', '.join(known)}.")


@contextmanager
def staged(folder: Path, name: str, language: str | None, clip: bytes) -> Iterator[Path]:
    """Write a clip of a new voice beside its place, to be checked there; it is moved to its place at the end.

    Args:
        folder: the folder of clips; made when it is not there.
        name: one that passes `check_name`.
        language: becomes part of the file's name.
        clip: an audio file.

    Raises:
        EngineError: there is no room, the name is taken, or the clip is no audio that can be used. Nothing has changed
            then, nor when the caller raises.
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
        raise EngineError(f"The voice folder cannot be written: {error.strerror or error}.") from error


def remove(clip: Path, learnt: Path) -> None:
    """Remove a clip, what stands beside it about its language, and the file of what was learnt from it.

    Raises:
        EngineError: that cannot be done.
    """
    try:
        for path in (clip, clip.with_suffix(".json"), clip.with_suffix(".toml"), learnt):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise EngineError(f"The clip cannot be removed: {error.strerror or error}.") from error


def _suffix(name: str, clip: bytes) -> str:
    """The ending for a clip's format, after a look at what it holds."""
    try:
        with soundfile.SoundFile(io.BytesIO(clip)) as file:
            suffix, samples, seconds = (
                _SUFFIXES[file.format],
                file.frames * file.channels,
                file.frames / file.samplerate,
            )
    except (OSError, soundfile.SoundFileError, ValueError, KeyError) as error:
        raise EngineError(f"The clip of {name} is not audio that can be read; use wav, flac, ogg or mp3.") from error
    if seconds > _LONGEST_S or samples > _MOST_SAMPLES:
        raise EngineError(f"The clip of {name} is too long; six to thirty seconds of speech are best.")
    return suffix


def _check_room(folder: Path, name: str, size: int) -> None:
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    taken = {unicodedata.normalize("NFC", entry.name).partition(".")[0].casefold() for entry in entries}
    if name.casefold() in taken:
        raise EngineError(f"There is a clip of the name {name} already; remove that voice first, or take another name.")
    if len(entries) >= MAX_VOICES:
        raise EngineError(f"There are {MAX_VOICES} voices already; remove one first.")
    files = (path for entry in entries for path in ([entry] if not entry.is_dir() else entry.iterdir()))
    if sum(path.lstat().st_size for path in files) + size > MAX_BYTES:
        raise EngineError(f"The voice folder holds {MAX_BYTES // 1024**2} MiB already; remove a voice first.")
