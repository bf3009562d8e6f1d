"""The command line: the only reader of arguments and environment. What the commands do is in `commands`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

from wyoming_k2so.reply.watchdog import SYNTHESIS
from wyoming_k2so.settings.config import Config, EngineConfig, LogConfig, ServerConfig, StreamConfig, VoiceConfig
from wyoming_k2so.settings.errors import UserError
from wyoming_k2so.settings.options import OptionError, Schema
from wyoming_k2so.voices.background import LOADING
from wyoming_k2so.voices.catalog import UnknownVoice

from . import __version__, engines
from .commands import bench, check, quality, quantize, say, serve, voices
from .engine import ConsentNeeded, EngineError
from .settings import logs

_LOGGER = logging.getLogger(__name__)

PROGRAM = "wyoming-k2so"
LEAVING_S = 5.0

# People at this machine prefer a short delay to a first stutter.
SAY_DEFAULTS = Config(stream=StreamConfig(prebuffer=3))
# A benchmark measures the engine, not how much of its audio is held back.
BENCH_DEFAULTS = Config(stream=StreamConfig(prebuffer=0))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 success, 1 failure, 2 usage error, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    table = engines.installed()
    parser, commands = _parser(table.schema)
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version")):
        arguments.insert(0, "serve")
    problems = list(table.problems)
    try:
        flags = vars(parser.parse_args(arguments))
        command, defaults = commands[flags.pop("command")]
        file = flags.pop("config") or os.environ.get("K2SO_CONFIG")
        config = table.schema.read(flags, os.environ, Path(file) if file else None, defaults)
        logs.configure(config.log, [logger for spec in table.values() for logger in spec.loggers])
        while problems:
            _LOGGER.warning("%s", problems.pop(0))
        status = command(config, argparse.Namespace(**flags))
    except (OptionError, UnknownVoice, ConsentNeeded) as error:
        status = _fail(error, 2)
    except (UserError, EngineError) as error:
        status = _fail(error, 1)
    except KeyboardInterrupt:
        status = 130
    finally:  # an unknown flag or variable may be one of an engine that was left out
        for problem in problems:
            print(f"{PROGRAM}: {problem}", file=sys.stderr)
    _leave_models(status)
    return status


Command = Callable[[Config, argparse.Namespace], int]


def _parser(schema: Schema) -> tuple[argparse.ArgumentParser, dict[str, tuple[Command, Config]]]:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="A streaming text-to-speech server for Home Assistant. Without a command: serve.",
        epilog=f"For a command's options, run: {PROGRAM} COMMAND --help",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands: dict[str, tuple[Command, Config]] = {}
    speaking = (EngineConfig, VoiceConfig, StreamConfig, *schema.engine_groups, LogConfig)

    def add(
        name: str, run: Command, groups: Collection[type], help: str, defaults: Config | None = None
    ) -> argparse.ArgumentParser:
        command = subparsers.add_parser(name, help=help, description=help)
        command.add_argument("--config", metavar="FILE", help="a TOML file of settings, such as: chunk_samples = 2048")
        schema.add_flags(command, groups, defaults or Config())
        commands[name] = (run, defaults or Config())
        return command

    add("serve", serve.serve, (ServerConfig, *speaking), "serve Wyoming clients such as Home Assistant")
    say.add_flags(add("say", say.say, speaking, "speak a text here, or into a file", SAY_DEFAULTS))
    bench.add_flags(add("bench", bench.run, speaking, "measure how fast this machine speaks", BENCH_DEFAULTS))
    add("quantize", quantize.quantize, quantize.GROUPS, "convert XTTS's weights to a given precision ahead of time")
    quality.add_flags(add("quality", quality.run, quality.GROUPS, "measure the quality loss of a precision of XTTS"))
    add("voices", voices.voices, (EngineConfig, VoiceConfig, *schema.engine_groups, LogConfig), "list the voices")
    add("check", check.check, (ServerConfig, LogConfig), "check whether the local server can speak (for health checks)")
    return parser, commands


def _leave_models(status: int) -> None:
    """Wait for threads that are inside a model; end the process with `status` if they take too long.

    A thread that the interpreter ends while it is inside a C++ library would abort the whole process.
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
