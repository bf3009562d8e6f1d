"""`say` and `voices`."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import wave
from pathlib import Path

from tests.support.program import LONG, RATE, TIMEOUT_S, VOICE, command, fails, is_speech, run, started


def test_say_writes_a_wav_file_with_speech(tmp_path: Path) -> None:
    result = run("say", "The kettle is boiling.", "-o", "out.wav")
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"first audio after \d+\.\d\d s, \d+\.\d s of speech\n", result.stderr)
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        assert is_speech(file.readframes(file.getnframes()))


def test_say_speaks_standard_input_while_it_is_still_typed() -> None:
    with started("say", "-o", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"The first sentence is complete. The s")
        process.stdin.flush()
        readable, _, _ = select.select([process.stdout], [], [], TIMEOUT_S)
        assert readable
        first = os.read(process.stdout.fileno(), 4096)
        assert first
        process.stdin.write("econd one, too: naïve?".encode())
        rest, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    assert is_speech(first + rest)


def test_say_copes_with_text_that_is_no_utf_8(tmp_path: Path) -> None:
    result = subprocess.run(
        [*command("say", "-o", "out.wav"), b"Hello \xff there."], capture_output=True, timeout=TIMEOUT_S, check=False
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out.wav").stat().st_size > RATE


def test_say_without_text_and_without_input_is_told_so() -> None:
    result = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *command("say", "-o", "out.wav")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr == b"wyoming-k2so: there is no text, and standard input is closed\n"


def test_say_into_a_place_that_cannot_be_written_is_status_1() -> None:
    message = fails(1, "say", "Hello.", "-o", "/nowhere/out.wav")
    assert message == "cannot write /nowhere/out.wav: No such file or directory"


def test_an_interrupted_say_ends_quietly() -> None:
    with started("say", "-o", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"Hello there. {LONG}.\n\n{LONG}".encode())
        process.stdin.flush()
        assert process.stdout.read(100)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"terminate" not in err


def test_voices_lists_engine_name_and_languages() -> None:
    result = run("voices")
    assert result.returncode == 0
    assert result.stdout.split()[:3] == ["piper", VOICE, "en-US"]
