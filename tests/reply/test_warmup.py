"""The warm-up teaches the speed model before the first reply."""

from __future__ import annotations

from tests.support.fakes import ScriptedEngine
from wyoming_k2so.engine import Engine
from wyoming_k2so.reply.speed_model import SpeedModel
from wyoming_k2so.reply.warmup import warm_up
from wyoming_k2so.settings.config import VoiceConfig


def test_the_speed_is_known_after_the_warm_up() -> None:
    engine, paces = ScriptedEngine(rtf=0.1), dict[Engine, SpeedModel]()
    warm_up(engine, VoiceConfig(), paces, None)
    assert 0.05 < paces[engine].speed.usual < 1
    assert not paces[engine].speaking


def test_an_engine_error_does_not_fail_the_warm_up() -> None:
    engine, paces = ScriptedEngine(fail_at={0: "raise", 1: "raise"}), dict[Engine, SpeedModel]()
    warm_up(engine, VoiceConfig(), paces, None)
    assert not paces[engine].speed.known


def test_a_default_voice_that_the_engine_lacks_skips_the_warm_up() -> None:
    paces = dict[Engine, SpeedModel]()
    warm_up(ScriptedEngine(), VoiceConfig(voice="someone-else"), paces, None)
