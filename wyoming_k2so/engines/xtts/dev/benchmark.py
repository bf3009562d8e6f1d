"""Measures this engine, and stock coqui-tts beside it, on the same checkpoint, texts and numbers of tokens.

Stock runs in a process of its own, so that each has its own memory; the two take turns within one run, since the speed
of a shared machine drifts. The number of tokens is fixed per character: random weights never stop where words end.
"""

from __future__ import annotations

import logging
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wyoming_k2so.engine import EngineError, Request
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.weights.source import checkpoint_folder
from wyoming_k2so.settings.config import Config

from . import synthetic
from .reference import ReferenceXtts, fixed_length

_LOGGER = logging.getLogger(__name__)

TOKENS_PER_CHAR = 1.45
"""English at 15 characters per second."""

FIRST_SAMPLES = 4096
"""What counts as first audio: one chunk of the default size."""

_SEED = 1


@dataclass
class Spoken:
    """One text, spoken once. Times in seconds."""

    first_audio_s: float = 0.0
    total_s: float = 0.0
    audio_s: float = 0.0
    prefill_s: float = 0.0
    """All prefills together."""

    vocoder_s: float = 0.0
    tokens: int = 0
    segments: int = 0


@dataclass(frozen=True)
class Row:
    """One line of the table; medians over the rounds."""

    engine: str
    mode: str
    text: str
    first_audio_s: float
    rtf: float
    ms_per_token: float
    """Everything but prefill and vocoder, per token."""

    vocoder_rtf: float
    prefill_s: float
    """Per segment."""

    resident_mb: float
    peak_mb: float


@dataclass(frozen=True)
class Report:
    """What `run` found."""

    bandwidth_gb_s: float
    weights_mb: float
    """What a token step reads: the GPT's layers and its head."""

    rows: list[Row] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """For JSON."""
        limit = self.weights_mb / self.bandwidth_gb_s
        return {
            "bandwidth_gb_s": round(self.bandwidth_gb_s, 1),
            "weights_mb": round(self.weights_mb, 1),
            "token_limit_ms": round(limit, 1),
            "rows": [asdict(row) for row in self.rows],
            "ratios": self.ratios,
        }


def synthetic_config(config: Config) -> Config:
    """The same settings with a full-size checkpoint of random weights, made once (13 s, 1.9 GB)."""
    folder = config.engines.cache_dir.expanduser() / "xtts-synthetic"
    if not (folder / ".complete").exists():
        _LOGGER.info("Making a full-size checkpoint of random weights in %s", folder)
        synthetic.write_checkpoint(folder, synthetic.FULL)
        (folder / ".complete").touch()
    return config.with_group(replace(config.group(XttsSettings), xtts_checkpoint=str(folder)))


def table(report: Report) -> str:
    """The report for people."""
    limit = report.weights_mb / report.bandwidth_gb_s
    lines = [
        f"{'engine':6} {'mode':16} {'text':6} {'first audio':>11} {'RTF':>6} {'token':>9} {'vocoder':>8} {'prefill':>8}"
        f" {'resident':>9} {'peak':>8}",
        *(
            f"{r.engine:6} {r.mode:16} {r.text:6} {r.first_audio_s:9.2f} s {r.rtf:6.2f} {r.ms_per_token:6.1f} ms"
            f" {r.vocoder_rtf:8.2f} {r.prefill_s:6.2f} s {r.resident_mb:6.0f} MB {r.peak_mb:5.0f} MB"
            for r in report.rows
        ),
        f"A token step reads {report.weights_mb:.0f} MB of weights: {limit:.1f} ms at the {report.bandwidth_gb_s:.1f}"
        " GB/s that this machine reads.",
    ]
    if report.ratios:
        lines.append(
            f"Stock's inference_stream takes {report.ratios['first_audio']:.2f} times as long to the first audio and"
            f" {report.ratios['rtf']:.2f} times as long in all (medium text)."
        )
    return "\n".join(lines)


def measure_bandwidth(megabytes: int = 512, rounds: int = 5) -> float:
    """GB/s at which this machine reads memory when it does little else; the best round."""
    numbers = torch.ones(megabytes * 256 * 1024)
    with torch.inference_mode():
        best = min(_seconds(numbers.amax) for _ in range(rounds + 1))
    return numbers.nbytes / best / 1e9


def measure(
    config: Config, segments: Callable[[int], Mapping[str, Sequence[str]]], *, rounds: int, against_stock: bool
) -> Report:
    """Load the engine and measure it. `segments`: texts, cut for the engine's longest segment.

    Raises:
        EngineError: the engine cannot load, or one of them fails.
    """
    engine = XttsEngine.load(config)
    stock = checkpoint_folder(config) if against_stock else None
    return run(engine, segments(engine.max_chars("en")), rounds=rounds, against=stock)


def run(
    engine: XttsEngine,
    texts: Mapping[str, Sequence[str]],
    *,
    rounds: int,
    against: Path | None = None,
    tokens_per_char: float = TOKENS_PER_CHAR,
) -> Report:
    """Speak each text (a list of segments) `rounds` times after a warm-up.

    `against`: checkpoint folder for stock coqui-tts; None leaves it out.
    """
    speakers: dict[tuple[str, str], Callable[[Sequence[str], float], Spoken]] = {
        ("k2so", engine.mode): lambda segments, rate: speak(engine, segments, rate)
    }
    report = Report(measure_bandwidth(), _weights_mb(engine))
    with _stock_process(against) as stock:
        memory = {"k2so": lambda: (resident_mb(), peak_mb())}
        if stock is not None:
            memory["coqui"] = lambda: stock.ask("memory")
            for mode in ("inference_stream", "inference"):
                speakers["coqui", mode] = partial(stock.ask, mode)
        for speaker in speakers.values():
            speaker(["Ready."], tokens_per_char)
        spoken: dict[tuple[str, str, str], list[Spoken]] = {}
        for _ in range(rounds):
            for text, segments in texts.items():
                for (name, mode), speaker in speakers.items():
                    spoken.setdefault((name, mode, text), []).append(speaker(segments, tokens_per_char))
        for (name, mode, text), results in spoken.items():
            report.rows.append(_row(name, mode, text, results, memory[name]()))
    report.ratios.update(_ratios(report.rows))
    return report


def speak(engine: XttsEngine, segments: Sequence[str], tokens_per_char: float) -> Spoken:
    """Speak segments one after the other through an utterance of the engine."""
    voice = next(voice for voice in engine.voices() if "en" in voice.languages)
    utterance = engine.open(Request(voice.name, "en", seed=_SEED))
    result = Spoken()
    model, began = engine.model, time.perf_counter()
    with _timed(model.gpt, "prefill") as prefill, _timed(model.vocoder, "forward") as vocoder:
        counts = [_tokens(segment, tokens_per_char) for segment in segments]
        for number, (segment, count) in enumerate(zip(segments, counts, strict=True), 1):
            for piece in utterance.say_exactly(segment, count):
                _account(result, len(piece), model.architecture.output_sample_rate, began)
                if number < len(segments):
                    utterance.expect_exactly(segments[number], counts[number])
            result.tokens += count
            result.segments += 1
    result.total_s = time.perf_counter() - began
    result.prefill_s, result.vocoder_s = sum(prefill), sum(vocoder)
    return result


def speak_stock(stock: ReferenceXtts, mode: str, segments: Sequence[str], tokens_per_char: float) -> Spoken:
    """Speak segments through Xtts.inference_stream or Xtts.inference."""
    name = next(iter(stock.model.speaker_manager.speakers))
    voice = stock.speaker(name)
    result, began = Spoken(), time.perf_counter()
    with (
        _timed(stock.model.gpt.gpt_inference, "forward") as steps,
        _timed(stock.model.hifigan_decoder, "forward") as vocoder,
    ):
        for segment in segments:
            first = len(steps)
            count = _tokens(segment, tokens_per_char)
            torch.manual_seed(_SEED)
            if mode == "inference":
                sizes = iter([len(stock.infer(segment, "en", voice, Sampling(), **fixed_length(count)).samples)])
            else:
                sizes = (len(piece) for piece in stock.stream(segment, "en", voice, Sampling(), **fixed_length(count)))
            for size in sizes:
                _account(result, size, 24000, began)
            result.prefill_s += steps[first]
            result.tokens += count
            result.segments += 1
    result.total_s = time.perf_counter() - began
    result.vocoder_s = sum(vocoder)
    return result


def resident_mb() -> float:
    """Memory that this process holds now."""
    return _status("VmRSS")


def peak_mb() -> float:
    """The most memory that this process has held."""
    return _status("VmHWM")


class _StockProcess:
    """Speaks for the other process."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, *question: Any) -> Any:
        self._connection.send(question)
        answer = self._connection.recv()
        if isinstance(answer, str):
            raise EngineError(f"Stock coqui-tts failed: {answer}")
        return answer


@contextmanager
def _stock_process(folder: Path | None) -> Iterator[_StockProcess | None]:
    if folder is None:
        yield None
        return
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve_stock, args=(theirs, folder, torch.get_num_threads()), daemon=True)
    process.start()
    theirs.close()
    try:
        yield _StockProcess(ours)
        ours.send(None)
        process.join(10)
    except (EOFError, ConnectionError) as error:
        raise EngineError("Stock coqui-tts ended unexpectedly; is there enough memory for both?") from error
    finally:
        process.terminate()


def _serve_stock(connection: Connection, folder: Path, threads: int) -> None:
    logging.disable(logging.WARNING)
    torch.set_num_threads(threads)
    stock: ReferenceXtts | None = None
    while (question := connection.recv()) is not None:
        try:
            if question[0] == "memory":
                connection.send((resident_mb(), peak_mb()))
                continue
            stock = stock or ReferenceXtts(folder)
            connection.send(speak_stock(stock, *question))
        except Exception as error:  # noqa: BLE001 - it goes to the process that asked
            connection.send(f"{type(error).__name__}: {error}")


def _tokens(segment: str, tokens_per_char: float) -> int:
    return min(max(round(len(segment) * tokens_per_char), 10), 600)


def _account(result: Spoken, samples: int, rate: int, began: float) -> None:
    before = result.audio_s * rate
    result.audio_s += samples / rate
    if before < FIRST_SAMPLES <= before + samples + 0.5:
        result.first_audio_s = time.perf_counter() - began


def _row(engine: str, mode: str, text: str, results: list[Spoken], memory: tuple[float, float]) -> Row:
    def median(value: Callable[[Spoken], float]) -> float:
        return round(statistics.median(value(result) for result in results), 4)

    return Row(
        engine,
        mode,
        text,
        first_audio_s=median(lambda r: r.first_audio_s),
        rtf=median(lambda r: r.total_s / r.audio_s),
        ms_per_token=median(lambda r: 1000 * (r.total_s - r.prefill_s - r.vocoder_s) / r.tokens),
        vocoder_rtf=median(lambda r: r.vocoder_s / r.audio_s),
        prefill_s=median(lambda r: r.prefill_s / r.segments),
        resident_mb=round(memory[0], 1),
        peak_mb=round(memory[1], 1),
    )


def _ratios(rows: Sequence[Row]) -> dict[str, float]:
    """Stock's inference_stream over ours, on the medium text."""
    found = {(row.engine, row.mode): row for row in rows if row.text == "medium"}
    ours = next((row for (engine, _), row in found.items() if engine == "k2so"), None)
    theirs = found.get(("coqui", "inference_stream"))
    if ours is None or theirs is None:
        return {}
    return {
        "first_audio": round(theirs.first_audio_s / ours.first_audio_s, 2),
        "rtf": round(theirs.rtf / ours.rtf, 2),
    }


def _weights_mb(engine: XttsEngine) -> float:
    return engine.model.gpt.step_bytes / 1e6


@contextmanager
def _timed(module: nn.Module, method: str) -> Iterator[list[float]]:
    """Seconds of each call of a method while the block runs."""
    seconds: list[float] = []
    original = getattr(module, method)

    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return original(*args, **kwargs)
        finally:
            seconds.append(time.perf_counter() - began)

    setattr(module, method, timed)
    try:
        yield seconds
    finally:
        delattr(module, method)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _status(name: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text("ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith(name)), 0.0)
