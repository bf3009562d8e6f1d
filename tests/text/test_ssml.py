"""SSML: what is said, where it is silent, and that nothing breaks it."""

from __future__ import annotations

import pytest

from wyoming_k2so.text import Segmenter


def heard(text: str, *, size: int = 10**6) -> list[str | float]:
    segmenter = Segmenter(max_chars=250, text_format="ssml", early_clause=False)
    segments = [s for at in range(0, len(text), size) for s in segmenter.feed(text[at : at + size])]
    return [segment.written or segment.pause_s for segment in segments + segmenter.flush()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<speak>Hello there. How are you?</speak>", ["Hello there.", "How are you?"]),
        ("Plain text, no tags", ["Plain text, no tags"]),
        ('<?xml version="1.0"?><speak xmlns="http://w3.org" xml:lang="en">Hi</speak>', ["Hi"]),
        ("<s>no stop</s><s>here</s>", ["no stop", "here"]),
        ("<p>One</p><p>Two</p> ", ["One", 0.5, "Two"]),
        ("a<break/>b", ["a", 0.5, "b"]),
        ('a <break time="300ms"/> b', ["a", 0.3, "b"]),
        ("a<break time='1.5s'></break>b", ["a", 1.5, "b"]),
        ("a<break time = .5S />b", ["a", 0.5, "b"]),
        ("a<break time='99s'/>b", ["a", 10.0, "b"]),
        ("a<break time='999999999999s'/>b", ["a", 0.5, "b"]),
        ("a<break time='soon' strength='x-strong'/>b", ["a", 1.5, "b"]),
        ("a<break strength='odd'/>b", ["a", 0.5, "b"]),
        ("a <break strength='none'/>b", ["a b"]),
        ("<break time='1s'/>", [1.0]),
        ("<p>One</p><break time='1s'/><p>Two</p>", ["One", 1.0, "Two"]),
        ("<sub alias='World &amp; Web'>WWW</sub> now", ["World & Web now"]),
        ("<sub>WWW</sub> <sub alias=''>kept</sub>", ["WWW kept"]),
        ("<sub alias='said'>not<b>this</b></sub>end", ["saidend"]),
        ("<s><sub alias='said'>never closed</s><s>next</s>", ["said", "next"]),
        ("<emphasis level='strong'>very</emphasis> <prosody rate='fast'>good</prosody>", ["very good"]),
        ("un<b>believ</b>able", ["unbelievable"]),
        ("<ssml:break time='1s'/>x", [1.0, "x"]),
        ("AT&amp;T &lt;3 &#233; &unknown; &", ["AT&T <3 é &unknown; &"]),
        ("<!DOCTYPE s [<!ENTITY a 'lol'>]>x &a; <!-- > no --> y", ["]>x &a; y"]),
        ("<![CDATA[5 < 6 & <b>]]> ]] done", ["5 < 6 & <b> ]] done"]),
        ("**not** _markdown_ # 1", ["**not** _markdown_ # 1"]),
        ("5 * 3 * 2 😀 e\u0301", ["5 * 3 * 2 é"]),
        ("two\n\nlines", ["two lines"]),
        ("a < b <3 c", ["a < b 3 c"]),
        ("it ends <brea", ["it ends"]),
        ("<b 'odd\">kept</b> <>", ["kept >"]),
        ("", []),
        ("<speak> 😀 </speak>", []),
    ],
)
def test_ssml(text: str, expected: list[str | float]) -> None:
    assert heard(text) == expected
    assert heard(text, size=1) == expected


def test_a_break_does_not_wait_for_what_follows() -> None:
    segmenter = Segmenter(max_chars=250, text_format="ssml")
    assert [s.text or s.pause_s for s in segmenter.feed("<speak>Hello<break time='1s'/>")] == ["Hello", 1.0]
