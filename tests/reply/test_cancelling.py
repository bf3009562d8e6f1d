"""Cancelling a reply: it ends soon, whatever it waits for, and frees everything."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator

import pytest

from tests.support.fakes import ScriptedEngine, ScriptedUtterance
from tests.support.spoken import FIVE_SENTENCES, make_reply
from wyoming_k2so.engine import Request, Samples
from wyoming_k2so.reply.output import QUEUE_CHUNKS
from wyoming_k2so.reply.watchdog import Watchdog


def test_cancelling_stops_the_engine_within_a_piece() -> None:
    engine = ScriptedEngine(rtf=0.5, piece_s=0.05)
    reply = make_reply(engine)
    reply.start()
    reply.feed(FIVE_SENTENCES)
    next(iter(reply))
    pieces = engine.pieces
    reply.cancel()
    assert reply.join(5)
    assert engine.pieces <= pieces + 2
    assert engine.speaking == 0
    assert engine.open_utterances == 0
    assert reply.ended
    assert list(reply) == []
    assert reply.figures.outcome == "cancelled"


def test_cancelling_wakes_a_thread_that_waits_for_text() -> None:
    reply = make_reply(ScriptedEngine())
    reply.start()
    reply.cancel()
    assert reply.join(5)


def test_cancelling_wakes_a_thread_that_waits_for_a_slow_reader() -> None:
    engine = ScriptedEngine()
    reply = make_reply(engine)
    reply.start()
    reply.feed(FIVE_SENTENCES * 50)
    reply.finish()
    deadline = time.monotonic() + 10
    while engine.pieces < QUEUE_CHUNKS and time.monotonic() < deadline:
        time.sleep(0.01)
    reply.cancel()
    assert reply.join(5)
    assert engine.open_utterances == 0


def test_a_slow_reader_limits_how_much_is_generated() -> None:
    engine = ScriptedEngine()
    reply = make_reply(engine)
    reply.start()
    reply.feed(FIVE_SENTENCES * 50)
    reply.finish()
    assert not reply.join(0.5)
    assert engine.samples <= (QUEUE_CHUNKS + 1) * 2048 + engine.piece_s * engine.rate
    reply.cancel()
    assert reply.join(5)


class Endless(ScriptedEngine):
    """Computes forever, unless it is interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self.computing, self.interrupted = threading.Event(), threading.Event()

    def open(self, request: Request) -> ScriptedUtterance:
        super().open(request)
        return _EndlessUtterance(self, request)


class _EndlessUtterance(ScriptedUtterance):
    _engine: Endless

    def say(self, segment: str) -> Generator[Samples]:
        yield from super().say(segment)
        self._engine.computing.set()
        self._engine.interrupted.wait()
        raise RuntimeError("interrupted")

    def interrupt(self) -> None:
        self._engine.interrupted.set()


@pytest.mark.parametrize("watchdog", [False, True])
def test_cancelling_interrupts_the_engine(watchdog: bool, caplog: pytest.LogCaptureFixture) -> None:
    engine = Endless()
    reply = make_reply(engine, watchdog=Watchdog(60, lambda _: None) if watchdog else None)
    with caplog.at_level(logging.INFO):
        reply.start()
        reply.feed(FIVE_SENTENCES)
        assert engine.computing.wait(5)
        reply.cancel()
        assert reply.join(5)
    assert reply.figures.outcome == "cancelled"
    assert reply.figures.retries == 0
    assert engine.open_utterances == 0
    assert caplog.messages == []


class HangsOnClose(ScriptedEngine):
    """Hangs when the generator of a segment is closed."""

    def open(self, request: Request) -> ScriptedUtterance:
        super().open(request)
        return _HangsOnCloseUtterance(self, request)


class _HangsOnCloseUtterance(ScriptedUtterance):
    def say(self, segment: str) -> Generator[Samples]:
        try:
            yield from super().say(segment)
        finally:
            self._engine.go_on.wait()


def test_an_engine_that_hangs_during_cancellation_is_not_an_error() -> None:
    engine, told = HangsOnClose(rtf=0.5), list[object]()
    reply = make_reply(engine, watchdog=Watchdog(0.2, told.append))
    reply.start()
    reply.feed(FIVE_SENTENCES)
    next(iter(reply))
    reply.cancel()
    assert reply.join(5)
    engine.go_on.set()
    assert (reply.figures.outcome, reply.figures.error) == ("cancelled", None)
    assert told == [engine]
    assert len(engine.said) == 1
