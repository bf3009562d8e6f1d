"""The command line: the only reader of arguments and environment. What the commands do is in `commands`."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from wyoming_k2so.reply.watchdog import SYNTHESIS
from wyoming_k2so.settings.config import Config, StreamConfig
from wyoming_k2so.voices.catalog import UnknownVoice
from wyoming_k2so.voices.engine_manager import LOADING

from . import __version__
from .commands import bench, quality, say, serve
from .engine import ConsentNeeded, EngineError
from .settings import logs, options

PROGRAM = "wyoming-k2so"
LEAVING_S = 5.0
SPEAKING = ("engines", "voice", "stream", "xtts", "log")
WEIGHTS = ("engines", "xtts", "log")

# Speaking to people on this machine, a little delay is better than the first stutter.
SAY_DEFAULTS = Config(stream=StreamConfig(prebuffer=3))
# A benchmark measures the engine, not how much of its sound is held back.
BENCH_DEFAULTS = Config(stream=StreamConfig(prebuffer=0))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 1 it failed, 2 it was asked for wrongly."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser, commands = _parser()
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version")):
        arguments.insert(0, "serve")
    flags = vars(parser.parse_args(arguments))
    command, defaults = commands[flags.pop("command")]
    try:
        file = flags.pop("config") or os.environ.get("K2SO_CONFIG")
        config = options.read(flags, os.environ, Path(file) if file else None, defaults)
        if os.environ.get("COQUI_TOS_AGREED") == "1":  # Coqui's own way of saying so
            config = replace(config, xtts=replace(config.xtts, accept_xtts_license=True))
        logs.configure(config.log)
        status = command(config, argparse.Namespace(**flags))
    except (options.OptionError, UnknownVoice, ConsentNeeded) as error:
        status = _fail(error, 2)
    except EngineError as error:
        status = _fail(error, 1)
    except KeyboardInterrupt:
        status = 130
    _leave_models(status)
    return status


Command = Callable[[Config, argparse.Namespace], int]


def _parser() -> tuple[argparse.ArgumentParser, dict[str, tuple[Command, Config]]]:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="A streaming text-to-speech server for Home Assistant. Without a command: serve.",
        epilog=f"What a command can be told: {PROGRAM} COMMAND --help",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands: dict[str, tuple[Command, Config]] = {}

    def add(
        name: str, run: Command, groups: tuple[str, ...], help: str, defaults: Config | None = None
    ) -> argparse.ArgumentParser:
        command = subparsers.add_parser(name, help=help, description=help)
        command.add_argument("--config", metavar="FILE", help="a TOML file of settings, such as: chunk_samples = 2048")
        options.add_flags(command, groups, defaults or Config())
        commands[name] = (run, defaults or Config())
        return command

    add("serve", serve.serve, ("server", *SPEAKING), "serve Wyoming clients such as Home Assistant")
    say.add_flags(add("say", say.say, SPEAKING, "speak a text here, or into a file", SAY_DEFAULTS))
    bench.add_flags(add("bench", bench.run, SPEAKING, "measure how fast this machine speaks", BENCH_DEFAULTS))
    add("quantize", quality.quantize, WEIGHTS, "make XTTS's weights of a precision ahead of time")
    quality.add_flags(add("quality", quality.judge, WEIGHTS, "measure what a precision of XTTS costs in quality"))
    add("voices", say.voices, ("engines", "voice", "xtts", "log"), "list the voices")
    add("check", serve.check, ("server", "log"), "ask the server that runs here whether it can speak")
    return parser, commands


def _leave_models(status: int) -> None:
    """Wait for threads that are inside a model; end the process with `status` when they take too long.

    A thread that the interpreter itself ends while it is inside a C++ library aborts the whole process.
    """
    deadline = time.monotonic() + LEAVING_S
    inside = [thread for thread in threading.enumerate() if thread.name in (SYNTHESIS, LOADING)]
    with suppress(KeyboardInterrupt):
        for thread in inside:
            thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in inside):
        sys.stdout.flush()
        os._exit(status)


def _fail(error: Exception, status: int) -> int:
    print(f"{PROGRAM}: {error}", file=sys.stderr)
    return status
