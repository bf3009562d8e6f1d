"""The errors that a user can fix."""

from __future__ import annotations


class UserError(Exception):
    """Something that the user can fix; the message names it, the reason and the remedy."""
