"""Markdown, HTML and stray symbols within a line. Knows nothing of the kind of line, except that cells make a row."""

from __future__ import annotations

import regex

from .marks import COMMA, GAP
from .scan import COMMENT, ENTITY, Scanner, decode_entity
from .symbols import MEANINGS, Run, is_word

_CJK = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}"
_WORD = regex.compile(rf"[{_CJK}]++|[^\W_{_CJK}]++")
_SPACED_WORD_CHAR = regex.compile(rf"[^\W_{_CJK}]|\p{{N}}")
_PLAIN = regex.compile(rf"[^\w\s\\`*_~\[\]!<>&|#$=\-^{COMMA}{GAP}]++|[ {COMMA}{GAP}]++")
_RUNS = {
    char: regex.compile(rf"{regex.escape(char)}{{1,8}}+(?=[^{regex.escape(char)}])|{regex.escape(char)}{{8}}")
    for char in "`*_~|#=^-"
}
_ARROW = regex.compile(r"[-=]{1,8}+>")
_TIMES = regex.compile(r"\* ++(?=[\d(])")
_HOST = r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{Nd}_-]"
_URL = regex.compile(
    rf"(?:(?:https?|ftp)://(?:www\.)?|www\.)({_HOST}++(?:\.{_HOST}++)*+)(?=[^\w.-]|[^\x00-\x7f]|\.[^\w-]|\.[^\x00-\x7f])"
)
_URL_REST = regex.compile(rf"[^\s<>\"|*`\[\]{_CJK}\u3000-\u303f\uff00-\uffef]++")
_TARGET = regex.compile(
    r"\]\( *+(?:<[^<>\n]*+>|[^\s()<>]*+(?:\([^\s()<>]*+\)[^\s()<>]*+)*+)"
    r"(?: ++(?:\"[^\"\n]*+\"|'[^'\n]*+'|\([^()\n]*+\)))? *+\)"
)
_LONG_TARGET = regex.compile(r"\]\([^\s()<>]{400}")
_FOOTNOTE = regex.compile(r"\[\^[^\]\[\n]{1,30}+\]")
_CITATION = regex.compile(r"\[\d{1,3}+(?:, ?\d{1,3}+){0,5}+\](?=[^(])")
_DOLLARS_OF_MATH = regex.compile(r"\$([\d.,]{1,20}+)\$")
_ESCAPED = regex.compile(r"\\(?=[!-/:-@\[-`{-~])")

_CELLS = "td|th"
_BLOCKS = "p|div|li|ul|ol|dl|dt|dd|tr|table|thead|tbody|h[1-6]|hr|br|blockquote|pre|section|article|summary|details"
_INLINE = (
    "a|abbr|b|big|center|cite|code|del|dfn|em|figcaption|figure|font|i|img|ins|kbd|mark|q|rp|rt|ruby|s|samp|small|span"
    "|strike|strong|sub|sup|time|tt|u|var|wbr|html|body|head|header|footer|main|nav|iframe|video|audio|source|input|button"
)
_TAG = regex.compile(
    rf"</?(?:({_CELLS})|({_BLOCKS})|{_INLINE})"
    r"(?:\s++[\w:-]++\s*+=\s*+(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>/]++(?=[\s/>])))*+\s*+/?>",
    regex.IGNORECASE,
)


class InlineScanner(Scanner):
    """The part of the Markdown reader that steps through a line after its beginning."""

    def __init__(self) -> None:
        super().__init__()
        self._before = "\n"  # the previous input character
        self._line_start = True
        self._block = False  # this line (or the previous one, until this one begins) ends with a full stop
        self._code = self._math = self._url = False
        self._brackets = 0
        self._url_end = ""
        self._url_brackets = 0

    def _start_line(self) -> None:
        self._line_start = self._code = self._math = False
        self._brackets = 0

    def _advance(self, count: int) -> None:
        self._pos += count
        self._before = self._buffer[self._pos - 1]

    def _in_line(self, char: str) -> None:
        if char == "\n":
            self._line_start = True
            self._advance(1)
        elif char in _RUNS:
            self._in_run(char)
        elif char in "[]!<>&$\\":
            self._in_markup(char)
        elif char in "hfw" and not _SPACED_WORD_CHAR.match(self._before) and (match := self._match(_URL)):
            self._emit(match[1], len(match[0]))
            self._url, self._url_end, self._url_brackets = True, "", 0
        else:
            match = _WORD.match(self._buffer, self._pos) or _PLAIN.match(self._buffer, self._pos)
            text = match[0] if match else char
            self._emit(text, len(text))

    def _emit(self, text: str, count: int) -> None:
        self._writer.write(text)
        self._advance(count)

    def _in_url(self) -> None:
        """Skip the rest of a URL, except punctuation that belongs to the surrounding sentence."""
        match = _URL_REST.match(self._buffer, self._pos)
        if not match:
            self._writer.write(self._url_end)
            self._url = False
            return
        for char in match[0]:
            if char in ".,!?;:'" or (char == ")" and not self._url_brackets):
                self._url_end = (self._url_end + char)[:3]
            else:
                self._url_end = ""
                self._url_brackets += {"(": 1, ")": -1}.get(char, 0)
        self._advance(len(match[0]))

    def _in_run(self, char: str) -> None:
        """Write what a run of a symbol means: nothing if it is markup."""
        if char in "-=" and (match := self._match(_ARROW)):
            self._emit(COMMA, len(match[0]))
            return
        match = self._match(_RUNS[char])
        count = len(match[0]) if match else 1
        run = Run(char, count, self._before, self._after(count))
        if char == "*":
            text = self._asterisks(run)
        elif char == "`":
            text = self._backticks(run)
        elif char == "|":
            text = self._bars(run)
        else:
            text = MEANINGS[char](run)
        self._emit(text, count)

    def _asterisks(self, run: Run) -> str:
        """Emphasis, except where numbers are multiplied."""
        if run.length > 1:
            return ""
        times = self._match(_TIMES) if run.before == " " else None
        if times and (self._writer.last.isdecimal() or self._writer.last == ")"):
            return "*"
        return "*" if run.before.isdecimal() and run.after.isdecimal() else ""

    def _backticks(self, run: Run) -> str:
        """The borders of code, or an apostrophe."""
        if run.length == 1 and run.inside_word and not self._code:
            return "'"
        self._code = not self._code
        return ""

    def _bars(self, run: Run) -> str:
        """The borders of cells, each a pause."""
        if run.before in " \n|" or run.after in " \n" or self._block:
            self._block = True
            return COMMA
        return GAP

    def _in_markup(self, char: str) -> None:
        if char == "[":
            self._open_bracket()
        elif char == "]":
            self._close_bracket()
        elif char == "!":
            image = self._after(1) == "[" and not is_word(self._before)
            self._emit("" if image else "!", 1)
        elif char == "<":
            self._less_than()
        elif char == ">":
            meant = self._before == " " and (self._after(1) in " =" or self._after(1).isdecimal())
            self._emit(">" if meant else "", 1)
        elif char == "&":
            match = self._match(ENTITY)
            text = decode_entity(match) if match else None
            self._emit(
                "&" if text is None or match is None else text, len(match[0]) if match and text is not None else 1
            )
        elif char == "$":
            self._dollar()
        elif self._match(_ESCAPED):
            self._pos += 1
        else:
            self._emit(GAP, 1)

    def _open_bracket(self) -> None:
        match = self._match(_FOOTNOTE) or self._match(_CITATION)
        if match:
            self._emit(GAP, len(match[0]))
            return
        self._brackets += 1
        self._advance(1)

    def _close_bracket(self) -> None:
        if self._brackets and (match := self._match(_TARGET)):
            self._advance(len(match[0]))
        elif self._brackets and (match := self._match(_LONG_TARGET)):
            self._advance(len(match[0]))
            self._url, self._url_end, self._url_brackets = True, "", 1
        else:
            self._advance(1)
        self._brackets = max(0, self._brackets - 1)

    def _less_than(self) -> None:
        after = self._after(1)
        if self._code:
            self._emit(GAP, 1)
        elif self._match(COMMENT):
            self._advance(4)
            self._skip_past = "-->"
        elif match := self._match(_TAG):
            if match[1]:
                self._writer.comma()
            elif match[2]:
                self._writer.border(full_stop=match[2].lower() not in ("br", "p", "hr"))
            self._advance(len(match[0]))
        else:
            self._emit("<" if after in " =-" or after.isdecimal() else GAP, 1)

    def _dollar(self) -> None:
        """Tell a price from the delimiter of a formula."""
        if match := self._match(_DOLLARS_OF_MATH):
            self._emit(match[1], len(match[0]))
            return
        after = self._after(1)
        if after == "$":
            self._math = not self._math
            self._advance(2)
        elif after.isdecimal() or not (self._math or (after not in " \n" and not is_word(self._before))):
            self._emit("$", 1)
        else:
            self._math = not self._math
            self._advance(1)
