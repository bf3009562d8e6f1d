"""The app (add-on) as its folder describes it."""

from __future__ import annotations

from typing import Any

from homeassistant.util.yaml import load_yaml_dict

from .environment import ROOT

ADDON = ROOT / "addon"


def config() -> dict[str, Any]:
    """The app's description for the Supervisor."""
    return dict(load_yaml_dict(str(ADDON / "config.yaml")))
