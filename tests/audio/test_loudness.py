"""Loudness by BS.1770, and a gain that brings any voice to it without pumping."""

from __future__ import annotations

import numpy as np
import pytest

from wyoming_k2so.audio.loudness import KNEE, Leveller, Meter, limit, powers
from wyoming_k2so.engine import Samples

RATE = 22_050


def sine(frequency: float, seconds: float = 2.0, rate: int = RATE, level: float = 1.0) -> Samples:
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def speech(seconds: float, level: float = 0.1) -> Samples:
    """Noise in bursts, like syllables."""
    count = round(seconds * RATE)
    noise = np.random.default_rng(count).standard_normal(count)
    return (level * noise * (1.2 + sine(3, seconds))).astype(np.float32)


def measured(sound: Samples, rate: int = RATE, piece: int = 6_144) -> float:
    """Loudness of a sound that arrives in pieces."""
    meter = Meter()
    leveller = Leveller(meter, -23, rate)
    for start in range(0, len(sound), piece):
        leveller.push(sound[start : start + piece])
    assert meter.loudness is not None
    return meter.loudness


@pytest.mark.parametrize(
    ("frequency", "expected"),
    # The first is the standard's reference; the others follow from the gain of its filters.
    [(997, -3.01), (100, -4.8), (4_000, 0.3)],
)
@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000])
def test_a_sine_at_full_scale(frequency: float, expected: float, rate: int) -> None:
    assert measured(sine(frequency, rate=rate), rate) == pytest.approx(expected, abs=0.15)


def test_half_the_level_is_six_decibels() -> None:
    assert measured(speech(5, 0.1)) - measured(speech(5, 0.05)) == pytest.approx(6.02, abs=0.15)


def test_pauses_do_not_count() -> None:
    pause = np.zeros(3 * RATE, np.float32)
    quiet = speech(3, 0.001)
    alone = measured(speech(5))
    for other in (pause, quiet):
        # Blocks that lie half in a pause count, as in the standard.
        assert measured(np.concatenate([speech(5), other])) == pytest.approx(alone, abs=0.5)


def test_the_weighting_equals_the_filters_in_the_time_domain() -> None:
    def biquad(x: list[float], b: tuple[float, float, float], a: tuple[float, float]) -> list[float]:
        y: list[float] = []
        x1 = x2 = y1 = y2 = 0.0
        for value in x:
            new = b[0] * value + b[1] * x1 + b[2] * x2 - a[0] * y1 - a[1] * y2
            x1, x2, y1, y2 = value, x1, new, y1
            y.append(new)
        return y

    sound = np.random.default_rng(1).standard_normal(48_000).astype(np.float32)
    shelf = biquad(
        sound.tolist(), (1.53512485958697, -2.69169618940638, 1.19839281085285), (-1.69065929318241, 0.73248077421585)
    )
    filtered = biquad(shelf, (1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621))
    (power,) = powers(sound[None], 48_000)
    assert power == pytest.approx(float(np.mean(np.square(filtered))), rel=0.005)


@pytest.mark.parametrize("piece", [100, 2_204, 2_205, 2_206, 20_000])
def test_loudness_does_not_depend_on_the_size_of_the_pieces(piece: int) -> None:
    sound = speech(3)
    assert measured(sound, piece=piece) == pytest.approx(measured(sound), abs=0.05)


@pytest.mark.parametrize("level", [0.02, 0.1, 0.3])
def test_a_voice_reaches_the_target_from_the_first_piece_on(level: float) -> None:
    leveller = Leveller(Meter(), -23, RATE)
    sound = speech(6, level)
    out = [leveller.push(piece) for piece in np.array_split(sound, 20)]
    assert measured(np.concatenate(out)) == pytest.approx(-23, abs=0.5)
    assert measured(np.concatenate(out[:3])) == pytest.approx(-23, abs=2)


def test_the_gain_of_a_known_voice_is_constant() -> None:
    meter = Meter()
    Leveller(meter, -23, RATE).push(speech(20))
    sound = speech(5)
    leveller = Leveller(meter, -23, RATE)
    gains = np.concatenate([leveller.push(piece) / piece for piece in np.array_split(sound, 30)])
    assert 20 * np.log10(gains.max() / gains.min()) < 0.3
    assert np.abs(np.diff(gains)).max() < 1e-4, "a step would click"


def test_silence_stays_silence() -> None:
    leveller = Leveller(Meter(), -16, RATE)
    for count in (0, 100, RATE):
        silence = np.zeros(count, np.float32)
        np.testing.assert_array_equal(leveller.push(silence), silence)
    assert Meter().loudness is None


def test_the_gain_has_a_limit() -> None:
    sound = speech(2, 0.0005)
    assert np.abs(Leveller(Meter(), -10, RATE).push(sound)).max() == pytest.approx(10 * np.abs(sound).max(), rel=1e-3)


def test_peaks_are_limited_smoothly() -> None:
    ramp = np.linspace(-4, 4, 8_001, dtype=np.float32)
    bent = limit(ramp)
    inside = np.abs(ramp) <= KNEE
    np.testing.assert_array_equal(bent[inside], ramp[inside])
    assert np.abs(bent).max() <= 1
    assert (np.diff(bent) >= 0).all()
    assert np.abs(np.diff(bent)).max() <= 0.00101, "the curve has a corner"
