"""The command line: the only reader of arguments and environment, and the place where the parts are put together."""

from __future__ import annotations

import argparse
import asyncio
import codecs
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from . import __version__, bench, engines, logs, options, quality
from .catalog import Catalog, UnknownVoice
from .config import Config, StreamConfig
from .discovery import announced, reachable_host
from .engine import AudioFormat, ConsentNeeded, EngineError
from .loader import LOADING, Loader
from .metrics import Metrics
from .pipeline import Reply
from .playback import Playback, RawBytes, Sink, SoundCard, WavFile
from .watchdog import SYNTHESIS

_LOGGER = logging.getLogger(__name__)

PROGRAM = "wyoming-k2so"
LEAVING_S = 5.0
SPEAKING = ("engines", "voice", "stream", "xtts", "log")

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
        prog=PROGRAM, description="A streaming text-to-speech server for Home Assistant. Without a command: serve."
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

    add("serve", _serve, ("server", *SPEAKING), "serve Wyoming clients such as Home Assistant")
    say = add("say", _say, SPEAKING, "speak a text here, or into a file", SAY_DEFAULTS)
    say.add_argument("text", nargs="?", help="what to say; without it, standard input is spoken as it comes")
    say.add_argument(
        "-o", "--output", metavar="FILE", help="write a WAV file, or with - raw samples to standard output"
    )
    benchmark = add("bench", _bench, SPEAKING, "measure how fast this machine speaks", BENCH_DEFAULTS)
    benchmark.add_argument("--rounds", type=int, default=5, help="how often to speak each text (default: 5)")
    benchmark.add_argument(
        "--synthetic", action="store_true", help="with --engine xtts: a full-size model of random weights"
    )
    benchmark.add_argument(
        "--against", choices=("coqui",), help="with --engine xtts: stock coqui-tts beside it, in the same run"
    )
    benchmark.add_argument(
        "--server",
        action="append",
        metavar="HOST:PORT",
        help="measure a Wyoming server, ours or any other, over TCP; may be repeated: they take turns",
    )
    benchmark.add_argument(
        "--listen", action="store_true", help="with --server: let Whisper count misheard words (needs faster-whisper)"
    )
    benchmark.add_argument(
        "--text", action="append", choices=tuple(bench.TEXTS), help="speak only this text; may be repeated"
    )
    benchmark.add_argument("--plot", metavar="FILE", help="draw charts of it into a PNG, SVG or PDF file")
    benchmark.add_argument(
        "--from",
        dest="runs",
        nargs="+",
        metavar="FILE",
        help="with --plot: draw what earlier runs printed, measure nothing",
    )
    add("quantize", _quantize, ("engines", "xtts", "log"), "make XTTS's weights of a precision ahead of time")
    judge = add("quality", _quality, ("engines", "xtts", "log"), "measure what a precision of XTTS costs in quality")
    judge.add_argument("-o", "--output", metavar="DIR", help="write pairs of sounds to compare by ear, and a plot")
    add("voices", _voices, ("engines", "voice", "xtts", "log"), "list the voices")
    add("check", _check, ("server", "log"), "ask the server that runs here whether it can speak")
    return parser, commands


# ---- commands ---------------------------------------------------------------------------------------------------


def _serve(config: Config, _flags: argparse.Namespace) -> int:
    from .connection import Service  # noqa: PLC0415  the other commands need no server
    from .control import Control  # noqa: PLC0415
    from .identity import server_id  # noqa: PLC0415
    from .server import ServeError, Server, parse_uri  # noqa: PLC0415

    began = time.monotonic()
    try:
        _, host, _, _ = parse_uri(config.server.uri)
    except ServeError as error:
        raise options.OptionError(f"uri: {error}") from None
    metrics = Metrics()
    if config.server.metrics_port is not None:
        try:
            metrics.serve(host or "127.0.0.1", config.server.metrics_port)
        except OSError as error:
            raise EngineError(f"cannot serve metrics on port {config.server.metrics_port}: {error}") from None
    catalog = Catalog(defaults=config.voice)
    loader = Loader(catalog, changed=metrics.engine_state)
    identity = server_id(config.engines.data_dir.expanduser())
    control = Control(config, catalog, loader, metrics, identity)
    service = Service(catalog, control, metrics)
    server = Server(config.server.uri, service)

    failures: list[Exception] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def failed(error: Exception) -> None:
            failures.append(error)
            with suppress(RuntimeError):  # the loop has ended already
                loop.call_soon_threadsafe(server.stop)

        loader.start(config, wait=False, failed=failed)
        if config.server.idle_unload:
            loader.watch(60 * config.server.idle_unload, service.admission.unused_s)
        async with server.listening() as port, AsyncExitStack() as stack:
            _log_ready(config.server.uri, host, port, time.monotonic() - began)
            if config.server.zeroconf is not None and port is not None:
                import zeroconf  # noqa: PLC0415  a server that is not announced starts without it

                try:
                    await stack.enter_async_context(announced(host, port, config.server.zeroconf, identity))
                    _LOGGER.info("Announced on the local network")
                except (OSError, zeroconf.Error) as error:
                    _LOGGER.warning("Not announced on the local network: %s", error)
            await server.stopped()
        _LOGGER.info("Stopped")

    asyncio.run(run())
    if failures:
        raise failures[0]
    return 0


def _log_ready(uri: str, host: str, port: int | None, seconds: float) -> None:
    if port is None:
        _LOGGER.info("Ready at %s after %.1f s", uri, seconds)
        return
    _LOGGER.info("Ready at tcp://%s:%d after %.1f s", host, port, seconds)
    _LOGGER.info(
        "To add it to Home Assistant: Settings > Devices & services > Add integration > Wyoming Protocol, "
        "host %s, port %d",
        reachable_host(host),
        port,
    )


def _say(config: Config, flags: argparse.Namespace) -> int:
    if flags.text is None and sys.stdin is None:
        raise options.OptionError("there is no text, and standard input is closed")
    catalog = _catalog(config)
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
        _LOGGER.warning("Standard input cannot be read: %s", error)
    finally:
        reply.finish()


def _progress(reply: Reply, *, end: str) -> None:
    figures = reply.figures
    if figures.first_audio_s is None or (not end and not sys.stderr.isatty()):
        return
    back = "\r" if sys.stderr.isatty() else ""
    line = f"first sound after {figures.first_audio_s:.2f} s, {figures.audio_s:.1f} s of speech"
    print(f"{back}{line}", end=end, file=sys.stderr, flush=True)


def _bench(config: Config, flags: argparse.Namespace) -> int:
    if flags.rounds < 1:
        raise options.OptionError("--rounds: must be at least 1")
    if flags.listen and not flags.server:
        raise options.OptionError("--listen: only with --server")
    if flags.server and flags.plot:
        raise options.OptionError("--plot: not with --server")
    if flags.server:
        return _bench_servers(config, flags)
    if flags.runs and not flags.plot:
        raise options.OptionError("--from: only with --plot")
    draw = _plot(flags.plot) if flags.plot else None
    if draw and flags.runs:
        draw([Path(file) for file in flags.runs])
        return 0
    line = _bench_xtts(config, flags) if flags.synthetic or flags.against else _bench_engine(config, flags)
    print(line)
    if draw:
        draw([line])
    return 0


def _bench_servers(config: Config, flags: argparse.Namespace) -> int:
    """Measure servers that are running already."""
    from . import bench_server  # noqa: PLC0415  brings wyoming's client

    judge = None
    if flags.listen:
        listen = quality.whisper()
        if listen is None:
            raise EngineError("--listen needs Whisper: pip install faster-whisper")
        judge = quality.judge(listen)
    try:
        peers = [bench_server.Peer(address) for address in flags.server]
    except ValueError as error:
        raise options.OptionError(f"--server: {error}") from None
    texts = {name: bench.TEXTS[name] for name in flags.text or bench.TEXTS}
    rows = asyncio.run(bench_server.measure(peers, texts, rounds=flags.rounds, voice=config.voice.voice, judge=judge))
    print(bench_server.table(rows))
    print(bench_server.as_json(rows))
    return 0


def _bench_engine(config: Config, flags: argparse.Namespace) -> str:
    """Measure an engine through the pipeline. Prints a table; returns the figures as a line of JSON."""
    choice = _catalog(config).resolve()
    rows = [bench.measure(choice, name, config.stream, flags.rounds) for name in flags.text or bench.TEXTS]
    print(bench.table(rows))
    return bench.as_json(rows, bench.follow(choice, bench.TEXTS["long"], config.stream) if flags.plot else None)


def _bench_xtts(config: Config, flags: argparse.Namespace) -> str:
    """The same for XTTS's parts, on random weights or beside stock coqui-tts."""
    if config.engines.engine != "xtts":
        raise options.OptionError("--synthetic and --against: only with --engine xtts")
    benchmark = _xtts_part("benchmark")

    def segments(max_chars: int) -> dict[str, list[str]]:
        early = config.stream.early_clause
        return {n: bench.segments(bench.TEXTS[n], max_chars, early_clause=early) for n in flags.text or bench.TEXTS}

    if flags.synthetic:
        config = benchmark.synthetic_config(config)
        print("Random weights: this measures speed, at XTTS-v2's real size of 466.9 M parameters; the sound is noise.")
    report = benchmark.measure(config, segments, rounds=flags.rounds, against_stock=flags.against is not None)
    print(benchmark.table(report))
    return bench.json_line(report.fields())


def _plot(file: str) -> Callable[[Sequence[str | Path]], None]:
    """What draws lines of JSON, or files that hold them, into `file`. Finds out early what would fail at the end."""
    try:
        from . import plot  # noqa: PLC0415  matplotlib is an extra
    except ImportError:
        raise EngineError("--plot needs matplotlib: pip install 'wyoming-k2so[plot]'") from None
    path = Path(file)
    if not plot.supported(path):
        raise options.OptionError(f"--plot: {file!r} is no picture; its name must end in .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise options.OptionError(f"--plot: there is no folder {path.parent}")
    return lambda runs: plot.save(path, [plot.read(run) for run in runs])


def _quantize(config: Config, _flags: argparse.Namespace) -> int:
    def progress(what: str, share: float) -> None:
        if sys.stderr.isatty():
            bar = "#" * round(30 * share)
            print(f"\r{what:11} [{bar:30}] {100 * share:3.0f} %", end="\n" if share >= 1 else "", file=sys.stderr)

    engine = _xtts_part("engine").XttsEngine.load(config, progress)
    print(f"XTTS is ready in {engine.mode}: {engine.model.bytes / 1e6:.0f} MB of weights.")
    if engine.note:
        print(f"This is not what was asked for: {engine.note}")
    return 1 if engine.note else 0


def _quality(config: Config, flags: argparse.Namespace) -> int:
    listen = quality.whisper()
    found = _xtts_part("quality").compare(config, quality.TEXTS, free_runs=listen is not None)
    rows = [quality.row(metric.name, metric.value, metric.loss) for metric in found.metrics]
    if listen is not None:
        rows.append(quality.word_errors(found.spoken, found.rate, listen))
    if flags.output is not None:
        folder = Path(flags.output)
        try:
            quality.save_pairs(folder, found.mode, found.pairs, found.rate)
            drawn = quality.save_plot(folder / f"quality-{found.mode}.png", found.mode, rows)
        except OSError as error:
            raise EngineError(f"cannot write to {folder}: {error}") from None
        if not drawn:
            print("No plot: matplotlib is not installed.")
    print(quality.table(found.mode, rows))
    print(quality.as_json(found.mode, found.note, rows))
    return 0


def _xtts_part(name: str) -> Any:
    """A module of the XTTS engine, which imports torch."""
    if absent := engines.missing("xtts"):
        raise EngineError(f"engine xtts needs {', '.join(absent)}: pip install 'wyoming-k2so[xtts]'")
    return import_module(f"{__package__}.engines.xtts.{name}")


def _voices(config: Config, _flags: argparse.Namespace) -> int:
    catalog = _catalog(config)
    for engine in catalog.engines:
        for voice in engine.voices():
            speakers = f"  speakers: {', '.join(voice.speakers)}" if voice.speakers else ""
            state = "" if voice.installed else "  (not installed)"
            print(
                f"{engine.name:6} {voice.name:28} {', '.join(voice.languages):12} {voice.description}{speakers}{state}"
            )
    return 0


def _check(config: Config, _flags: argparse.Namespace) -> int:
    from . import check  # noqa: PLC0415  brings wyoming's client

    uri = config.server.uri
    if not uri.startswith(("tcp://", "unix://")):
        raise options.OptionError(f"uri: {uri!r} is none to ask at; it must be tcp://HOST:PORT or unix://PATH")
    try:
        voices = asyncio.run(check.installed_voices(uri))
    except (OSError, ValueError) as error:
        raise EngineError(f"no server answers at {uri}: {error or 'not in time'}") from None
    if not voices:
        raise EngineError(f"the server at {uri} has no voice")
    print(f"The server at {uri} speaks in {voices} voice{'s' if voices > 1 else ''}.")
    return 0


# ---- putting the parts together ---------------------------------------------------------------------------------


def _catalog(config: Config) -> Catalog:
    """The engines that `config` asks for, all loaded."""
    catalog = Catalog(defaults=config.voice)
    Loader(catalog).start(config, wait=True)
    return catalog


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
