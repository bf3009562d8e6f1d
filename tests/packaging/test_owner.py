"""script/owner: every link names the same GitHub account, and one command changes it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.server_process import ROOT

MANIFEST = "custom_components/k2so/manifest.json"


def git(folder: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def owners(folder: Path) -> dict[str, set[str]]:
    """The accounts that the links in each file name, and the code owners."""
    found = {}
    for name in git(folder, "grep", "-lE", r"github\.com/[^/ ]+/wyoming-k2so"):
        found[name] = set(re.findall(r"github\.com/([\w-]+)/wyoming-k2so", (folder / name).read_text("utf-8")))
    found["codeowners"] = {owner[1:] for owner in json.loads((folder / MANIFEST).read_text("utf-8"))["codeowners"]}
    return found


def test_all_links_name_the_same_owner() -> None:
    found = owners(ROOT)
    assert {"repository.yaml", "addon/config.yaml", "addon/DOCS.md", MANIFEST} < found.keys()
    assert len(set.union(*found.values())) == 1


@pytest.mark.parametrize("name", ["somebody", "some-body-2"])
def test_one_command_changes_the_owner(tmp_path: Path, name: str) -> None:
    for file in (*owners(ROOT), "script/owner"):
        if file != "codeowners":
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, tmp_path / file)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    for owner in ("another", name):
        subprocess.run([tmp_path / "script/owner", owner], check=True)
    assert owners(tmp_path) == {place: {name} for place in owners(ROOT)}


@pytest.mark.parametrize("name", ["", "some body", "a/b"])
def test_invalid_account_names_are_rejected(name: str) -> None:
    done = subprocess.run([ROOT / "script/owner", name], capture_output=True, text=True, check=False)
    assert (done.returncode, "usage" in done.stderr) == (2, True)
