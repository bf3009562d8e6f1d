"""Russian."""

from __future__ import annotations

from decimal import Decimal

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_GENITIVES = {
    "ноль": "ноля", "один": "одного", "одно": "одного", "одна": "одной", "одну": "одной", "два": "двух", "две": "двух",
    "три": "трёх", "четыре": "четырёх", "сорок": "сорока", "девяносто": "девяноста", "сто": "ста", "двести": "двухсот",
    "триста": "трёхсот", "четыреста": "четырёхсот", "пятьсот": "пятисот", "шестьсот": "шестисот", "семьсот": "семисот",
    "восемьсот": "восьмисот", "девятьсот": "девятисот", "восемь": "восьми", "восемьдесят": "восьмидесяти",
    "пятьдесят": "пятидесяти", "шестьдесят": "шестидесяти", "семьдесят": "семидесяти", "тысяча": "тысячи",
    "тысячи": "тысяч", "миллион": "миллиона", "миллиона": "миллионов", "миллиард": "миллиарда",
    "миллиарда": "миллиардов", "целая": "целой",
}  # fmt: skip
_PARTS = ("десят", "сот", "тысячн")
_NO_NOUN = frozenset(
    "и или ли ни при три на за для до по со из но да а я с у о бы же не все ещё для когда она они мы".split()
)
_NOMINATIVE_DAYS = frozenset(
    "сегодня завтра вчера послезавтра на по это дата было будет понедельник вторник среда".split()
)
_NOMINATIVE_DAYS |= frozenset("четверг пятница суббота воскресенье".split())
_CASES_OF_YEARS = {
    "год": "masculine", "года": "masculine-genitive", "году": "masculine-locative", "годом": "masculine-ablative",
    "годы": "plural", "годов": "plural-genitive", "годах": "plural-locative",
}  # fmt: skip
_HOURS = "час|часа|часов|часа"
_SECONDS = "секунда|секунды|секунд|секунды"


class Russian(Language):
    plurals = ("one", "few", "many", "other")
    minus = "минус"
    plus = "плюс"
    plus_minus = "плюс-минус"
    points = {",": "запятая", ".": "точка"}
    genders = {
        "m": "spellout-cardinal-masculine",
        "f": "spellout-cardinal-feminine",
        "n": "spellout-cardinal-neuter",
        "accusative": "spellout-cardinal-feminine-accusative",
    }
    ordinals = "spellout-ordinal-masculine"
    respell = {"четверт": "четвёрт", "трех": "трёх", "четырех": "четырёх", "трем": "трём", "четырем": "четырём"}
    cases = dict.fromkeys(
        "от до без около более менее больше меньше свыше порядка после кроме из у против возле".split(), "genitive"
    )
    feminine = (
        r"^(?:\S+ая \S+|\S+(?:ые|ых|ой) дол\S+|минут\S*|секунд\S*|тонн\S*|мил[яиь]\S*|\w*калори\S*|лир\S?|рупи\S|"
        r"гривн\S|гривен|крон\S?|копе\S+|тысяч\S?|унци\S|доля|штук\S?)(?: |$)"
    )
    per = "{0} в {1}"
    currencies = {
        "RUB": "рубль|рубля|рублей|рубля",
        "USD": "доллар|доллара|долларов|доллара",
        "EUR": "евро",
        "GBP": "фунт|фунта|фунтов|фунта",
        "JPY": "иена|иены|иен|иены",
        "CNY": "юань|юаня|юаней|юаня",
        "INR": "рупия|рупии|рупий|рупии",
        "TRY": "лира|лиры|лир|лиры",
        "KRW": "вона|воны|вон|воны",
        "BRL": "реал|реала|реалов|реала",
        "UAH": "гривна|гривны|гривен|гривны",
        "CHF": "франк|франка|франков|франка",
    }
    currency_signs = {"руб": "RUB", "грн": "UAH", "долл": "USD"}
    cents = {
        "RUB": "копейка|копейки|копеек|копейки",
        "UAH": "копейка|копейки|копеек|копейки",
        "USD": "цент|цента|центов|цента",
        "EUR": "цент|цента|центов|цента",
        "GBP": "пенс|пенса|пенсов|пенса",
        "INR": "пайса|пайсы|пайс|пайсы",
        "BRL": "сентаво",
        "CHF": "раппен|раппена|раппенов|раппена",
    }
    scales = {
        "тыс.": "тысяча|тысячи|тысяч|тысячи",
        "тыс": "тысяча|тысячи|тысяч|тысячи",
        "млн": "миллион|миллиона|миллионов|миллиона",
        "млрд": "миллиард|миллиарда|миллиардов|миллиарда",
        "трлн": "триллион|триллиона|триллионов|триллиона",
        "млн.": "миллион|миллиона|миллионов|миллиона",
        "млрд.": "миллиард|миллиарда|миллиардов|миллиарда",
        "M": "миллион|миллиона|миллионов|миллиона",
        **dict.fromkeys("тысяча тысячи тысяч".split(), "тысяча|тысячи|тысяч|тысячи"),
        **dict.fromkeys("миллион миллиона миллионов".split(), "миллион|миллиона|миллионов|миллиона"),
        **dict.fromkeys("миллиард миллиарда миллиардов".split(), "миллиард|миллиарда|миллиардов|миллиарда"),
    }
    unit_signs = {
        "мм": "length-millimeter", "см": "length-centimeter", "дм": "length-decimeter", "м": "length-meter",
        "км": "length-kilometer", "см²": "area-square-centimeter", "м²": "area-square-meter",
        "км²": "area-square-kilometer", "кв. м": "area-square-meter", "кв. км": "area-square-kilometer",
        "га": "area-hectare", "см³": "volume-cubic-centimeter", "м³": "volume-cubic-meter",
        "куб. м": "volume-cubic-meter", "мл": "volume-milliliter", "л": "volume-liter", "мг": "mass-milligram",
        "г": "mass-gram", "кг": "mass-kilogram", "т": "mass-tonne", "мс": "duration-millisecond",
        "сек": "duration-second", "мин": "duration-minute", "ч": "duration-hour", "сут": "duration-day",
        "км/ч": "speed-kilometer-per-hour", "м/с": "speed-meter-per-second", "Па": "pressure-pascal",
        "гПа": "pressure-hectopascal", "кПа": "pressure-kilopascal", "мм рт. ст.": "pressure-millimeter-ofhg",
        "Вт": "power-watt", "кВт": "power-kilowatt", "МВт": "power-megawatt", "Вт·ч": "energy-watt-hour",
        "кВт·ч": "energy-kilowatt-hour", "кВтч": "energy-kilowatt-hour", "кВт*ч": "energy-kilowatt-hour",
        "МВт·ч": "energy-megawatt-hour", "Дж": "energy-joule", "кДж": "energy-kilojoule", "ккал": "energy-kilocalorie",
        "мА": "electric-milliampere", "А": "electric-ampere", "мА·ч": "electric-milliampere-hour",
        "мАч": "electric-milliampere-hour", "В": "electric-volt", "мВ": "electric-millivolt", "кВ": "electric-kilovolt",
        "Ом": "electric-ohm", "Гц": "frequency-hertz", "кГц": "frequency-kilohertz", "МГц": "frequency-megahertz",
        "ГГц": "frequency-gigahertz", "КБ": "digital-kilobyte", "МБ": "digital-megabyte", "ГБ": "digital-gigabyte",
        "ТБ": "digital-terabyte", "Мбит/с": "digital-megabit-per-second", "МБ/с": "digital-megabyte-per-second",
        "дБ": "sound-decibel", "лм": "light-lumen", "лк": "light-lux", "об/мин": "revolution-per-minute",
        "л. с.": "power-horsepower", "г.": "year",
    }  # fmt: skip
    unit_words = {
        "concentr-part-per-1e6": "миллионная доля|миллионные доли|миллионных долей|миллионной доли",
        "mass-gram": "грамм|грамма|граммов|грамма",
        "mass-kilogram": "килограмм|килограмма|килограммов|килограмма",
        "energy-watt-hour": "ватт-час|ватт-часа|ватт-часов|ватт-часа",
        "energy-megawatt-hour": "мегаватт-час|мегаватт-часа|мегаватт-часов|мегаватт-часа",
        "electric-ampere-hour": "ампер-час|ампер-часа|ампер-часов|ампер-часа",
        "electric-milliampere-hour": "миллиампер-час|миллиампер-часа|миллиампер-часов|миллиампер-часа",
        "electric-millivolt": "милливольт|милливольта|милливольт|милливольта",
        "electric-kilovolt": "киловольт|киловольта|киловольт|киловольта",
        "sound-decibel": "децибел|децибела|децибел|децибела",
        "graphics-frame-per-second": "кадр в секунду|кадра в секунду|кадров в секунду|кадра в секунду",
        "revolution-per-minute": "оборот в минуту|оборота в минуту|оборотов в минуту|оборота в минуту",
        "digital-megabit-per-second": "мегабит в секунду|мегабита в секунду|мегабит в секунду|мегабита в секунду",
        "digital-megabyte-per-second": "мегабайт в секунду|мегабайта в секунду|мегабайт в секунду|мегабайта в секунду",
        "area-square-millimeter": (
            "квадратный миллиметр|квадратных миллиметра|квадратных миллиметров|квадратного миллиметра"
        ),
    }
    clock_words = "ч\\.?|час(?:ов|а)?"
    hour_words = "(?!)"
    oh = "ноль"
    ranges = "от {0} до"
    ratio = "к"
    by = "на"
    symbols = {
        "&": "и", "@": "собака", "+": "плюс", "=": "равно", "==": "равно", "×": "умножить на", "÷": "разделить на",
        "±": "плюс-минус", "≈": "примерно", "≤": "меньше или равно", "≥": "больше или равно", "<": "меньше чем",
        ">": "больше чем", "<=": "меньше или равно", ">=": "больше или равно", "≠": "не равно", "*": "умножить на",
        "^": "в степени", "~": "примерно", "№": "номер", "#": "решётка", "/": "слэш", "²": "в квадрате", "³": "в кубе",
        "√": "корень из", "∞": "бесконечность", "§": "параграф", "π": "пи",
    }  # fmt: skip
    fractions = {
        "1/2": "одна вторая",
        "1/3": "одна треть",
        "2/3": "две трети",
        "1/4": "одна четверть",
        "3/4": "три четверти",
    }
    mixed = "{0} и {1}"
    mixed_half = "{0} с половиной"
    dot = "точка"
    number_sign = "номер"
    terms = {"C++": "си плюс плюс", "C#": "си шарп", "F#": "эф шарп"}
    ordinal_signs = "[-‑](?:ый|ий|ой|й|ая|я|ое|ее|е|ого|его|го|ому|му|ым|ом|ем|м|ую|ю|ых|их|х|ыми|ми)"
    roman_after = "глава главе главу том томе часть части акт тип типа"
    roman_names = (
        "людовик генрих елизавета георг карл эдуард вильгельм яков ричард филипп франциск александр екатерина наполеон"
        " павел пий бенедикт григорий лев иоанн пётр петр николай фридрих иван август"
    )
    roman_before = (
        "век века веке веку веком веков веках мировая мировой мировую квартал квартала квартале съезд съезда съезде"
        " олимпиада олимпийские степени"
    )

    # ---- numbers

    def _spell(self, number: int, rules: str) -> str | None:
        words = super()._spell(number, rules)
        return words.removeprefix("одна ") if words and words.startswith("одна тысяча") else words

    def gender_of(self, noun: str) -> str:
        return "accusative" if noun == "минуту" else super().gender_of(noun)

    def noun_after(self, number: Number, word: str) -> str:
        """A noun of the gender that the word behind 1 or 2 has, by its ending."""
        last = int(number.whole[-2:])
        if word in _NO_NOUN or not number.is_integer or 10 < last < 20 or len(word) < 3:
            return ""
        if last % 10 == 2:
            return "минута" if word.endswith(("ы", "и", "ые", "ие")) else ""
        if last % 10 != 1:
            return ""
        if number.case:
            return "минута" if word.endswith(("ы", "и", "ой", "ей")) else ""
        if word.endswith(("у", "ю")):
            return "минуту"
        return "минута" if word.endswith(("а", "я")) else "окно" if word.endswith(("о", "е")) else ""

    neuter = "^окно$"

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
        one = parts % 10 == 1 and parts % 100 != 11
        return self.join(
            self.cardinal(whole, "доля"),
            "целая" if whole % 10 == 1 and whole % 100 != 11 else "целых",
            self.cardinal(parts, "доля"),
            _PARTS[len(decimals) - 1] + ("ая" if one else "ых"),
        )

    # ---- what is counted

    def unit(self, number: Number, sign: str) -> str | None:
        if sign == "г.":
            return self._year_or_grams(number)
        words = super().unit(number, sign)
        if words is None or "/" not in sign:
            return words
        words = words.replace("в минута", "в минуту").replace("в секунда", "в секунду")
        return words.replace(" в к", " на к") if "метр" in words.partition(" в к")[2] else words

    def _year_or_grams(self, number: Number) -> str | None:
        year = int(number.whole) if number.is_integer else 0
        if not 1000 <= year <= 2999:
            words = super().unit(number, "г")
            return words and f"{words}."
        return f"{self._ordinal(year, 'masculine-genitive')} года."

    # ---- ordinals and dates

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        return self._ordinal(number, _ending(context.mark, context.after.lower()))

    def _ordinal(self, number: int, ending: str) -> str:
        return self._spell(number, f"spellout-ordinal-{ending}") or self.cardinal(number)

    def day(self, number: int, context: Context) -> str:
        before = context.before.lower()
        if before == "к":
            return self._ordinal(number, "neuter-dative")
        return self._ordinal(number, "neuter" if before in _NOMINATIVE_DAYS else "neuter-genitive")

    def is_year(self, number: int, context: Context) -> bool:
        is_month = context.before.lower() in self.month_names()
        return 1000 <= number <= 2999 and (context.after.lower() in _CASES_OF_YEARS or is_month)

    def year(self, number: int, context: Context = NOWHERE) -> str:
        ending = _CASES_OF_YEARS.get(context.after.lower(), "masculine-genitive")
        if context.after.lower() == "году" and context.before.lower() in ("к", "по"):
            ending = "masculine-dative"
        return self._ordinal(number, ending)

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        words = f"{self.day(day, context)} {self.month(month)}"
        if year is None:
            return words
        noun = "" if context.after.lower() in ("года", "год", "г") else " года"
        return f"{words} {self.year(year)}{noun}"

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        case = "genitive" if context.before.lower() in ("с", "после", "до", "от", "около", "к") else ""
        hours = Number(str(hour), case=case)
        if not minute and second is None:
            return self.counted(hours, _HOURS)
        zero = [self.oh] if minute < 10 else []
        words = self.join(self.say(hours), *zero, self.say(Number(str(minute), case=case)) if minute else self.oh)
        return words if second is None else f"{words} и {self.counted(Number(str(second)), _SECONDS)}"

    # ---- fractions and Roman numerals

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or below < 3:
            return super().fraction(whole, above, below)
        one = above % 10 == 1 and above % 100 != 11
        part = self._ordinal(below, "feminine" if one else "plural-genitive")
        words = f"{self.cardinal(above, 'доля')} {part}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def span(self, first: str, context: Context) -> str:
        if context.before.lower() in ("на", "в", "за", "через", "по", "о", "с", "к"):
            return f"{first} - "
        return super().span(first, context)

    def proportion(self, first: int, second: int) -> str:
        dative = self._spell(second, "spellout-cardinal-masculine-dative")
        return f"{self.cardinal(first)} к {dative or self.cardinal(second)}"

    def in_full(self, words: str, context: Context) -> str:
        before, earlier = context.before.lower(), context.earlier.lower()
        if words == "век":
            return "веке" if earlier in ("в", "во") else "века"
        if words in ("улица", "страница"):
            ending = "е" if before in ("на", "в", "по") else "ы" if before in ("с", "от", "до", "около") else "а"
            return words[:-1] + ("и" if (words, ending) == ("улица", "ы") else ending if ending != "ы" else "ы")
        return words


def _genitive(word: str) -> str:
    if word in _GENITIVES:
        return _GENITIVES[word]
    if word.endswith("ая") and word[:-2] in _PARTS:
        return word[:-2] + "ой"
    return word[:-1] + "и" if word.endswith("ь") else word


_MARKS = {
    **dict.fromkeys(("я", "ая"), "feminine"),
    **dict.fromkeys(("е", "ое", "ее"), "neuter"),
    **dict.fromkeys(("го", "ого", "его"), "masculine-genitive"),
    **dict.fromkeys(("му", "ому"), "masculine-dative"),
    **dict.fromkeys(("м", "ом", "ем"), "masculine-locative"),
    "ым": "masculine-ablative",
    **dict.fromkeys(("ю", "ую"), "feminine-accusative"),
    **dict.fromkeys(("х", "ых", "их"), "plural-genitive"),
    **dict.fromkeys(("ми", "ыми"), "plural-ablative"),
}
_ENDINGS = {
    "ая": "feminine", "да": "feminine", "ой": "feminine-genitive", "ей": "feminine-genitive",
    "ени": "feminine-genitive", "ую": "feminine-accusative", "ие": "plural", "ые": "plural",
    "ом": "masculine-ablative", "ах": "plural-genitive", "ов": "plural-genitive", "а": "masculine-genitive",
    "е": "masculine-locative", "у": "masculine-dative",
}  # fmt: skip


def _ending(mark: str, after: str) -> str:
    """The rules' name for an ordinal, by its own ending (2-я) and the word behind it."""
    ending = mark.lstrip("-‑")
    if not ending:
        return next((rules for end, rules in _ENDINGS.items() if after.endswith(end)), "masculine")
    rules = _MARKS.get(ending, "masculine")
    if rules == "neuter" and after.endswith(("ы", "и", "ые", "ие")):
        return "plural"
    if rules == "masculine-locative" and after.endswith(("ом", "ем")):
        return "masculine-ablative"
    return "feminine-genitive" if ending == "й" and after.endswith(("ой", "ей", "ы", "и")) else rules


LANGUAGE = Russian
