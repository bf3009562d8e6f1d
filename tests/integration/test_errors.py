"""Messages of the server, as users read them."""

from __future__ import annotations

import pytest

from custom_components.k2so.errors import sentence


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("the disk is full", "The disk is full."),
        ("out-of-range: 1 to 3", "Out-of-range: 1 to 3."),
        (
            "cannot listen on tcp://[::]:1: address already in use",
            "Cannot listen on tcp://[::]:1: address already in use.",
        ),
        ("try again later.", "Try again later."),
        ("is it running?", "Is it running?"),
        (" no voice 'ghost' ", "No voice 'ghost'."),
        ("tcp://nowhere is not a valid address", "tcp://nowhere is not a valid address."),
        ("int8 needs a processor", "int8 needs a processor."),
        ("192.0.2.7 is not on the allow list", "192.0.2.7 is not on the allow list."),
        ("'ghost' is unknown", "'ghost' is unknown."),
        ("Already a sentence.", "Already a sentence."),
        ("busy", "Busy."),
        ("", ""),
    ],
)
def test_messages_are_shown_as_sentences(message: str, shown: str) -> None:
    assert sentence(message) == shown
    assert sentence(shown) == shown
