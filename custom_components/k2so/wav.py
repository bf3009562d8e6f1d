"""Streamed WAV, in the format that Home Assistant's ffmpeg starts converting soonest.

ffmpeg probes the first 64 KiB of a PCM file (1.4 s of speech) for other codecs before it writes anything; it does not
probe IEEE float. Time from the first chunk to ffmpeg's first output, measured with 22.05 kHz mono at real-time pace:
1.44 s for PCM, whatever sizes its header declares, and 0.08 s for float.
"""

import struct
from array import array

PCM = 1
IEEE_FLOAT = 3
UNKNOWN = 0xFFFFFFFF


def header(rate: int, width: int, channels: int, *, as_float: bool, size: int = UNKNOWN) -> bytes:
    """A WAV header: `rate` in Hz, `width` in bytes per sample, `size` of the audio data in bytes if it is known."""
    frame = width * channels
    tag = IEEE_FLOAT if as_float else PCM
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, 8 * width)
    if as_float:
        fmt += struct.pack("<H", 0)
    riff = UNKNOWN if size == UNKNOWN else 4 + 8 + len(fmt) + 8 + size
    return (
        struct.pack("<4sI4s4sI", b"RIFF", riff, b"WAVE", b"fmt ", len(fmt)) + fmt + struct.pack("<4sI", b"data", size)
    )


def to_float(audio: bytes) -> bytes:
    """Convert 16-bit integer samples to 32-bit floats in [-1, 1)."""
    return array("f", [sample / 32768 for sample in array("h", audio)]).tobytes()
