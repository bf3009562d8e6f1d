"""The texts of int8-calibrated and what the model says to them: from sentences to teacher-forced passages."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from collections.abc import Sequence as AnySequence
from pathlib import Path

import torch
from torch import Tensor

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.model.gpt import Gpt, KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence, decode_one_token

from .convert import Passage

_BUNDLED = Path(__file__).with_name("calibration.txt")
_LANGUAGE = re.compile(r"([a-z]{2}(?:-[a-z]{2})?):\s+(.*)")
_CODES = 20
"""About a second of speech of each sentence."""

_ROWS = 8
"""Sentences that are spoken at once."""

_MOST = 400
_LONGEST = 200
"""Characters of a sentence that are read."""


class CalibrationTexts:
    """Sentences with their languages, from a file with one sentence a line; `de: Guten Tag.` names the language."""

    def __init__(self, path: Path | None) -> None:
        """Raises EngineError when the file cannot be used."""
        path = path.expanduser() if path else _BUNDLED
        try:
            content = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise EngineError(f"{path} is no readable text; give a UTF-8 file with one sentence a line.") from error
        lines = [line.strip() for line in content.splitlines()]
        self.sentences: list[tuple[str, str]] = []
        for line in [line for line in lines if line and not line.startswith("#")][:_MOST]:
            match = _LANGUAGE.fullmatch(line)
            language, text = match.groups() if match else ("en", line)
            self.sentences.append((language, text[:_LONGEST]))
        if not self.sentences:
            raise EngineError(f"{path} holds no sentence; give a UTF-8 file with one sentence a line.")
        self.digest = hashlib.sha256(repr(self.sentences).encode()).hexdigest()[:8]
        """What tells one set of sentences from another."""


@torch.inference_mode()
def speak_passages(
    gpt: Gpt,
    tokenizer: TextTokenizer,
    texts: CalibrationTexts,
    prompts: AnySequence[Tensor],
    sampling: Sampling,
    progress: Callable[[float], None] | None = None,
) -> list[Passage]:
    """Let the GPT speak the beginning of each sentence, in the voices (P, C) in turn; always the same way."""
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
            decoding = Sequence(gpt, cache, row, sampling, generator, limit=_CODES, exact=True)
            decoding.prefill(prefixes[(first + row) % len(prompts)], tokens)
            together.append(decoding)
        while not together[0].full:
            decode_one_token(gpt, together)
        for row, decoding in enumerate(together):
            prompt = prompts[(first + row) % len(prompts)]
            passages.append(Passage(prompt, sentences[first + row], torch.cat([start, decoding.codes])))
        if progress:
            progress(len(passages) / len(sentences))
    return passages


def _encoded(texts: CalibrationTexts, tokenizer: TextTokenizer, longest: int) -> list[Tensor]:
    """The sentences' tokens, without those of languages whose package is not installed."""
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
