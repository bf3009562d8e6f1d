"""Run a whole text through the Markdown reader."""

from __future__ import annotations

from wyoming_k2so.text.markdown import MarkdownReader


def clean(text: str) -> str:
    """The speakable part of a text, with a newline where the layout ends a sentence."""
    reader = MarkdownReader()
    return "".join(map(str, [*reader.feed(text), *reader.flush()])).strip()
