"""Arabic: Modern Standard Arabic, as it is read aloud without case endings. CLDR's spelled numbers are not used."""

from __future__ import annotations

import regex

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Forms, Language
from wyoming_k2so.text.normalization.number import Number

_ONES = "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة".split()
_FEMININE_ONES = "صفر واحدة اثنتان ثلاث أربع خمس ست سبع ثماني تسع عشر".split()
_TENS = "- - عشرون ثلاثون أربعون خمسون ستون سبعون ثمانون تسعون".split()
_HUNDREDS = "- مائة مائتان ثلاثمائة أربعمائة خمسمائة ستمائة سبعمائة ثمانمائة تسعمائة".split()
_SCALES = (
    "تريليون|تريليونان|تريليونات|تريليونًا".split("|"),
    "مليار|ملياران|مليارات|مليارًا".split("|"),
    "مليون|مليونان|ملايين|مليونًا".split("|"),
    "ألف|ألفان|آلاف|ألفًا".split("|"),
)
_ORDINALS = "- أول ثاني ثالث رابع خامس سادس سابع ثامن تاسع عاشر".split()
_OBLIQUE_AFTER = frozenset(
    "في من إلى حتى منذ قبل بعد خلال عن على مع حوالي نحو بين لمدة يوم بتاريخ عام سنة لعام بعام ليوم مساء صباح"
    " وفي ومن وإلى وحتى ومنذ وقبل وبعد وخلال وعن وعلى ومع وحوالي ونحو وبين ويوم وعام وسنة".split()
)
_OBLIQUE = regex.compile(r"\b(و?(?:ال)?)(اثن|اثنت|مائت|ألف|مليون|مليار)ان\b|ون\b")
_DUAL = regex.compile(r"(?<=\p{L})ا(?=ن\b)|(?<=ت)ا(?= )")
_CONSTRUCT = regex.compile(r"(?<=مائتا|ألفا|مليونا|مليارا)ن\Z")


def _below_hundred(number: int, *, feminine: bool) -> str:
    ones = _FEMININE_ONES if feminine else _ONES
    if number <= 10:
        return ones[number]
    tens, rest = divmod(number, 10)
    if tens == 1:
        ten = "عشرة" if feminine else "عشر"
        first = {1: "إحدى" if feminine else "أحد", 2: "اثنتا" if feminine else "اثنا"}.get(rest, ones[rest])
        return f"{first} {ten}"
    if not rest:
        return _TENS[tens]
    first = "إحدى" if feminine and rest == 1 else "ثمان" if feminine and rest == 8 else ones[rest]
    return f"{first} و{_TENS[tens]}"


def _below_thousand(number: int, *, feminine: bool) -> list[str]:
    hundreds, rest = divmod(number, 100)
    words = [_HUNDREDS[hundreds]] if hundreds else []
    return [*words, _below_hundred(rest, feminine=feminine)] if rest or not words else words


def _thousands(count: int, forms: list[str]) -> str:
    if count <= 2:
        return forms[count - 1]
    words = _CONSTRUCT.sub("", " و".join(_below_thousand(count, feminine=False)))
    return f"{words} {forms[2 if 3 <= count % 100 <= 10 else 3 if count % 100 > 10 else 0]}"


def oblique(words: str) -> str:
    """A number as it is after a preposition."""
    return str(_OBLIQUE.sub(lambda match: f"{match[1]}{match[2]}ين" if match[2] else "ين", words))


class Arabic(Language):
    comma = "، "
    plurals = ("one", "two", "few", "many", "other")
    prefixes = r"(?<!\p{L})(?:[وف][بلك]?|[بلك]|[وفبلك]{0,2}ال)ـ?"
    minus = "سالب"
    plus = "زائد"
    plus_minus = "زائد أو ناقص"
    cases = dict.fromkeys(_OBLIQUE_AFTER, "oblique")
    points = {".": "فاصلة", ",": "فاصلة"}
    long_decimals = True
    feminine = (
        r"^(?!بال)[\p{L}\p{M}]*(?:ة|(?<!دولار|ريال|جنيه|فرنك|سنت|بنس|روبل|غرام|جرام|متر|لتر|بايت|واط|طن)ات)(?: |$)"
        r"|^(?:دقائق|ثوان|ثواني|غرف|ليال|ليالي)$"
    )
    per = "{0} لكل {1}"
    currencies = {
        "USD": "دولار|دولاران|دولارات|دولارًا|دولار",
        "EUR": "يورو",
        "GBP": "جنيه إسترليني|جنيهان إسترلينيان|جنيهات إسترلينية|جنيهًا إسترلينيًا|جنيه إسترليني",
        "JPY": "ين",
        "CNY": "يوان",
        "INR": "روبية|روبيتان|روبيات|روبية",
        "RUB": "روبل|روبلان|روبلات|روبلًا|روبل",
        "TRY": "ليرة|ليرتان|ليرات|ليرة",
        "KRW": "وون",
        "BRL": "ريال برازيلي|ريالان برازيليان|ريالات برازيلية|ريالًا برازيليًا|ريال برازيلي",
        "UAH": "هريفنيا",
        "CHF": "فرنك سويسري|فرنكان سويسريان|فرنكات سويسرية|فرنكًا سويسريًا|فرنك سويسري",
        "SAR": "ريال سعودي|ريالان سعوديان|ريالات سعودية|ريالًا سعوديًا|ريال سعودي",
        "EGP": "جنيه مصري|جنيهان مصريان|جنيهات مصرية|جنيهًا مصريًا|جنيه مصري",
        "AED": "درهم إماراتي|درهمان إماراتيان|دراهم إماراتية|درهمًا إماراتيًا|درهم إماراتي",
        "MAD": "درهم مغربي|درهمان مغربيان|دراهم مغربية|درهمًا مغربيًا|درهم مغربي",
    }
    cents = {
        "USD": "سنت|سنتان|سنتات|سنتًا|سنت",
        "EUR": "سنت|سنتان|سنتات|سنتًا|سنت",
        "GBP": "بنس|بنسان|بنسات|بنسًا|بنس",
        "SAR": "هللة|هللتان|هللات|هللة",
        "EGP": "قرش|قرشان|قروش|قرشًا|قرش",
        "AED": "فلس|فلسان|فلوس|فلسًا|فلس",
    }
    money = "{0} و{1}"
    scales = {"M": "", "K": "", "k": "", "B": ""}
    factors = {"M": 10**6, "K": 10**3, "k": 10**3, "B": 10**9}
    unit_signs = {
        "كم": "length-kilometer", "سم": "length-centimeter", "مم": "length-millimeter", "كغ": "mass-kilogram",
        "كجم": "mass-kilogram", "كغم": "mass-kilogram", "غ": "mass-gram", "جم": "mass-gram", "مل": "volume-milliliter",
        "كم/س": "speed-kilometer-per-hour", "كم/ساعة": "speed-kilometer-per-hour", "°م": "temperature-celsius",
        "م²": "area-square-meter", "م³": "volume-cubic-meter",
    }  # fmt: skip
    unit_words = {
        "concentr-percent": "بالمئة",
        "concentr-permille": "بالألف",
        "concentr-part-per-1e6": "جزء في المليون|جزآن في المليون|أجزاء في المليون|جزءًا في المليون|جزء في المليون",
        "concentr-part-per-1e9": "جزء في المليار|جزآن في المليار|أجزاء في المليار|جزءًا في المليار|جزء في المليار",
        "angle-degree": "درجة|درجتان|درجات|درجة",
        "temperature-celsius": "درجة مئوية|درجتان مئويتان|درجات مئوية|درجة مئوية",
        "temperature-fahrenheit": "درجة فهرنهايت|درجتا فهرنهايت|درجات فهرنهايت|درجة فهرنهايت",
        "length-millimeter": "مليمتر|مليمتران|مليمترات|مليمترًا|مليمتر",
        "length-centimeter": "سنتيمتر|سنتيمتران|سنتيمترات|سنتيمترًا|سنتيمتر",
        "length-meter": "متر|متران|أمتار|مترًا|متر",
        "length-kilometer": "كيلومتر|كيلومتران|كيلومترات|كيلومترًا|كيلومتر",
        "length-mile": "ميل|ميلان|أميال|ميلًا|ميل",
        "area-square-millimeter": "مليمتر مربع",
        "area-square-meter": "متر مربع|متران مربعان|أمتار مربعة|مترًا مربعًا|متر مربع",
        "area-square-kilometer": ("كيلومتر مربع|كيلومتران مربعان|كيلومترات مربعة|كيلومترًا مربعًا|كيلومتر مربع"),
        "volume-cubic-meter": "متر مكعب|متران مكعبان|أمتار مكعبة|مترًا مكعبًا|متر مكعب",
        "volume-liter": "لتر|لتران|لترات|لترًا|لتر",
        "volume-milliliter": "مليلتر|مليلتران|مليلترات|مليلترًا|مليلتر",
        "mass-gram": "غرام|غرامان|غرامات|غرامًا|غرام",
        "mass-kilogram": "كيلوغرام|كيلوغرامان|كيلوغرامات|كيلوغرامًا|كيلوغرام",
        "mass-milligram": "مليغرام|مليغرامان|مليغرامات|مليغرامًا|مليغرام",
        "mass-tonne": "طن|طنان|أطنان|طنًا|طن",
        "mass-pound": "رطل|رطلان|أرطال|رطلًا|رطل",
        "mass-ounce": "أونصة|أونصتان|أونصات|أونصة",
        "duration-second": "ثانية|ثانيتان|ثوان|ثانية",
        "duration-minute": "دقيقة|دقيقتان|دقائق|دقيقة",
        "duration-hour": "ساعة|ساعتان|ساعات|ساعة",
        "duration-day": "يوم|يومان|أيام|يومًا|يوم",
        "speed-kilometer-per-hour": (
            "كيلومتر في الساعة|كيلومتران في الساعة|كيلومترات في الساعة|كيلومترًا في الساعة|كيلومتر في الساعة"
        ),
        "speed-meter-per-second": ("متر في الثانية|متران في الثانية|أمتار في الثانية|مترًا في الثانية|متر في الثانية"),
        "speed-mile-per-hour": "ميل في الساعة|ميلان في الساعة|أميال في الساعة|ميلًا في الساعة|ميل في الساعة",
        "energy-watt-hour": "واط ساعة",
        "energy-kilowatt-hour": "كيلوواط ساعة",
        "energy-megawatt-hour": "ميغاواط ساعة",
        "electric-ampere-hour": "أمبير ساعة",
        "electric-milliampere-hour": "ملي أمبير ساعة",
        "electric-millivolt": "ملي فولت",
        "electric-kilovolt": "كيلو فولت",
        "sound-decibel": "ديسيبل",
        "graphics-frame-per-second": (
            "إطار في الثانية|إطاران في الثانية|إطارات في الثانية|إطارًا في الثانية|إطار في الثانية"
        ),
        "revolution-per-minute": ("دورة في الدقيقة|دورتان في الدقيقة|دورات في الدقيقة|دورة في الدقيقة"),
        "digital-megabit-per-second": "ميغابت في الثانية",
        "digital-megabyte-per-second": "ميغابايت في الثانية",
    }
    ranges = "إلى"
    range_units = "°[CFم]?"
    less = "ناقص"
    ratio = "إلى"
    by = "في"
    symbols = {
        "&": "و", "@": "آت", "+": "زائد", "=": "يساوي", "==": "يساوي", "×": "ضرب", "÷": "مقسوم على",
        "±": "زائد أو ناقص", "≈": "حوالي", "≤": "أصغر من أو يساوي", "≥": "أكبر من أو يساوي", "<": "أصغر من",
        ">": "أكبر من", "<=": "أصغر من أو يساوي", ">=": "أكبر من أو يساوي", "≠": "لا يساوي", "*": "ضرب", "^": "أس",
        "~": "حوالي", "№": "رقم", "#": "رقم", "/": "شرطة مائلة", "²": "تربيع", "³": "تكعيب", "√": "جذر",
        "∞": "ما لا نهاية", "§": "القسم", "π": "باي",
    }  # fmt: skip
    fractions = {
        "1/2": "نصف", "1/3": "ثلث", "2/3": "ثلثان", "1/4": "ربع", "3/4": "ثلاثة أرباع", "1/5": "خمس", "1/6": "سدس",
        "1/8": "ثمن", "3/8": "ثلاثة أثمان", "1/10": "عشر",
    }  # fmt: skip
    over = "على"
    mixed = "{0} و{1}"
    dot = "نقطة"
    number_sign = "رقم"
    terms = {"C++": "سي بلس بلس", "C#": "سي شارب", "F#": "إف شارب", "24/7": "على مدار الساعة"}
    ordinal_prefixes = "الـ|ال"
    roman_after = "الفصل والفصل الباب الجزء القسم العالمية الكتاب القرن"
    roman_names = "لويس هنري إليزابيث جورج تشارلز إدوارد ويليام جيمس ريتشارد فيليب نابليون بولس بيوس بندكت يوحنا بطرس"

    def cardinal(self, number: int, noun: str = "") -> str:
        feminine = bool(noun) and self.gender_of(noun) == "f"
        if number >= 10**15:
            return self._spelled_digits(str(number))
        words = []
        for power, forms in zip((12, 9, 6, 3), _SCALES, strict=True):
            count, number = divmod(number, 10**power)
            if count:
                words.append(_thousands(count, forms))
        if number or not words:
            words += _below_thousand(number, feminine=feminine)
        text = " و".join(words)
        return _CONSTRUCT.sub("", text) if noun else text

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        if not context.earlier.startswith(("ال", "وال", "بال", "لل")):
            return self.cardinal(number, context.after)
        return self._ordinal(number, feminine=context.earlier.endswith("ة")).removeprefix("ال")

    def _ordinal(self, number: int, *, feminine: bool = False) -> str:
        """The definite ordinal."""
        if not 0 < number < 100:
            return self.cardinal(number)
        tens, rest = divmod(number, 10)
        end = "ة" if feminine else ""
        if number == 1:
            return "الأولى" if feminine else "الأول"
        if number <= 10:
            return f"ال{_ORDINALS[number]}{end}"
        first = "الحادي" if rest == 1 else f"ال{_ORDINALS[rest]}"
        if feminine:
            first += "ة"
        if tens == 1:
            return f"{first} عشر{end}"
        return f"{first} وال{_TENS[tens]}" if rest else f"ال{_TENS[tens]}"

    def inflected(self, words: str, case: str) -> str:
        return oblique(words)

    def counted(self, number: Number, forms: Forms) -> str:
        if "|" not in forms or not number.is_integer or number.whole not in ("1", "2"):
            return super().counted(number, forms)
        one, two, *_ = forms.split("|")
        if number.whole == "2":
            return self.signed(number.sign, _DUAL.sub("ي", two) if number.case else two)
        return self.signed(number.sign, f"{one} {'واحدة' if self.gender_of(one) == 'f' else 'واحد'}")

    def unit(self, number: Number, sign: str) -> str | None:
        below_zero = number.sign == "-" and sign in ("°C", "°F", "°م")
        if below_zero:
            number = Number(number.whole, number.point, number.decimals, case=number.case)
        forms = self.unit_words.get(self.unit_names.get(sign, ""))
        words = self.counted(number, forms) if forms else super().unit(number, sign)
        return f"{words} تحت الصفر" if words and below_zero else words

    def noun_after(self, number: Number, word: str) -> str:
        return word if self.gender_of(word) == "f" else ""

    def is_year(self, number: int, context: Context) -> bool:
        return 1000 <= number <= 2999 and context.before in _OBLIQUE_AFTER

    def year(self, number: int, context: Context = NOWHERE) -> str:
        return oblique(self.cardinal(number))

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        spoken = self._ordinal(day)
        if context.before in _OBLIQUE_AFTER:
            spoken = oblique(spoken)
        return self.join(spoken, "من", self.month(month), "" if year is None else self.year(year))

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        words = "الواحدة" if hour == 1 else self._ordinal(hour, feminine=True)
        quarters = {15: "الربع", 30: "النصف"}
        if minute in quarters and second is None:
            return f"{words} و{quarters[minute]}"
        if minute:
            words += f" و{self._part(minute, 'duration-minute')}"
        if second:
            words += f" و{self._part(second, 'duration-second')}"
        return words

    def _part(self, number: int, unit: str) -> str:
        return self.counted(Number(str(number)), self.unit_words[unit])

    def roman(self, number: int, context: Context) -> str | None:
        if context.before in self.roman_words:
            return self._ordinal(number, feminine=context.before.endswith("ة"))
        return self.cardinal(number)


LANGUAGE = Arabic
