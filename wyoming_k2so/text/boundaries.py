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
    """The borders of one language: a capital or a number behind a full stop that no abbreviation explains."""

    def __init__(self, language: str) -> None:
        self._known = abbreviations(language)

    def possible(self, word: str) -> bool:
        """Whether a sentence may end with this word."""
        mark = self._known.question_mark
        return _STOPPED.search(word) is not None or (bool(mark) and word.rstrip(_CLOSING).endswith(mark))

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
        last = last.replace("’", "'").rpartition("'")[2]  # French and Italian articles
        phrases = ["".join([*words[-count:-1], last]) for count in (1, 2, 3)]
        if any(known.never_ends(phrase, first) for phrase in phrases):
            return False
        if _NUMBER.fullmatch(last) and (last[0].isdecimal() or known.has_ordinals):
            return self._number(before, following, alone=len(words) == 1, complete=complete)
        if any(map(known.may_end, phrases)):
            return following.lower().rstrip(".,;:!?") not in known.continues if complete else None
        if _INITIALS.fullmatch(last):
            return False
        if _INITIAL.fullmatch(last):
            return self._initial(last, before)
        return True if known.known else self._unknown(last, following, first, complete=complete)

    def _number(self, before: str, following: str, *, alone: bool, complete: bool) -> bool | None:
        known = self._known
        if alone or (known.has_ordinals and before in known.ordinals_after):
            return False
        if not known.has_ordinals:
            return True
        return following.lower().rstrip(".,;:!?\"')") not in known.ordinals_before if complete else None

    def _initial(self, last: str, before: str) -> bool:
        """An initial, as in "J. Smith"; but "vitamin C. Then" and "So am I. Then"."""
        known = self._known
        if before in known.before_letters:
            return True
        return not known.begins(last) and (not last[0].isupper() or last.lower() in known.letter_words)

    @staticmethod
    def _unknown(last: str, following: str, first: str, *, complete: bool) -> bool | None:
        """In a language without abbreviations of its own: short words with a capital might be some."""
        if first.isdecimal():
            return _LIST_NUMBER.fullmatch(following) is not None if complete else None
        return not _SHORT.fullmatch(last)

    def is_abbreviation(self, word: str) -> bool:
        """Whether a word is an abbreviation that something follows, perhaps after a comma."""
        return self._known.never_ends(word.strip(_OPENING + _CLOSING + ",;:"), "")
