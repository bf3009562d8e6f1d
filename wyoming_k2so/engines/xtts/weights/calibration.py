"""Calibration for int8-calibrated: sentences, and the passages that the model speaks from them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.model.gpt import Gpt
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence, decode_one_token

from .convert import Passage

_BUNDLED = Path(__file__).with_name("calibration.txt")
_LANGUAGE = re.compile(r"([a-z]{2}(?:-[a-z]{2})?):\s+(.*)")
_CODES = 20
"""Codes to speak of each sentence: about a second."""

_ROWS = 8
"""Sentences to speak at once."""

_MAX_SENTENCES = 400
_MAX_CHARS = 200
"""Of each sentence; the rest is ignored."""


class CalibrationTexts:
    """Sentences and their languages, from a file with one sentence per line, such as `de: Guten Tag.`"""

    def __init__(self, path: Path | None) -> None:
        """Read the file, or the bundled one. Raises EngineError if it cannot be used."""
        path = path.expanduser() if path else _BUNDLED
        try:
            content = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise EngineError(f"cannot read {path}; --calibrate takes a UTF-8 file, one sentence per line") from error
        lines = [line.strip() for line in content.splitlines()]
        self.sentences: list[tuple[str, str]] = []
        for line in [line for line in lines if line and not line.startswith("#")][:_MAX_SENTENCES]:
            match = _LANGUAGE.fullmatch(line)
            language, text = match.groups() if match else ("en", line)
            self.sentences.append((language, text[:_MAX_CHARS]))
        if not self.sentences:
            raise EngineError(f"{path} has no sentence; --calibrate takes a UTF-8 file, one sentence per line")
        self.digest = hashlib.sha256(repr(self.sentences).encode()).hexdigest()[:8]
        """Identifies these sentences."""


@torch.inference_mode()
def speak_passages(
    gpt: Gpt,
    tokenizer: TextTokenizer,
    texts: CalibrationTexts,
    prompts: list[Tensor],
    sampling: Sampling,
    progress: Callable[[float], None] | None = None,
) -> list[Passage]:
    """Let the GPT speak the beginning of each sentence, always the same way. `prompts`: voices (P, C), used in turn."""
    arch = gpt.arch
    start = torch.tensor([arch.gpt_start_audio_token])
    generator = torch.Generator().manual_seed(0)
    prefixes = [gpt.prefix(prompt) for prompt in prompts]
    cache = KVCache(arch, _ROWS, prompts[0].shape[0] + arch.gpt_max_text_tokens + 2 + _CODES + 1, gpt.device)
    passages: list[Passage] = []
    sentences = _encoded(texts, tokenizer, arch.gpt_max_text_tokens)
    for first in range(0, len(sentences), _ROWS):
        together = []
        for row, tokens in enumerate(sentences[first : first + _ROWS]):
            sequence = Sequence(gpt, cache, row, sampling, generator, max_tokens=_CODES, fixed_length=True)
            sequence.start(prefixes[(first + row) % len(prompts)], tokens)
            sequence.prefill()
            together.append(sequence)
        while not together[0].full:
            decode_one_token(gpt, together)
        for row, sequence in enumerate(together):
            prompt = prompts[(first + row) % len(prompts)]
            passages.append(Passage(prompt, sentences[first + row], torch.cat([start, sequence.codes])))
        if progress:
            progress(len(passages) / len(sentences))
    return passages


def _encoded(texts: CalibrationTexts, tokenizer: TextTokenizer, longest: int) -> list[Tensor]:
    """The sentences' tokens, leaving out languages whose package is not installed."""
    found: list[Tensor] = []
    refused: EngineError | None = None
    for language, text in texts.sentences:
        try:
            found.append(torch.tensor(tokenizer.encode(text, language))[:longest])
        except EngineError as error:
            refused = error
    if refused is not None and not found:
        raise refused
    return found
