"""The int8 GPT as a graph: beside torch's arithmetic on the same weights, and the promises of the graph itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.engines.xtts.kernels.test_quant import passage
from wyoming_k2so.engines.xtts.kernels import quant
from wyoming_k2so.engines.xtts.kernels.ort_gpt import GraphGpt
from wyoming_k2so.engines.xtts.model.gpt import KVCache, TorchGpt
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.weights import convert
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint
from wyoming_k2so.engines.xtts.weights.weight_cache import Store


@pytest.fixture(scope="module")
def state(checkpoint: Checkpoint, tokenizer: TextTokenizer) -> dict[str, Tensor]:
    arch = checkpoint.architecture
    return convert.convert(checkpoint.weights(), arch, tokenizer.size, "int8", probe=passage(checkpoint))


@pytest.fixture(scope="module")
def graph(state: dict[str, Tensor], checkpoint: Checkpoint, tokenizer: TextTokenizer) -> GraphGpt:
    gpt = convert.build(list(state), state.__getitem__, checkpoint.architecture, tokenizer.size)
    assert isinstance(gpt, GraphGpt)
    return gpt


@pytest.fixture(scope="module")
def rounded(state: dict[str, Tensor], checkpoint: Checkpoint, tokenizer: TextTokenizer) -> TorchGpt:
    """Torch's arithmetic with the weights as they are stored: only the inputs are not rounded."""
    plain = dict(state)
    for name, tensor in state.items():
        if tensor.dtype == torch.uint8:
            scale = plain.pop(name.replace("weight", "scale"))
            plain[name] = ((tensor.float() - 128) * scale[..., None]).flatten(1)
    gpt = convert.build(list(plain), plain.__getitem__, checkpoint.architecture, tokenizer.size)
    assert isinstance(gpt, TorchGpt)
    return gpt


@torch.inference_mode()
def run(gpt: GraphGpt | TorchGpt, x: Tensor, cuts: tuple[int, ...], row: int = 0) -> Tensor:
    """Latents of x (T, C), read in pieces."""
    cache, start, found = KVCache(gpt.arch, row + 1, 80, gpt.device), 0, []
    for piece in torch.tensor_split(x, cuts):
        found.append(gpt.prefill(piece, cache, row, start, last=len(piece)))
        start += len(piece)
    return torch.cat(found)


def test_graph_computes_what_torch_computes(graph: GraphGpt, rounded: TorchGpt, checkpoint: Checkpoint) -> None:
    x = passage(checkpoint).embed(graph)
    found, expected = run(graph, x, ()), run(rounded, x, ())
    assert float((found - expected).norm() / expected.norm()) < 0.02
    assert float(torch.cosine_similarity(found, expected).min()) > 0.999


def test_pieces_of_any_size_give_what_the_whole_gives(graph: GraphGpt, checkpoint: Checkpoint) -> None:
    x = passage(checkpoint).embed(graph)
    whole = run(graph, x, ())
    for cuts in ((1, 2, 30), (40,), tuple(range(1, len(x)))):
        assert float(torch.cosine_similarity(run(graph, x, cuts), whole).min()) > 0.9999


def test_step_of_several_rows_gives_each_the_same_bits_as_alone(graph: GraphGpt, checkpoint: Checkpoint) -> None:
    """Rows of different lengths, and not from the first on."""
    x = passage(checkpoint).embed(graph)
    lengths = (31, 40, 52)
    cache = KVCache(graph.arch, 4, 80, graph.device)
    with torch.inference_mode():
        for row, length in enumerate(lengths, 1):
            graph.prefill(x[:length], cache, row, 0)
        together = graph.step(torch.stack([x[length] for length in lengths]), cache, [1, 2, 3], lengths)
    for length, latent in zip(lengths, together, strict=True):
        assert torch.equal(latent, run(graph, x[: length + 1], (length,))[-1])


def test_rows_in_between_are_left_as_they_were(graph: GraphGpt, checkpoint: Checkpoint) -> None:
    x = passage(checkpoint).embed(graph)
    cache = KVCache(graph.arch, 3, 80, graph.device)
    with torch.inference_mode():
        for row in range(3):
            graph.prefill(x[:30], cache, row, 0)
            cache.ends[row] = 30
        latents = graph.step(x[[30, 30]], cache, [0, 2], [30, 30])
        after = graph.step(x[[30]], cache, [1], [30])
    assert torch.equal(latents, after.expand(2, -1))


def test_weights_in_a_file_are_those_in_memory(
    graph: GraphGpt, state: dict[str, Tensor], checkpoint: Checkpoint, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    stored = Store(tmp_path, "print").save("int8", state)
    assert stored is not None
    arch = checkpoint.architecture
    mapped = convert.build(stored.names, stored.take, arch, tokenizer.size, stored.view)
    assert isinstance(mapped, GraphGpt)
    x = passage(checkpoint).embed(graph)
    assert torch.equal(run(mapped, x, ()), run(graph, x, ()))


def test_what_is_no_number_is_noticed(graph: GraphGpt, checkpoint: Checkpoint) -> None:
    x = passage(checkpoint).embed(graph).clone()
    x[3, 5] = torch.nan
    with pytest.raises(quant.NotANumber):
        run(graph, x, ())


def test_tensors_of_another_network_are_refused(
    state: dict[str, Tensor], checkpoint: Checkpoint, tokenizer: TextTokenizer
) -> None:
    arch = checkpoint.architecture
    wrong = {**state, "blocks.1.up.bias": torch.zeros(3)}
    with pytest.raises(ValueError, match=r"blocks\.1\.up\.bias"):
        convert.build(list(wrong), wrong.__getitem__, arch, tokenizer.size)
    del wrong["blocks.1.up.bias"]
    with pytest.raises(KeyError):
        convert.build(list(wrong), wrong.__getitem__, arch, tokenizer.size)
