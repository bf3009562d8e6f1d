"""The app (add-on) as the Supervisor sees it: its configuration, its options and their translations."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.util.yaml import load_yaml_dict

from .addon import ADDON, config
from .environment import ROOT

FIELD = re.compile(r"(bool|str|int|float|list|match)(?:\((.*)\))?(\?)?")
"""The types of option that we use, of those that the Supervisor knows; `?` marks an optional one."""

READ_OPTIONS = """
import json, sys
from wyoming_k2so import engines
for environment in json.load(sys.stdin):
    engines.installed().schema.read({}, environment, None)
"""


def parts(kind: str) -> tuple[str, str, bool]:
    """Type of an option, its limits, and whether it is optional."""
    found = FIELD.fullmatch(kind)
    assert found, f"unknown type: {kind}"
    return found[1], found[2] or "", bool(found[3])


def values(kind: str) -> list[Any]:
    """Values that a user may choose: all of a list, the ends of a range."""
    name, limits, _ = parts(kind)
    match name:
        case "bool":
            return [True, False]
        case "list":
            return limits.split("|")
        case "int" | "float":
            return [(int if name == "int" else float)(limit) for limit in limits.split(",")]
        case "match":
            return [value for value in ("de", "pt-BR", "zh-cn") if re.match(limits, value)]
    return ["a text"]


def test_config_follows_the_schema_of_the_supervisor() -> None:
    port = re.compile(r"\d+/(?:tcp|udp)")
    described = vol.Schema(
        {
            **{vol.Required(key): str for key in ("name", "version", "description")},
            vol.Required("slug"): vol.Match(r"^[-_.A-Za-z0-9]+$"),
            vol.Required("arch"): [vol.In(["amd64", "aarch64"])],
            vol.Required("url"): vol.Url(),
            vol.Required("stage"): vol.In(["stable", "experimental", "deprecated"]),
            vol.Required("discovery"): [str],
            vol.Required("homeassistant_api"): bool,
            vol.Required("ports"): {vol.Match(port): vol.Any(None, vol.Range(min=1, max=65535))},
            vol.Required("map"): [vol.Match(r"^(?:app_config|share|media|ssl)(?::r[wo])?$")],
            vol.Required("backup_exclude"): [str],
            vol.Required("timeout"): vol.All(int, vol.Range(min=10, max=300)),
            vol.Required("options"): dict,
            vol.Required("schema"): {str: vol.Match(FIELD)},
        }
    )
    described(config())


def test_the_repository_contains_exactly_one_app() -> None:
    assert load_yaml_dict(str(ROOT / "repository.yaml")).keys() >= {"name", "url"}
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    # The Supervisor does not search hidden folders.
    found = re.findall(r"(?m)^(?!\.|.*/\.)(?:.*/)?config\.(?:ya?ml|json)$", names.stdout.decode())
    assert found == ["addon/config.yaml"]


def test_version_equals_that_of_the_package_in_the_image() -> None:
    package = re.search(r'__version__ = "(.*)"', (ROOT / "wyoming_k2so/__init__.py").read_text("utf-8"))
    assert package
    assert config()["version"] == package[1]


def test_defaults_are_valid_and_all_other_options_are_optional() -> None:
    options, schema = config()["options"], config()["schema"]
    assert {key: value in values(schema[key]) for key, value in options.items()} == dict.fromkeys(options, True)
    assert {key for key, kind in schema.items() if not parts(kind)[2]} == set(options)


def test_the_server_accepts_every_value_of_every_option(server_python: str) -> None:
    settings = runpy.run_path(str(ADDON / "run.py"))["settings"]
    chosen = [settings({key: value}) for key, kind in config()["schema"].items() for value in values(kind)]
    command = [server_python, "-c", READ_OPTIONS]
    done = subprocess.run(command, input=json.dumps(chosen), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(chosen) > 30


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_option_is_translated(language: str) -> None:
    texts = load_yaml_dict(str(ADDON / "translations" / f"{language}.yaml"))
    assert list(texts["configuration"]) == list(config()["schema"])
    assert all(text.keys() == {"name", "description"} for text in texts["configuration"].values())
    assert texts["network"].keys() == config()["ports"].keys()
