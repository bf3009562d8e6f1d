"""What a listener hears of text that a language model wrote."""

from __future__ import annotations

import pytest

from tests.support.markdown import clean

UNHARMED = [
    "That is $5, or £2,000.50, or €3.50, or 5$ each.",
    "50% of 1,000 is 500; 3.14 is about 3.",
    "At 10:30 a.m. it was -5 °C, at noon 22°C.",
    "Dr. Smith, e.g. of the U.S., drives 5 km/h.",
    "C# and F# are #1 and/or #2 at AT&T.",
    "5 * 3 * 2 = 30, 5*3 = 15 and 2^3 = 8.",
    "5 < 6, 7 > 6, 1 - 2 and 1-2, R & D.",
    "Don't call snake_case ~5 times @home.",
    "I'm sure (really) that well-known words stay.",
    "a+b, 3 + 4, 5 ÷ 2, ±1, 3 × 4, ½ cup, 5 m², No. 5.",
    "Write to me@example.com or look in /etc/hosts.",
    "Zażółć gęślą jaźń. Příliš žluťoučký kůň. Günaydın, ığdır!",
    "مرحبا، كيف حالك؟ می‌خواهم بروم.",
    "नमस्ते। क्‍या हाल है? १२३",
    "你好！今天22°C，很好。“是的”、对；错：",
    "こんにちは。「元気ですか？」ラーメンを食べる。",
    "안녕하세요. 오늘은 맑습니다!",
    "สวัสดีครับ Привет, как дела? Γειά σου; שלום",
]


@pytest.mark.parametrize("text", UNHARMED)
def test_plain_text_is_unharmed(text: str) -> None:
    assert clean(text) == text.replace("“", '"').replace("”", '"')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # emphasis and code
        ("**bold**, _italic_, ***both***, __strong__ and `code`.", "bold, italic, both, strong and code."),
        ("un*frigging*believable, ~~gone~~ and ==marked==", "unfriggingbelievable, gone and marked"),
        ("an *unclosed star and a `tick", "an unclosed star and a tick"),
        ("`turn_on(<b>)` and `x`s", "turn_on(b) and xs"),
        ("it`s", "it's"),
        # headings, quotes, rules
        ("# Title\nText", "Title.\nText"),
        ("### Is it? ###\nYes", "Is it?\nYes"),
        ("Setext\n======\nText", "Setext\nText"),
        ("> quoted\n> text\n\nplain", "quoted text\nplain"),
        ("above\n\n---\n\nbelow\n***\nend", "above\nbelow\nend"),
        # lists
        ("Buy:\n- milk\n- eggs!\n* bread;\n+ tea", "Buy:\nmilk.\neggs!\nbread;\ntea."),
        ("1. One\n2. Two\n10) Ten", "1. One.\n2. Two.\n10. Ten."),
        ("- [ ] open\n- [x] done", "open.\ndone."),
        ("- a long\n  item\n    - nested\nafter", "a long item.\nnested.\nafter"),
        ("• one\n• two", "one.\ntwo."),
        ("✅ one\n❌ two", "one.\ntwo."),
        ("- 牛奶\n- दूध", "牛奶。\nदूध।"),
        # tables
        ("| Room | °C |\n|:-----|---:|\n| Hall | 21 |\n| Bath | |\n\nDone", "Room, °C.\nHall, 21.\nBath.\nDone"),
        ("A | B\n---|---\n1 | 2", "A, B.\n1, 2."),
        # code blocks
        ("Run:\n```sh\nrm -rf /\n```\nDone.", "Run:\nDone."),
        ("Run:\n~~~~\nx\n```\n~~~\ny\n~~~~\nDone.", "Run:\nDone."),
        ("```\nnever closed", ""),
        ("```inline``` code", "inline code"),
        # links, addresses, notes
        ('see [the docs](https://a.b/c_(d) "Title").', "see the docs."),
        ("![a cat](cat.png) and [![logo](l.svg)](http://x.y)", "a cat and logo"),
        ("[not a link](said she, and left", "not a link(said she, and left"),
        ("[data](data:x;base64," + "A" * 5000 + ") end", "data end"),
        ("Visit https://www.example.com/a?b=c#d. Then", "Visit example.com. Then"),
        ("(http://example.com/x_(y)), www.example.org!", "(example.com), example.org!"),
        ("<https://example.com/a> and [https://example.com/b](https://example.com/b)", "example.com and example.com"),
        ("请看https://example.com/a。谢谢", "请看example.com。谢谢"),
        ("http://homeassistant.local:8123/lovelace", "homeassistant.local"),
        ("https and www are words", "https and www are words"),
        ("A fact[^1] is here [2] [3, 4].\n\n[^1]: The note.\n[a]: https://b.c\nEnd", "A fact is here.\nThe note.\nEnd"),
        # HTML
        ("<b>bold</b> <span class='x'>span</span> a<br/>b", "bold span a\nb"),
        ("AT&amp;T &lt;3 &#233; &#xe9; &nope; &amp;lt;", "AT&T <3 é é &nope; &lt;"),
        ("the <your name> field, if a <b and c> d", "the your name field, if a b and c d"),
        ("one <!-- hidden\n --> two", "one two"),
        ("<ul><li>one</li><li>two</li></ul>", "one.\ntwo."),
        # formulas
        ("$x^2$ and $$y$$ and \\(z\\), $5$ is $5.", "x^2 and y and (z), 5 is $5."),
        # stray symbols
        ("a ~ b ^ c \\ d * e # f _ g", "a b c d e f g"),
        ("*** ### ~~~ x ````", "x"),
        ("Settings → Lights -> On => Off", "Settings, Lights, On, Off"),
        ("one • two | three", "one, two, three."),
        ("\\*not emphasis\\* costs \\$5", "not emphasis costs $5"),
        # emoji
        ("Hi 👨‍👩‍👧 there 🇩🇪, 👍🏽 you ❤️!", "Hi there, you!"),
        ("1️⃣ first Great!😀Next", "first Great! Next."),
        ("🎉🎉", ""),
        # Unicode
        ("“smart” ‘quotes’ don’t", "\"smart\" 'quotes' don't"),
        ("wait—what… no – yes -- ok, 2019–2021", "wait, what... no, yes, ok, 2019-2021"),
        ("a\u200bb c\u00add \u202ee\u202c \ufefff\x00g\x1bh\ud800", "ab cd e fgh"),
        ("e\u0301 \u1112\u1161\u11ab", "é 한"),
        ("a\u00a0b\u2003c\td  e", "a b c d e"),
        ("one\r\ntwo\r\n\r\nthree\rfour\u2029five", "one two\nthree four\nfive"),
        ("x\ue000\ue003y", "xy"),
        ("z" + "\u0301" * 1000, "ź" + "\u0301" * 29),
        # nothing
        ("", ""),
        (" \n\n\t ", ""),
    ],
)
def test_markup_is_not_spoken(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize("text", UNHARMED)
def test_entities_and_marks_leave_no_private_character(text: str) -> None:
    assert not any("\ue000" <= char <= "\uf8ff" for char in clean(f"&#xe000;&#57346;- {text} → 😀 5 * 3"))
