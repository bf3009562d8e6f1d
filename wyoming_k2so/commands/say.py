"""Speak through the sound card, or into a file."""

from __future__ import annotations

import argparse
import codecs
import logging
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from wyoming_k2so.engine import AudioFormat, EngineError
from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.settings.config import Config
from wyoming_k2so.settings.options import OptionError

from .parts import load_engines
from .playback import Playback, RawBytes, Sink, SoundCard, WavFile

_LOGGER = logging.getLogger(__name__)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags that only `say` has."""
    parser.add_argument("text", nargs="?", help="text to speak (default: standard input, as it arrives)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write a WAV file; -: write raw samples to standard output"
    )


def say(config: Config, flags: argparse.Namespace) -> int:
    """Speak a text, or standard input as it arrives. Raises EngineError: a part of it could not be spoken."""
    if flags.text is None and sys.stdin is None:
        raise OptionError("there is no text, and standard input is closed")
    catalog = load_engines(config)
    choice = catalog.resolve()
    reply = Reply(choice, catalog.fallback(choice), stream=config.stream)
    playback = Playback(reply, _sink(flags.output))
    reply.start()
    playback.start()
    if flags.text is not None:
        reply.feed(os.fsencode(flags.text).decode("utf-8", "replace"))
        reply.finish()
    else:
        threading.Thread(target=_feed_standard_input, args=(reply,), daemon=True).start()
    try:
        while not playback.wait(0.2):
            _progress(reply, end="")
    except KeyboardInterrupt:
        reply.cancel()
        raise
    _progress(reply, end="\n")
    if reply.figures.error is not None:
        raise EngineError(reply.figures.error)
    return 0


def _sink(output: str | None) -> Callable[[AudioFormat], Sink]:
    if output is None:
        return SoundCard
    if output == "-":
        return lambda _format: RawBytes(sys.stdout.buffer)
    return partial(WavFile, Path(output))


def _feed_standard_input(reply: Reply) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        while data := os.read(sys.stdin.fileno(), 4096):
            reply.feed(decoder.decode(data))
        reply.feed(decoder.decode(b"", final=True))
    except OSError as error:
        _LOGGER.warning("cannot read standard input: %s", error)
    finally:
        reply.finish()


def _progress(reply: Reply, *, end: str) -> None:
    figures = reply.figures
    if figures.first_audio_s is None or (not end and not sys.stderr.isatty()):
        return
    back = "\r" if sys.stderr.isatty() else ""
    line = f"first audio after {figures.first_audio_s:.2f} s, {figures.audio_s:.1f} s of speech"
    print(f"{back}{line}", end=end, file=sys.stderr, flush=True)
