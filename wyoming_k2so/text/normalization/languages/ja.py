"""Japanese. Numbers stay Chinese characters, which every engine for Japanese reads."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number


class Japanese(Language):
    spaces = False
    comma = "、"
    plurals = ("other",)
    minus = "マイナス"
    plus = "プラス"
    plus_minus = "プラスマイナス"
    points = {".": "点", ",": "点"}
    respell = {"〇": "零"}
    per = "{0}毎{1}"
    currencies = {
        "USD": "ドル", "EUR": "ユーロ", "GBP": "ポンド", "JPY": "円", "CNY": "元", "INR": "ルピー", "RUB": "ルーブル",
        "TRY": "リラ", "KRW": "ウォン", "BRL": "レアル", "UAH": "フリヴニャ", "CHF": "スイスフラン",
    }  # fmt: skip
    currency_signs = {"円": "JPY", "ドル": "USD", "ユーロ": "EUR"}
    cents = {"USD": "セント", "EUR": "セント", "GBP": "ペンス"}
    money = "{0}{1}"
    scales = {"万": "万", "億": "億", "兆": "兆", "M": "", "K": "", "k": "", "B": ""}
    factors = {"M": 10**6, "K": 10**3, "k": 10**3, "B": 10**9}
    unit_words = {
        "angle-degree": "度",
        "concentr-part-per-1e6": "ピーピーエム",
        "concentr-part-per-1e9": "ピーピービー",
        "temperature-celsius": "摂氏{0}度",
        "area-square-meter": "平方メートル",
        "energy-watt-hour": "ワット時",
        "energy-megawatt-hour": "メガワット時",
        "electric-ampere-hour": "アンペア時",
        "electric-milliampere-hour": "ミリアンペア時",
        "electric-millivolt": "ミリボルト",
        "electric-kilovolt": "キロボルト",
        "sound-decibel": "デシベル",
        "graphics-frame-per-second": "フレーム毎秒",
        "revolution-per-minute": "回転毎分",
        "digital-megabit-per-second": "メガビット毎秒",
        "digital-megabyte-per-second": "メガバイト毎秒",
    }
    date = "{year}{month}{day}日"
    clock = ("{h}時", "{h}時{m}分", "{h}時{m}分{s}秒")
    ranges = "から"
    less = "引く"
    ratio = "対"
    by = "かける"
    symbols = {
        "&": "アンド", "@": "アットマーク", "+": "足す", "=": "イコール", "==": "イコール", "×": "かける", "÷": "割る",
        "±": "プラスマイナス", "≈": "約", "≤": "小なりイコール", "≥": "大なりイコール", "<": "小なり", ">": "大なり",
        "<=": "小なりイコール", ">=": "大なりイコール", "≠": "ノットイコール", "*": "かける", "^": "の", "~": "約",
        "№": "ナンバー", "#": "シャープ", "/": "スラッシュ", "²": "の二乗", "³": "の三乗", "√": "ルート", "∞": "無限大",
        "§": "セクション", "π": "パイ", "〜": "から", "～": "から",
    }  # fmt: skip
    dot = "ドット"
    number_sign = "ナンバー"
    terms = {"C++": "シープラスプラス", "C#": "シーシャープ", "F#": "エフシャープ"}
    roman_after = "第"

    def digits(self, text: str) -> str:
        return super().digits(text).replace("零", "ゼロ")

    def with_decimals(self, number: Number) -> str:
        decimals = Language.digits(self, number.decimals)
        return f"{self.cardinal(int(number.whole))}点{decimals}"

    def month(self, number: int) -> str:
        return f"{self.cardinal(number)}月"

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        start = "" if year is None else f"{self.cardinal(year)}年"
        return f"{start}{self.month(month)}{self.cardinal(day)}日"

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        words = f"{self.cardinal(below)}分の{self.cardinal(above)}"
        return words if whole is None else f"{self.cardinal(whole)}と{words}"


LANGUAGE = Japanese
