"""Writes checkpoints in the official format with random weights: they speak noise at the real cost.

The real weights need a person's consent to their licence. Tests and benchmarks use these, through the real loader.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor, nn

from .reference import load_config

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "zh-cn", "hu", "ko", "ja", "hi")
SPEAKERS = ("Claribel Dervla", "Damien Black")

_ALPHABETS = (
    string.printable.strip(),
    "".join(chr(code) for code in range(0x00A1, 0x0180)),  # Latin-1, Latin Extended-A
    "".join(chr(code) for code in range(0x0400, 0x0460)),  # Cyrillic
    "".join(chr(code) for code in range(0x0600, 0x0670)),  # Arabic
    "".join(chr(code) for code in range(0x0900, 0x0980)),  # Devanagari
    "–—‘’“”…€、。，！？：；「」",
)
_WORDS = (
    "the and ing tion ent that with for you are not have this was but all can what when there die der und ich das ist"
    " nicht ein sie que los una para con por les des est pas nous che non per sono il em um os nie jest na to się je"
    " že van het een és hogy az bir ve bu ni hao shi de ma zhong guo desu masu ga wo kono ssida neun eul gwa"
)


@dataclass(frozen=True)
class Size:
    """Dimensions of the network."""

    layers: int
    channels: int
    heads: int
    text_tokens: int
    audio_tokens: int = 1026


TINY = Size(layers=2, channels=64, heads=2, text_tokens=1500)
FULL = Size(layers=30, channels=1024, heads=16, text_tokens=6681)
"""XTTS-v2: 466.9 M parameters."""


def write_checkpoint(folder: Path, size: Size = TINY, seed: int = 0) -> Path:
    """Write config.json, vocab.json, model.pth and speakers_xtts.pth; return the folder."""
    from TTS.tts.models.xtts import Xtts  # noqa: PLC0415  takes seconds

    folder.mkdir(parents=True, exist_ok=True)
    _vocabulary(size.text_tokens).save(str(folder / "vocab.json"), pretty=False)
    config = _config(size)
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    coqui = load_config(folder)
    coqui.model_args.gpt_number_text_tokens = size.text_tokens
    torch.manual_seed(seed)
    with _no_initialization():
        model = Xtts(coqui)
    _randomize(model)
    torch.save({"model": model.state_dict(), "config": config}, folder / "model.pth")
    torch.save({name: _speaker(size, index) for index, name in enumerate(SPEAKERS)}, folder / "speakers_xtts.pth")
    return folder


def _config(size: Size) -> dict[str, Any]:
    return {
        "model": "xtts",
        "languages": list(LANGUAGES),
        "model_args": {
            "gpt_layers": size.layers,
            "gpt_n_model_channels": size.channels,
            "gpt_n_heads": size.heads,
            "gpt_number_text_tokens": size.text_tokens,
            "gpt_start_text_token": 261,
            "gpt_stop_text_token": 0,
            "gpt_num_audio_tokens": size.audio_tokens,
            "gpt_start_audio_token": size.audio_tokens - 2,
            "gpt_stop_audio_token": size.audio_tokens - 1,
            "gpt_max_audio_tokens": 605,
            "gpt_max_text_tokens": 402,
            "gpt_max_prompt_tokens": 70,
            "gpt_use_masking_gt_prompt_approach": True,
            "gpt_use_perceiver_resampler": True,
            "gpt_code_stride_len": 1024,
            "decoder_input_dim": size.channels,
        },
        "audio": {"sample_rate": 22050, "output_sample_rate": 24000},
        "temperature": 0.75,
        "repetition_penalty": 5.0,
        "top_k": 50,
        "top_p": 0.85,
        "gpt_cond_len": 30,
        "gpt_cond_chunk_len": 4,
        "max_ref_len": 30,
    }


def _vocabulary(size: int) -> Tokenizer:
    """A BPE vocabulary with XTTS's special tokens at their ids: [STOP] 0, [UNK] 1, [SPACE] 2, [START] 261."""
    special = {"[STOP]": 0, "[UNK]": 1, "[SPACE]": 2, "[START]": 261}
    tags = [f"[{language}]" for language in LANGUAGES]
    characters = sorted(set("".join(_ALPHABETS)))
    merges: list[tuple[str, str]] = []
    known = set(characters)
    for word in _WORDS.split():
        piece = word[0]
        for letter in word[1:]:
            if piece + letter not in known and letter in known:
                merges.append((piece, letter))
                known.add(piece + letter)
            piece += letter
    taken = set(special.values())
    names = [*tags, *characters, *(a + b for a, b in merges)]
    names += [f"[unused{index}]" for index in range(size - len(names) - len(special))]
    free = (index for index in range(size) if index not in taken)
    vocab = {**special, **{name: next(free) for name in names}}
    tokenizer = Tokenizer(BPE(vocab, merges, unk_token="[UNK]"))  # noqa: S106  no password
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in (*special, *tags)])
    return tokenizer


@contextmanager
def _no_initialization() -> Iterator[None]:
    """Skip torch's initialization of new layers, which takes most of the time of building a large model."""
    saved = {name: getattr(nn.init, name) for name in ("kaiming_uniform_", "kaiming_normal_", "normal_")}
    for name in saved:
        setattr(nn.init, name, lambda tensor, *_, **__: tensor)
    try:
        yield
    finally:
        for name, function in saved.items():
            setattr(nn.init, name, function)


@torch.no_grad()
def _randomize(model: nn.Module) -> None:
    """Fill in weights with which signals neither vanish nor explode, so that differences show in the output."""
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point() or "torch_spec" in name:
            continue
        if name.endswith(("running_var", "mel_stats", "original0")) or _is_gain(name):
            tensor.uniform_(0.8, 1.2)
        elif name.endswith(("bias", "running_mean", "emb.weight", "beta")):
            tensor.normal_(std=0.02)
        elif "embedding" in name or tensor.dim() < 2:
            tensor.normal_(std=0.1)
        else:
            fan_in = tensor[0].numel() if "c_" not in name else tensor.shape[0]
            tensor.normal_(std=fan_in**-0.5)
    _scale_vocoder(model)


def _is_gain(name: str) -> bool:
    owner = name.rsplit(".", 2)[-2]
    return name.endswith("gamma") or (
        name.endswith("weight")
        and (owner.startswith(("ln_", "norm", "bn", "final_norm")) or name.endswith("norm.weight"))
    )


@torch.no_grad()
def _scale_vocoder(model: Any) -> None:
    """Scale the vocoder's residual branches to a tenth of the trunk, and the sound to a third of full scale."""
    vocoder = model.hifigan_decoder.waveform_decoder
    for block in vocoder.resblocks:
        for layer in block.convs2:
            layer.parametrizations.weight.original0.mul_(0.3)
    vocoder.conv_post.weight.mul_(6)


def _speaker(size: Size, index: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(index)
    embedding = torch.randn(1, 512, 1, generator=generator)
    return {
        "gpt_cond_latent": torch.randn(1, 32, size.channels, generator=generator),
        "speaker_embedding": embedding / embedding.norm(),
    }
