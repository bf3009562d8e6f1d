"""Which full stops, question marks and exclamation marks end a sentence, by what stands before and behind them."""

from __future__ import annotations

import regex

from .abbreviations import abbreviations

_OPENING = "\"'([{«„“‚‘¡¿»"
_STOPPED = regex.compile(r"[.!?…؟।॥]++[\"')\]}’”»“]*+\Z")
_CLOSING = "\"')]}’”»“"
_BEGINS = regex.compile(r"[\p{Lu}\p{Lt}\p{Lo}\p{Nd}\p{Sc}]")
_NUMBER = regex.compile(r"(?:\d{1,4}+|[IVX]{1,5}+)\.")
_INITIAL = regex.compile(r"\p{L}\.")
_INITIALS = regex.compile(r"(?:\p{L}\.){2,}+")
_SHORT = regex.compile(r"\p{Lu}\p{L}{0,2}+\.")
_LIST_NUMBER = regex.compile(r"\d{1,3}+[.)]{1,2}+")


class Boundaries:
    """The sentence borders of one language: a capital or a number behind a full stop, if no abbreviation explains it."""

    def __init__(self, language: str) -> None:
        self._known = abbreviations(language)

    @staticmethod
    def possible(word: str) -> bool:
        """Whether a sentence may end with this word."""
        return _STOPPED.search(word) is not None

    def ends(self, sentence: str, following: str, *, complete: bool) -> bool | None:
        """Whether a sentence ends here, or None if more must be known of the word that follows.

        `complete`: all of the word that follows is there.
        """
        first = following.lstrip(_OPENING)[:1]
        if not first:
            return False if complete else None
        if not _BEGINS.match(first):
            return False
        words = sentence.split()
        last = words[-1].rstrip(_CLOSING).lstrip(_OPENING)
        if last[-1:] != ".":
            return True
        return self._full_stop(words, last, following, first, complete=complete)

    def _full_stop(self, words: list[str], last: str, following: str, first: str, *, complete: bool) -> bool | None:
        known = self._known
        before = words[-2].strip(_OPENING + ",;:").lower() if len(words) > 1 else ""
        last = last.replace("’", "'").rpartition("'")[2] or last
        if any(known.never_ends("".join([*words[-count:-1], last]), first) for count in (1, 2, 3)):
            return False
        if _NUMBER.fullmatch(last) and (last[0].isdecimal() or known.has_ordinals):
            return self._number(len(words) == 1, before, following, complete=complete)
        if any(known.may_end("".join([*words[-count:-1], last])) for count in (1, 2, 3)):
            return following.lower().rstrip(".,;:!?") not in known.continues if complete else None
        if _INITIALS.fullmatch(last):
            return False
        if _INITIAL.fullmatch(last):
            if known.begins(last):
                return False
            # "J. Smith", but "vitamin C. Then"
            return last[0].islower() or words[-2:-1] != [] and words[-2][0].islower()
        if known.known:
            return True
        if first.isdecimal():
            return _LIST_NUMBER.fullmatch(following) is not None if complete else None
        return not _SHORT.fullmatch(last)

    def _number(self, alone: bool, before: str, following: str, *, complete: bool) -> bool | None:
        known = self._known
        if alone or (known.has_ordinals and before in known.ordinals_after):
            return False
        if not known.has_ordinals:
            return True
        if not complete:
            return None
        return following.lower().rstrip(".,;:!?\"')") not in known.ordinals_before

    def is_abbreviation(self, word: str) -> bool:
        """Whether a word is an abbreviation that something follows, perhaps after a comma."""
        return self._known.never_ends(word.strip(_OPENING + _CLOSING + ",;:"), "")
