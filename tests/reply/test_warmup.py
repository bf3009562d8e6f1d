"""What is learnt of an engine before somebody listens."""

from __future__ import annotations

from tests.support.fakes import ScriptedEngine
from wyoming_k2so.engine import Engine
from wyoming_k2so.reply.speed_model import SpeedModel
from wyoming_k2so.reply.warmup import rehearse
from wyoming_k2so.settings.config import VoiceConfig


def test_the_pace_is_known_before_the_first_reply() -> None:
    engine, paces = ScriptedEngine(rtf=0.1), dict[Engine, SpeedModel]()
    rehearse(engine, VoiceConfig(), paces, None)
    assert 0.05 < paces[engine].speed.usual < 1
    assert not paces[engine].speaking


def test_an_engine_that_fails_is_left_to_the_replies() -> None:
    engine, paces = ScriptedEngine(fail_at={0: "raise", 1: "raise"}), dict[Engine, SpeedModel]()
    rehearse(engine, VoiceConfig(), paces, None)
    assert not paces[engine].speed.known


def test_a_voice_that_the_engine_has_not_is_no_hindrance() -> None:
    paces = dict[Engine, SpeedModel]()
    rehearse(ScriptedEngine(), VoiceConfig(voice="someone-else"), paces, None)
