"""Real speech from a real server, transcribed by Whisper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from wyoming.client import AsyncTcpClient

from tests.support.client import synthesize, synthesize_stream
from tests.support.ears import hear, word_errors, words
from tests.support.server_process import ServerProcess

# What is sent, and what a listener should hear.
SENTENCES = [
    ("The kitchen light is on now.", "The kitchen light is on now."),
    ("It is 21 degrees in the living room.", "It is 21 degrees in the living room."),
    ("The washing machine will be done in 45 minutes.", "The washing machine will be done in 45 minutes."),
    ("Good morning, Susan! Did you sleep well?", "Good morning Susan did you sleep well"),
    ("Your appointment with Doctor Miller is on Thursday.", "Your appointment with Doctor Miller is on Thursday."),
    ("The train to London leaves at half past seven.", "The train to London leaves at half past seven."),
    ("Which room should I heat first?", "Which room should I heat first?"),
    ("The front door has been open for ten minutes.", "The front door has been open for ten minutes."),
    ("**Done!** I turned off *all* the lights in the `bedroom`.", "Done! I turned off all the lights in the bedroom."),
    ("The battery is at 80%, so the car is ready. 🚗", "The battery is at 80% so the car is ready."),
    ("I have added milk, bread and six eggs to your shopping list.",) * 2,
    ("There are two timers: one for the pasta, and one for the oven.",) * 2,
    (
        "Tomorrow will be mostly sunny, with a light wind from the west and a high of nineteen degrees. "
        "In the evening, clouds will move in.\n\nRemember to take the bins out tonight. They are collected early in "
        "the morning, and the next collection is only in two weeks.",
    )
    * 2,
]
LETTER_BY_LETTER = "I have closed the garage door. Then I turned the heating down, because nobody is at home."
PLAIN = "The kitchen light is on now. The train to London leaves at half past seven."


async def test_every_word_is_heard(server: ServerProcess) -> None:
    errors: dict[str, int] = {}
    count = 0
    async with AsyncTcpClient("127.0.0.1", server.port) as client:
        for text, expected in SENTENCES:
            answer = await synthesize(client, text)
            heard = hear(answer.audio, answer.start.rate)
            errors[heard] = word_errors(expected, heard)
            count += len(words(expected))
        answer = await synthesize_stream(client, LETTER_BY_LETTER)
        heard = hear(answer.audio, answer.start.rate)
        errors[heard] = word_errors(LETTER_BY_LETTER, heard)
        count += len(words(LETTER_BY_LETTER))
    rate = sum(errors.values()) / count
    print(f"word error rate {rate:.1%} over {count} words")
    assert rate <= 0.05, {heard: n for heard, n in errors.items() if n}


@pytest.fixture
def fresh_server() -> Iterator[ServerProcess]:
    """A server that has not spoken yet: with its seed, it speaks a text in the same way each time."""
    process = ServerProcess()
    yield process
    assert process.stop() == 0


@pytest.mark.parametrize(
    ("context", "format"),
    [
        ({"sample_rate": 8_000}, (8_000, 2, 1)),
        ({"sample_rate": 16_000, "channels": 2}, (16_000, 2, 2)),
        ({"sample_rate": 24_000, "sample_width": 3}, (24_000, 3, 1)),
        ({"sample_rate": 48_000, "sample_width": 4, "channels": 2}, (48_000, 4, 2)),
        ({"loudness": -14}, (22_050, 2, 1)),
        ({"loudness": -23}, (22_050, 2, 1)),
        ({"silence_before": 1, "silence_after": 1, "sentence_pause": 1}, (22_050, 2, 1)),
    ],
    ids=str,
)
async def test_every_audio_format_is_intelligible(
    fresh_server: ServerProcess, context: dict[str, Any], format: tuple[int, int, int]
) -> None:
    async with AsyncTcpClient("127.0.0.1", fresh_server.port) as client:
        answer = await synthesize(client, PLAIN, context=context)
    rate, width, channels = format
    assert (answer.start.rate, answer.start.width, answer.start.channels) == format
    # The upper two bytes of each sample of the first channel.
    frames = np.frombuffer(b"".join(chunk.audio for chunk in answer.chunks), np.uint8).reshape(-1, channels, width)
    sound = np.ascontiguousarray(frames[:, 0, width - 2 :]).view("<i2").reshape(-1)
    assert word_errors(PLAIN, hear(sound, rate)) <= 1
