"""The container's files and the systemd unit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.server_process import ROOT
from wyoming_k2so import engines

UNIT = ROOT / "deploy/wyoming-k2so.service"

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "deploy/wyoming-k2so.service", "docs/deploy.md"])
def test_every_variable_is_a_known_setting(name: str) -> None:
    known = {setting.env for setting in engines.installed().schema} | {"K2SO_CONFIG"}
    named = set(re.findall(r"\bK2SO_[A-Z_]+", (ROOT / name).read_text("utf-8")))
    assert named
    assert named <= known


def test_dockerignore_admits_exactly_what_the_dockerfile_copies() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignore
    assert {line[1:] for line in ignore if line.startswith("!")} == {name for line in copied for name in line.split()}


def test_health_check_and_entry_point_are_existing_commands() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    commands = [json.loads(found) for found in re.findall(r"(?:CMD|ENTRYPOINT) (\[.*\])", dockerfile)]
    assert commands == [["wyoming-k2so", "check"], ["wyoming-k2so"], ["serve"]]


@needs_systemd
def test_unit_is_as_restricted_as_documented() -> None:
    documented = re.search(r"exposure (\d\.\d) of 10", (ROOT / "docs/deploy.md").read_text("utf-8"))
    assert documented
    done = analyze("security", "--offline=true", f"--threshold={documented[1].replace('.', '')}", UNIT)
    assert done.returncode == 0, done.stdout


@needs_systemd
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    # systemd-analyze requires the program to exist.
    program = tmp_path / "wyoming-k2so"
    program.touch(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={program}", UNIT.read_text("utf-8")))
    done = analyze("verify", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
