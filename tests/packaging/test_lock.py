"""The lock files: they pin every requirement, the same on every machine. `script/lock` renews them."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "requirements"


def requirements(name: str) -> list[Requirement]:
    """The requirements in a file of the folder, without comments."""
    lines = (line.partition(" #")[0].strip() for line in (FOLDER / name).read_text("utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def project() -> list[Requirement]:
    """Everything that pyproject.toml requires: to build, to run, for the extras and for development."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lists = [
        data["build-system"]["requires"],
        data["project"]["dependencies"],
        *data["project"]["optional-dependencies"].values(),
        *data["dependency-groups"].values(),
    ]
    return [Requirement(line) for lines in lists for line in lines]


@pytest.mark.parametrize("lock", ["project", "home-assistant", "satellite", "tools"])
def test_lock_pins_every_requirement(lock: str) -> None:
    pins = defaultdict(list)
    for pin in requirements(f"{lock}.txt"):
        (exact,) = pin.specifier
        assert (pin.url, exact.operator) == (None, "=="), f"{pin} is no pin"
        pins[canonicalize_name(pin.name)].append(exact.version)
    required = requirements("build.in") + (project() if lock == "project" else requirements(f"{lock}.in"))
    missing = [
        str(requirement)
        for requirement in required
        if not (versions := pins[canonicalize_name(requirement.name)])
        or not all(requirement.specifier.contains(version, prereleases=True) for version in versions)
    ]
    assert missing == [], "run script/lock"


@pytest.mark.parametrize("lock", sorted(FOLDER.glob("*.txt")), ids=lambda lock: lock.stem)
def test_lock_names_no_index_and_no_path(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    assert "--" not in text
    assert " /" not in text
