"""Ukrainian."""

from __future__ import annotations

from decimal import Decimal

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_ONES = (
    "нульовий|перший|другий|третій|четвертий|п’ятий|шостий|сьомий|восьмий|дев’ятий|десятий|одинадцятий|дванадцятий"
    "|тринадцятий|чотирнадцятий|п’ятнадцятий|шістнадцятий|сімнадцятий|вісімнадцятий|дев’ятнадцятий"
).split("|")
_TENS = ("||двадцятий|тридцятий|сороковий|п’ятдесятий|шістдесятий|сімдесятий|вісімдесятий|дев’яностий").split("|")
_HUNDREDS = (
    "|сотий|двохсотий|трьохсотий|чотирьохсотий|п’ятисотий|шестисотий|семисотий|восьмисотий|дев’ятисотий"
).split("|")
_THOUSANDS = "|тисячний|двотисячний|тритисячний".split("|")
_SOFT = {
    "ий": "ій", "а": "я", "е": "є", "ого": "ього", "ому": "ьому", "ої": "ьої", "у": "ю", "их": "іх", "ими": "іми",
    "им": "ім",
}  # fmt: skip
_GENITIVES = {
    "нуль": "нуля", "один": "одного", "одне": "одного", "одна": "однієї", "одну": "однієї", "два": "двох",
    "дві": "двох", "три": "трьох", "чотири": "чотирьох", "шість": "шести", "сім": "семи", "вісім": "восьми",
    "сорок": "сорока", "дев’яносто": "дев’яноста", "сто": "ста", "двісті": "двохсот", "триста": "трьохсот",
    "чотириста": "чотирьохсот", "п’ятсот": "п’ятисот", "шістсот": "шестисот", "сімсот": "семисот",
    "вісімсот": "восьмисот", "дев’ятсот": "дев’ятисот", "тисяча": "тисячі", "тисячі": "тисяч", "мільйон": "мільйона",
    "мільйони": "мільйонів", "мільярд": "мільярда", "мільярди": "мільярдів", "ціла": "цілої", "десята": "десятої",
    "сота": "сотої", "тисячна": "тисячної",
}  # fmt: skip
_PARTS = ("десят", "сот", "тисячн")
_NO_NOUN = frozenset("та і й або чи не на за до для по з із у в що це бо але вже ще коли вона вони".split())
_NOMINATIVE_DAYS = frozenset(
    (
        "сьогодні завтра вчора післязавтра на по це дата було буде понеділок"
        " вівторок середа четвер п’ятниця субота неділя"
    ).split()
)
_YEARS = {"рік": "ий", "року": "ого", "році": "ому", "роком": "им", "роки": "і", "років": "их", "роках": "их"}
_HOURS = {
    **dict.fromkeys(("о", "об", "на"), ("ій", "годині")),
    **dict.fromkeys(("до", "від", "з", "із", "після", "біля", "близько"), ("ої", "години")),
}
_SECONDS = "секунда|секунди|секунд|секунди"


class Ukrainian(Language):
    plurals = ("one", "few", "many", "other")
    minus = "мінус"
    plus = "плюс"
    plus_minus = "плюс-мінус"
    points = {",": "кома", ".": "крапка"}
    genders = {
        "m": "spellout-cardinal-masculine",
        "f": "spellout-cardinal-feminine",
        "n": "spellout-cardinal-neuter",
    }
    respell = {"ʼ": "’"}
    cases = dict.fromkeys("від до без близько біля понад більше менше після крім з із".split(), "genitive")
    feminine = (
        r"^(?:\S*годин|\S+(?:на|ні|них|ної) част|хвилин|секунд|тонн|мил[яіь]|миля|гривн|гривень|копій|рупі|лір|єн|вон|"
        r"\w*калорі|тисяч|унці|книг|книж|кімнат|людин|ос[іо]б|жінк|ламп|сторін|груп|дитин|машин|вулиц|ноч|штук|двер|фут)"
    )
    neuter = "^вікно$"
    per = "{0} за {1}"
    currencies = {
        "UAH": "гривня|гривні|гривень|гривні",
        "USD": "долар|долари|доларів|долара",
        "EUR": "євро",
        "GBP": "фунт|фунти|фунтів|фунта",
        "JPY": "єна|єни|єн|єни",
        "CNY": "юань|юані|юанів|юаня",
        "INR": "рупія|рупії|рупій|рупії",
        "RUB": "рубль|рублі|рублів|рубля",
        "TRY": "ліра|ліри|лір|ліри",
        "KRW": "вона|вони|вон|вони",
        "BRL": "реал|реали|реалів|реала",
        "CHF": "франк|франки|франків|франка",
        "PLN": "злотий|злоті|злотих|злотого",
    }
    currency_signs = {"грн": "UAH"}
    cents = {
        "UAH": "копійка|копійки|копійок|копійки",
        "RUB": "копійка|копійки|копійок|копійки",
        "USD": "цент|центи|центів|цента",
        "EUR": "цент|центи|центів|цента",
        "GBP": "пенс|пенси|пенсів|пенса",
        "BRL": "сентаво",
    }
    scales = {
        "тис.": "тисяча|тисячі|тисяч|тисячі",
        "тис": "тисяча|тисячі|тисяч|тисячі",
        **dict.fromkeys("млн млн. M мільйон мільйони мільйонів".split(), "мільйон|мільйони|мільйонів|мільйона"),
        **dict.fromkeys("млрд млрд. мільярд мільярди мільярдів".split(), "мільярд|мільярди|мільярдів|мільярда"),
    }
    unit_signs = {
        "мм": "length-millimeter", "см": "length-centimeter", "м": "length-meter", "км": "length-kilometer",
        "см²": "area-square-centimeter", "м²": "area-square-meter", "км²": "area-square-kilometer",
        "кв. м": "area-square-meter", "кв. км": "area-square-kilometer", "га": "area-hectare",
        "м³": "volume-cubic-meter", "мл": "volume-milliliter", "л": "volume-liter", "мг": "mass-milligram",
        "г": "mass-gram", "кг": "mass-kilogram", "т": "mass-tonne", "сек": "duration-second", "хв": "duration-minute",
        "год": "duration-hour", "км/год": "speed-kilometer-per-hour", "м/с": "speed-meter-per-second",
        "Па": "pressure-pascal", "гПа": "pressure-hectopascal", "кПа": "pressure-kilopascal",
        "мм рт. ст.": "pressure-millimeter-ofhg", "Вт": "power-watt", "кВт": "power-kilowatt", "МВт": "power-megawatt",
        "Вт·год": "energy-watt-hour", "кВт·год": "energy-kilowatt-hour", "МВт·год": "energy-megawatt-hour",
        "ккал": "energy-kilocalorie", "мА": "electric-milliampere", "А": "electric-ampere", "В": "electric-volt",
        "кВ": "electric-kilovolt", "Гц": "frequency-hertz", "МГц": "frequency-megahertz", "ГГц": "frequency-gigahertz",
        "КБ": "digital-kilobyte", "МБ": "digital-megabyte", "ГБ": "digital-gigabyte", "ТБ": "digital-terabyte",
        "Мбіт/с": "digital-megabit-per-second", "дБ": "sound-decibel", "лк": "light-lux", "лм": "light-lumen",
        "об/хв": "revolution-per-minute", "р.": "year",
    }  # fmt: skip
    unit_words = {
        "mass-tonne": "тонна|тонни|тонн|тонни",
        "energy-watt-hour": "ват-година|ват-години|ват-годин|ват-години",
        "energy-megawatt-hour": "мегават-година|мегават-години|мегават-годин|мегават-години",
        "electric-ampere-hour": "ампер-година|ампер-години|ампер-годин|ампер-години",
        "electric-milliampere-hour": "міліампер-година|міліампер-години|міліампер-годин|міліампер-години",
        "electric-millivolt": "мілівольт|мілівольти|мілівольтів|мілівольта",
        "electric-kilovolt": "кіловольт|кіловольти|кіловольтів|кіловольта",
        "sound-decibel": "децибел|децибели|децибелів|децибела",
        "graphics-frame-per-second": "кадр за секунду|кадри за секунду|кадрів за секунду|кадру за секунду",
        "revolution-per-minute": "оберт за хвилину|оберти за хвилину|обертів за хвилину|оберту за хвилину",
        "digital-megabit-per-second": "мегабіт за секунду|мегабіти за секунду|мегабітів за секунду|мегабіта за секунду",
        "digital-megabyte-per-second": (
            "мегабайт за секунду|мегабайти за секунду|мегабайтів за секунду|мегабайта за секунду"
        ),
    }
    clock_words = "год\\.?|годин[аиі]?"
    oh = "нуль"
    ranges = "від {0} до"
    ratio = "до"
    by = "на"
    symbols = {
        "&": "і", "@": "равлик", "+": "плюс", "=": "дорівнює", "==": "дорівнює", "×": "помножити на",
        "÷": "поділити на", "±": "плюс-мінус", "≈": "приблизно", "≤": "менше або дорівнює", "≥": "більше або дорівнює",
        "<": "менше ніж", ">": "більше ніж", "<=": "менше або дорівнює", ">=": "більше або дорівнює",
        "≠": "не дорівнює", "*": "помножити на", "^": "у степені", "~": "приблизно", "№": "номер", "#": "решітка",
        "/": "слеш", "²": "у квадраті", "³": "у кубі", "√": "корінь з", "∞": "нескінченність", "§": "параграф",
        "π": "пі",
    }  # fmt: skip
    fractions = {"1/2": "пів", "1/3": "одна третина", "2/3": "дві третини", "1/4": "чверть", "3/4": "три чверті"}
    mixed = "{0} і {1}"
    mixed_half = "{0} з половиною"
    dot = "крапка"
    number_sign = "номер"
    terms = {"C++": "сі плюс плюс", "C#": "сі шарп", "F#": "еф шарп"}
    ordinal_signs = "[-‑][шгт]?(?:ий|ій|й|а|я|е|є|ого|ього|го|ому|ьому|му|ої|ьої|ї|у|ю|их|іх|х|ими|іми|ми|им|ім|м|і)"
    roman_after = "розділ розділі глава главі том томі частина частині тип типу"
    roman_names = (
        "людовик генріх єлизавета георг карл едуард вільгельм яків річард філіп франциск олександр катерина наполеон"
        " павло пій бенедикт григорій лев іван петро микола фрідріх"
    )
    roman_before = (
        "століття столітті століттю століть світова світової світовій світову квартал кварталу кварталі з’їзд з’їзду"
    )

    # ---- numbers

    def _spell(self, number: int, rules: str) -> str | None:
        words = super()._spell(number, rules)
        return words.removeprefix("одна ") if words and words.startswith("одна тисяча") else words

    def noun_after(self, number: Number, word: str) -> str:
        last = int(number.whole[-2:])
        if word in _NO_NOUN or not number.is_integer or 10 < last < 20 or len(word) < 3:
            return ""
        if last % 10 == 1 and not number.case:
            return "хвилина" if word.endswith(("а", "я")) else "вікно" if word.endswith(("о", "е")) else ""
        return word if self.gender_of(word) == "f" else ""

    def inflected(self, words: str, case: str) -> str:
        return " ".join(map(_genitive, words.split()))

    def counts_as(self, number: Number) -> Decimal:
        if number.case and number.is_integer:
            return Decimal("1.5") if self._cldr.plural(number.value) == "one" else Decimal(5)
        return number.value

    def with_decimals(self, number: Number) -> str:
        decimals = number.decimals
        if len(decimals) > len(_PARTS) or not int(decimals):
            return super().with_decimals(number)
        whole, parts = int(number.whole), int(decimals)
        return self.join(
            self.cardinal(whole, "хвилина"),
            "ціла" if _is_one(whole) else "цілих",
            self.cardinal(parts, "хвилина"),
            _PARTS[len(decimals) - 1] + ("а" if _is_one(parts) else "их"),
        )

    def unit(self, number: Number, sign: str) -> str | None:
        if sign == "р.":
            year = int(number.whole) if number.is_integer else 0
            is_year = 1000 <= year <= 2999
            return f"{self._ordinal(year, 'ого') if is_year else self.say(number)} року."
        words = super().unit(number, sign)
        if words is None or "/" not in sign:
            return words
        words = words.replace("за хвилина", "за хвилину").replace("за секунда", "за секунду")
        return words.replace("за година", "за годину").replace(" за кубічний", " на кубічний")

    # ---- ordinals, dates and times

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        return self._ordinal(number, _ending(context.mark.lstrip("-‑"), context.after.lower()))

    def _ordinal(self, number: int, ending: str) -> str:
        if number >= 4000:
            return self.cardinal(number)
        thousands, rest = divmod(number, 1000)
        words = []
        if thousands:
            words.append(self.cardinal(thousands * 1000) if rest else _THOUSANDS[thousands])
        hundreds, rest = divmod(rest, 100)
        if hundreds:
            words.append(self.cardinal(hundreds * 100) if rest else _HUNDREDS[hundreds])
        if rest >= 20:
            words.append(self.cardinal(rest - rest % 10) if rest % 10 else _TENS[rest // 10])
            rest %= 10
            words += [_ONES[rest]] if rest else []
        elif rest or not number:
            words.append(_ONES[rest])
        return " ".join([*words[:-1], _inflected(words[-1], ending)])

    def day(self, number: int, context: Context) -> str:
        return self._ordinal(number, "е" if context.before.lower() in _NOMINATIVE_DAYS else "ого")

    def is_year(self, number: int, context: Context) -> bool:
        is_month = context.before.lower() in self.month_names()
        return 1000 <= number <= 2999 and (context.after.lower() in _YEARS or is_month)

    def year(self, number: int, context: Context = NOWHERE) -> str:
        return self._ordinal(number, _YEARS.get(context.after.lower(), "ого"))

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        words = f"{self.day(day, context)} {self.month(month)}"
        if year is None:
            return words
        noun = "" if context.after.lower() in ("року", "рік", "р") else " року"
        return f"{words} {self.year(year)}{noun}"

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        ending, noun = _HOURS.get(context.before.lower(), ("а", "година"))
        hours = self._ordinal(hour, ending)
        if not minute and second is None:
            return f"{hours} {noun}"
        words = self.join(hours, self.oh if minute < 10 else "", self.cardinal(minute) if minute else self.oh)
        return words if second is None else f"{words} і {self.counted(Number(str(second)), _SECONDS)}"

    # ---- fractions and Roman numerals

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or below < 3:
            return super().fraction(whole, above, below)
        words = f"{self.cardinal(above, 'хвилина')} {self._ordinal(below, 'а' if _is_one(above) else 'их')}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def span(self, first: str, context: Context) -> str:
        if context.before.lower() in ("на", "в", "у", "за", "через", "по", "о", "з", "із"):
            return f"{first} - "
        return super().span(first, context)

    def proportion(self, first: int, second: int) -> str:
        return f"{self.cardinal(first)} до {self.inflected(self.cardinal(second), 'genitive')}"

    def in_full(self, words: str, context: Context) -> str:
        before, earlier = context.before.lower(), context.earlier.lower()
        if words == "століття":
            return "столітті" if earlier in ("у", "в") else words
        place = before in ("у", "в", "на", "по")
        if words == "місто":
            return "місті" if place else "міста" if before in self.cases else words
        if words in ("вулиця", "сторінка"):
            return {"вулиця": "вулиці", "сторінка": "сторінці"}[words] if place else words
        return words


def _is_one(number: int) -> bool:
    return number % 10 == 1 and number % 100 != 11


def _genitive(word: str) -> str:
    if word in _GENITIVES:
        return _GENITIVES[word]
    if word.endswith("ь"):
        return word[:-1] + "и"
    return word + "и" if word.endswith("десят") else word


def _inflected(word: str, ending: str) -> str:
    return word[:-2] + (_SOFT.get(ending, ending) if word.endswith("ій") else ending)


_MARKS = {
    "ій": "ій", "й": "ий", "а": "а", "я": "а", "е": "е", "є": "е", "го": "ого", "му": "ому", "ї": "ої", "у": "у",
    "ю": "у", "х": "их", "ми": "ими", "м": "им", "і": "і",
}  # fmt: skip
_ENDINGS = {
    "ова": "а", "ової": "ої", "овій": "ій", "ову": "у", "ття": "е", "тті": "ому", "ттю": "ому", "ть": "их",
    "ої": "ої", "ій": "ій", "а": "а", "о": "е", "у": "ого", "і": "ому",
}  # fmt: skip


def _ending(mark: str, after: str) -> str:
    """The ending of an ordinal, as its own mark (2-га) or the word behind it has it."""
    if not mark:
        return next((ending for end, ending in _ENDINGS.items() if after.endswith(end)), "ий")
    ending = next((ending for end, ending in _MARKS.items() if mark.endswith(end)), "ий")
    return "ій" if ending == "ий" and after.endswith(("ій", "ці")) else ending


LANGUAGE = Ukrainian
