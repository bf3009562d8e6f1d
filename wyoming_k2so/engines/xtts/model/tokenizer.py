"""Text to tokens exactly as Coqui does it: its cleaners are imported, its vocabulary is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer

from wyoming_k2so.engine import EngineError

_PACKAGES = {"zh": "pypinyin", "ja": "cutlet fugashi unidic-lite"}
"""Packages that Coqui's cleaners need for a language."""

_HINDI_DIGITS = {
    ord(str(digit)): f" {word} "
    for digit, word in enumerate(("शून्य", "एक", "दो", "तीन", "चार", "पाँच", "छह", "सात", "आठ", "नौ"))
}
"""num2words does not know Hindi, so Coqui fails on its numbers; they are read digit by digit."""


class _QuietTokenizer(VoiceBpeTokenizer):  # type: ignore[misc]
    """Coqui's tokenizer without its length warning, which would log the user's words."""

    def check_input_length(self, txt: str, lang: str) -> None:
        """Do nothing: text arrives split."""


class TextTokenizer:
    """Encodes cleaned text with a start and a stop token around it. Safe to use from any thread."""

    def __init__(self, vocab: Path) -> None:
        """Read vocab.json. Raises EngineError if it is not XTTS's."""
        try:
            self._coqui: Any = _QuietTokenizer(vocab)
        except Exception as error:  # tokenizers raises bare Exception
            raise EngineError(f"{vocab} is not a tokenizer vocabulary; download it again") from error
        self.size: int = self._coqui.get_number_tokens()
        self._start, self._stop = self._special("[START]", vocab), self._special("[STOP]", vocab)

    def _special(self, token: str, vocab: Path) -> int:
        index: int | None = self._coqui.tokenizer.token_to_id(token)
        if index is None:
            raise EngineError(f"{vocab} has no token {token}; use the vocabulary that came with the checkpoint")
        return index

    def max_chars(self, language: str) -> int:
        """The longest text that XTTS reads well, from Coqui's table."""
        return int(self._coqui.char_limits.get(_base(language), 250))

    def encode(self, text: str, language: str) -> list[int]:
        """Text tokens between Coqui's start and stop. `language` is a tag, whose region does not matter.

        Raises:
            EngineError: XTTS does not speak the language, its package is missing, or a number cannot be spelled out.
        """
        base = _base(language)
        if base == "hi":
            text = text.translate(_HINDI_DIGITS)
        try:
            tokens = self._coqui.encode(text.strip().lower(), base)
        except ImportError as error:
            needs = _PACKAGES.get(base, "coqui-tts[languages]")
            raise EngineError(f"language '{base}' needs more packages; run: pip install {needs}") from error
        except (NotImplementedError, ArithmeticError, LookupError, ValueError) as error:
            raise EngineError(f"XTTS cannot read this text in '{base}'; use another voice or other words") from error
        return [self._start, *tokens, self._stop]


def _base(language: str) -> str:
    """`pt-BR` -> `pt`."""
    return language.replace("_", "-").split("-")[0].lower()
