"""Measures the parts of XTTS, and coqui-tts beside it, with the same checkpoint, texts and numbers of tokens.

coqui-tts runs in its own process, so that each has its own memory. The two take turns, because the speed of a shared
machine drifts. The number of tokens is fixed per character, because random weights do not stop where words end.
"""

from __future__ import annotations

import logging
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
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
"""How many samples count as first audio: one chunk of the default size."""

_SEED = 1

Row = dict[str, Any]

COLUMNS: Mapping[str, str | Callable[[Row], str]] = {
    "engine": "engine",
    "mode": "mode",
    "text": "text",
    "first audio": lambda row: f"{row['first_audio_s']:.2f} s",
    "RTF": lambda row: f"{row['rtf']:.2f}",
    "token": lambda row: f"{row['ms_per_token']:.1f} ms",
    "vocoder": lambda row: f"{row['vocoder_rtf']:.2f}",
    "prefill": lambda row: f"{row['prefill_s']:.2f} s",
    "resident": lambda row: f"{row['resident_mb']:.0f} MB",
    "peak": lambda row: f"{row['peak_mb']:.0f} MB",
}
"""A table's headings, and what each column shows of a row: a label by its name, or a figure as text."""


def synthetic_config(config: Config) -> Config:
    """The same settings with a full-size checkpoint of random weights, written once (13 s, 1.9 GB)."""
    folder = config.engines.cache_dir.expanduser() / "xtts-synthetic"
    if not (folder / ".complete").exists():
        _LOGGER.info("writing a full-size checkpoint of random weights to %s", folder)
        synthetic.write_checkpoint(folder, synthetic.FULL)
        (folder / ".complete").touch()
    return config.with_group(replace(config.group(XttsSettings), xtts_checkpoint=str(folder)))


def measure(
    config: Config,
    texts: Callable[[int], Mapping[str, Sequence[str]]],
    *,
    rounds: int,
    against_reference: bool,
    memory: Callable[[], Row],
) -> dict[str, Any]:
    """Speak each text `rounds` times after a warm-up, and return the figures for JSON.

    `rows` holds medians over the rounds: `ms_per_token` is the time for all but prefill and vocoder, `prefill_s` the
    time per segment. `weights_mb` is what a token step reads, and `token_limit_ms` the time that reading it takes.

    Args:
        texts: the texts by name, in segments of at most the given number of characters.
        memory: measures the process that calls it: `resident_mb` and `peak_mb`. Must be picklable.

    Raises:
        EngineError: an engine cannot be loaded, or fails.
    """
    engine = XttsEngine.load(config)
    by_name = texts(engine.max_chars("en"))
    bandwidth, weights_mb = _bandwidth_gb_s(), engine.model.gpt.step_bytes / 1e6
    speakers: dict[tuple[str, str], Callable[[Sequence[str]], Row]] = {("k2so", engine.mode): partial(speak, engine)}
    with _reference_process() as call:
        if against_reference:
            load = (checkpoint_folder(config), torch.get_num_threads())
            for mode in ("inference_stream", "inference"):
                speakers["coqui", mode] = partial(call, _speak_reference, *load, mode)
        for speaker in speakers.values():
            speaker(["Ready."])
        found: dict[tuple[str, str, str], list[Row]] = {}
        for _ in range(rounds):
            for text, segments in by_name.items():
                for (name, mode), speaker in speakers.items():
                    found.setdefault((name, mode, text), []).append(speaker(segments))
        used = {name: memory() if name == "k2so" else call(memory) for name, _ in speakers}
    rows = [
        {"engine": name, "mode": mode, "text": text}
        | {key: round(statistics.median(row[key] for row in results), 4) for key in results[0]}
        | used[name]
        for (name, mode, text), results in found.items()
    ]
    return {
        "bandwidth_gb_s": round(bandwidth, 1),
        "weights_mb": round(weights_mb, 1),
        "token_limit_ms": round(weights_mb / bandwidth, 1),
        "rows": rows,
        "ratios": _ratios(rows),
    }


def notes(figures: Mapping[str, Any]) -> str:
    """What the rows do not say, for people."""
    lines = ["A token step reads {weights_mb:.0f} MB of weights: {token_limit_ms} ms at {bandwidth_gb_s} GB/s."]
    if figures["ratios"]:
        lines.append(
            "coqui-tts's inference_stream takes {ratios[first_audio]} times as long to the first audio and"
            " {ratios[rtf]} times as long in all (medium text)."
        )
    return "\n".join(lines).format_map(figures)


def speak(engine: XttsEngine, segments: Sequence[str]) -> Row:
    """Speak segments one after the other through an utterance of the engine."""
    voice = next(voice for voice in engine.voices() if "en" in voice.languages)
    utterance = engine.open(Request(voice.name, "en", seed=_SEED))
    counts = [_tokens(segment) for segment in segments]

    def pieces() -> Iterator[int]:
        for number, (segment, count) in enumerate(zip(segments, counts, strict=True), 1):
            for piece in utterance.say_exactly(segment, count):
                yield len(piece)
                if number < len(segments):
                    utterance.expect_exactly(segments[number], counts[number])

    with _timed(engine.model.gpt, "prefill") as prefill, _timed(engine.model.vocoder, "forward") as vocoder:
        return _figures(pieces(), engine.model.architecture.output_sample_rate, counts, prefill, vocoder)


def _speak_reference(folder: Path, threads: int, mode: str, segments: Sequence[str]) -> Row:
    """Speak segments through Xtts.inference_stream or Xtts.inference."""
    reference = _load_reference(folder, threads)
    voice = reference.speaker(next(iter(reference.model.speaker_manager.speakers)))
    counts = [_tokens(segment) for segment in segments]
    prefill: list[float] = []

    def pieces() -> Iterator[int]:
        for segment, count in zip(segments, counts, strict=True):
            first = len(steps)
            torch.manual_seed(_SEED)
            if mode == "inference":
                yield len(reference.infer(segment, "en", voice, Sampling(), **fixed_length(count)).samples)
            else:
                yield from map(len, reference.stream(segment, "en", voice, Sampling(), **fixed_length(count)))
            prefill.append(steps[first])

    model = reference.model
    with _timed(model.gpt.gpt_inference, "forward") as steps, _timed(model.hifigan_decoder, "forward") as vocoder:
        return _figures(pieces(), 24000, counts, prefill, vocoder)


@cache
def _load_reference(folder: Path, threads: int) -> ReferenceXtts:
    logging.disable(logging.WARNING)
    torch.set_num_threads(threads)
    return ReferenceXtts(folder)


@contextmanager
def _reference_process() -> Iterator[Callable[..., Any]]:
    """A function that calls others in a process of its own, which starts with the first call."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:

        def call(function: Callable[..., Any], *arguments: Any) -> Any:
            try:
                return process.submit(function, *arguments).result()
            except BrokenProcessPool:
                raise EngineError("the process of coqui-tts died; is there enough memory for both engines?") from None
            except Exception as error:
                raise EngineError(f"coqui-tts failed: {type(error).__name__}: {error}") from error

        yield call


def _figures(
    pieces: Iterable[int], rate: int, counts: Sequence[int], prefill: Sequence[float], vocoder: Sequence[float]
) -> Row:
    """Receive pieces of so many samples. `counts`: tokens of each segment; `prefill` and `vocoder`: seconds by call."""
    began = time.perf_counter()
    first_audio, samples = 0.0, 0
    for piece in pieces:
        samples += piece
        if not first_audio and samples >= FIRST_SAMPLES:
            first_audio = time.perf_counter() - began
    total, audio = time.perf_counter() - began, samples / rate
    return {
        "first_audio_s": first_audio or total,
        "rtf": total / audio,
        "ms_per_token": 1000 * (total - sum(prefill) - sum(vocoder)) / sum(counts),
        "vocoder_rtf": sum(vocoder) / audio,
        "prefill_s": sum(prefill) / len(counts),
    }


def _ratios(rows: Sequence[Row]) -> dict[str, float]:
    """How many times longer coqui-tts's inference_stream takes on the medium text; empty if it was not measured."""
    found = {row["engine"]: row for row in rows if row["text"] == "medium" and row["mode"] != "inference"}
    if set(found) != {"k2so", "coqui"}:
        return {}
    fields = {"first_audio": "first_audio_s", "rtf": "rtf"}
    return {name: round(found["coqui"][field] / found["k2so"][field], 2) for name, field in fields.items()}


def _tokens(segment: str) -> int:
    return min(max(round(len(segment) * TOKENS_PER_CHAR), 10), 600)


def _bandwidth_gb_s(megabytes: int = 512, rounds: int = 5) -> float:
    """GB/s at which this machine reads memory when it does little else; the best round."""
    numbers, seconds = torch.ones(megabytes * 256 * 1024), []
    with torch.inference_mode():
        for _ in range(rounds + 1):
            began = time.perf_counter()
            numbers.amax()
            seconds.append(time.perf_counter() - began)
    return numbers.nbytes / min(seconds) / 1e9


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
