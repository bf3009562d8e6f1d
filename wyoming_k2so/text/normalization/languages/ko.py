"""Korean: Sino-Korean numbers, but native ones before many counters, and particles written onto them."""

from __future__ import annotations

import regex

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_NATIVE = regex.compile(
    r"(?P<hours>시(?!속))(?!간)|(?P<few>시간|대(?!로)|번(?!째|지|호)|배(?!럴)|팀|컵|통)"
    r"|(?:개(?!월|년|국)|명|마리|살|달(?!러)|잔|병|권|장(?!애)|벌|송이|그루|켤레|군데|자루|조각|그릇|쌍|가지|사람|곳|채"
    r"|접시|봉지|상자|끼|걸음|바퀴|번째|시간째)"
)
"""What is counted with native numbers: hours up to 12, some things up to 9 or 19, the others up to 99."""
_MONTHS = {6: "유", 10: "시"}


def _ends_in_consonant(word: str) -> bool:
    return "가" <= word[-1] <= "힣" and (ord(word[-1]) - ord("가")) % 28 > 0


class Korean(Language):
    plurals = ("other",)
    prefixes = "제"
    suffixes = (
        r"은|는|이(?!상|하|내|전|후)|가(?!지|구)|을|를|과(?!목)|와|로|으로|에|의|만|부터|까지|보다|처럼|라|랑|입|인(?!분|승)"
        r"|예요|였|년|월|일(?!곱)|분의|제곱|세제곱|짜리|씩|마다|쯤|간|여|째|[억천](?!명|사)|조(?!각|명|사)"
    )
    minus = "마이너스"
    plus = "플러스"
    plus_minus = "플러스마이너스"
    points = {".": "점", ",": "점"}
    cardinals = "spellout-cardinal-sinokorean"
    per = "{1}당 {0}"
    currencies = {
        "USD": "달러", "EUR": "유로", "GBP": "파운드", "JPY": "엔", "CNY": "위안", "INR": "루피", "RUB": "루블",
        "TRY": "리라", "KRW": "원", "BRL": "헤알", "UAH": "흐리우냐", "CHF": "스위스 프랑",
    }  # fmt: skip
    currency_signs = {"원": "KRW", "달러": "USD", "유로": "EUR", "엔": "JPY"}
    cents = {"USD": "센트", "EUR": "센트", "GBP": "펜스", "BRL": "센타부"}
    scales = {"M": "", "K": "", "k": "", "B": ""}
    factors = {"M": 10**6, "K": 10**3, "k": 10**3, "B": 10**9}
    unit_words = {
        "concentr-percent": "퍼센트",
        "concentr-permille": "퍼밀",
        "concentr-part-per-1e6": "피피엠",
        "concentr-part-per-1e9": "피피비",
        "mass-tonne": "톤",
        "energy-watt-hour": "와트시",
        "energy-megawatt-hour": "메가와트시",
        "electric-ampere-hour": "암페어시",
        "electric-milliampere-hour": "밀리암페어시",
        "electric-millivolt": "밀리볼트",
        "electric-kilovolt": "킬로볼트",
        "sound-decibel": "데시벨",
        "graphics-pixel": "픽셀",
        "graphics-megapixel": "메가픽셀",
        "graphics-frame-per-second": "초당 {0}프레임",
        "revolution-per-minute": "분당 {0}회전",
        "digital-megabit-per-second": "초당 {0}메가비트",
        "digital-megabyte-per-second": "초당 {0}메가바이트",
        "area-square-millimeter": "제곱밀리미터",
    }
    clock = ("{h} 시", "{h} 시 {m} 분", "{h} 시 {m} 분 {s} 초")
    clock_noun = "시"
    ranges = "{0}에서"
    range_units = "°[CF]"
    less = "빼기"
    ratio = "대"
    by = "곱하기"
    power_end = "제곱"
    symbols = {
        "&": "앤드", "@": "골뱅이", "+": "더하기", "=": "이퀄", "==": "이퀄", "×": "곱하기", "÷": "나누기",
        "±": "플러스마이너스", "≈": "약", "≤": "작거나 같다", "≥": "크거나 같다", "<": "작다", ">": "크다",
        "<=": "작거나 같다", ">=": "크거나 같다", "≠": "같지 않다", "*": "곱하기", "^": "의", "~": "약", "№": "넘버",
        "#": "샵", "/": "슬래시", "²": "제곱", "³": "세제곱", "√": "루트", "∞": "무한대", "§": "섹션", "π": "파이",
    }  # fmt: skip
    dot = "닷"
    number_sign = "넘버"
    terms = {"C++": "씨 플러스 플러스", "C#": "씨 샵", "F#": "에프 샵", "24/7": "연중무휴"}
    ordinal_prefixes = "제"
    roman_after = "제"
    roman_names = (
        "루이 헨리 엘리자베스 조지 찰스 에드워드 윌리엄 제임스 리처드 필리프 나폴레옹 바오로 비오 베네딕토 요한"
    )

    def cardinal(self, number: int, noun: str = "") -> str:
        if noun.startswith("월") and number in _MONTHS:
            return _MONTHS[number]
        match = _NATIVE.match(noun) if noun else None
        if not match or not 0 < number <= (12 if match["hours"] else 19 if match["few"] else 99):
            return super().cardinal(number)
        if match["few"] in ("번", "대") and number > 9:
            return super().cardinal(number)
        if number == 1 and noun.startswith("번째"):
            return "첫"
        return self._spell(number, "spellout-cardinal-native-attributive") or super().cardinal(number)

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        return self.cardinal(number)

    def noun_after(self, number: Number, word: str) -> str:
        return word if _NATIVE.match(word) or regex.match("월(?!드|요)", word) else ""

    def digits(self, text: str) -> str:
        return "".join("공" if digit == "0" else self.cardinal(int(digit)) for digit in text)

    def decimals(self, digits: str) -> str:
        return self.digits(digits).replace("공", "영")

    def unit(self, number: Number, sign: str) -> str | None:
        words = super().unit(number, sign)
        return words.replace(self.minus, "영하") if words and sign in ("°C", "°F") else words

    def _fill(self, pattern: str, number: Number) -> str:
        return super()._fill(regex.sub(r"\{0\}(?=\S)", "{0} ", pattern), number)

    def month(self, number: int) -> str:
        return f"{self.cardinal(number, '월')}월"

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        start = "" if year is None else f"{self.cardinal(year)}년 "
        return f"{start}{self.month(month)} {self.cardinal(day)}일"

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        words = f"{self.cardinal(below)}분의 {self.cardinal(above)}"
        if whole is None:
            return words
        number = self.cardinal(whole)
        return f"{number}{'과' if _ends_in_consonant(number) else '와'} {words}"

    def reign(self, number: int) -> str:
        return f"{self.cardinal(number)}세"


LANGUAGE = Korean
