"""The server's id: created once, then kept; the server starts without it if it cannot be stored."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from wyoming_k2so.server.identity import FILE, server_id


def test_an_id_is_created_once(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    made = server_id(folder)
    assert made is not None
    assert len(made) == 32
    assert server_id(folder) == made
    assert server_id(tmp_path / "other") != made
    assert [path.name for path in folder.iterdir()] == [FILE]


@pytest.mark.parametrize("damaged", [b"", b"not an id\n", b"\xff\xfe", b"0" * 31])
def test_a_damaged_id_is_replaced(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / FILE).write_bytes(damaged)
    made = server_id(tmp_path)
    assert made is not None
    assert server_id(tmp_path) == made


def test_a_folder_that_cannot_be_written_only_costs_the_id(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        assert server_id(tmp_path / "file" / "data") is None
    assert "could not store the server id" in caplog.text
