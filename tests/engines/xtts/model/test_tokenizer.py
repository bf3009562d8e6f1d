"""Text tokens equal Coqui's, for every language that XTTS speaks."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts
from wyoming_k2so.engines.xtts.dev.synthetic import FULL, LANGUAGES, _vocabulary
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer

TEXTS = {
    "en": "Dr. Smith paid $20 for 3 tickets on the 1st; it's 14% off & that's 100,000.5!",
    "es": "El Sr. García pagó 20€ por 3 entradas, un 14% menos.",
    "fr": "Mme. Moreau a payé 20,15€ le 1er, soit 14° dehors.",
    "de": "Frau Dr. Müller zahlt 20€ für 3 Karten, 14% weniger als am 1. Tag.",
    "it": "Il Sig. Rossi ha pagato 20€ per 3 biglietti & un caffè.",
    "pt": "O Sr. Silva pagou 20€ por 3 bilhetes, 14% menos.",
    "pl": "Było 50 żołnierzy, a temperatura to 36,6 stopni.",
    "tr": "Pilim %14 dolu ve 50 asker vardı.",
    "ru": "Г-н Иванов заплатил 20.15€ за 3 билета, 14% скидка.",
    "nl": "Dhr. Jansen betaalde 20€ voor 3 kaartjes @ het feest.",
    "cs": "Pan Novák má 14% baterie a 50 korun.",
    "ar": "كان هناك 50 جنديًا و 14% في البطارية.",
    "zh-cn": "今天有50名士兵，我的电量为14%。",
    "hu": "Dr. Szabó 50 forintot fizetett, 14% kedvezménnyel.",
    "ko": "배터리 잔량이 14%이고 50 명이 있었다.",
    "ja": "今日は良い天気ですね。電池は14です。",
    "hi": "मेरे पास बैटरी है & सैनिक थे।",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_tokens_equal_those_of_coqui(language: str, tokenizer: TextTokenizer, reference: ReferenceXtts) -> None:
    text = TEXTS[language]
    theirs = reference.model.tokenizer.encode(text.strip().lower(), lang=language.partition("-")[0])
    ours = tokenizer.encode(text, language)
    assert ours == [reference.model.gpt.start_text_token, *theirs, reference.model.gpt.stop_text_token]
    assert theirs.count(1) < len(theirs) / 4, "mostly unknown characters would prove nothing"


def test_hindi_numbers_are_read_although_coqui_fails(tokenizer: TextTokenizer) -> None:
    assert tokenizer.encode("मेरे पास 14 है।", "hi") == tokenizer.encode("मेरे पास एक चार है।", "hi")


def test_regions_do_not_matter(tokenizer: TextTokenizer) -> None:
    assert tokenizer.encode("Olá.", "pt-BR") == tokenizer.encode("Olá.", "pt")
    assert tokenizer.encode("你好。", "zh-CN") == tokenizer.encode("你好。", "zh_cn")


def test_limits_equal_those_of_coqui(tokenizer: TextTokenizer) -> None:
    limits = {language: tokenizer.max_chars(language) for language in ("en", "de-AT", "it", "zh-CN", "ja")}
    assert limits == {"en": 250, "de-AT": 253, "it": 213, "zh-CN": 82, "ja": 71}


def test_full_size_vocabulary_has_the_official_places() -> None:
    vocab = _vocabulary(FULL.text_tokens)["model"]["vocab"]
    assert sorted(vocab.values()) == list(range(6681))
    assert (vocab["[STOP]"], vocab["[UNK]"], vocab["[SPACE]"], vocab["[START]"]) == (0, 1, 2, 261)


def test_unknown_language_is_an_error(tokenizer: TextTokenizer) -> None:
    with pytest.raises(EngineError, match="cannot read this text in 'xx'"):
        tokenizer.encode("Hello.", "xx")


def test_missing_language_package_names_what_to_install(
    tokenizer: TextTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypinyin", None)
    with pytest.raises(EngineError, match="pip install pypinyin"):
        tokenizer.encode("你好。", "zh-cn")


def test_the_log_does_not_contain_the_text(tokenizer: TextTokenizer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        tokenizer.encode("secret " * 60, "en")
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "content", ["", "{}", "no json", '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}']
)
def test_damaged_vocabulary_is_an_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text(content)
    with pytest.raises(EngineError, match=r"vocab\.json"):
        TextTokenizer(tmp_path / "vocab.json")
