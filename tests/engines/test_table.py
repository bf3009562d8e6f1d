"""The table of engines: what is missing or broken is said in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_k2so import engines
from wyoming_k2so.engine import EngineError
from wyoming_k2so.settings.config import Config


def enter(monkeypatch: pytest.MonkeyPatch, entry: engines.Entry) -> None:
    monkeypatch.setitem(engines.ENGINES, "test", entry)


def test_what_an_engine_lacks_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, engines.Entry("nowhere:Engine", ("json", "no_such_module", "nor_this"), "models"))
    assert engines.missing("test") == ["no_such_module", "nor_this"]
    with pytest.raises(EngineError, match=r"needs no_such_module, nor_this: pip install 'wyoming-k2so\[models\]'"):
        engines.load("test", Config())


def test_whatever_goes_wrong_while_loading_is_an_engine_that_cannot_speak(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "engine_out_of_memory.py").write_text(
        "class Engine:\n    @classmethod\n    def load(cls, config):\n        raise MemoryError\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    enter(monkeypatch, engines.Entry("engine_out_of_memory:Engine", ()))
    with pytest.raises(EngineError, match="^engine test cannot be loaded: MemoryError$"):
        engines.load("test", Config())


@pytest.mark.parametrize("code", ["raise OSError('libcudart is missing')", "import libcudart_is_missing", "x = 1"])
def test_an_engine_that_cannot_be_imported_is_an_engine_that_cannot_speak(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str
) -> None:
    module = f"engine_{abs(hash(code))}"
    (tmp_path / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    enter(monkeypatch, engines.Entry(f"{module}:Engine", ()))
    with pytest.raises(EngineError, match=r"^engine test is installed but cannot be imported: "):
        engines.load("test", Config())
