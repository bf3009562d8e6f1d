"""Characters that one stage leaves in the text for the next.

They are private-use characters. `Normalizer` removes those from its input, so a mark never comes from the user's text.
"""

from __future__ import annotations

GAP = "\ue000"
"""Something unspeakable was removed here: keep the words on both sides apart."""

COMMA = "\ue001"
"""A pause as long as a comma's if there are words on both sides."""

GROUP = "\ue002"
"""A narrow or no-break space between two digits, which separates thousands in any language."""
