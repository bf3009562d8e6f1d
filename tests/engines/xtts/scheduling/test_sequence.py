"""Codes and latents against Coqui's inference and inference_stream, and the promises of the decoder itself."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from tests.engines.xtts.conftest import SPEAKER, TEXT
from tests.engines.xtts.reference_stream import stream_codes
from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts, fixed_length
from wyoming_k2so.engines.xtts.model.gpt import KVCache, TorchGpt, load_gpt
from wyoming_k2so.engines.xtts.model.sampling import Sampling, pick
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence, decode_one_token
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint

GREEDY = Sampling(greedy=True)
# inference_stream draws even when it is asked not to; with one code to draw from it is greedy all the same.
STOCK_GREEDY_STREAM = Sampling(top_k=1)


class Decoder:
    """Runs one utterance, as the engine does."""

    def __init__(self, gpt: TorchGpt, checkpoint: Checkpoint, tokenizer: TextTokenizer) -> None:
        self.gpt, self.tokenizer = gpt, tokenizer
        self.prefix = gpt.prefix(checkpoint.speakers()[SPEAKER][0])

    def begin(
        self,
        text: str,
        sampling: Sampling = GREEDY,
        *,
        seed: int = 0,
        limit: int = 60,
        exact: bool = False,
        cache: KVCache | None = None,
        row: int = 0,
    ) -> Sequence:
        cache = cache or KVCache(self.gpt.arch, 1, 700, self.gpt.device)
        generator = torch.Generator().manual_seed(seed)
        decoding = Sequence(self.gpt, cache, row, sampling, generator, limit=limit, exact=exact)
        decoding.prefill(self.prefix, torch.tensor(self.tokenizer.encode(text, "en")))
        return decoding

    def run(self, text: str, sampling: Sampling = GREEDY, **options: Any) -> tuple[Tensor, Tensor]:
        return finish(self.begin(text, sampling, **options))


def finish(decoding: Sequence) -> tuple[Tensor, Tensor]:
    while not decoding.full and decoding.stopped_at(0) is None:
        decode_one_token(decoding.gpt, [decoding])
    return decoding.codes[: decoding.count], decoding.latents[: decoding.count]


@pytest.fixture(scope="module")
def decoder(checkpoint: Checkpoint, tokenizer: TextTokenizer) -> Decoder:
    gpt = load_gpt(checkpoint.weights(), checkpoint.architecture, tokenizer.size)
    return Decoder(gpt.prepare(torch.device("cpu")), checkpoint, tokenizer)


@pytest.mark.parametrize("text", [TEXT, "Yes.", "It is 21 degrees in the living room; shall I open the window?"])
def test_greedy_codes_and_latents_equal_inference(text: str, decoder: Decoder, stock: ReferenceXtts) -> None:
    codes, latents = decoder.run(text)
    spoken = stock.infer(text, "en", stock.speaker(SPEAKER), GREEDY, max_new_tokens=60)
    assert codes.tolist() == spoken.codes.tolist()
    assert (latents - spoken.latents).abs().max() <= 1e-4


def test_greedy_codes_and_latents_equal_inference_stream(decoder: Decoder, stock: ReferenceXtts) -> None:
    codes, latents = decoder.run(TEXT)
    theirs, their_latents = stream_codes(
        stock, TEXT, "en", stock.speaker(SPEAKER), STOCK_GREEDY_STREAM, max_new_tokens=60
    )
    assert codes.tolist() == theirs.tolist()
    assert (latents - their_latents).abs().max() <= 1e-4


def test_utterance_that_ends_by_itself_keeps_the_latent_of_its_stop(decoder: Decoder, stock: ReferenceXtts) -> None:
    stop = decoder.gpt.arch.gpt_stop_audio_token
    biases = (decoder.gpt.code_head.bias, stock.model.gpt.mel_head.bias)
    saved = [bias[stop].item() for bias in biases]
    try:
        codes = torch.zeros(0)
        for tenths in range(40, -20, -1):  # how likely a stop must be for one to come, but not at once
            for bias in biases:
                bias.data[stop] = tenths / 10
            codes, latents = decoder.run(TEXT)
            if len(codes) > 8:
                break
        spoken = stock.infer(TEXT, "en", stock.speaker(SPEAKER), GREEDY, max_new_tokens=60)
    finally:
        for bias, value in zip(biases, saved, strict=True):
            bias.data[stop] = value
    assert 8 < len(codes) < 60
    assert codes[-1] == stop
    assert codes.tolist() == spoken.codes.tolist()
    assert latents.shape == spoken.latents.shape
    assert (latents - spoken.latents).abs().max() <= 1e-4


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=1.0, top_k=0, top_p=1.0, repetition_penalty=1.0),
        Sampling(temperature=0.4, top_k=7, top_p=0.5, repetition_penalty=2.0),
    ],
)
def test_seeded_draws_equal_inference(sampling: Sampling, decoder: Decoder, stock: ReferenceXtts) -> None:
    codes, _ = decoder.run(TEXT, sampling, seed=11)
    torch.manual_seed(11)
    spoken = stock.infer(TEXT, "en", stock.speaker(SPEAKER), sampling, max_new_tokens=60)
    assert codes.tolist() == spoken.codes.tolist()


def test_seeded_runs_repeat_and_seeds_differ(decoder: Decoder) -> None:
    first, again, other = (decoder.run(TEXT, Sampling(), seed=seed)[0].tolist() for seed in (3, 3, 4))
    assert first == again != other


def test_fixed_length_ignores_the_stop(decoder: Decoder, stock: ReferenceXtts) -> None:
    sampling = Sampling(top_k=3)
    codes, _ = decoder.run(TEXT, sampling, seed=2, limit=40, exact=True)
    torch.manual_seed(2)
    spoken = stock.infer(TEXT, "en", stock.speaker(SPEAKER), sampling, **fixed_length(40))
    assert len(codes) == 40
    assert codes.tolist() == spoken.codes.tolist()


def test_sampling_is_the_maths_of_transformers() -> None:
    torch.manual_seed(0)
    for _ in range(50):
        logits, seen = 4 * torch.randn(1026), torch.rand(1026) < 0.05
        seen[:2] = True
        processors = LogitsProcessorList(
            [
                RepetitionPenaltyLogitsProcessor(5.0),
                TemperatureLogitsWarper(0.7),
                TopKLogitsWarper(50),
                TopPLogitsWarper(0.85),
            ]
        )
        scores = processors(cast("torch.LongTensor", seen.nonzero()[:, 0][None]), logits[None].clone())[0]
        drawn = pick(logits, seen, Sampling(0.7, 50, 0.85, 5.0), torch.Generator().manual_seed(1))
        expected = torch.multinomial(scores.softmax(0), 1, generator=torch.Generator().manual_seed(1))[0]
        assert drawn == expected


def test_codes_that_count_as_spoken_are_those_of_coqui(decoder: Decoder, stock: ReferenceXtts) -> None:
    text = torch.tensor([stock.model.tokenizer.encode(TEXT, "en")])
    prompt = stock.model.gpt.compute_embeddings(stock.speaker(SPEAKER)[0], text)
    generator = torch.Generator()
    cache = KVCache(decoder.gpt.arch, 1, 200, decoder.gpt.device)
    decoding = Sequence(decoder.gpt, cache, 0, GREEDY, generator, limit=5)
    assert decoding.seen.nonzero()[:, 0].tolist() == prompt.unique().tolist()


def test_rows_of_one_step_give_what_they_give_alone(decoder: Decoder) -> None:
    texts = [TEXT, "No.", "Good morning, it will be sunny today."]
    alone = [
        decoder.run(text, Sampling(), seed=row, limit=20, exact=True)[0].tolist() for row, text in enumerate(texts)
    ]
    cache = KVCache(decoder.gpt.arch, 3, 200, decoder.gpt.device)
    together = [
        decoder.begin(text, Sampling(), seed=row, limit=20, exact=True, cache=cache, row=row)
        for row, text in enumerate(texts)
    ]
    while not together[0].full:
        decode_one_token(decoder.gpt, together)
    assert [item.codes.tolist() for item in together] == alone


@pytest.mark.parametrize("pieces", [(32, 100), (1, 7, 100), (1,) * 200])
def test_text_read_in_pieces_gives_the_same_codes(pieces: tuple[int, ...], decoder: Decoder) -> None:
    expected, latents = decoder.run(TEXT, Sampling(), seed=4, limit=20)
    decoding = Sequence(
        decoder.gpt, KVCache(decoder.gpt.arch, 1, 200, decoder.gpt.device), 0, Sampling(), torch.Generator(), limit=20
    )
    decoding.generator.manual_seed(4)
    decoding.begin(decoder.prefix, torch.tensor(decoder.tokenizer.encode(TEXT, "en")))
    assert decoding.unread > 32
    for size in pieces:
        if decoding.unread:
            assert not decoding.count
            decoding.read(size)
    codes, again = finish(decoding)
    assert codes.tolist() == expected.tolist()
    assert (again - latents).abs().max() <= 1e-4


def test_cache_is_written_in_place(decoder: Decoder) -> None:
    cache = KVCache(decoder.gpt.arch, 1, 200, decoder.gpt.device)
    address = cache.data.data_ptr()
    first, _ = finish(decoder.begin(TEXT, cache=cache, limit=20))
    again, _ = finish(decoder.begin(TEXT, cache=cache, limit=20))
    assert cache.data.data_ptr() == address
    assert first.tolist() == again.tolist(), "what a former utterance left must not matter"


def test_prefix_is_that_of_a_whole_prefill(decoder: Decoder, checkpoint: Checkpoint) -> None:
    gpt, latents = decoder.gpt, checkpoint.speakers()[SPEAKER][0]
    text = gpt.embed_text(torch.tensor(decoder.tokenizer.encode(TEXT, "en")))
    whole = KVCache(gpt.arch, 1, 200, gpt.device)
    with torch.inference_mode():
        expected = gpt.prefill(torch.cat([latents, text]), whole, 0, 0)
        parts = KVCache(gpt.arch, 1, 200, gpt.device)
        parts.write_prefix(0, decoder.prefix)
        got = gpt.prefill(text, parts, 0, decoder.prefix.shape[3])
    assert (got - expected).abs().max() <= 1e-5
    assert (whole.data - parts.data).abs().max() <= 1e-5
