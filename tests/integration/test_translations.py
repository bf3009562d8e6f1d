"""Translations: complete in every language, and valid for Home Assistant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hass_frontend import where
from homeassistant.helpers.config_validation import string_with_no_html
from homeassistant.helpers.selector import validate_selector
from homeassistant.util.yaml import load_yaml_dict

from custom_components.k2so.errors import ERROR_CODES
from custom_components.k2so.issues import ISSUES
from custom_components.k2so.sensor import DESCRIPTIONS

from .environment import INTEGRATION
from .translations import ENGLISH


def texts(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """All texts and their paths."""
    if isinstance(tree, str):
        yield path, tree
    else:
        for key, branch in tree.items():
            yield from texts(branch, f"{path}.{key}")


def placeholders(tree: Any) -> dict[str, set[str]]:
    """The placeholders of each text."""
    return {path: set(re.findall(r"{\w+}", text)) for path, text in texts(tree)}


@pytest.mark.parametrize("file", sorted(INTEGRATION.glob("translations/*.json")), ids=lambda file: file.stem)
def test_every_text_is_translated_and_valid(file: Path) -> None:
    found = json.loads(file.read_text("utf-8"))
    assert placeholders(found) == placeholders(ENGLISH)
    for _, text in texts(found):
        assert text == string_with_no_html(text).strip()
        assert not re.search(r"'{\w+}'|https?://|www\.", text)


def test_every_error_has_a_text() -> None:
    source = "".join(file.read_text("utf-8") for file in INTEGRATION.glob("*.py"))
    raised = set(re.findall(r'(?:K2soError|_invalid)\(\s*"(\w+)"|translation_key="(another_server)"', source))
    raised = {key for keys in raised for key in keys if key} | {code.replace("-", "_") for code in ERROR_CODES}
    raised |= {"server_error"}
    assert raised == set(ENGLISH["exceptions"])


def test_every_issue_has_a_text() -> None:
    assert set(ISSUES) == set(ENGLISH["issues"])


def test_every_field_is_described() -> None:
    for flow in (ENGLISH["config"], ENGLISH["options"]):
        for step in flow["step"].values():
            assert step.get("data", {}).keys() == step.get("data_description", {}).keys()


def test_every_action_is_described() -> None:
    actions = load_yaml_dict(str(INTEGRATION / "services.yaml"))
    assert set(actions) == set(json.loads((INTEGRATION / "icons.json").read_text("utf-8"))["services"])
    described = {name: set(action["fields"]) for name, action in ENGLISH["services"].items()}
    assert described == {name: set(action["fields"]) for name, action in actions.items()}
    for action in actions.values():
        for field in action["fields"].values():
            validate_selector(field["selector"])


def test_every_icon_exists_in_the_frontend() -> None:
    known = {f"mdi:{icon['name']}" for icon in json.loads((where() / "static" / "mdi" / "iconList.json").read_text())}
    icons = json.loads((INTEGRATION / "icons.json").read_text("utf-8"))
    assert {icon for _, icon in texts(icons)} <= known


def test_every_state_has_a_text() -> None:
    for description in DESCRIPTIONS:
        texts = ENGLISH["entity"]["sensor"][description.key].get("state", {})
        assert set(texts) == set(description.options or ())
