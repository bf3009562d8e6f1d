"""Which engines are loaded: by rank, by name, as the fallback, and after a change of the settings."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.support.fakes import ScriptedEngine, make_voice
from tests.support.waiting import until
from wyoming_k2so.engine import Engine, EngineError
from wyoming_k2so.engines.spec import EngineSpec
from wyoming_k2so.engines.table import EngineTable
from wyoming_k2so.server.live_settings import LiveSettings, Refused
from wyoming_k2so.server.metrics import Metrics
from wyoming_k2so.settings.config import Config, EngineConfig, VoiceConfig, option
from wyoming_k2so.voices.catalog import Catalog, UnknownVoice
from wyoming_k2so.voices.engine_manager import EngineManager


@dataclass(frozen=True)
class BigSettings:
    big_model: str = option("auto", "a model", choices=("auto", "a", "b"), live=True, loads=True, modes="modes")
    big_taste: int = option(1, "a taste", live=True)


@dataclass(frozen=True)
class MiddleSettings:
    middle_model: str = option("a", "a model", choices=("a", "b"), live=True, loads=True)


def spec(name: str, rank: int, **more: Any) -> EngineSpec:
    return EngineSpec(name, "nowhere:Engine", rank=rank, **more)


BIG = spec("big", 100, settings=BigSettings, languages=("de",), repeats=True)
MIDDLE = spec("middle", 50, settings=MiddleSettings)
SMALL = spec("small", 10, fallback=True)
TINY = spec("tiny", 1, fallback=True)


class Garage:
    """An engine manager that loads scripted engines, and what it loaded."""

    def __init__(self, *specs: EngineSpec, broken: str = "", voice: VoiceConfig | None = None) -> None:
        self.table = EngineTable(specs or (SMALL, MIDDLE, TINY, BIG))
        self.broken = broken.split()
        self.loaded: list[str] = []
        self.may_load = threading.Event()
        self.may_load.set()
        self.catalog = Catalog(defaults=voice)
        self.manager = EngineManager(self.catalog, self._load, table=self.table)

    def start(self, engine: str = "auto", *, wait: bool = True, **more: Any) -> None:
        self.manager.start(Config(engines=EngineConfig(engine=engine)), wait=wait, **more)

    @property
    def engines(self) -> list[str]:
        return [engine.name for engine in self.catalog.engines]

    @property
    def states(self) -> dict[str, tuple[str, str]]:
        return {name: (state.state, state.detail) for name, state in self.manager.states.items()}

    def _load(self, name: str, _config: Config) -> Engine:
        if not self.table[name].fallback:
            self.may_load.wait(30)
        if name in self.broken:
            raise EngineError(f"{name} is broken")
        self.loaded.append(name)
        return ScriptedEngine(make_voice(f"{name}'s voice"), name=name)


# ---- the start --------------------------------------------------------------------------------------------------


def test_auto_takes_the_engine_of_the_highest_rank_beside_the_fallback() -> None:
    garage = Garage()
    garage.start()
    assert (garage.loaded, garage.engines, garage.manager.fallback) == (["small", "big"], ["big", "small"], "small")
    off = ("off", "not asked for")
    assert garage.states == {"small": ("ready", ""), "big": ("ready", ""), "middle": off, "tiny": off}


def test_auto_goes_on_to_the_next_rank(caplog: pytest.LogCaptureFixture) -> None:
    garage = Garage(broken="big")
    garage.start()
    assert (garage.loaded, garage.engines) == (["small", "middle"], ["middle", "small"])
    assert garage.states["big"] == ("failed", "big is broken")
    assert "cannot load engine big; using small: big is broken" in caplog.text
    assert not garage.catalog.incomplete


def test_auto_skips_what_is_not_installed_and_says_what_is_missing() -> None:
    garage = Garage(SMALL, replace(BIG, modules=("no_such_module",)), replace(MIDDLE, modules=("nor_this", "json")))
    garage.start()
    assert (garage.loaded, garage.engines) == (["small"], ["small"])
    assert garage.states["big"] == ("off", "no_such_module not installed")
    assert garage.states["middle"] == ("off", "nor_this not installed")
    assert not garage.catalog.incomplete


def test_without_any_better_engine_the_fallback_speaks_and_nothing_below_it_is_tried() -> None:
    garage = Garage(broken="big middle")
    garage.start()
    assert (garage.loaded, garage.engines) == (["small"], ["small"])
    assert garage.catalog.incomplete


def test_a_fallback_engine_that_does_not_load_is_replaced_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    garage = Garage(SMALL, TINY, broken="small")
    garage.start()
    assert (garage.engines, garage.manager.fallback) == (["tiny"], "tiny")
    assert garage.states["small"] == ("failed", "small is broken")
    assert "engine small cannot be the fallback: small is broken" in caplog.text


@pytest.mark.parametrize("engine", ["small", "middle"])
def test_without_any_fallback_or_the_engine_asked_for_nothing_starts(engine: str) -> None:
    broken = "small tiny" if engine == "middle" else "small"
    with pytest.raises(EngineError, match="is broken"):
        Garage(broken=broken).start(engine)


def test_the_fallback_engine_speaks_alone_when_it_is_asked_for() -> None:
    garage = Garage()
    garage.start("small")
    assert (garage.loaded, garage.engines) == (["small"], ["small"])


def test_another_engine_that_could_be_the_fallback_can_be_the_chosen_one() -> None:
    garage = Garage()
    garage.start("tiny")
    assert (garage.engines, garage.manager.fallback) == (["tiny", "small"], "small")


def test_an_engine_asked_for_by_name_is_checked_before_anything_is_loaded() -> None:
    garage = Garage(SMALL, replace(BIG, modules=("no_such_module",), package="big-voice"))
    with pytest.raises(EngineError, match="engine big needs no_such_module: pip install 'big-voice'"):
        garage.start("big", wait=False)
    assert garage.loaded == []


async def test_the_chosen_engine_joins_later() -> None:
    garage = Garage()
    garage.may_load.clear()
    garage.start("middle", wait=False)
    assert (garage.engines, garage.states["middle"][0], garage.catalog.incomplete) == (["small"], "loading", True)
    garage.may_load.set()
    await until(lambda: garage.engines == ["middle", "small"])
    assert garage.states["big"] == ("off", "not asked for")


async def test_a_chosen_engine_that_fails_later_is_reported() -> None:
    garage, failures = Garage(broken="middle"), list[Exception]()
    garage.start("middle", wait=False, failed=failures.append)
    await until(lambda: bool(failures))
    assert str(failures[0]) == "middle is broken"


async def test_auto_goes_on_to_the_next_rank_later_too() -> None:
    garage, failures = Garage(broken="big"), list[Exception]()
    garage.start(wait=False, failed=failures.append)
    await until(lambda: garage.engines == ["middle", "small"])
    assert not failures


def test_a_language_that_nobody_speaks_is_refused_with_the_engine_that_would() -> None:
    garage = Garage(
        SMALL, replace(BIG, modules=("no_such_module",), package="big-voice"), voice=VoiceConfig(language="de")
    )
    with pytest.raises(UnknownVoice) as caught:
        garage.start()
    message = "no voice speaks 'de'; available languages: en-US; engine big does: pip install 'big-voice'"
    assert str(caught.value) == message


# ---- changes ----------------------------------------------------------------------------------------------------


@dataclass
class Server:
    garage: Garage
    live: LiveSettings

    async def change(self, **values: Any) -> list[str]:
        """Change settings; returns the engines that were loaded for it."""
        before = len(self.garage.loaded)
        await self.live.change(values)
        return self.garage.loaded[before:]


def served(engine: str = "auto", **garage: Any) -> Server:
    made = Garage(**garage)
    made.start(engine)
    config = Config(engines=EngineConfig(engine=engine))
    return Server(made, LiveSettings(config, made.catalog, made.manager, Metrics()))


async def test_another_engine_takes_the_place_of_the_chosen_one() -> None:
    server = served()
    assert await server.change(engine="middle") == ["middle"]
    assert server.garage.engines == ["middle", "small"]
    assert server.garage.states["big"] == ("off", "not asked for")
    assert await server.change(engine="small") == []
    assert server.garage.engines == ["small"]
    assert await server.change(engine="tiny") == ["tiny"]
    assert await server.change(engine="auto") == ["big"]
    assert server.garage.engines == ["big", "small"]
    assert await server.change(engine="big") == []


async def test_an_engine_that_cannot_be_loaded_leaves_the_chosen_one() -> None:
    server = served("middle", broken="big")
    with pytest.raises(Refused, match="big is broken"):
        await server.change(engine="big")
    assert server.garage.engines == ["middle", "small"]
    assert server.garage.states["big"] == ("off", "not asked for")
    assert await server.change(engine="auto") == []
    assert server.garage.engines == ["middle", "small"]


async def test_only_the_engine_that_a_setting_belongs_to_is_loaded_anew() -> None:
    server = served()
    assert await server.change(big_model="b") == ["big"]
    assert await server.change(big_taste=2) == []
    assert await server.change(middle_model="b") == []
    assert await server.change(engine="middle", middle_model="a") == ["middle"]
    assert await server.change(middle_model="b", big_model="a") == ["middle"]


async def test_settings_are_offered_while_their_engine_is_loaded() -> None:
    server = served()
    info = server.live.describe()
    assert {"big_model", "big_taste", "seed"} <= info["settings"].keys()
    assert "middle_model" not in info["settings"]
    assert info["allowed"]["big_model"]["choices"] == ["auto", "fp32"]
    assert info["allowed"]["engine"]["choices"] == ["auto", "small", "middle", "tiny", "big"]
    await server.change(engine="middle")
    info = server.live.describe()
    assert "middle_model" in info["settings"]
    assert not {"big_model", "big_taste", "seed"} & info["settings"].keys()
    assert info["allowed"]["middle_model"]["choices"] == ["a", "b"]


async def test_the_default_seed_reaches_the_engine() -> None:
    server = served()
    await server.change(seed=7)
    assert server.garage.catalog.resolve().request.seed == 7
