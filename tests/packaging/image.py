"""Build and test an image: `python -m tests.packaging.image BASE WORK [VARIANT [NAME=VALUE...]]`. script/image runs it.

The container runs as under compose.yaml or the Supervisor: as process 1, in a network of its own (loopback only).
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.tts import SynthesizeVoice

from tests.packaging.dockerfile import Builder, Image, mount
from tests.support.client import read_event, synthesize
from tests.support.ears import hear, word_errors
from wyoming_k2so import __version__

ROOT = Path(__file__).parents[2]
TEXT = "The kitchen light is on now."
PATIENCE_S = 120
CLONE_NEWNET = 0x40000000

WRITE_CHECKPOINT = """
from pathlib import Path
from wyoming_k2so.engines.xtts.dev.synthetic import write_checkpoint
write_checkpoint(Path("/data/checkpoint"))
"""
APP_OPTIONS = {"engine": "auto", "quantization": "bf16", "prebuffer": "3", "chunk_samples": "2048", "debug": False}


def build(base: Path, work: Path, variant: str, arguments: dict[str, str]) -> Image:
    """Execute the variant's Dockerfile."""
    if variant == "app":  # installs the released package; here, one built from this source
        wheels = work / "wheels"
        subprocess.run([sys.executable, "-m", "build", "-w", "-o", wheels, ROOT], check=True, capture_output=True)
        dockerfile, arguments = ROOT / "addon/Dockerfile", {"BUILD_VERSION": __version__} | arguments
    else:
        dockerfile, arguments = ROOT / "Dockerfile", {"VARIANT": variant} | arguments
    began = time.monotonic()
    image = Builder(base, work, arguments).build(dockerfile)
    took = time.monotonic() - began
    size = subprocess.check_output(["du", "-sm", image.root.parent / "upper"], text=True).split()[0]
    print(f"{variant}: built in {took:.0f} s, {size} MB on top of Debian and Python")
    return image


def leave_the_network() -> None:
    """Move this process and its children into a network with a loopback interface only."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "no network namespace")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def writable(image: Image, user: str) -> set[str]:
    """The topmost files and folders that a user may write."""
    command = ["find", "/", "-xdev", "(", "-type", "d", "-o", "-type", "f", ")", "-writable", "-print", "-prune"]
    found = subprocess.run(image.inside(*command, user=user), capture_output=True, text=True, check=False)
    return set(found.stdout.split())


def lock(image: Image) -> None:
    """Make everything read-only except the volumes and a fresh /tmp, as compose.yaml does."""
    mount("-t", "tmpfs", "tmpfs", str(image.path("/tmp")))
    for volume in image.volumes:
        mount("--bind", str(image.path(volume)), str(image.path(volume)))
    mount("-o", "remount,bind,ro", str(image.root))


def healthy(image: Image) -> bool:
    """Run the image's own health check."""
    return subprocess.run(image.inside(*image.health), capture_output=True, check=False).returncode == 0


@contextmanager
def running(image: Image, log: Path, **environment: str) -> Iterator[int]:
    """Run the image during the block and yield the PID of its process 1; then stop it as Docker would."""
    command = ["unshare", "--pid", "--fork", "--kill-child", f"--mount-proc={image.root}/proc"]
    command += image.inside(*image.entrypoint, *image.command, **environment)
    began = time.monotonic()
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            while not healthy(image):
                assert process.poll() is None, "the container exited"
                assert time.monotonic() - began < PATIENCE_S, "the container does not become healthy"
            print(f"healthy after {time.monotonic() - began:.1f} s")
            pid = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("utf-8"))
            yield pid
            began = time.monotonic()
            os.kill(pid, signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0, "the container failed to stop cleanly"
            print(f"stopped within {time.monotonic() - began:.1f} s of SIGTERM")
            assert "Traceback" not in log.read_text("utf-8")
        finally:
            process.kill()
            print(log.read_text("utf-8"), file=sys.stderr)


def owner(pid: int) -> str:
    """The user and group of a process, as a Dockerfile's USER names them."""
    process = Path(f"/proc/{pid}").stat()
    return f"{process.st_uid}:{process.st_gid}"


async def listen(mode: str | None) -> None:
    """Check the speech of the embedded voice and, if `mode` is given, of XTTS once it has loaded in that precision."""
    async with AsyncTcpClient("127.0.0.1", 10200) as client:
        answer = await synthesize(client, TEXT, SynthesizeVoice("en_US-joe-medium"))
        heard = hear(answer.audio, answer.start.rate)
        assert word_errors(TEXT, heard) == 0, heard
        print(f"heard: {heard}")
        if mode is None:
            return
        deadline = time.monotonic() + PATIENCE_S
        while (xtts := (await engines(client))["xtts"])["state"] == "loading":
            assert time.monotonic() < deadline, "XTTS does not load"
            await asyncio.sleep(0.5)
        assert (xtts["state"], xtts.get("mode")) == ("ready", mode), xtts
        answer = await synthesize(client, TEXT, SynthesizeVoice("Claribel Dervla"))
        assert (answer.error, answer.start.rate) == (None, 24_000), answer.error
        print(f"heard {answer.seconds:.1f} s of XTTS in {mode}")


async def engines(client: AsyncTcpClient) -> dict[str, dict[str, str]]:
    await client.write_event(Event("k2so-describe"))
    event = await read_event(client)
    assert event
    return {engine["name"]: engine for engine in event.data["engines"]}


def main(base: str, work: str, variant: str = "light", *arguments: str) -> None:
    """Build an image and test it."""
    image = build(Path(base), Path(work), variant, dict(pair.split("=", 1) for pair in arguments))
    leave_the_network()
    environment, mode = {"K2SO_SEED": "1"}, None
    if variant == "app":
        image.path("/data").mkdir()
        image.path("/data/options.json").write_text(json.dumps(APP_OPTIONS), "utf-8")
        environment |= {"SUPERVISOR": "http://127.0.0.1:1", "SUPERVISOR_TOKEN": "token"}
    else:
        own = writable(image, image.user) - writable(image, "65534:65534")
        assert own == {"/data"}, own
        print(f"user {image.user} may write {own}, and what every user may")
        lock(image)
    if variant != "light":
        mode = "bf16" if variant == "app" else "int8"
        environment["K2SO_XTTS_CHECKPOINT"] = "/data/checkpoint"
        subprocess.run(image.inside("python", "-c", WRITE_CHECKPOINT), check=True)
    assert not healthy(image), "healthy without a server"
    with running(image, Path(work, "log"), **environment) as pid:
        assert owner(pid) == image.user == ("0:0" if variant == "app" else "10200:10200")
        asyncio.run(listen(mode))


if __name__ == "__main__":
    main(*sys.argv[1:])
