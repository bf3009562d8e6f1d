"""script/run in a clean clone, and the options in the documentation."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from wyoming.client import AsyncTcpClient

from tests.support.client import synthesize
from tests.support.server_process import ROOT
from wyoming_k2so import engines


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    for name in names.stdout.decode().splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def run(clone: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("K2SO_")}
    return subprocess.Popen(
        [clone / "script/run", *arguments], cwd=clone.parent, env=environment, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
async def test_first_start_installs_and_speaks_and_second_start_installs_nothing(clone: Path) -> None:
    process = run(clone, "--uri", "tcp://127.0.0.1:0", "--data-dir", str(clone / "data"))
    try:
        lines = read_until_ready(process)
        assert "First start" in lines[0]
        async with AsyncTcpClient("127.0.0.1", ready_port(lines)) as client:
            assert (await synthesize(client, "It works.")).seconds > 0.3
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0

    again = run(clone, "--uri", "tcp://127.0.0.1:0", "--data-dir", str(clone / "data"))
    try:
        assert len(read_until_ready(again)) == 1
    finally:
        again.send_signal(signal.SIGTERM)
    assert again.wait(30) == 0


def read_until_ready(process: subprocess.Popen[str]) -> list[str]:
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if "ready at" in line:
            return lines
    raise AssertionError("".join(lines))


def ready_port(lines: list[str]) -> int:
    found = re.search(r"ready at tcp://127\.0\.0\.1:(\d+)", lines[-1])
    assert found
    return int(found[1])


def test_every_option_is_documented() -> None:
    pages = "".join((ROOT / page).read_text("utf-8") for page in ("README.md", "docs/xtts.md"))
    words = set(re.findall(r"--[a-z0-9-]+", pages.replace("--no-", "--")))
    assert not [setting.flag for setting in engines.installed().schema if setting.flag not in words]
