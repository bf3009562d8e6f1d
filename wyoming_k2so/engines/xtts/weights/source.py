"""Where a checkpoint comes from: a folder or the hub. Looks at file names only and needs no torch."""

from __future__ import annotations

from pathlib import Path

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.settings.config import Config

from . import hub

FILES = ("config.json", "model.pth", "vocab.json")
"""What a folder must hold. speakers_xtts.pth is optional: the built-in speakers."""


def require_files(folder: Path) -> None:
    """Raise EngineError if a checkpoint folder is incomplete."""
    if not folder.is_dir():
        raise EngineError(f"no checkpoint folder {folder}; set --xtts-checkpoint to the folder that holds model.pth")
    for name in FILES:
        if not (folder / name).is_file():
            raise EngineError(f"{folder} has no {name}; put all files of the checkpoint there: {', '.join(FILES)}")


def check(config: Config) -> None:
    """Find out quickly whether a checkpoint can be loaded at all. Raises ConsentNeeded or EngineError."""
    name = config.group(XttsSettings).xtts_checkpoint
    if hub.is_hub_name(name):
        hub.check_consent(name, hub_folder(config), consent=config.group(XttsSettings).accept_xtts_license)
    else:
        require_files(Path(name).expanduser())


def checkpoint_folder(config: Config) -> Path:
    """The checkpoint that `config` names, downloaded if necessary. Raises ConsentNeeded or EngineError."""
    name = config.group(XttsSettings).xtts_checkpoint
    if hub.is_hub_name(name):
        return hub.download(name, hub_folder(config), consent=config.group(XttsSettings).accept_xtts_license)
    return Path(name).expanduser()


def hub_folder(config: Config) -> Path:
    """Where checkpoints from the hub are kept."""
    return config.engines.data_dir.expanduser() / "xtts"
