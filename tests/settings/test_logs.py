"""What the server says about itself, on standard error."""

from __future__ import annotations

import json
import logging

import pytest

from wyoming_k2so.settings import logs
from wyoming_k2so.settings.config import LogConfig

OURS = logging.getLogger("wyoming_k2so.some.module")
THEIRS = logging.getLogger("some.library")

pytestmark = pytest.mark.usefixtures("logs_restored")


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConfig())
    OURS.info("Ready at %s", "here")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(" INFO Ready at here\n")
    assert err.count("\n") == 1


def test_debug_is_off_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConfig())
    OURS.debug("quiet")
    logs.configure(LogConfig(debug=True))
    OURS.debug("loud")
    assert capsys.readouterr().err.endswith(" DEBUG loud\n")


@pytest.mark.parametrize("debug", [False, True])
def test_libraries_speak_only_when_something_is_wrong(capsys: pytest.CaptureFixture[str], debug: bool) -> None:
    logs.configure(LogConfig(debug=debug))
    THEIRS.info("chatter")
    THEIRS.warning("trouble")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(" WARNING trouble")


def test_configuring_twice_does_not_say_things_twice(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConfig())
    logs.configure(LogConfig())
    OURS.info("once")
    assert capsys.readouterr().err.count("once") == 1


def test_a_name_from_the_network_cannot_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConfig())
    OURS.warning("there is no voice %s", "x\n2026-01-01 00:00:00,000 INFO Stopped\x1b[2J\u2028ü")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(r"there is no voice x\n2026-01-01 00:00:00,000 INFO Stopped\x1b[2J\u2028ü")


@pytest.mark.parametrize("library", ["piper.voice", "TTS.tts.layers.xtts.tokenizer"])
def test_libraries_that_are_given_texts_quote_them_only_with_debug(
    capsys: pytest.CaptureFixture[str], library: str
) -> None:
    for debug in (False, True):
        logs.configure(LogConfig(debug=debug), ["piper", "TTS"])
        logging.getLogger(library).warning("Illegal char in: %s", "a secret")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("Illegal char in: a secret")


def test_a_traceback_follows_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConfig())
    try:
        raise RuntimeError("the cause")
    except RuntimeError:
        OURS.exception("it failed")
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.endswith("ERROR it failed")
    assert rest[0].startswith("Traceback")
    assert rest[-1] == "RuntimeError: the cause"


def test_objects_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConfig(log_format="json"))
    OURS.warning("two\nlines of %s", "Grüße")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    time = entry.pop("time")
    assert entry == {"level": "warning", "logger": "wyoming_k2so.some.module", "message": "two\nlines of Grüße"}
    assert len(time) == len("2026-01-01T00:00:00.000Z")
    assert time[10] == "T"
    assert time[-1] == "Z"


def test_a_traceback_stays_in_its_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogConfig(log_format="json"))
    try:
        raise RuntimeError("the cause")
    except RuntimeError:
        OURS.exception("it failed")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert entry["message"] == "it failed"
    assert entry["traceback"].endswith("RuntimeError: the cause")


def test_a_flood_of_one_kind_leaves_room_for_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 5.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    logs.configure(LogConfig())
    for number in range(1000):
        OURS.warning("Bad event from %d", number)
    OURS.error("Bad event from %d", 1)
    OURS.warning("Something else")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == logs.MOST_A_MINUTE + 2
    assert "suppressed" in lines[-3]
    assert "left out" not in lines[-4]
    now += 60
    OURS.warning("Bad event from %d", 7)
    assert capsys.readouterr().err.endswith("Bad event from 7\n")
    logs.configure(LogConfig(debug=True))
    for number in range(1000):
        OURS.warning("Bad event from %d", number)
    assert len(capsys.readouterr().err.splitlines()) == 1000
