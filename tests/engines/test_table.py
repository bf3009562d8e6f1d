"""The table of engines: ranks, what is missing, what cannot be loaded, and engines that other packages bring."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from tests.support.server_process import ROOT
from wyoming_k2so import engines
from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.discovery import GROUP, discover
from wyoming_k2so.engines.spec import EngineSpec
from wyoming_k2so.engines.table import EngineTable
from wyoming_k2so.settings.config import Config, option

SPEC = EngineSpec("test", "nowhere:Engine")


# ---- one engine -------------------------------------------------------------------------------------------------


def test_a_missing_module_is_named_with_the_package_that_installs_it() -> None:
    spec = replace(SPEC, modules=("json", "no_such_module", "nor_this"), package="wyoming-k2so[models]")
    assert spec.missing() == ["no_such_module", "nor_this"]
    with pytest.raises(EngineError, match=r"needs no_such_module, nor_this: pip install 'wyoming-k2so\[models\]'$"):
        spec.load(Config())


def test_any_failure_to_load_is_an_engine_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "engine_out_of_memory.py").write_text(
        "class Engine:\n    @classmethod\n    def load(cls, config):\n        raise MemoryError\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EngineError, match="^cannot load engine test: MemoryError$"):
        replace(SPEC, engine="engine_out_of_memory:Engine").load(Config())


@pytest.mark.parametrize("code", ["raise OSError('libcudart is missing')", "import libcudart_is_missing", "x = 1"])
def test_any_failure_to_import_is_an_engine_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    module = f"engine_{abs(hash(code))}"
    (tmp_path / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EngineError, match=r"^engine test is installed but cannot be imported: "):
        replace(SPEC, engine=f"{module}:Engine").load(Config())


def test_memory_is_reclaimed_only_of_engines_that_were_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "engine_memory.py").write_text("calls = []\ndef reclaim():\n    calls.append(1)\n")
    monkeypatch.syspath_prepend(tmp_path)
    spec = replace(SPEC, reclaimer="engine_memory:reclaim")
    spec.reclaim()
    assert "engine_memory" not in sys.modules
    module = __import__("engine_memory")
    spec.reclaim()
    assert module.calls == [1]


# ---- ranks ------------------------------------------------------------------------------------------------------


def ranked(**specs: Any) -> EngineTable:
    return EngineTable(EngineSpec(name, "nowhere:Engine", **spec) for name, spec in specs.items())


TABLE = ranked(
    small={"rank": 10, "fallback": True, "languages": ("en-US",)},
    big={"rank": 100, "languages": ("en", "zh-CN")},
    middle={"rank": 50, "modules": ("no_such_module",)},
    tiny={"rank": 1, "fallback": True},
)


def test_auto_tries_the_engines_above_the_fallback_by_rank() -> None:
    assert TABLE.by_rank == ["big", "middle", "small", "tiny"]
    assert TABLE.candidates("auto", "small") == ["big", "middle"]
    assert TABLE.candidates("auto", "tiny") == ["big", "middle", "small"]
    assert TABLE.candidates("tiny", "small") == ["tiny"]
    assert TABLE.candidates("small", "small") == []


def test_the_best_engine_that_can_be_the_fallback_is() -> None:
    assert TABLE.fallbacks == ["small", "tiny"]
    assert ranked(a={"fallback": True, "rank": 1, "modules": ("no_such_module",)}, b={"fallback": True}).fallbacks == [
        "b"
    ]
    assert ranked(a={"fallback": True, "modules": ("no_such_module",)}).fallbacks == ["a"]


def test_engines_are_found_by_language() -> None:
    assert [spec.name for spec in TABLE.speaking("en-GB")] == ["big", "small"]
    assert [spec.name for spec in TABLE.speaking("zh_TW")] == ["big"]
    assert TABLE.speaking("tlh") == []


def test_the_program_s_own_engines() -> None:
    table = EngineTable(engines.BUILT_IN.values())
    assert (table.by_rank, table.fallbacks) == (["xtts", "piper"], ["piper"])
    (setting,) = (setting for setting in table.schema if setting.key == "engine")
    assert setting.option.choices == ("auto", "piper", "xtts")
    assert table["xtts"].precisions == ("quantization", "vocoder_precision")
    assert [spec.name for spec in table.values() if spec.clones] == ["xtts"]
    assert table["piper"].remedy == ""


# ---- engines of other packages ----------------------------------------------------------------------------------


def settings(**kinds: Any) -> type:
    """A dataclass of settings, as an engine has it."""
    defaults = {key: option(None, "a setting of the test") for key in kinds}
    return dataclass(frozen=True)(type("Settings", (), {"__annotations__": kinds, **defaults}))


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A function that discovers these objects as entry points."""
    monkeypatch.syspath_prepend(tmp_path)
    names: list[str] = []

    def bring(*objects: object) -> EngineTable:
        found = []
        for number, value in enumerate(objects):
            name = f"brought_{len(names)}"
            names.append(name)
            (tmp_path / f"{name}.py").write_text(value if isinstance(value, str) else "SPEC = None")
            if not isinstance(value, str):
                monkeypatch.setattr(__import__(name), "SPEC", value)
            found.append(EntryPoint(f"engine-{number}", f"{name}:SPEC", GROUP))
        return discover(engines.BUILT_IN.values(), found)

    yield bring
    for name in names:
        sys.modules.pop(name, None)


def test_an_engine_of_another_package_joins_with_its_settings(brought: Any) -> None:
    table = brought(replace(SPEC, settings=settings(test_pitch=float | None)))
    assert list(table) == ["piper", "xtts", "test"]
    assert table.problems == ()
    (setting,) = (setting for setting in table.schema if setting.key == "test_pitch")
    assert (setting.flag, setting.env, setting.kind) == ("--test-pitch", "K2SO_TEST_PITCH", float)
    (engine,) = (setting for setting in table.schema if setting.key == "engine")
    assert engine.option.choices == ("auto", "piper", "xtts", "test")


@dataclass(frozen=True)
class Undescribed:
    test_pitch: float = 1.0


@pytest.mark.parametrize(
    ("brings", "reason"),
    [
        ("raise OSError('no library')", "OSError: no library"),
        ("import sys\nsys.exit()", "SystemExit: "),
        ("x = 1", "AttributeError: .*SPEC"),
        (5, "it is not an EngineSpec"),
        (replace(SPEC, name="xtts"), "there is another engine xtts"),
        (replace(SPEC, name="auto"), "'auto' cannot be an engine's name"),
        (replace(SPEC, name="My engine"), "'My engine' cannot be an engine's name; use lower-case letters"),
        (replace(SPEC, settings=int), "its settings are not a dataclass"),
        (replace(SPEC, settings=Undescribed), r"its setting test_pitch has no description; declare it with option\(\)"),
        (
            replace(SPEC, settings=settings(voice=str | None)),
            "its flag --voice is one of the server already; rename its setting voice",
        ),
        (
            replace(SPEC, settings=settings(temperature=float | None)),
            "its flag --temperature is one of engine xtts already; rename its setting temperature",
        ),
        (
            replace(SPEC, name="no", settings=settings(no_trim_tail=bool)),
            "its flag --no-trim-tail is one of engine xtts already",
        ),
        (replace(SPEC, settings=settings(pitch=float | None)), "its setting pitch must begin with test_"),
        (replace(SPEC, settings=settings(test_pitch=bytes)), "its setting test_pitch must be a bool, int, float, str"),
        (replace(SPEC, settings=settings(test_pitch="Nonsense")), "NameError: "),
    ],
)
def test_a_broken_engine_of_another_package_is_left_out_with_the_reason(
    brought: Any, brings: object, reason: str
) -> None:
    table = brought(brings, replace(SPEC, name="good"))
    assert list(table) == ["piper", "xtts", "good"]
    (problem,) = table.problems
    assert problem.startswith("engine engine-0 (brought_0:SPEC) is left out: ")
    assert re.search(reason, problem)


def test_the_first_of_two_engines_with_one_name_joins(brought: Any) -> None:
    table = brought(replace(SPEC, rank=1), replace(SPEC, rank=2))
    assert table["test"].rank == 1
    assert len(table.problems) == 1


def test_looking_for_engines_imports_none_of_them() -> None:
    code = (
        "import sys\nfrom wyoming_k2so import engines\nengines.installed().schema\n"
        "print(*sorted({'torch', 'TTS', 'piper', 'onnxruntime', 'asyncio'} & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
