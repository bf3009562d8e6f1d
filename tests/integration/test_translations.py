"""Every text in every language."""

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

from custom_components.k2so.client import CODES
from custom_components.k2so.issues import PROBLEMS
from custom_components.k2so.sensor import DESCRIPTIONS

FOLDER = Path(__file__).parents[2] / "custom_components" / "k2so"
ENGLISH = json.loads((FOLDER / "translations" / "en.json").read_text("utf-8"))


def texts(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each text and where it stands."""
    if isinstance(tree, str):
        yield path, tree
    else:
        for key, branch in tree.items():
            yield from texts(branch, f"{path}.{key}")


def placeholders(tree: Any) -> dict[str, set[str]]:
    """What is filled in in each text."""
    return {path: set(re.findall(r"{\w+}", text)) for path, text in texts(tree)}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("translations/*.json")), ids=lambda file: file.stem)
def test_no_text_is_missing_or_holds_what_home_assistant_does_not_want(file: Path) -> None:
    found = json.loads(file.read_text("utf-8"))
    assert placeholders(found) == placeholders(ENGLISH)
    for _, text in texts(found):
        assert text == string_with_no_html(text).strip()
        assert not re.search(r"'{\w+}'|https?://|www\.", text)


def test_every_error_has_a_text() -> None:
    source = "".join(file.read_text("utf-8") for file in FOLDER.glob("*.py"))
    raised = set(re.findall(r'(?:K2soError|_invalid)\(\s*"(\w+)"|translation_key="(another_server)"', source))
    raised = {key for keys in raised for key in keys if key} | {code.replace("-", "_") for code in CODES}
    raised |= {"server_error"}
    assert raised == set(ENGLISH["exceptions"])


def test_every_problem_has_a_text() -> None:
    assert set(PROBLEMS) == set(ENGLISH["issues"])


def test_every_field_is_described() -> None:
    for flow in (ENGLISH["config"], ENGLISH["options"]):
        for step in flow["step"].values():
            assert step.get("data", {}).keys() == step.get("data_description", {}).keys()


def test_every_action_is_described() -> None:
    actions = load_yaml_dict(str(FOLDER / "services.yaml"))
    assert set(actions) == set(json.loads((FOLDER / "icons.json").read_text("utf-8"))["services"])
    described = {name: set(action["fields"]) for name, action in ENGLISH["services"].items()}
    assert described == {name: set(action["fields"]) for name, action in actions.items()}
    for action in actions.values():
        for field in action["fields"].values():
            validate_selector(field["selector"])


def test_every_icon_is_drawn_by_the_frontend() -> None:
    drawn = {f"mdi:{icon['name']}" for icon in json.loads((where() / "static" / "mdi" / "iconList.json").read_text())}
    icons = json.loads((FOLDER / "icons.json").read_text("utf-8"))
    assert {icon for _, icon in texts(icons)} <= drawn


def test_every_state_has_a_text() -> None:
    for description in DESCRIPTIONS:
        texts = ENGLISH["entity"]["sensor"][description.key].get("state", {})
        assert set(texts) == set(description.options or ())
