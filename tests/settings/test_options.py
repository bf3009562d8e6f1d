"""Settings: where a value comes from, what it may be, and what is said when it may not."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import pytest

from wyoming_k2so import engines
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.settings.config import Config, Option, StreamConfig, option
from wyoming_k2so.settings.options import OptionError, Schema
from wyoming_k2so.settings.values import check

SCHEMA = engines.installed().schema


def parse(arguments: list[str]) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    SCHEMA.add_flags(parser, {setting.group for setting in SCHEMA}, Config())
    return vars(parser.parse_args(arguments))


def toml(folder: Path, text: str) -> Path:
    file = folder / "k2so.toml"
    file.write_text(text, "utf-8")
    return file


def get(config: Config, key: str) -> object:
    return next(setting.get(config) for setting in SCHEMA if setting.key == key)


def test_defaults_hold_where_nothing_is_said() -> None:
    assert SCHEMA.read({}, {}, None) == Config()
    assert SCHEMA.read(parse([]), {"PATH": "/bin", "K2SO_DEV_CACHE": "/x"}, None) == Config()


def test_a_command_may_have_defaults_of_its_own() -> None:
    defaults = Config(stream=StreamConfig(prebuffer=3))
    assert SCHEMA.read({}, {}, None, defaults).stream.prebuffer == 3
    assert SCHEMA.read({}, {"K2SO_CHUNK_SAMPLES": "2048"}, None, defaults).stream == StreamConfig(2048, 3)
    assert SCHEMA.read({"prebuffer": "0"}, {}, None, defaults).stream.prebuffer == 0


def test_help_names_the_defaults_of_the_command() -> None:
    parser = argparse.ArgumentParser()
    SCHEMA.add_flags(parser, [StreamConfig], Config(stream=StreamConfig(prebuffer=3)))
    text = " ".join(parser.format_help().split())
    assert "as this machine's speed requires (default: 3)" in text
    assert "{2048,4096,8192}" in text


@pytest.mark.parametrize(
    ("key", "said", "expected"),
    [
        pytest.param("speed", (["--speed", "1.5"], "1.25", "0.75"), (1.5, 1.25, 0.75, 1.0), id="float"),
        pytest.param("prebuffer", (["--prebuffer", "4"], "3", "2"), (4, 3, 2, "auto"), id="int"),
        pytest.param(
            "chunk_samples", (["--chunk-samples=2048"], "8192", "2048"), (2048, 8192, 2048, 4096), id="choice"
        ),
        pytest.param("metrics_port", (["--metrics-port", "1"], "2", "3"), (1, 2, 3, None), id="optional int"),
        pytest.param("voice", (["--voice", "a"], "b", '"c"'), ("a", "b", "c", None), id="optional str"),
        pytest.param("log_format", (["--log-format", "json"], "text", '"json"'), ("json", "text", "json", "text")),
        pytest.param("debug", (["--debug"], "no", "true"), (True, False, True, False), id="bool"),
        pytest.param("early_clause", (["--no-early-clause"], "1", "false"), (False, True, False, True), id="no-bool"),
        pytest.param("zeroconf", (["--zeroconf"], "x", '"y"'), ("", "x", "y", None), id="bare flag"),
        pytest.param(
            "data_dir",
            (["--data-dir", "/a"], "b/c", '"/d"'),
            (Path("/a"), Path("b/c"), Path("/d"), Config().engines.data_dir),
            id="path",
        ),
    ],
)
def test_flag_then_environment_then_file_then_default(
    tmp_path: Path, key: str, said: tuple[list[str], str, str], expected: tuple[object, ...]
) -> None:
    flags, env, in_file = said
    environ = {f"K2SO_{key.upper()}": env}
    file = toml(tmp_path, f"{key} = {in_file}\n")
    found = (
        SCHEMA.read(parse(flags), environ, file),
        SCHEMA.read(parse([]), environ, file),
        SCHEMA.read(parse([]), {}, file),
        SCHEMA.read(parse([]), {}, None),
    )
    values = tuple(get(config, key) for config in found)
    assert values == expected
    assert [type(value) for value in values] == [type(value) for value in expected]


def test_every_setting_can_be_set_from_everywhere() -> None:
    flags = parse([])
    for setting in SCHEMA:
        assert setting.key in flags
        assert setting.option.help
        assert setting.env == "K2SO_" + setting.flag[2:].replace("-", "_").upper()


@pytest.mark.parametrize("text", ["1", "true", "YES", " On "])
def test_words_for_true(text: str) -> None:
    assert SCHEMA.read({}, {"K2SO_DEBUG": text}, None).log.debug is True


@pytest.mark.parametrize("text", ["0", "False", "no", "OFF"])
def test_words_for_false(text: str) -> None:
    assert SCHEMA.read({}, {"K2SO_EARLY_CLAUSE": text}, None).stream.early_clause is False


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--chunk-samples", "1000"], "--chunk-samples: '1000' is not allowed, it must be one of 2048, 4096, 8192"),
        (["--chunk-samples", "big"], "--chunk-samples: 'big' is not one of 2048, 4096, 8192"),
        (["--prebuffer", "17"], "--prebuffer: '17' is not allowed, it must be auto or from 0 to 16"),
        (["--prebuffer", "1.5"], "--prebuffer: '1.5' is not auto or a whole number"),
        (["--prebuffer", ""], "--prebuffer: '' is not auto or a whole number"),
        (["--speed", "0.1"], "--speed: '0.1' is not allowed, it must be from 0.5 to 2"),
        (["--speed", "nan"], "--speed: 'nan' is not allowed, it must be from 0.5 to 2"),
        (["--speed", "fast"], "--speed: 'fast' is not a number"),
        (["--engine", "espeak"], "--engine: 'espeak' is not allowed, it must be one of auto, piper, xtts"),
        (["--metrics-port", "0"], "--metrics-port: '0' is not allowed, it must be from 1 to 65535"),
    ],
)
def test_a_bad_flag_is_named_with_what_is_allowed(flags: list[str], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        SCHEMA.read(parse(flags), {}, None)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"K2SO_DEBUG": "maybe"}, "the environment variable K2SO_DEBUG: 'maybe' is not true or false"),
        (
            {"K2SO_LOG_FORMAT": "xml"},
            "the environment variable K2SO_LOG_FORMAT: 'xml' is not allowed, it must be one of text, json",
        ),
    ],
)
def test_a_bad_variable_is_named_with_what_is_allowed(environ: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        SCHEMA.read({}, environ, None)
    assert str(caught.value) == message


def test_what_kubernetes_tells_about_a_service_of_this_name_is_no_setting() -> None:
    environ = {
        "K2SO_SERVICE_HOST": "10.0.0.1",
        "K2SO_SERVICE_PORT": "10200",
        "K2SO_SERVICE_PORT_WYOMING": "10200",
        "K2SO_PORT": "tcp://10.0.0.1:10200",
        "K2SO_PORT_10200_TCP": "tcp://10.0.0.1:10200",
        "K2SO_PORT_10200_TCP_PROTO": "tcp",
        "K2SO_PORT_10200_TCP_PORT": "10200",
        "K2SO_PORT_10200_TCP_ADDR": "10.0.0.1",
        "K2SO_BIG_SERVICE_HOST": "10.0.0.2",
    }
    assert SCHEMA.read({}, environ, None) == Config()
    with pytest.raises(OptionError, match="unknown environment variable K2SO_PORT;"):
        SCHEMA.read({}, {"K2SO_PORT": "10200"}, None)


def test_an_unknown_variable_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(OptionError, match=r"variable K2SO_VOICES; known are .*K2SO_CACHE_DIR"):
        SCHEMA.read({}, {"K2SO_VOICES": "x"}, None)


def test_the_variable_that_names_the_file_is_known() -> None:
    SCHEMA.read({}, {"K2SO_CONFIG": "x"}, None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("speed = 9", "speed in {file}: 9 is not allowed, it must be from 0.5 to 2"),
        ("speed = true", "speed in {file}: True is not a number"),
        (f"speed = 1{'0' * 400}", "is not a number"),
        ("prebuffer = 1.5", "prebuffer in {file}: 1.5 is not auto or a whole number"),
        ("prebuffer = [1]", "prebuffer in {file}: [1] is not auto or a whole number"),
        ('debug = "perhaps"', "debug in {file}: 'perhaps' is not true or false"),
        ("voice = 3", "voice in {file}: 3 is not a text"),
        ("data_dir = 3", "data_dir in {file}: 3 is not a path"),
        ("voice = 2026-01-01", "is not a text"),
        ("chunk_samples = 4000", "chunk_samples in {file}: 4000 is not allowed, it must be one of 2048, 4096, 8192"),
        ("[debug]", "debug in {file}: {{}} is not true or false"),
    ],
)
def test_a_bad_value_in_a_file_is_named_with_the_file_and_what_is_allowed(
    tmp_path: Path, line: str, problem: str
) -> None:
    file = toml(tmp_path, line)
    with pytest.raises(OptionError) as caught:
        SCHEMA.read({}, {}, file)
    assert problem.format(file=file) in str(caught.value)


def test_numbers_in_a_file_may_be_text_too(tmp_path: Path) -> None:
    file = toml(tmp_path, 'speed = "1.5"\nprebuffer = "2"\nmetrics_port = 9100\nspeaker = "7"\n')
    config = SCHEMA.read({}, {}, file)
    assert (config.voice.speed, config.stream.prebuffer, config.server.metrics_port) == (1.5, 2, 9100)
    assert config.voice.speaker == "7"


def test_an_unknown_key_is_answered_with_the_file_and_the_keys_that_there_are(tmp_path: Path) -> None:
    file = toml(tmp_path, "[stream]\nprebuffer = 1\n")
    with pytest.raises(OptionError) as caught:
        SCHEMA.read({}, {}, file)
    message = str(caught.value)
    assert message.startswith(f"unknown setting stream in {file}; known are ")
    assert "chunk_samples, " in message


@pytest.mark.parametrize(("content", "problem"), [(b"speed =", "is not valid TOML"), (b"\xff", "cannot read")])
def test_a_file_that_is_no_configuration(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "k2so.toml"
    file.write_bytes(content)
    with pytest.raises(OptionError, match=problem) as caught:
        SCHEMA.read({}, {}, file)
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"cannot read the configuration file .*nowhere.toml: .*No such file"):
        SCHEMA.read({}, {}, tmp_path / "nowhere.toml")


def test_limits() -> None:
    assert check(5, Option("", low=1, high=9)) is None
    assert check(0, Option("", low=1, high=9)) == "must be from 1 to 9"
    assert check("b", Option("", choices=("a", "b"))) is None
    assert check("c", Option("", choices=("a", "b"))) == "must be one of a, b"


@dataclass(frozen=True)
class Lists:
    ports: tuple[int, ...] = option((), "some ports")
    rates: tuple[float, ...] | None = option(None, "some rates")


def test_lists_are_separated_by_commas_and_may_be_arrays_in_a_file(tmp_path: Path) -> None:
    file = toml(tmp_path, "ports = [5, 6]\nrates = [1, 2.5]\n")
    schema = Schema([Lists])
    found = [
        schema.read({}, {}, file),
        schema.read({}, {"K2SO_PORTS": "3, 4"}, file),
        schema.read({"ports": "1"}, {"K2SO_PORTS": "3"}, file),
        schema.read({}, {}, None),
    ]
    assert [config.group(Lists) for config in found] == [
        Lists((5, 6), (1.0, 2.5)),
        Lists((3, 4), (1.0, 2.5)),
        Lists((1,), (1.0, 2.5)),
        Lists((), None),
    ]


@pytest.mark.parametrize("bad", ["ports = 5", "ports = [5.5]", 'ports = "1,x"', "ports = [[1]]"])
def test_what_is_no_list_of_numbers_is_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(OptionError, match=r"^ports in .* is not a list of numbers separated by commas"):
        Schema([Lists]).read({}, {}, toml(tmp_path, bad))


def test_a_variable_of_another_program_can_turn_a_setting_on() -> None:
    for value, accepted in (("1", True), ("0", False), ("yes", False)):
        config = SCHEMA.read({}, {"COQUI_TOS_AGREED": value}, None)
        assert config.group(XttsSettings).accept_xtts_license is accepted


def test_a_limit_may_be_open_at_one_end() -> None:
    with pytest.raises(OptionError, match="--vocoder-windows: '0' is not allowed, it must be at least 1"):
        SCHEMA.read({"vocoder_windows": "0"}, {}, None)
    assert check(5, Option("", high=3)) == "must be at most 3"


def test_settings_of_an_engine_are_found_and_replaced_by_their_class() -> None:
    config = Config()
    assert config.group(Lists) == Lists()
    changed = config.with_group(Lists((1,))).with_group(StreamConfig(prebuffer=1)).with_group(Lists((2,)))
    assert (changed.group(Lists), changed.stream, len(changed.engine_settings)) == (
        Lists((2,)),
        StreamConfig(prebuffer=1),
        1,
    )
