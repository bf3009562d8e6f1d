"""Real speech from a real server, heard by Whisper."""

from __future__ import annotations

import pytest
from wyoming.client import AsyncTcpClient

from tests.client import synthesize, synthesize_stream
from tests.ears import hear, word_errors, words
from tests.server.conftest import ServerProcess

# What goes in, and what a listener should write down.
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
SPELLED = "I have closed the garage door. Then I turned the heating down, because nobody is at home."


async def test_every_word_is_heard(server: ServerProcess) -> None:
    errors: dict[str, int] = {}
    count = 0
    async with AsyncTcpClient("127.0.0.1", server.port) as client:
        for text, expected in SENTENCES:
            answer = await synthesize(client, text)
            heard = hear(answer.audio, answer.start.rate)
            errors[heard] = word_errors(expected, heard)
            count += len(words(expected))
        answer = await synthesize_stream(client, SPELLED)  # letter by letter
        heard = hear(answer.audio, answer.start.rate)
        errors[heard] = word_errors(SPELLED, heard)
        count += len(words(SPELLED))
    rate = sum(errors.values()) / count
    print(f"word error rate {rate:.1%} over {count} words")  # noqa: T201
    assert rate <= 0.05, {heard: n for heard, n in errors.items() if n}


@pytest.mark.parametrize("rate", [16_000, 24_000])
async def test_another_sample_rate_says_the_same(server: ServerProcess, rate: int) -> None:
    async with AsyncTcpClient("127.0.0.1", server.port) as client:
        answer = await synthesize(client, SPELLED, context={"sample_rate": rate})
    assert answer.start.rate == rate
    assert word_errors(SPELLED, hear(answer.audio, rate)) <= 1
