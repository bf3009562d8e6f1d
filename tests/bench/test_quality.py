"""The report of what a precision costs: what passes, and word errors."""

from __future__ import annotations

import json

import numpy as np

from wyoming_k2so.bench import quality, wer
from wyoming_k2so.engine import Request, Samples
from wyoming_k2so.engines.piper.engine import PiperEngine
from wyoming_k2so.settings.config import Config


def test_a_loss_above_the_limit_or_of_nan_fails() -> None:
    assert quality.row("x", 1.0, 0.05)["passed"]
    assert not quality.row("x", 1.0, 0.0501)["passed"]
    assert not quality.row("x", 1.0, float("nan"))["passed"]


def test_one_failed_metric_fails_the_report() -> None:
    rows = [quality.row("cosine", 0.99, 0.01), quality.row("agreement", 0.9, 0.1)]
    assert [line.split() for line in quality.table("int8", rows).splitlines()] == [
        ["int8", "against", "full", "precision", "value", "loss"],
        ["cosine", "0.9900", "1.00", "%", "pass"],
        ["agreement", "0.9000", "10.00", "%", "FAIL"],
        ["A", "loss", "of", "more", "than", "5", "%", "fails."],
    ]
    data = json.loads(quality.as_json("int8", "a note", rows))
    assert (data["mode"], data["note"], data["limit"], data["passed"]) == ("int8", "a note", 0.05, False)
    assert json.loads(quality.as_json("int8", "", rows[:1]))["passed"]


def test_word_errors_count_beyond_those_of_full_precision() -> None:
    loud, quiet = np.ones(4, np.float32), np.zeros(4, np.float32)

    def listen(samples: Samples, _rate: int) -> str:
        return "the door is shut" if samples[0] else "door"

    worse = quality.word_errors([("the door is locked", loud, quiet)], 24000, listen)
    assert (worse["value"], worse["loss"], worse["passed"]) == (0.75, 0.5, False)
    better = quality.word_errors([("the door is locked", quiet, loud)], 24000, listen)
    assert (better["loss"], better["passed"]) == (0, True)


def test_whisper_understands_clear_speech_and_not_speech_under_noise() -> None:
    """The part that random weights cannot show."""
    listen = wer.whisper()
    voice = PiperEngine.load(Config())
    utterance = voice.open(Request(voice.voices()[0].name, "en-US"))
    clear = np.concatenate(list(utterance.say(quality.TEXTS[0])))
    noise = np.random.default_rng(0).standard_normal(len(clear)).astype(np.float32)
    buried = 0.05 * clear + 0.3 * noise
    row = quality.word_errors([(quality.TEXTS[0], clear, buried)], utterance.rate, listen)
    assert row["value"] > 0.5
    assert not row["passed"]
    assert quality.word_errors([(quality.TEXTS[0], clear, clear)], utterance.rate, listen)["value"] < 0.2
