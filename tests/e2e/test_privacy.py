"""Users' texts stay out of everything above debug level, and nothing is reported to third parties."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.tts import Synthesize

from tests.support.client import read_until, synthesize, synthesize_stream
from tests.support.fakes import ScriptedEngine, ScriptedUtterance, make_voice
from tests.support.server import served
from tests.support.server_process import ROOT
from wyoming_k2so.engine import Request, Samples

SECRET = "Xylophone"
TEXT = f"The safe opens with {SECRET}. Say {SECRET} twice."


class Quoting(ScriptedEngine):
    """Fails with errors that quote the text, as the libraries of real engines do."""

    def __init__(self, error: Callable[[str], Exception], name: str) -> None:
        super().__init__(make_voice(f"voice-{name}"), name=name)
        self.error = error

    def open(self, request: Request) -> ScriptedUtterance:
        super().open(request)
        return _QuotingUtterance(self, request)


class _QuotingUtterance(ScriptedUtterance):
    _engine: Quoting

    def say(self, segment: str) -> Generator[Samples]:
        yield self._engine.sound("a")
        raise self._engine.error(segment)


@pytest.mark.parametrize(
    "error",
    [
        lambda text: RuntimeError(f"cannot say {text}"),
        KeyError,
        lambda text: UnicodeEncodeError("ascii", text, 0, 1, "no such character"),
        lambda text: OSError(2, "No such file", f"/tmp/{text}.wav"),
    ],
    ids=["a message", "a key", "an encoding error", "a file name"],
)
async def test_a_failing_engine_does_not_leak_the_text(
    error: Callable[[str], Exception], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    engines = Quoting(error, "big"), Quoting(error, "small")
    with caplog.at_level(logging.INFO):
        async with served(*engines) as (context, port), AsyncTcpClient("127.0.0.1", port) as client:
            assert (await synthesize(client, TEXT)).error is not None
            assert (await synthesize_stream(client, [TEXT])).error is not None
            assert SECRET not in str(context.live_settings.describe())
    assert "big/voice-big failed to speak a segment" in caplog.text
    assert engines[0].open_utterances == 0
    assert SECRET not in caplog.text
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("synthesize", {"text": TEXT, "voice": 5}),
        ("synthesize", {"text": TEXT, "voice": {"name": "nobody"}}),
        ("synthesize", {"text": [TEXT]}),
        ("synthesize", {"text": TEXT, "text_format": TEXT}),
        ("synthesize", {"text": f"<speak><{SECRET}", "text_format": "ssml"}),
        ("synthesize-chunk", {"text": TEXT}),
        ("ping", {"text": {SECRET: 1}}),
    ],
)
async def test_a_bad_request_does_not_leak_the_text(
    kind: str, data: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
            await client.write_event(Event(kind, data))
            await client.write_event(Synthesize("Hello.").event())
            await read_until(client, "audio-stop")
    assert SECRET not in caplog.text


async def test_the_debug_log_contains_the_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
            await synthesize(client, TEXT)
    assert SECRET in caplog.text


def test_libraries_collect_no_telemetry(tmp_path: Path) -> None:
    # Without the variables of a test run, in which ONNX Runtime turns its telemetry off by itself.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    say = (sys.executable, "-m", "wyoming_k2so", "say", "Hello.", "-o", tmp_path / "hello.wav")
    subprocess.run(say, cwd=ROOT, env=environment, check=True, capture_output=True)
    written = {path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {("hello.wav",), (".cache", "wyoming-k2so")}
