"""When the first sound may leave."""

from __future__ import annotations

import pytest

from wyoming_k2so.prebuffer import FixedPrebuffer


@pytest.mark.parametrize("wanted", [1, 3, 16])
def test_holds_back_until_enough_chunks_are_there(wanted: int) -> None:
    prebuffer = FixedPrebuffer(wanted)
    answers = [prebuffer.release(chunks=chunks, starved=False) for chunks in range(wanted + 2)]
    assert answers == [False] * wanted + [True, True]


def test_zero_releases_at_once() -> None:
    assert FixedPrebuffer(0).release(chunks=1, starved=False)


def test_releases_when_holding_back_gains_nothing() -> None:
    assert FixedPrebuffer(16).release(chunks=1, starved=True)
