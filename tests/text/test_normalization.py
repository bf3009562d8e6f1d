"""What is written, and what is said: tables by language, and what holds for every text."""

from __future__ import annotations

import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_k2so.text.normalization import normalizer

TABLES = sorted((Path(__file__).parent / "normalization").glob("*.tsv"))
LANGUAGES = [file.stem for file in TABLES]
KINDS = {
    "minus", "numbers", "ordinals", "money", "times", "dates", "ranges", "ratios and fractions", "units", "signs",
    "abbreviations", "Roman numerals", "ellipses and calls",
}  # fmt: skip
MOST_ROWS = frozenset(
    ["ar", "cs", "de", "en", "es", "fr", "hi", "hu", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "zh"]
)
PUNCTUATION = frozenset(".,;:!?'\"()[]-’…¡¿«»„“”‚‘。，、！？；：（）「」『』【】《》〈〉・·～؟،؛।॥\u200c\u200d ")
ROOT = Path(__file__).resolve().parents[2]


def lines(language: str) -> list[str]:
    return (Path(__file__).parent / "normalization" / f"{language}.tsv").read_text("utf-8").splitlines()


def rows(language: str) -> list[tuple[str, str, str]]:
    found = [line.split("\t") for line in lines(language) if line and not line.startswith("# ")]
    return [(language, written, spoken) for written, spoken in found]


@pytest.mark.parametrize(("language", "written", "spoken"), [row for name in LANGUAGES for row in rows(name)])
def test_what_is_written_is_said_as_people_say_it(language: str, written: str, spoken: str) -> None:
    assert normalizer(language).say(written) == spoken
    assert normalizer(language).say(spoken) == spoken, "words stay as they are"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_table_has_rows_of_every_kind(language: str) -> None:
    assert {line.removeprefix("# ") for line in lines(language) if line.startswith("# ")} == KINDS
    assert len(rows(language)) >= (30 if language in MOST_ROWS else 15)


SIGNS = "-–−+±×÷*/^~#&@=<>≤≥≈%‰°℃€$£¥₹.,:;!?…()'\"½¾²³№§→_|\\"
TEXTS = st.lists(
    st.one_of(
        st.text(alphabet=st.characters(categories=["L", "N", "P", "S"], max_codepoint=0x2FFF), max_size=8),
        st.from_regex(r"[0-9]{1,7}([.,: /-][0-9]{1,4}){0,2}", fullmatch=True),
        st.sampled_from(
            [*SIGNS, " ", "km/h", "kWh", "III", "z. B.", "Dr.", "a.m.", "1st", "9:00", "31.12.2024", "1/2"]
        ),
    ),
    max_size=12,
).map("".join)


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=TEXTS)
def test_no_digit_and_no_unread_sign_is_left(language: str, text: str) -> None:
    spoken = normalizer(language).say(text)
    left = [char for char in spoken if char not in PUNCTUATION and unicodedata.category(char)[0] not in "LM"]
    assert not left
    assert "." not in spoken.rstrip("\"')]")[:-1]
    assert spoken == " ".join(spoken.split(" ")).strip()


WORDS = st.lists(st.text(alphabet=st.characters(categories=["Ll"], max_codepoint=0x24F), min_size=5), min_size=1)


@pytest.mark.parametrize("language", LANGUAGES)
@given(WORDS, st.sampled_from([" ", ", ", "; ", " - ", " (", ": "]))
def test_no_letter_is_lost(language: str, words: list[str], between: str) -> None:
    def letters(text: str) -> str:
        return "".join(filter(str.isalpha, text))

    text = between.join(words)
    assert letters(normalizer(language).say(text)) == letters(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_takes_less_than_a_millisecond(language: str) -> None:
    say = normalizer(language).say
    written = [row[1] for row in rows(language)]
    for text in written:
        say(text)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        for text in written:
            say(text)
        took.append((time.perf_counter() - began) / len(written))
    assert min(took) < 1e-3


def test_no_language_data_is_imported_before_it_is_needed() -> None:
    code = "import sys, wyoming_k2so.text\nprint(*sorted({'babel', 'unicode_rbnf'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


UNKNOWN = {"ml", "te", "ur"}
"""Languages of Piper's catalogue that unicode-rbnf does not know: they keep their digits."""
OTHERS = "ar ca cs cy da el es fa fi fr hi hu id is it ka kk ko lb lv nb ne nl pt ro ru sk sl sr sv sw tr uk vi zh"


@pytest.mark.parametrize("tag", sorted({*OTHERS.split(" "), *UNKNOWN} - {*LANGUAGES}))
def test_a_language_without_a_file_of_its_own_reads_what_the_libraries_know(tag: str) -> None:
    for row in rows("en"):
        normalizer(tag).say(row[1])
    said = normalizer(tag).say("-5,5 kg")
    assert any(map(str.isdecimal, said)) == (tag in UNKNOWN)
    assert "5 5" not in said


@pytest.mark.parametrize("tag", ["xx", "eo", "sk", "lb", "pt-BR", "zh-cn", "en_GB", "no", "sr-Latn", "?"])
def test_every_language_tag_is_accepted(tag: str) -> None:
    assert normalizer(tag).say("abc") == "abc"


def test_other_languages_say_what_the_libraries_know() -> None:
    assert normalizer("sk").say("Je -5 °C a 3 kg.") == "Je mínus päť stupňov Celzia a tri kilogramy."
    assert normalizer("is").say("5 km") == "fimm kílómetrar"
    assert normalizer("sv").say("3,5 kg") == "tre komma fem kilogram"


def test_regions_decide_the_order_of_dates() -> None:
    assert normalizer("en-US").say("On 3/4/2024.") == "On March fourth, twenty twenty-four."
    assert normalizer("en-GB").say("On 3/4/2024.") == "On April third, twenty twenty-four."
