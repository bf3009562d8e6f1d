"""Codes and latents equal those of Coqui's inference and inference_stream, however they are computed."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from tests.engines.xtts.support.decoding import GREEDY, Decoder, finish, reference_stream
from tests.engines.xtts.support.speaking import SPEAKER, TEXT
from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts, fixed_length
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling, pick
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.model.torch_gpt import load_gpt
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence, decode_one_token
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint


@pytest.fixture(scope="module")
def decoder(checkpoint: Checkpoint, tokenizer: TextTokenizer) -> Decoder:
    gpt = load_gpt(checkpoint.weights(), checkpoint.architecture, tokenizer.size)
    return Decoder(gpt.prepare(torch.device("cpu")), checkpoint, tokenizer)


@pytest.mark.parametrize("text", [TEXT, "Yes.", "It is 21 degrees in the living room; shall I open the window?"])
def test_greedy_codes_and_latents_equal_inference(text: str, decoder: Decoder, reference: ReferenceXtts) -> None:
    codes, latents = decoder.run(text)
    spoken = reference.infer(text, "en", reference.speaker(SPEAKER), GREEDY, max_new_tokens=60)
    assert codes.tolist() == spoken.codes.tolist()
    assert (latents - spoken.latents).abs().max() <= 1e-4


def test_greedy_codes_and_latents_equal_inference_stream(decoder: Decoder, reference: ReferenceXtts) -> None:
    codes, latents = decoder.run(TEXT)
    theirs, their_latents = reference_stream(reference, TEXT)
    assert codes.tolist() == theirs.tolist()
    assert (latents - their_latents).abs().max() <= 1e-4


def test_a_sequence_keeps_the_latent_of_its_stop_code(decoder: Decoder, reference: ReferenceXtts) -> None:
    stop = decoder.gpt.arch.gpt_stop_audio_token
    biases = (decoder.gpt.code_head.bias, reference.model.gpt.mel_head.bias)
    saved = [bias[stop].item() for bias in biases]
    try:
        codes = torch.zeros(0)
        for tenths in range(40, -20, -1):  # how likely a stop must be for one to come, but not at once
            for bias in biases:
                bias.data[stop] = tenths / 10
            codes, latents = decoder.run(TEXT)
            if len(codes) > 8:
                break
        spoken = reference.infer(TEXT, "en", reference.speaker(SPEAKER), GREEDY, max_new_tokens=60)
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
def test_seeded_samples_equal_inference(sampling: Sampling, decoder: Decoder, reference: ReferenceXtts) -> None:
    codes, _ = decoder.run(TEXT, sampling, seed=11)
    torch.manual_seed(11)
    spoken = reference.infer(TEXT, "en", reference.speaker(SPEAKER), sampling, max_new_tokens=60)
    assert codes.tolist() == spoken.codes.tolist()


def test_a_seed_makes_codes_reproducible(decoder: Decoder) -> None:
    first, again, other = (decoder.run(TEXT, Sampling(), seed=seed)[0].tolist() for seed in (3, 3, 4))
    assert first == again != other


def test_fixed_length_ignores_the_stop_code(decoder: Decoder, reference: ReferenceXtts) -> None:
    sampling = Sampling(top_k=3)
    codes, _ = decoder.run(TEXT, sampling, seed=2, max_tokens=40, fixed_length=True)
    torch.manual_seed(2)
    spoken = reference.infer(TEXT, "en", reference.speaker(SPEAKER), sampling, **fixed_length(40))
    assert len(codes) == 40
    assert codes.tolist() == spoken.codes.tolist()


def test_sampling_equals_transformers() -> None:
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


def test_the_repetition_penalty_starts_with_the_codes_of_coqui(decoder: Decoder, reference: ReferenceXtts) -> None:
    text = torch.tensor([reference.model.tokenizer.encode(TEXT, "en")])
    prompt = reference.model.gpt.compute_embeddings(reference.speaker(SPEAKER)[0], text)
    generator = torch.Generator()
    cache = KVCache(decoder.gpt.arch, 1, 200, decoder.gpt.device)
    sequence = Sequence(decoder.gpt, cache, 0, GREEDY, generator, max_tokens=5)
    assert sequence.seen.nonzero()[:, 0].tolist() == prompt.unique().tolist()


def test_rows_of_one_step_give_the_same_codes_as_alone(decoder: Decoder) -> None:
    texts = [TEXT, "No.", "Good morning, it will be sunny today."]
    alone = [
        decoder.run(text, Sampling(), seed=row, max_tokens=20, fixed_length=True)[0].tolist()
        for row, text in enumerate(texts)
    ]
    cache = KVCache(decoder.gpt.arch, 3, 200, decoder.gpt.device)
    together = [
        decoder.begin(text, Sampling(), seed=row, max_tokens=20, fixed_length=True, cache=cache, row=row)
        for row, text in enumerate(texts)
    ]
    for item in together:
        item.prefill()
    while not together[0].full:
        decode_one_token(decoder.gpt, together)
    assert [item.codes.tolist() for item in together] == alone


@pytest.mark.parametrize("pieces", [(32, 100), (1, 7, 100), (1,) * 200])
def test_prefill_in_pieces_gives_the_same_codes(pieces: tuple[int, ...], decoder: Decoder) -> None:
    expected, latents = decoder.run(TEXT, Sampling(), seed=4, max_tokens=20)
    sequence = decoder.begin(TEXT, Sampling(), seed=4, max_tokens=20)
    assert sequence.prompt_left > 32
    for size in pieces:
        if sequence.prompt_left:
            assert not sequence.count
            sequence.prefill(size)
    codes, again = finish(sequence)
    assert codes.tolist() == expected.tolist()
    assert (again - latents).abs().max() <= 1e-4


def test_cache_is_written_in_place(decoder: Decoder) -> None:
    cache = KVCache(decoder.gpt.arch, 1, 200, decoder.gpt.device)
    address = cache.data.data_ptr()
    first, _ = finish(decoder.begin(TEXT, cache=cache, max_tokens=20))
    again, _ = finish(decoder.begin(TEXT, cache=cache, max_tokens=20))
    assert cache.data.data_ptr() == address
    assert first.tolist() == again.tolist(), "what an earlier sequence left must not matter"


def test_a_voice_s_prefix_equals_that_of_a_whole_prefill(decoder: Decoder, checkpoint: Checkpoint) -> None:
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
