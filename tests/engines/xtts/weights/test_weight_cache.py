"""Converted weights on disk: intact, or rejected."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from wyoming_k2so.engines.xtts.weights import weight_cache
from wyoming_k2so.engines.xtts.weights.weight_cache import Damaged, WeightCache

TENSORS = {
    "a.weight": torch.arange(-6, 6, dtype=torch.int8).reshape(3, 4),
    "a.scale": torch.rand(3),
    "b": torch.rand(5).to(torch.bfloat16),
    "one": torch.tensor(3),
}


def test_saved_weights_are_read_back(tmp_path: Path) -> None:
    cache = WeightCache(tmp_path / "new", "f00")
    assert cache.open("int8") is None
    assert cache.save("int8", TENSORS) is not None
    cached = cache.open("int8")
    assert cached is not None
    assert set(cached.names) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert torch.equal(cached.take(name), tensor)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [cache.path("int8").name]


def test_each_checkpoint_and_mode_has_its_own(tmp_path: Path) -> None:
    WeightCache(tmp_path, "f00").save("int8", TENSORS)
    assert WeightCache(tmp_path, "f00").open("bf16") is None
    assert WeightCache(tmp_path, "f01").open("int8") is None


@pytest.mark.parametrize("keep", [0, 7, 100, -3])
def test_a_truncated_file_is_rejected(tmp_path: Path, keep: int) -> None:
    cache = WeightCache(tmp_path, "f00")
    cache.save("int8", TENSORS)
    path = cache.path("int8")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Damaged):
        cache.open("int8")


def test_a_changed_weight_is_rejected(tmp_path: Path) -> None:
    cache = WeightCache(tmp_path, "f00")
    cache.save("int8", TENSORS)
    path = cache.path("int8")
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    cached = cache.open("int8")
    assert cached is not None
    with pytest.raises(Damaged, match="has changed"):
        list(map(cached.take, cached.names))


def test_a_file_of_another_format_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = WeightCache(tmp_path, "f00")
    cache.save("int8", TENSORS)
    old = cache.path("int8")
    monkeypatch.setattr(weight_cache, "FORMAT", 99)
    assert cache.open("int8") is None
    old.rename(cache.path("int8"))
    with pytest.raises(Damaged, match="format"):
        cache.open("int8")


def test_a_newer_format_replaces_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = WeightCache(tmp_path, "f00")
    cache.save("int8", TENSORS)
    cache.save("bf16", TENSORS)
    before = weight_cache.FORMAT
    monkeypatch.setattr(weight_cache, "FORMAT", 99)
    cache.save("int8", TENSORS)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"f00-bf16-v{before}.safetensors",
        "f00-int8-v99.safetensors",
    ]


def test_a_full_disk_is_reported_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_tensors: object, path: Path, _meta: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weight_cache, "save_file", fail)
    with caplog.at_level(logging.WARNING):
        assert WeightCache(tmp_path, "f00").save("int8", TENSORS) is None
    assert "No space left" in caplog.text
    assert not list(tmp_path.iterdir())
