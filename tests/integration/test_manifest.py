"""The metadata that Home Assistant and HACS require. hassfest would check it, but is not part of any package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import homeassistant
import voluptuous as vol
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_custom_components
from homeassistant.util.yaml import load_yaml_dict

from custom_components.k2so.const import DOMAIN

from .environment import INTEGRATION, ROOT


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8")))


def test_the_manifest_is_complete() -> None:
    manifest = read(INTEGRATION / "manifest.json")
    vol.Schema(
        {
            vol.Required("domain"): INTEGRATION.name,
            vol.Required("name"): str,
            vol.Required("codeowners"): [vol.Match(r"^@[\w-]+$")],
            vol.Required("config_flow"): True,
            vol.Required("dependencies"): [str],
            vol.Required("documentation"): vol.All(vol.Url(), vol.Match(r"^https://(?!www\.home-assistant\.io)")),
            vol.Required("integration_type"): "service",
            vol.Required("iot_class"): "local_polling",
            vol.Required("issue_tracker"): vol.Url(),
            vol.Required("loggers"): [str],
            vol.Required("requirements"): [vol.Match(r"^[\w-]+==[\d.]+$")],
            vol.Required("version"): vol.Match(r"^\d+\.\d+\.\d+$"),
            vol.Required("zeroconf"): ["_k2so._tcp.local."],
        }
    )(manifest)
    assert list(manifest) == ["domain", "name", *sorted(manifest.keys() - {"domain", "name"})]


async def test_home_assistant_finds_the_integration(hass: HomeAssistant, enable_custom_integrations: None) -> None:
    integration = (await async_get_custom_components(hass))[DOMAIN]
    assert integration.has_services
    assert integration.has_branding
    assert set(integration.platforms_exists([*Platform])) == {Platform.SENSOR, Platform.TTS}


def test_hacs_requires_the_release_that_the_tests_run_on() -> None:
    hacs = read(ROOT / "hacs.json")
    vol.Schema({vol.Required("name"): str, vol.Required("homeassistant"): vol.Match(r"^\d{4}\.\d+\.\d+$")})(hacs)
    lock = (ROOT / "requirements/home-assistant.txt").read_text("utf-8")
    assert f"\nhomeassistant=={hacs['homeassistant'].removesuffix('.0')}." in lock


def test_brand_images_exist() -> None:
    images = {file.name: file.read_bytes() for file in (INTEGRATION / "brand").iterdir()}
    assert images.keys() == {"icon.png", "icon@2x.png", "logo.png", "logo@2x.png"}
    assert all(image.startswith(b"\x89PNG") for image in images.values())


def test_every_rule_of_the_quality_scale_is_done_or_exempt_with_a_reason() -> None:
    rules = load_yaml_dict(str(INTEGRATION / "quality_scale.yaml"))["rules"]
    exempt = {vol.Required("status"): "exempt", vol.Required("comment"): str}
    vol.Schema({str: vol.Any("done", exempt)})(rules)
    known = Path(homeassistant.__file__).parent / "components" / "tailwind" / "quality_scale.yaml"
    assert rules.keys() == load_yaml_dict(str(known))["rules"].keys()
