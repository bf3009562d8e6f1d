"""The ONNX Runtime backend: equal to torch's arithmetic on the same weights, alone or among other rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.engines.xtts.support.passages import passage
from wyoming_k2so.engines.xtts.kernels.finite import NotFinite
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.model.ort_gpt import OrtGpt
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.model.torch_gpt import TorchGpt
from wyoming_k2so.engines.xtts.weights import convert
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint
from wyoming_k2so.engines.xtts.weights.weight_cache import WeightCache


@pytest.fixture(scope="module")
def state(checkpoint: Checkpoint, tokenizer: TextTokenizer) -> dict[str, Tensor]:
    arch = checkpoint.architecture
    return convert.convert(checkpoint.weights(), arch, tokenizer.size, "int8", probe=passage(checkpoint))


@pytest.fixture(scope="module")
def ort_gpt(state: dict[str, Tensor], checkpoint: Checkpoint, tokenizer: TextTokenizer) -> OrtGpt:
    gpt = convert.build(list(state), state.__getitem__, checkpoint.architecture, tokenizer.size)
    assert isinstance(gpt, OrtGpt)
    return gpt


@pytest.fixture(scope="module")
def rounded(state: dict[str, Tensor], checkpoint: Checkpoint, tokenizer: TextTokenizer) -> TorchGpt:
    """Torch's arithmetic on the rounded weights; only the inputs are not rounded."""
    plain = dict(state)
    for name, tensor in state.items():
        if tensor.dtype == torch.uint8:
            scale = plain.pop(name.replace("weight", "scale"))
            plain[name] = ((tensor.float() - 128) * scale[..., None]).flatten(1)
    gpt = convert.build(list(plain), plain.__getitem__, checkpoint.architecture, tokenizer.size)
    assert isinstance(gpt, TorchGpt)
    return gpt


@torch.inference_mode()
def run(gpt: OrtGpt | TorchGpt, x: Tensor, cuts: tuple[int, ...], row: int = 0) -> Tensor:
    """Latents of x (T, C), computed in pieces."""
    cache, start, found = KVCache(gpt.arch, row + 1, 80, gpt.device), 0, []
    for piece in torch.tensor_split(x, cuts):
        found.append(gpt.prefill(piece, cache, row, start, last=len(piece)))
        start += len(piece)
    return torch.cat(found)


def test_graph_equals_torch(ort_gpt: OrtGpt, rounded: TorchGpt, checkpoint: Checkpoint) -> None:
    x = passage(checkpoint).embed(ort_gpt)
    found, expected = run(ort_gpt, x, ()), run(rounded, x, ())
    assert float((found - expected).norm() / expected.norm()) < 0.02
    assert float(torch.cosine_similarity(found, expected).min()) > 0.999


def test_pieces_of_any_size_equal_the_whole(ort_gpt: OrtGpt, checkpoint: Checkpoint) -> None:
    x = passage(checkpoint).embed(ort_gpt)
    whole = run(ort_gpt, x, ())
    for cuts in ((1, 2, 30), (40,), tuple(range(1, len(x)))):
        assert float(torch.cosine_similarity(run(ort_gpt, x, cuts), whole).min()) > 0.9999


def test_a_row_gets_the_same_bits_among_others_as_alone(ort_gpt: OrtGpt, checkpoint: Checkpoint) -> None:
    """Rows of different lengths, starting at the second."""
    x = passage(checkpoint).embed(ort_gpt)
    lengths = (31, 40, 52)
    cache = KVCache(ort_gpt.arch, 4, 80, ort_gpt.device)
    with torch.inference_mode():
        for row, length in enumerate(lengths, 1):
            ort_gpt.prefill(x[:length], cache, row, 0)
        together = ort_gpt.step(torch.stack([x[length] for length in lengths]), cache, [1, 2, 3], lengths)
    for length, latent in zip(lengths, together, strict=True):
        assert torch.equal(latent, run(ort_gpt, x[: length + 1], (length,))[-1])


def test_a_step_leaves_the_rows_in_between_unchanged(ort_gpt: OrtGpt, checkpoint: Checkpoint) -> None:
    x = passage(checkpoint).embed(ort_gpt)
    cache = KVCache(ort_gpt.arch, 3, 80, ort_gpt.device)
    with torch.inference_mode():
        for row in range(3):
            ort_gpt.prefill(x[:30], cache, row, 0)
            cache.ends[row] = 30
        latents = ort_gpt.step(x[[30, 30]], cache, [0, 2], [30, 30])
        after = ort_gpt.step(x[[30]], cache, [1], [30])
    assert torch.equal(latents, after.expand(2, -1))


def test_mapped_weights_equal_those_in_memory(
    ort_gpt: OrtGpt, state: dict[str, Tensor], checkpoint: Checkpoint, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    cached = WeightCache(tmp_path, "print").save("int8", state)
    assert cached is not None
    arch = checkpoint.architecture
    mapped = convert.build(cached.names, cached.take, arch, tokenizer.size, cached.view)
    assert isinstance(mapped, OrtGpt)
    x = passage(checkpoint).embed(ort_gpt)
    assert torch.equal(run(mapped, x, ()), run(ort_gpt, x, ()))


def test_nan_is_noticed(ort_gpt: OrtGpt, checkpoint: Checkpoint) -> None:
    x = passage(checkpoint).embed(ort_gpt).clone()
    x[3, 5] = torch.nan
    with pytest.raises(NotFinite):
        run(ort_gpt, x, ())


def test_tensors_of_another_network_are_rejected(
    state: dict[str, Tensor], checkpoint: Checkpoint, tokenizer: TextTokenizer
) -> None:
    arch = checkpoint.architecture
    wrong = {**state, "blocks.1.up.bias": torch.zeros(3)}
    with pytest.raises(ValueError, match=r"blocks\.1\.up\.bias"):
        convert.build(list(wrong), wrong.__getitem__, arch, tokenizer.size)
    del wrong["blocks.1.up.bias"]
    with pytest.raises(KeyError):
        convert.build(list(wrong), wrong.__getitem__, arch, tokenizer.size)
