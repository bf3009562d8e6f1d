"""Chinese (Mandarin). Numbers stay Chinese characters, which every engine for Chinese reads."""

from __future__ import annotations

import regex

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_MEASURES = regex.compile(
    r"个|個|只|隻|条|條|张|張|本|位|次(?!方)|天|小时|小時|分钟|分鐘|秒|周(?!年)|週|人|元|块|塊|米|公里|千米|升|毫升|斤|公斤|吨"
    r"|件|台|臺|辆|輛|杯|瓶|碗|袋|盒|包|把|部|家|间|間|岁|歲|倍|种|種|类|类|组|組|点|點|句|页|頁|字|首|场|場|名|项|項|步|座"
    r"|棵|朵|双|雙|对|對|份|篇|支|枝|顿|頓|遍|口|头|頭|匹|群|片|根|颗|顆|盏|盞|扇|勺|层楼|年(?:前|后|後|来|來|多|半|内|时间)"
    r"|万|萬|亿|億|千|百"
)
"""Before these 2 is 两."""
_SPAN = regex.compile(r"年(?:前|来|來|历史|歷史|的历史|的歷史)")
_MOBILE = regex.compile(r"1[3-9]\d{9}")


class Chinese(Language):
    spaces = False
    comma = "，"
    plurals = ("other",)
    minus = "负"
    plus = "加"
    plus_minus = "正负"
    points = {".": "点", ",": "点"}
    cardinals = "spellout-cardinal-alternate2"
    per = "每{1}{0}"
    currencies = {
        "USD": "美元", "EUR": "欧元", "GBP": "英镑", "JPY": "日元", "CNY": "元", "INR": "卢比", "RUB": "卢布",
        "TRY": "里拉", "KRW": "韩元", "BRL": "雷亚尔", "UAH": "格里夫纳", "CHF": "瑞士法郎",
    }  # fmt: skip
    currency_signs = {"¥": "CNY", "￥": "CNY", "元": "CNY", "美元": "USD", "欧元": "EUR", "日元": "JPY"}
    cents = {"USD": "美分"}
    scales = {"M": "", "K": "", "k": "", "B": ""}
    factors = {"M": 10**6, "K": 10**3, "k": 10**3, "B": 10**9}
    unit_words = {
        "angle-degree": "度",
        "concentr-percent": "百分之{0}",
        "concentr-permille": "千分之{0}",
        "mass-kilogram": "公斤",
        "mass-tonne": "吨",
        "duration-second": "秒",
        "pressure-pascal": "帕",
        "pressure-hectopascal": "百帕",
        "pressure-kilopascal": "千帕",
        "pressure-megapascal": "兆帕",
        "power-watt": "瓦",
        "electric-volt": "伏",
        "electric-ampere": "安",
        "energy-watt-hour": "瓦时",
        "energy-megawatt-hour": "兆瓦时",
        "electric-ampere-hour": "安时",
        "electric-milliampere-hour": "毫安时",
        "electric-millivolt": "毫伏",
        "electric-kilovolt": "千伏",
        "sound-decibel": "分贝",
        "graphics-frame-per-second": "每秒{0}帧",
        "graphics-dot-per-inch": "每英寸{0}点",
        "revolution-per-minute": "每分钟{0}转",
        "digital-megabit-per-second": "每秒{0}兆比特",
        "digital-megabyte-per-second": "每秒{0}兆字节",
        "area-square-millimeter": "平方毫米",
    }
    clock = ("{h}点", "{h}点{m}分", "{h}点{m}分{s}秒")
    clock_noun = "点"
    oh = "零"
    ranges = "到"
    range_units = "%|‰|ppm"
    less = "减"
    ratio = "比"
    by = "乘"
    power_end = "次方"
    symbols = {
        "&": "和", "@": "艾特", "+": "加", "=": "等于", "==": "等于", "×": "乘以", "÷": "除以", "±": "正负", "≈": "约",
        "≤": "小于等于", "≥": "大于等于", "<": "小于", ">": "大于", "<=": "小于等于", ">=": "大于等于", "≠": "不等于",
        "*": "乘以", "^": "的", "~": "约", "№": "编号", "#": "井号", "/": "斜杠", "²": "的平方", "³": "的立方",
        "√": "根号", "∞": "无穷大", "§": "节", "π": "派", "〜": "到", "～": "到",
    }  # fmt: skip
    dot = "点"
    number_sign = "编号"
    terms = {"C++": "C加加", "C#": "C Sharp", "F#": "F Sharp", "24/7": "全天候"}
    ordinal_prefixes = "第"
    roman_after = "第"

    def cardinal(self, number: int, noun: str = "") -> str:
        if number == 2 and not (noun and not noun.endswith("分之")):
            return "二"
        return super().cardinal(number)

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        return self.cardinal(number)

    def say(self, number: Number, noun: str = "") -> str:
        if number.is_integer and not number.sign and _MOBILE.fullmatch(number.whole):
            return self.digits(number.whole).replace("一", "幺")
        return super().say(number, noun)

    def unit(self, number: Number, sign: str) -> str | None:
        words = super().unit(number, sign)
        if words and sign in ("°C", "°F") and words.startswith(self.minus):
            return "零下" + words.removeprefix(self.minus)
        return words

    def price(self, number: Number, code: str, scale: str = "") -> str:
        if number.point:
            number = Number(number.whole, number.point, number.decimals.rstrip("0"), number.sign)
        return self.scaled_price(number, code, scale) if scale else self._price(number, code)

    def noun_after(self, number: Number, word: str) -> str:
        return word if _MEASURES.match(word) else ""

    def is_year(self, number: int, context: Context) -> bool:
        after = context.after
        if after in ("到", "至"):
            return 1900 <= number <= 2099
        return 1000 <= number <= 2999 and after.startswith("年") and not (number < 1900 and _SPAN.match(after))

    def year(self, number: int, context: Context = NOWHERE) -> str:
        return self.digits(str(number))

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        start = "" if year is None else f"{self.year(year)}年"
        return f"{start}{self.cardinal(month)}月{self.cardinal(day)}日"

    def month(self, number: int) -> str:
        return f"{self.cardinal(number)}月"

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        words = f"{self.cardinal(below)}分之{self.cardinal(above)}"
        return words if whole is None else f"{self.cardinal(whole)}又{words}"


LANGUAGE = Chinese
