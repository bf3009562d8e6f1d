"""Characters that one stage leaves in the text for the next.

They are private-use characters, which `Normalizer` removes from what comes in, so a mark is never a speaker's text.
"""

from __future__ import annotations

GAP = "\ue000"
"""Something unspeakable stood here: keep the words on its two sides apart."""

COMMA = "\ue001"
"""A pause as long as a comma's, if words stand on both sides."""

STAR = "\ue002"
"""An asterisk that sentence_stream must not take for markup."""

DOT = "\ue003"
"""A full stop that ends no sentence."""
