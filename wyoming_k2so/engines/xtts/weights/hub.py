"""Downloads a checkpoint from the Hugging Face hub: after consent, resumable, verified, and only once."""

from __future__ import annotations

import hashlib
import logging
import re
import sys
from pathlib import Path
from typing import Any

from wyoming_k2so.engine import ConsentNeeded, EngineError

_LOGGER = logging.getLogger(__name__)

_FILES = ("config.json", "vocab.json", "speakers_xtts.pth", "model.pth")
_DONE = ".verified"

CONSENT = (
    "XTTS-v2 is licensed under the Coqui Public Model License, which allows non-commercial use only; read it at"
    " https://coqui.ai/cpml, then start again with --accept-xtts-license or COQUI_TOS_AGREED=1 to download the model"
    " (1.9 GB), or with --xtts-checkpoint FOLDER to use a checkpoint that you already have"
)


def is_hub_name(name: str) -> bool:
    """Whether `name` looks like OWNER/MODEL on the hub and is not a local folder."""
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None and not Path(name).expanduser().exists()


def check_consent(name: str, folder: Path, *, consent: bool) -> None:
    """Raise ConsentNeeded if the checkpoint must be downloaded and its licence has not been accepted."""
    if not consent and not (_target(name, folder) / _DONE).is_file():
        raise ConsentNeeded(CONSENT)


def download(name: str, folder: Path, *, consent: bool) -> Path:
    """The folder of a hub checkpoint; downloads what is missing.

    Raises:
        ConsentNeeded: the licence has not been accepted.
        EngineError: no network, no such checkpoint, a full disk, or a damaged file.
    """
    check_consent(name, folder, consent=consent)
    target = _target(name, folder)
    if (target / _DONE).is_file():
        return target
    from huggingface_hub import HfApi, errors, hf_hub_download  # noqa: PLC0415 - only to download
    from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415

    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        target.mkdir(parents=True, exist_ok=True)
        info = HfApi().model_info(name, files_metadata=True)
        known = {item.rfilename: item for item in info.siblings or ()}
        missing = [file for file in _FILES if file not in known and file != "speakers_xtts.pth"]
        if missing:
            raise EngineError(f"{name} on the hub has no {missing[0]}; choose an XTTS-v2 checkpoint")
        for file in (file for file in _FILES if file in known):
            _LOGGER.info("downloading %s of %s (%.0f MB)", file, name, (known[file].size or 0) / 1e6)
            path = Path(hf_hub_download(name, file, revision=info.sha, local_dir=target))
            _verify(path, known[file])
        (target / _DONE).write_text(f"{info.sha}\n", encoding="utf-8")
    except EngineError:
        raise
    except errors.RepositoryNotFoundError as error:
        raise EngineError(f"the hub has no model {name}; check --xtts-checkpoint") from error
    except OSError as error:
        if getattr(error, "errno", None) == 28:  # ENOSPC
            raise EngineError(f"the disk is full; free 2 GB for {folder} and start again") from error
        raise _no_network(name) from error
    except Exception as error:  # the hub's client raises the errors of whatever HTTP library it uses
        raise _no_network(name) from error
    return target


def _target(name: str, folder: Path) -> Path:
    return folder / name.replace("/", "--")


def _no_network(name: str) -> EngineError:
    return EngineError(
        f"cannot download {name}; check the network and start again (the download resumes), or set --xtts-checkpoint to"
        " a folder"
    )


def _verify(path: Path, published: Any) -> None:
    """Compare with the size and the SHA-256 that the hub publishes; delete a damaged file. Raises EngineError."""
    expected = published.lfs.sha256 if published.lfs else None
    damaged = published.size is not None and path.stat().st_size != published.size
    if expected and not damaged:
        with path.open("rb") as file:
            damaged = hashlib.file_digest(file, "sha256").hexdigest() != expected
    if damaged:
        path.unlink()
        raise EngineError(f"{path.name} was damaged during the download; start again to download it again")
