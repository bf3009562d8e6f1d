"""Texts that tests of several files speak."""

from __future__ import annotations

TWO_SENTENCES = "The first sentence is here. The second one follows it."
