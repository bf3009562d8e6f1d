"""Where each language's sentences end, by tables: a text, and its sentences with a bar between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.text.test_segment import texts

TABLES = sorted((Path(__file__).parent / "sentences").glob("*.tsv"))
ROWS = [
    (file.stem, *line.split("\t"))
    for file in TABLES
    for line in file.read_text("utf-8").splitlines()
    if line and not line.startswith("# ")
]


@pytest.mark.parametrize(("language", "text", "sentences"), ROWS)
def test_sentences_end_where_the_table_says(language: str, text: str, sentences: str) -> None:
    assert texts(text, language=language) == sentences.split(" | ")
    assert texts(text, language=language, size=1) == sentences.split(" | ")


@pytest.mark.parametrize("file", TABLES, ids=lambda file: file.stem)
def test_each_table_has_enough_rows(file: Path) -> None:
    assert sum(row[0] == file.stem for row in ROWS) >= 20
