"""Words whose full stop ends no sentence, as far as sentence_stream does not know them.

It knows up to three letters that start with a capital ("Dr.", "U.S.", "Abb."), and it never splits before a small
letter or a plain number, so only what is commonly followed by a capital need stand here.
"""

from __future__ import annotations

import regex


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ABBREVIATIONS = (
    _set("e.g. i.e. cf. approx. vs. viz. resp. incl. excl. prof. mrs. messrs. capt. sgt. gov. dept. est. assoc.")
    | _set("z.b. d.h. u.a. o.ä. u.u. i.d.r. bzw. ca. evtl. ggf. inkl. exkl. vgl. sog. dipl. geb. nr. bspw. zzgl.")  # de
    | _set("mme. mlle. p.ex. env. sra. srta. dra. p.ej. aprox. dott. núm. pág.")  # fr es pt it
    | _set("bijv. d.w.z. dhr. mevr. o.a. tzn. tzw. tj. inż. mgr. płk. tzv. např. mudr. ing. yrd. doç.")  # nl pl cs tr
    | _set("т.е. т.к. т.н. напр. проф.")  # ru
)
_DAY_HALF = _set("a.m. p.m.")
_AFTER_DAY_HALF = _set(
    "monday tuesday wednesday thursday friday saturday sunday est edt cst cdt mst mdt pst pdt gmt utc cet cest eastern"
)
_AFTER_GERMAN_ORDINAL = _set(
    "januar jänner februar märz april mai juni juli august september oktober november dezember tag tage tages woche"
    " monat jahr jahres jahrhundert jahrhunderts jahrestag geburtstag weltkrieg weltkriegs stock stockwerk etage"
    " obergeschoss untergeschoss klasse platz liga runde quartal kapitel mal minute stunde"
)
_ORDINAL = regex.compile(r"\d{1,3}+\.")
_AROUND = "\"'([{<«„“‚‘"


def is_abbreviation(word: str) -> bool:
    """Whether the word's full stop is its own, whatever follows."""
    return word.lstrip(_AROUND).rstrip(",;:").lower() in _ABBREVIATIONS


def is_ordinal(word: str) -> bool:
    """Whether the word may be an ordinal or the number of a list item: digits and a full stop."""
    return _ORDINAL.fullmatch(word) is not None


def needs_next_word(word: str) -> bool:
    """Whether only the next word tells if the full stop ends a sentence."""
    return is_ordinal(word) or word.lower() in _DAY_HALF


def ends_no_sentence(word: str, following: str) -> bool:
    """Whether a word that needs the next word belongs to one sentence with it."""
    following = following.rstrip(".,;:!?)\"'").lower()
    return following in (_AFTER_DAY_HALF if word.lower() in _DAY_HALF else _AFTER_GERMAN_ORDINAL)
