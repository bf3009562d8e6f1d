"""What the command is asked for wrongly, or about itself: one line and a status."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.program import VOICE, fails, run
from wyoming_k2so import __version__


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--allow", "home"],
            "allow: 'home' does not appear to be an IPv4 or IPv6 network; give addresses or networks such as",
        ),
        (["--chunk-samples", "1000"], "--chunk-samples: '1000' is not allowed, it must be one of 2048, 4096, 8192"),
        (["bench", "--rounds", "0"], "--rounds: must be at least 1"),
        (["--config", "nowhere.toml"], "cannot read the configuration file nowhere.toml: "),
        (
            ["--uri", "tcp://nowhere"],
            "uri: 'tcp://nowhere' is not a valid address; use tcp://HOST:PORT, unix://PATH or",
        ),
        (["--voice", "Zoe"], f"there is no voice 'Zoe'; available: {VOICE}"),
        (["say", "--language", "fr", "Salut"], "no voice speaks 'fr'; available languages: en-US; engine xtts does"),
    ],
)
def test_a_bad_value_is_one_line_and_status_2(arguments: list[str], message: str) -> None:
    assert fails(2, *arguments).startswith(message)


def test_an_unknown_variable_is_one_line_and_status_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K2SO_PRE_BUFFER", "1")
    message = fails(2, "voices")
    assert message.startswith("unknown environment variable K2SO_PRE_BUFFER; known are K2SO_")
    assert "K2SO_PREBUFFER, " in message


def test_a_bad_key_in_the_file_is_one_line_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "k2so.toml").write_text("pre_buffer = 1\n")
    message = fails(2, "--config", "k2so.toml")
    assert message.startswith("unknown setting pre_buffer in k2so.toml; known are ")
    assert ", prebuffer, " in message


@pytest.mark.parametrize("arguments", [["--nonsense"], ["dance"]])
def test_an_unknown_argument_is_status_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: wyoming-k2so")
    assert ": error: " in result.stderr.splitlines()[-1]


def test_the_version_and_the_commands_can_be_asked_for() -> None:
    assert run("--version").stdout == f"wyoming-k2so {__version__}\n"
    text = run("--help").stdout
    assert all(name in text for name in ("serve", "say", "bench", "voices", "COMMAND --help"))
    assert "\nAddress, clients and limits of the server:\n  --uri" in run("serve", "--help").stdout
