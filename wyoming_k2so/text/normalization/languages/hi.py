"""Hindi."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_FIRST = {1: "पहल", 2: "दूसर", 3: "तीसर", 4: "चौथ", 6: "छठ"}
_MONARCHS = " प्रथम द्वितीय तृतीय चतुर्थ पंचम षष्ठ सप्तम अष्टम नवम दशम".split(" ")


class Hindi(Language):
    plurals = ("one", "other")
    minus = "माइनस"
    plus = "प्लस"
    plus_minus = "प्लस माइनस"
    points = {".": "दशमलव", ",": "दशमलव"}
    respell = {"पन्द्रह": "पंद्रह", "निन्यानबे": "निन्यानवे"}
    years = (1100, 1999)
    per = "{0} प्रति {1}"
    currencies = {
        "INR": "रुपया|रुपये",
        "USD": "डॉलर",
        "EUR": "यूरो",
        "GBP": "पाउंड",
        "JPY": "येन",
        "CNY": "युआन",
        "RUB": "रूबल",
        "TRY": "लीरा",
        "KRW": "वॉन",
        "BRL": "रियाल",
        "UAH": "रिव्निया",
        "CHF": "स्विस फ़्रैंक",
    }
    currency_signs = {"रु.": "INR", "रु": "INR", "Rs.": "INR", "Rs": "INR"}
    cents = {"INR": "पैसा|पैसे", "USD": "सेंट", "EUR": "सेंट", "GBP": "पेनी|पेंस", "BRL": "सेंटावो"}
    scales = {
        "हज़ार": "हज़ार", "लाख": "लाख", "करोड़": "करोड़", "अरब": "अरब", "खरब": "खरब", "मिलियन": "मिलियन",
        "बिलियन": "बिलियन", "M": "", "K": "", "k": "", "B": "",
    }  # fmt: skip
    factors = {"M": 10**6, "K": 10**3, "k": 10**3, "B": 10**9}
    unit_signs = {
        "किमी": "length-kilometer", "सेमी": "length-centimeter", "मिमी": "length-millimeter", "किग्रा": "mass-kilogram",
        "मिग्रा": "mass-milligram", "किमी/घंटा": "speed-kilometer-per-hour", "कि.मी.": "length-kilometer",
        "कि.ग्रा.": "mass-kilogram",
    }  # fmt: skip
    unit_words = {
        "angle-degree": "डिग्री",
        "concentr-part-per-1e6": "पीपीएम",
        "concentr-part-per-1e9": "पीपीबी",
        "temperature-fahrenheit": "डिग्री फ़ॉरेनहाइट",
        "mass-tonne": "टन",
        "energy-watt-hour": "वॉट घंटा|वॉट घंटे",
        "energy-megawatt-hour": "मेगावॉट घंटा|मेगावॉट घंटे",
        "electric-milliampere": "मिलीएम्पीयर",
        "electric-ampere-hour": "एम्पीयर घंटा|एम्पीयर घंटे",
        "electric-milliampere-hour": "मिलीएम्पीयर घंटा|मिलीएम्पीयर घंटे",
        "electric-millivolt": "मिलीवोल्ट",
        "electric-kilovolt": "किलोवोल्ट",
        "sound-decibel": "डेसिबल",
        "graphics-frame-per-second": "फ़्रेम प्रति सेकंड",
        "revolution-per-minute": "चक्कर प्रति मिनट",
        "digital-megabit-per-second": "मेगाबिट प्रति सेकंड",
        "digital-megabyte-per-second": "मेगाबाइट प्रति सेकंड",
        "area-square-millimeter": "वर्ग मिलीमीटर",
        "torque-newton-meter": "न्यूटन मीटर",
    }
    clock = ("{h} बजे", "{h} बजकर {m} मिनट", "{h} बजकर {m} मिनट {s} सेकंड")
    clock_words = "बजे"
    hour_words = "बजे"
    ranges = "से"
    ratio = "अनुपात"
    by = "गुणा"
    symbols = {
        "&": "और", "@": "ऐट", "+": "प्लस", "=": "बराबर", "==": "बराबर", "×": "गुणा", "÷": "भाग", "±": "प्लस माइनस",
        "≈": "लगभग", "≤": "लेस दैन या बराबर", "≥": "ग्रेटर दैन या बराबर", "<": "लेस दैन", ">": "ग्रेटर दैन",
        "<=": "लेस दैन या बराबर", ">=": "ग्रेटर दैन या बराबर", "≠": "बराबर नहीं", "*": "गुणा", "^": "की घात",
        "~": "लगभग", "№": "नंबर", "#": "हैश", "/": "स्लैश", "²": "का वर्ग", "³": "का घन", "√": "वर्गमूल", "∞": "अनंत",
        "§": "धारा", "π": "पाई",
    }  # fmt: skip
    fractions = {
        "1/2": "आधा", "1/3": "एक तिहाई", "2/3": "दो तिहाई", "1/4": "एक चौथाई", "3/4": "तीन चौथाई",
    }  # fmt: skip
    over = "बटा"
    mixed = "{0} और {1}"
    mixed_half = "साढ़े {0}"
    dot = "डॉट"
    number_sign = "नंबर"
    terms = {"C++": "सी प्लस प्लस", "C#": "सी शार्प", "F#": "एफ़ शार्प", "24/7": "चौबीसों घंटे"}
    ordinal_signs = "ला|ली|ले|रा|री|रे|सरा|सरी|सरे|था|थी|थे|ठा|ठी|ठे|वाँ|वां|वीं|वें|वा|वी|वे"
    roman_after = "अध्याय भाग अंक खंड युद्ध कक्षा"
    roman_names = "लुई हेनरी एलिज़ाबेथ जॉर्ज चार्ल्स एडवर्ड विलियम जेम्स रिचर्ड फ़िलिप नेपोलियन पॉल पायस जॉन"

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        vowel = "ी" if "ी" in context.mark else "े" if "े" in context.mark else "ा"
        if number in _FIRST:
            return _FIRST[number] + vowel
        return f"{self.cardinal(number)}व{vowel}{'ँ' if vowel == 'ा' else 'ं'}"

    def year(self, number: int, context: Context = NOWHERE) -> str:
        hundreds, rest = divmod(number, 100)
        return self.join(self.cardinal(hundreds), "सौ", self.cardinal(rest) if rest else "")

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        words = "" if year is None else self.year(year) if self.is_year(year, context) else self.cardinal(year)
        return self.join(self.cardinal(day), self.month(month), words)

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if (above, below) == (1, 2) and whole in (1, 2):
            return "डेढ़" if whole == 1 else "ढाई"
        return super().fraction(whole, above, below)

    def noun_after(self, number: Number, word: str) -> str:
        return ""

    def reign(self, number: int) -> str:
        return _MONARCHS[number] if number < len(_MONARCHS) else f"{self.cardinal(number)}वें"


LANGUAGE = Hindi
