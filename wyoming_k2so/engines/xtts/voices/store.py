"""The voices of an XTTS engine: the built-in speakers, and the clips in the voice folder.

A file is a voice; a folder is a voice made of all its clips. The default language of `anna.de.wav` is German, as is
that of a voice with a sidecar `anna.json` or `anna.toml` with `language = "de"` (in a folder: voice.json or
voice.toml).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import threading
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from wyoming_k2so.engine import EngineError

from . import clips
from .encoder import SUFFIXES, Conditioning, VoiceEncoder, read_clip

_LOGGER = logging.getLogger(__name__)

_CACHE_VERSION = 1


@dataclass(frozen=True)
class Clone:
    """A usable voice in the folder."""

    name: str
    clips: tuple[Path, ...]
    language: str | None


class VoiceStore:
    """Finds voices and their conditioning. Safe to use from any thread."""

    def __init__(
        self,
        built_in: Mapping[str, tuple[Tensor, Tensor]],
        folder: Path,
        *,
        cache: Path,
        encoder: VoiceEncoder,
        fingerprint: str,
        languages: Sequence[str],
    ) -> None:
        """`cache`: folder for conditioning, created when needed; `fingerprint`: identifies the checkpoint's weights."""
        self._built_in = {name: Conditioning(*tensors) for name, tensors in built_in.items()}
        self._folder, self._cache, self.encoder = folder, cache, encoder
        self._fingerprint, self._languages = fingerprint, languages
        self._lock = threading.Lock()
        self._cloning = threading.Lock()
        self._changing = threading.Lock()
        self._stamp: object = None
        self._clones: dict[str, Clone] = {}
        self._loaded: dict[str, Conditioning] = {}
        self._checked: dict[tuple[str, int, int], str | None] = {}

    def built_in(self) -> list[str]:
        """Names of the checkpoint's speakers."""
        return list(self._built_in)

    def clones(self) -> list[Clone]:
        """Cloned voices. Scans the folder again only if something in it has changed."""
        return list(self._current()[0].values())

    def conditioning(self, name: str) -> Conditioning:
        """The conditioning of a voice, computed and cached if it is new. The same object until its clips change.

        Raises:
            EngineError: there is no such voice, or its clips cannot be used.
        """
        clones, loaded = self._current()
        if name in clones:
            if name not in loaded:
                loaded[name] = self._cached(clones[name])
            return loaded[name]
        if name not in self._built_in:
            raise EngineError(f"there is no voice '{name}'; choose one from the server's list")
        return self._built_in[name]

    def add(self, name: str, language: str | None, clip: bytes) -> None:
        """Make a voice from a clip. Raises EngineError if that is not possible; nothing has changed then."""
        clips.check_name(name)
        if language:
            clips.check_language(language, self._languages)
        with self._changing, clips.staged(self._folder, name, language, clip) as path:
            read_clip(path)
            self._cached(Clone(name, (path,), language))
        _LOGGER.info("added voice %s", name)

    def remove(self, name: str) -> None:
        """Remove a voice that was made from one clip. Raises EngineError if that is not possible."""
        with self._changing:
            clone = next((clone for clone in self.clones() if clone.name.casefold() == name.casefold()), None)
            if clone is None:
                known = ", ".join(clone.name for clone in self.clones()) or "none"
                raise EngineError(f"there is no cloned voice of this name; there are: {known}")
            (clip, *others) = clone.clips
            if others or clip.parent != self._folder:
                raise EngineError(f"voice '{clone.name}' is a folder of clips; remove the folder on the server")
            clips.remove(clip, self._cache_path(clone))
        _LOGGER.info("removed voice %s", clone.name)

    def _current(self) -> tuple[dict[str, Clone], dict[str, Conditioning]]:
        """The cloned voices in the folder now, and their conditioning so far; new objects once it has changed."""
        with self._lock:
            stamp = _stamp(self._folder)
            if stamp != self._stamp:
                self._clones = {clone.name: clone for clone in self._scan()}
                self._loaded = {}
                self._stamp = stamp
            return self._clones, self._loaded

    def _scan(self) -> list[Clone]:
        try:
            entries = sorted(self._folder.iterdir())
        except OSError:
            return []
        found = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                try:
                    clips = sorted(path for path in entry.iterdir() if path.suffix.lower() in SUFFIXES)
                except OSError as error:
                    _LOGGER.warning("skipping a voice folder: %s", error)
                    continue
                name, language = _name_and_language(entry.name, entry / "voice", self._languages)
            elif entry.suffix.lower() in SUFFIXES:
                clips = [entry]
                name, language = _name_and_language(entry.stem, entry.with_suffix(""), self._languages)
            else:
                continue
            usable = tuple(clip for clip in clips if self._usable(clip))
            if usable:
                found.append(Clone(name, usable, language))
        return found

    def _usable(self, clip: Path) -> bool:
        """Whether a clip can be used; if not, logs the reason once."""
        try:
            status = clip.stat()
            key = (str(clip), status.st_mtime_ns, status.st_size)
            if key not in self._checked:
                self._checked[key] = None
                read_clip(clip)
        except (OSError, EngineError) as error:
            _LOGGER.warning("skipping a voice clip: %s", error)
            if isinstance(error, EngineError):
                self._checked[key] = str(error)
            return False
        return self._checked[key] is None

    def _cached(self, clone: Clone) -> Conditioning:
        path = self._cache_path(clone)
        with self._cloning:
            conditioning = _read(path)
            if conditioning is None:
                _LOGGER.info("cloning voice %s", clone.name)
                conditioning = self.encoder.clone(clone.clips)
                _write(path, conditioning)
        return conditioning

    def _cache_path(self, clone: Clone) -> Path:
        digest = hashlib.sha256(repr((_CACHE_VERSION, self._fingerprint, self.encoder.recipe)).encode())
        try:
            for clip in clone.clips:
                digest.update(hashlib.sha256(clip.read_bytes()).digest())
        except OSError as error:
            raise EngineError(f"voice '{clone.name}' has lost a clip; put it back or choose another voice") from error
        return self._cache / f"{digest.hexdigest()[:32]}.safetensors"


def _stamp(folder: Path) -> object:
    """Changes when a clip or sidecar is added, removed or written, here or one folder below."""
    top = _listing(folder)
    return top, [_listing(folder / name) for name, _, _ in top if (folder / name).is_dir()]


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    """Name, time and size of a folder's entries; 0 and 0 for a broken link."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                status = entry.stat() if Path(entry).exists() else None
                found.append((entry.name, status.st_mtime_ns if status else 0, status.st_size if status else 0))
    except OSError:
        return []
    return sorted(found)


def _name_and_language(stem: str, sidecar: Path, languages: Sequence[str]) -> tuple[str, str | None]:
    """A voice's name and language, from a sidecar or from the name's last part (`anna.de`)."""
    name, dot, tag = stem.rpartition(".")
    known = {language.split("-")[0] for language in languages}
    if not dot or tag.lower().split("-")[0] not in known:
        name, tag = stem, ""
    for path, parse in (
        (sidecar.with_name(sidecar.name + ".json"), json.loads),
        (sidecar.with_name(sidecar.name + ".toml"), tomllib.loads),
    ):
        try:
            values = parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            _LOGGER.warning("cannot read %s; voice %s keeps the default language", path.name, name)
            continue
        if isinstance(values, dict) and str(values.get("language", "")).lower().split("-")[0] in known:
            return name, str(values["language"])
        _LOGGER.warning("%s does not name a language that XTTS speaks", path.name)
    return name, tag or None


def _read(path: Path) -> Conditioning | None:
    try:
        tensors = load_file(path)
        return Conditioning(tensors["latents"], tensors["embedding"])
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, KeyError):
        _LOGGER.warning("cached voice %s is damaged; computing it again", path.name)
        return None


def _write(path: Path, conditioning: Conditioning) -> None:
    """Write atomically; on a full disk, only log a warning."""
    tensors = {"latents": conditioning.latents.contiguous(), "embedding": conditioning.embedding.contiguous()}
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        save_file({name: torch.clone(tensor) for name, tensor in tensors.items()}, temporary)
        Path(temporary).replace(path)
    except (OSError, SafetensorError) as error:
        _LOGGER.warning("cannot cache the cloned voice: %s", error)
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
