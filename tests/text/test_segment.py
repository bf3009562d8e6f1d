"""Segments: where text is cut, how soon, and that nothing is lost however it arrives."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.markdown import clean
from wyoming_k2so.text import Segment, Segmenter


def texts(
    text: str, *, max_chars: int = 250, early_clause: bool = False, size: int = 10**6, language: str = "en"
) -> list[str]:
    """How a text is cut, before its numbers are put into words."""
    segmenter = Segmenter(max_chars=max_chars, early_clause=early_clause, language=language)
    segments = [s for at in range(0, len(text), size) for s in segmenter.feed(text[at : at + size])]
    return [segment.written for segment in segments + segmenter.flush() if segment.written]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello there. How are you?", ["Hello there.", "How are you?"]),
        ("Title\n\nText without a stop\n\nMore", ["Title", "Text without a stop", "More"]),
        ("I saw Dr. Smith. He left.", ["I saw Dr. Smith.", "He left."]),
        ("Take fruit, e.g. Apples, or approx. 5 pears.", ["Take fruit, e.g. Apples, or approx. 5 pears."]),
        ("Prof. Mayer and Mrs. Jones (cf. Miller) agree.", ["Prof. Mayer and Mrs. Jones (cf. Miller) agree."]),
        ("We eat at 3 p.m. Then we go.", ["We eat at 3 p.m.", "Then we go."]),
        ("We eat at 3 p.m. Monday.", ["We eat at 3 p.m. Monday."]),
        ("No. 5 is 3.50 at 1.000. Good.", ["No. 5 is 3.50 at 1.000.", "Good."]),
        ("1. Open it\n2. Close it", ["1. Open it.", "2. Close it."]),
        ("It is 5 * 3 * 2. Really 2 * 2.", ["It is 5 * 3 * 2.", "Really 2 * 2."]),
        ("你好！今天很好。“是的。”再见", ["你好！", "今天很好。", '"是的。', '"再见']),
        ("नमस्ते जी। आप कैसे हैं?", ["नमस्ते जी।", "आप कैसे हैं?"]),
        ("هل أنت بخير؟ نعم.", ["هل أنت بخير؟", "نعم."]),
        ("Line ends\r\nare no borders.\r\n\r\nParagraphs are", ["Line ends are no borders.", "Paragraphs are"]),
        ("... ?! --- 😀\n\n***", []),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert texts(text) == expected
    assert texts(text, size=1) == expected


def test_ordinals_are_those_of_the_language() -> None:
    text = "Am 3. Oktober sind es 22. Dann 25."
    expected = ["Am 3. Oktober sind es 22.", "Dann 25."]
    assert texts(text, language="de") == expected
    assert texts(text, language="de", size=1) == expected


def test_only_the_end_of_a_sentence_ends_one() -> None:
    segmenter = Segmenter(max_chars=60)
    text = (
        "Well then, let us see. The first sentence was short, as a clause that is spoken early shall be; this one is "
        "much longer than sixty characters and has to be cut.\nHeadline\n\nThe end"
    )
    found = [*segmenter.feed(text), *segmenter.flush()]
    ends = [segment.text for segment in found if segment.ends_sentence]
    assert [text.split()[-1] for text in ends] == ["see.", "cut.", "Headline", "end"]
    assert len(found) > len(ends)


@pytest.mark.parametrize(
    ("fed", "heard"),
    [
        ("Hello there. Ho", ["Hello there."]),
        ("Hello **there**. Ho", ["Hello there."]),
        ("He said [so and (so *on. Th", ["He said so and (so on."]),
        ("- one\n- tw", ["one."]),
        ("Cost: 3.", []),
        ("First paragraph\n\nSe", ["First paragraph"]),
        ("你好。今天", ["你好。"]),
        ("See [a](http://b.c). No", ["See a."]),
        ("```\ncode\n```\n\nDone. Th", ["Done."]),
    ],
)
def test_sentences_go_as_soon_as_they_are_complete(fed: str, heard: list[str]) -> None:
    segmenter = Segmenter(max_chars=250, early_clause=False)
    assert [segment.text for char in fed for segment in segmenter.feed(char)] == heard


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "It is 22 degrees outside right now, with a light wind. Then it rains, say the forecasters, all day.",
            [
                "It is 22 degrees outside right now,",
                "with a light wind.",
                "Then it rains, say the forecasters, all day.",
            ],
        ),
        (
            "Good morning. The kettle is on and the blinds are up, as they are each day, by the way.",
            ["Good morning.", "The kettle is on and the blinds are up,", "as they are each day, by the way."],
        ),
        (
            "Done. Good night. All of the doors are locked, so sleep well. Then it rains, they say, all day.",
            [
                "Done.",
                "Good night.",
                "All of the doors are locked,",
                "so sleep well.",
                "Then it rains, they say, all day.",
            ],
        ),
        ("The living room is warm - the bathroom is not.", ["The living room is warm -", "the bathroom is not."]),
        ("Well, it is warm.", ["Well, it is warm."]),
        ("Turn on the kitchen lights, please.", ["Turn on the kitchen lights, please."]),
        ("The house has cost 1,000,000 dollars in all.", ["The house has cost 1,000,000 dollars in all."]),
        ("The winning numbers are 1, 2, 3, 4 and 5.", ["The winning numbers are 1, 2, 3, 4 and 5."]),
        (
            "You could eat some fruit, e.g., a very ripe apple.",
            ["You could eat some fruit,", "e.g., a very ripe apple."],
        ),
        ("You could eat fruit e.g., a very ripe apple.", ["You could eat fruit e.g., a very ripe apple."]),
        ("今天外面的天气非常非常好，我们一起去公园玩吧。", ["今天外面的天气非常非常好，", "我们一起去公园玩吧。"]),
        ("你好，我们一起去公园玩吧。", ["你好，我们一起去公园玩吧。"]),
    ],
)
def test_the_first_clause_goes_early(text: str, expected: list[str]) -> None:
    assert texts(text, early_clause=True) == expected
    assert texts(text, early_clause=True, size=1) == expected


def test_the_first_clause_does_not_wait_for_its_sentence() -> None:
    segmenter = Segmenter(max_chars=250)
    assert segmenter.feed("It is 22 degrees outside right now, with a ") == []
    assert segmenter.feed("light wi") == [Segment("It is twenty-two degrees outside right now,")]


@pytest.mark.parametrize(
    ("text", "max_chars", "expected"),
    [
        (
            "one two three, four five six, seven eight nine",
            30,
            ["one two three,", "four five six,", "seven eight nine"],
        ),
        ("one two three four five six seven", 20, ["one two three", "four five six seven"]),
        ("a " + "b" * 20 + " c", 20, ["a", "b" * 20, "c"]),
        ("b" * 45, 20, ["b" * 20, "b" * 20, "b" * 5]),
        ("一二三四五六七八，九十一二三四五六七八九十", 20, ["一二三四五六七八，", "九十一二三四五六七八九十"]),
        ("あいうえおかきくけこさしすせそたちつてと", 10, ["あいうえおかきく", "けこさしすせそた", "ちつてと"]),
        ("क्षि" * 10, 10, ["क्षि" * 2] * 5),
    ],
)
def test_long_sentences_split_where_it_hurts_least(text: str, max_chars: int, expected: list[str]) -> None:
    assert texts(text, max_chars=max_chars) == expected


PLAIN_WORDS = st.lists(
    st.text(alphabet=st.characters(categories=["L", "Nd"], max_codepoint=0x24F), min_size=1, max_size=20),
    min_size=1,
)


@given(
    PLAIN_WORDS,
    st.lists(st.sampled_from([" ", ", ", ". ", "; ", " - ", "! ", ": "])),
    st.integers(20, 300),
    st.booleans(),
)
def test_every_word_is_spoken_once_and_whole(words: list[str], ends: list[str], max_chars: int, early: bool) -> None:
    words = [unicodedata.normalize("NFC", word) for word in words]
    ends = (ends + [" "] * len(words))[: len(words)]
    text = "".join(word + end for word, end in zip(words, ends, strict=True))
    # a word is at most 20 characters long and its comma may make it 21
    heard = " ".join(texts(text, max_chars=max_chars + 1, early_clause=early)).split()
    assert [word for word in (w.rstrip(",.;!:") for w in heard) if word not in ("", "-")] == words


MARKUP = (
    "**|*|_|`|~~|~|# |## |> |- |* |1. |2) |```|```py\n|\n|\n\n|\r\n|[|]|](|](http://x.y/z)|)|![|https://|www.a.b|/c?d=e.|$|"
    "$5|$x$|&amp;|&#65;|&|<|<b>|</b>|<br>|<td>|<!--|-->|>|\\|^|=|==|---|-|->|=>|[1]|[^1]|[^1]: |[a]: http://b\n|</p>|'|"
    "<break time='1s'/>|<sub alias='q'>|</sub>|<s>|<![CDATA[|]]>|<?x|<!DOCTYPE"
)
PROSE = (
    "—| – |…|“|’|😀|👨‍👩|1️⃣|🇩🇪|e\u0301|\u0301|\u200d|\u200c|क्|ى|한|\u1112\u1161\u11ab|你好|。|！|，|、| |  |a|Word|"
    'Dr. |e.g. |3.|5|1,000|p.m. |Monday|. |! |, |; |: |A. B.|هل؟|नमस्ते।|\t|\x00|\ud800|\ue000|snake_case|5 * 3|h|ht|"'
)
TABLE = ["|", " | ", "|---|---|\n", "| a | b |\n"]
FRAGMENTS = st.sampled_from([*MARKUP.split("|"), *PROSE.split("|"), *TABLE, "x" * 70])
TEXTS = st.one_of(st.text(), st.lists(FRAGMENTS, max_size=40).map("".join))


@settings(max_examples=300)
@given(TEXTS, st.lists(st.integers(0, 400)), st.integers(20, 250), st.booleans(), st.sampled_from(["text", "ssml"]))
def test_the_cut_of_the_input_changes_nothing(
    text: str, cuts: list[int], max_chars: int, early: bool, text_format: str
) -> None:
    def segments(borders: list[int]) -> list[Segment]:
        segmenter = Segmenter(max_chars=max_chars, early_clause=early, text_format=text_format)
        pieces = [text[a:b] for a, b in zip([0, *borders], [*borders, len(text)], strict=True)]
        return [segment for piece in pieces for segment in segmenter.feed(piece)] + segmenter.flush()

    whole = segments([])
    assert segments(list(range(1, len(text)))) == whole
    assert segments(sorted(cut for cut in cuts if cut <= len(text))) == whole
    for segment in whole:
        assert len(segment.text) <= max_chars
        assert segment.pause_s > 0 if not segment.text else any(map(str.isalnum, segment.text))
        assert segment.text == " ".join(segment.text.split(" ")).strip()


@given(TEXTS)
def test_segments_hold_all_that_is_clean(text: str) -> None:
    def letters(whole: str) -> str:
        return "".join(filter(str.isalnum, whole))

    assert letters("".join(texts(text, early_clause=True))) == letters(clean(text))


HOSTILE = "word, ~a~*~_a~[~](a~](((~<a b='~<!--~&#~`~$1~\\~|~www.a.b/~. ~A. ~\u0301~क्~\u1100~👨\u200d~今天，~ ~\n"


@pytest.mark.parametrize("unit", HOSTILE.split("~"))
@pytest.mark.parametrize("text_format", ["text", "ssml"])
def test_hostile_text_ends_and_stays_bounded(unit: str, text_format: str) -> None:
    segmenter = Segmenter(max_chars=100, text_format=text_format)
    text = unit * (100_000 // len(unit))
    segments = segmenter.feed(text[:50_000]) + [s for char in text[50_000:60_000] for s in segmenter.feed(char)]
    segments += segmenter.feed(text[60_000:]) + segmenter.flush()
    assert all(len(segment.text) <= 100 for segment in segments)


def test_speech_is_never_held_back_for_long() -> None:
    for opening in ("[", "*", "`", "$", "<", "<b ", "](", "**[", "(", '"', "&", "https://", "!["):
        segmenter = Segmenter(max_chars=100)
        assert segmenter.feed(opening + "word " * 200), opening


def test_what_no_caller_means_is_refused() -> None:
    with pytest.raises(ValueError, match="text_format"):
        Segmenter(max_chars=100, text_format="html")
    with pytest.raises(ValueError, match="max_chars"):
        Segmenter(max_chars=0)
