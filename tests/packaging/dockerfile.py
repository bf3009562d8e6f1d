"""Execute a Dockerfile without a container engine: each stage is an overlayfs layer over a Debian root.

Supports only the instructions that this project uses. Must run as root in its own mount and PID namespace, because its
mounts are removed with the namespace: script/image does that.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
NETWORK = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Environment variables that the steps inherit, as in Docker."""


@dataclass
class Image:
    """A stage, and how its containers run."""

    root: Path
    environment: dict[str, str]
    user: str = "0:0"
    folder: str = "/"
    arguments: dict[str, str] = field(default_factory=dict)
    volumes: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def inside(self, *command: str, user: str | None = None, **environment: str) -> list[str]:
        """The command line that runs `command` inside the image, as the image's user unless `user` is given."""
        uid, gid = (user or self.user).split(":")
        variables = {"HOME": self._home(uid)} | self.environment | environment
        limits = () if uid == "0" else ("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")
        return [
            *("chroot", str(self.root), "env", "-i", "-C", self.folder, *(f"{a}={b}" for a, b in variables.items())),
            *("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *limits, "--", *command),
        ]

    def path(self, inside: str) -> Path:
        """The path on the host of a path in the image, which may be relative to its working folder."""
        return self.root / os.path.join(self.folder, inside).lstrip("/")  # noqa: PTH118  an absolute `inside` replaces the folder

    def _home(self, uid: str) -> str:
        users = (line.split(":") for line in self.path("/etc/passwd").read_text("utf-8").splitlines())
        return next((user[5] for user in users if user[2] == uid), "/")


class Builder:
    """Executes a Dockerfile.

    Args:
        base: a Debian root with Python, which stands in for the image that the Dockerfile starts from.
        work: an empty folder for the layers. uv finds the wheels in its folder `wheels` as if they were in the index.
        arguments: build arguments.
    """

    def __init__(self, base: Path, work: Path, arguments: Mapping[str, str]) -> None:
        self._base = base
        self._work = work
        self._given = arguments
        self._before: dict[str, str] = {}  # build arguments before the first stage
        self._stages: dict[str, Image] = {}

    def build(self, dockerfile: Path) -> Image:
        """Build all stages and return the last. Raises SystemExit if a step fails."""
        for name, rest in instructions(dockerfile.read_text("utf-8")):
            print(name, rest, flush=True)
            if name == "FROM":
                self._from(rest)
            elif name == "ARG" and not self._stages:
                self._arg(rest, self._before)
            else:
                self._step(name, rest, self._last, dockerfile.parent)
        return self._last

    @property
    def _last(self) -> Image:
        return list(self._stages.values())[-1]

    def _from(self, rest: str) -> None:
        source, _, name = _filled(rest, self._before).partition(" AS ")
        release = re.search(r"VERSION_CODENAME=(\w+)", (self._base / "etc/os-release").read_text("utf-8"))
        python = (self._base / "usr/bin/python3").readlink().name.removeprefix("python")
        assert release
        assert source == f"python:{python}-slim-{release[1]}", f"{self._base} cannot stand in for {source}"
        layer = self._work / str(len(self._stages))
        for folder in ("upper", "scratch", "root"):
            (layer / folder).mkdir(parents=True)
        root = layer / "root"
        layers = f"lowerdir={self._base},upperdir={layer}/upper,workdir={layer}/scratch,volatile"  # nothing is kept
        mount("-t", "overlay", "-o", layers, "overlay", str(root))
        mount("-t", "proc", "proc", str(root / "proc"))
        for file in ("/etc/resolv.conf", CERTIFICATES):
            mount("--bind", file, f"{root}{file}")
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self._stages[name or str(len(self._stages))] = Image(root, {"PATH": path, "LANG": "C.UTF-8"})

    def _arg(self, rest: str, to: dict[str, str]) -> None:
        name, assigned, default = rest.partition("=")
        if name in self._given:
            to[name] = self._given[name]
        elif assigned:
            to[name] = default

    def _step(self, name: str, rest: str, image: Image, context: Path) -> None:
        match name:
            case "ARG":
                self._arg(rest, image.arguments)
            case "RUN":
                self._run(rest, image)
            case "COPY":
                self._copy(rest, image, context)
            case "ENV":
                pairs = (pair.partition("=") for pair in shlex.split(rest))
                image.environment |= {key: _filled(value, image.environment) for key, _, value in pairs}
            case "USER":
                image.user = rest
            case "WORKDIR":
                image.folder = rest
                image.path(rest).mkdir(parents=True, exist_ok=True)
            case "VOLUME":
                image.volumes.append(rest)
            case "HEALTHCHECK":
                image.health = json.loads(rest.partition("CMD ")[2])
            case "ENTRYPOINT":
                image.entrypoint = json.loads(rest)
            case "CMD":
                image.command = json.loads(rest)
            case "LABEL" | "EXPOSE":
                pass
            case _:
                raise NotImplementedError(name)

    def _run(self, rest: str, image: Image) -> None:
        outside = {name: os.environ[name] for name in NETWORK if name in os.environ} | {"SSL_CERT_FILE": CERTIFICATES}
        wheels = self._work / "wheels"
        if wheels.is_dir():
            shutil.copytree(wheels, image.path("/tmp/wheels"), dirs_exist_ok=True)
            outside["UV_FIND_LINKS"] = "/tmp/wheels"
        if subprocess.run(image.inside("sh", "-c", rest, **image.arguments, **outside), check=False).returncode:
            raise SystemExit("this step failed")
        shutil.rmtree(image.path("/tmp/wheels"), ignore_errors=True)

    def _copy(self, rest: str, image: Image, context: Path) -> None:
        *sources, target = rest.split()
        ignored = ["__pycache__"]
        if sources[0].startswith("--from="):
            context, ignored = self._stages[sources.pop(0).removeprefix("--from=")].root, []
        to = image.path(target)
        for source in (context / name.lstrip("/") for name in sources):
            if source.is_dir():
                shutil.copytree(source, to, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*ignored))
            else:
                shutil.copy(source, to)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """The name and the rest of each instruction, joined into one line and without comments."""
    for line in re.sub(r"(?m)^\s*#.*\n", "", text).replace("\\\n", "").splitlines():
        name, _, rest = line.partition(" ")
        if name:
            yield name, rest.strip()


def mount(*arguments: str) -> None:
    """Mount something in this process's namespace."""
    subprocess.run(["mount", *arguments], check=True)


def _filled(text: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda found: variables[found[1] or found[2]], text)
