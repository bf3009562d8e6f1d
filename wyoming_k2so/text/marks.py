"""Characters that one stage leaves in the text for the next.

They are private-use characters, which `Normalizer` removes from what comes in, so a mark is never a speaker's text.
"""

from __future__ import annotations

GAP = "\ue000"
"""Something unspeakable stood here: keep the words on its two sides apart."""

COMMA = "\ue001"
"""A pause as long as a comma's, if words stand on both sides."""

GROUP = "\ue002"
"""A narrow or no-break space between two digits, which separates thousands in any language."""
