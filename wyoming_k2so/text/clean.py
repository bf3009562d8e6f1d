"""Cleaning of a whole text, for callers that do not stream."""

from __future__ import annotations

from .markdown import MarkdownReader


def clean(text: str) -> str:
    """Return what is speakable of a text that may hold markdown, HTML, emoji and stray symbols.

    A newline stands where a sentence ends that the text's layout ended.
    """
    reader = MarkdownReader()
    return "".join(map(str, [*reader.feed(text), *reader.flush()])).strip()
