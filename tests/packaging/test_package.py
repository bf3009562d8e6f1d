"""The packages of a release: build them, compare them with the sources, install the wheel alone, and listen to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.support.ears import hear, word_errors
from tests.support.server_process import ROOT
from wyoming_k2so import __version__

TEXT = "The kitchen light is on now."
LOCK = ROOT / "requirements/project.txt"


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command that must succeed: with an empty home, the locked versions and nothing from the repository."""
    home = cwd / "home"
    home.mkdir(exist_ok=True)
    foreign = ("K2SO_", "PYTHON", "XDG_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= {"HOME": str(home), "PIP_CONSTRAINT": LOCK.as_uri(), "PIP_BUILD_CONSTRAINT": LOCK.as_uri()}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_packages_contain_the_sources_and_the_installed_wheel_speaks(tmp_path: Path) -> None:
    # `build` makes the sdist from the repository, and the wheel from that sdist.
    run(sys.executable, "-m", "build", "--outdir", "dist", ROOT, cwd=tmp_path)
    (sdist,), (wheel,) = tmp_path.glob("dist/*.tar.gz"), tmp_path.glob("dist/*.whl")
    run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel, cwd=tmp_path)

    listed = subprocess.run(["git", "ls-files", "wyoming_k2so"], cwd=ROOT, capture_output=True, text=True, check=True)
    sources = {name for name in listed.stdout.split() if (ROOT / name).exists()}
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    assert sources | {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"} <= in_sdist
    with zipfile.ZipFile(wheel) as packed:
        in_wheel = set(packed.namelist())
        (metadata,) = (packed.read(name).decode() for name in in_wheel if name.endswith(".dist-info/METADATA"))
    assert sources <= in_wheel
    assert {name.partition("/")[0].partition("-")[0] for name in in_wheel} == {"wyoming_k2so"}

    # The package index shows the README, so relative links would be dead there.
    links = re.findall(r"\]\((.*?)\)", metadata)
    assert [link for link in links if not link.startswith("https://")] == []
    ours = re.compile(rf"https://github\.com/[\w-]+/wyoming-k2so/(?:blob|raw)/v{re.escape(__version__)}/(.+)")
    files = [found[1] for link in links if (found := ours.fullmatch(link))]
    assert len(files) > 5
    assert [name for name in files if not (ROOT / name.partition("#")[0]).is_file()] == []

    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv/bin"
    run(programs / "python", "-m", "pip", "install", "-q", wheel, cwd=tmp_path)
    run(programs / "wyoming-k2so", "say", TEXT, "-o", "said.wav", cwd=tmp_path)
    with wave.open(str(tmp_path / "said.wav")) as file:
        audio, rate = np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()
    assert word_errors(TEXT, hear(audio, rate)) == 0
