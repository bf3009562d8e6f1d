"""Greek."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_NO_NOUN = frozenset(
    "και για από στη στην στο στον στις με που δεν θα να είναι ήταν έως μέχρι προς έχει τότε όταν".split()
)


class Greek(Language):
    minus = "μείον"
    plus = "συν"
    plus_minus = "συν πλην"
    points = {",": "κόμμα", ".": "τελεία"}
    long_decimals = True
    cardinals = "spellout-cardinal-neuter"
    genders = {
        "m": "spellout-cardinal-masculine",
        "f": "spellout-cardinal-feminine",
        "n": "spellout-cardinal-neuter",
    }
    respell = {
        "χίλιάδες": "χιλιάδες",
        "εννενήντα": "ενενήντα",
        "τρία χιλιάδες": "τρεις χιλιάδες",
        "τέσσερα χιλιάδες": "τέσσερις χιλιάδες",
        "ένα χιλιάδες": "μία χιλιάδες",
        "όσια χιλιάδες": "όσιες χιλιάδες",
    }
    per = "{0} ανά {1}"
    currencies = {
        "EUR": "ευρώ",
        "USD": "δολάριο|δολάρια",
        "GBP": "λίρα|λίρες",
        "JPY": "γεν",
        "CNY": "γουάν",
        "INR": "ρουπία|ρουπίες",
        "RUB": "ρούβλι|ρούβλια",
        "TRY": "λίρα|λίρες",
        "KRW": "γουόν",
        "BRL": "ρεάλ",
        "UAH": "γρίβνα|γρίβνες",
        "CHF": "φράγκο|φράγκα",
    }
    cents = {
        "EUR": "λεπτό|λεπτά",
        "USD": "σεντ",
        "GBP": "πένα|πένες",
        "RUB": "καπίκι|καπίκια",
        "BRL": "σεντάβο|σεντάβος",
    }
    money = "{0} και {1}"
    scales = {
        "χιλ.": "χιλιάδες",
        "χιλιάδες": "χιλιάδες",
        **dict.fromkeys("εκατ. εκ. M εκατομμύριο εκατομμύρια".split(), "εκατομμύριο|εκατομμύρια"),
        **dict.fromkeys("δισ. δις δισεκατομμύριο δισεκατομμύρια".split(), "δισεκατομμύριο|δισεκατομμύρια"),
    }
    unit_signs = {
        "χλμ": "length-kilometer", "χμ": "length-kilometer", "μ": "length-meter", "εκ": "length-centimeter",
        "χιλ": "length-millimeter", "τ.μ.": "area-square-meter", "τμ": "area-square-meter", "γρ": "mass-gram",
        "χλμ/ώρα": "speed-kilometer-per-hour", "χλμ/ω": "speed-kilometer-per-hour", "δευτ": "duration-second",
        "λτ": "volume-liter", "ώρα": "duration-hour",
    }  # fmt: skip
    unit_words = {
        "mass-kilogram": "κιλό|κιλά",
        "mass-gram": "γραμμάριο|γραμμάρια",
        "energy-watt-hour": "βατώρα|βατώρες",
        "energy-megawatt-hour": "μεγαβατώρα|μεγαβατώρες",
        "electric-ampere-hour": "αμπερώρα|αμπερώρες",
        "electric-milliampere-hour": "μιλιαμπερώρα|μιλιαμπερώρες",
        "electric-millivolt": "μιλιβόλτ",
        "electric-kilovolt": "κιλοβόλτ",
        "sound-decibel": "ντεσιμπέλ",
        "digital-megabyte": "μεγαμπάιτ",
        "digital-gigabyte": "γιγαμπάιτ",
        "digital-terabyte": "τεραμπάιτ",
        "graphics-frame-per-second": "καρέ ανά δευτερόλεπτο",
        "revolution-per-minute": "στροφή ανά λεπτό|στροφές ανά λεπτό",
        "digital-megabit-per-second": "μεγαμπίτ ανά δευτερόλεπτο",
        "digital-megabyte-per-second": "μεγαμπάιτ ανά δευτερόλεπτο",
        "area-square-millimeter": "τετραγωνικό χιλιοστό|τετραγωνικά χιλιοστά",
    }
    months = {
        "ιαν": 1,
        "φεβρ": 2,
        "μαρτ": 3,
        "απρ": 4,
        "ιουν": 6,
        "ιουλ": 7,
        "σεπτ": 9,
        "οκτ": 10,
        "νοεμ": 11,
        "δεκ": 12,
    }
    date_joints = "του "
    clock = ("{h}", "{h} και {m}", "{h} και {m} και {s} δευτερόλεπτα")
    clock_noun = "ώρα"
    ranges = "έως"
    ratio = "προς"
    by = "επί"
    symbols = {
        "&": "και", "@": "παπάκι", "+": "συν", "=": "ίσον", "==": "ίσον", "×": "επί", "÷": "διά", "±": "συν πλην",
        "≈": "περίπου", "≤": "μικρότερο ή ίσο από", "≥": "μεγαλύτερο ή ίσο από", "<": "μικρότερο από",
        ">": "μεγαλύτερο από", "<=": "μικρότερο ή ίσο από", ">=": "μεγαλύτερο ή ίσο από", "≠": "διάφορο από",
        "*": "επί", "^": "στη δύναμη", "~": "περίπου", "№": "αριθμός", "#": "δίεση", "/": "κάθετος",
        "²": "στο τετράγωνο", "³": "στον κύβο", "√": "ρίζα", "∞": "άπειρο", "§": "παράγραφος",
    }  # fmt: skip
    fractions = {"1/2": "μισό"}
    mixed = "{0} και {1}"
    dot = "τελεία"
    number_sign = "αριθμός"
    terms = {"C++": "C συν συν", "C#": "C σαρπ", "F#": "F σαρπ", "π.Χ.": "προ Χριστού", "π. Χ.": "προ Χριστού"}
    ordinal_signs = "ους|ος|ου|ον|οι|ης|ην|η|ες|ων|ο|α"
    roman_after = "κεφάλαιο τόμος μέρος τύπος τύπου"
    roman_names = (
        "λουδοβίκος ερρίκος ελισάβετ γεώργιος κάρολος εδουάρδος γουλιέλμος ιάκωβος ριχάρδος φίλιππος αλέξανδρος"
        " αικατερίνη ναπολέων παύλος πίος βενέδικτος γρηγόριος λέων ιωάννης πέτρος νικόλαος κωνσταντίνος"
    )
    roman_before = "αιώνας αιώνα αιώνες αιώνων παγκόσμιος παγκόσμιο παγκοσμίου"

    def gender_of(self, noun: str) -> str:
        """By the noun's ending; "ώρα" and its like are told from plural neuters by their stems."""
        word = noun.partition(" ")[0]
        if word.endswith(("ος", "ός", "οι", "οί", "ους", "ούς", "ας", "ης")):
            return "m"
        return "f" if word.endswith(("ες", "ές", "εις", "ώρα", "μοίρα", "ημέρα", "λίρα", "πία", "να", "ή")) else "n"

    def noun_after(self, number: Number, word: str) -> str:
        if word in _NO_NOUN or len(word) < 3:
            return ""
        if number.whole == "1" and word.endswith(("α", "ά", "η")) and not word.endswith("μα"):
            return "ώρα"
        return word

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        mark = context.mark
        if not mark:
            mark = "ο" if context.after in ("αιώνα", "παγκόσμιο") else "ος"
            mark = "ου" if context.before == "του" or context.after == "παγκοσμίου" else mark
        return self._ordinal(number, mark)

    def _ordinal(self, number: int, ending: str) -> str:
        feminine = ending in ("η", "ης", "ην", "ες")
        rules = f"spellout-ordinal-{'feminine' if feminine else 'masculine'}"
        words = self._spell(number, rules) or self.cardinal(number)
        if ending in ("ος", "η"):
            return words
        if ending == "ο":
            return " ".join(word.removesuffix("ς") for word in words.split())
        return " ".join(_inflected(word, ending) for word in words.split())

    def day(self, number: int, context: Context) -> str:
        return "πρώτη" if number == 1 else self.cardinal(number, "ώρα")

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        words = self.fractions.get(f"{above}/{below}")
        if words is None:
            words = f"{self.cardinal(above)} {self._ordinal(below, 'ο' if above == 1 else 'α')}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def reign(self, number: int) -> str:
        return f"ο {self._ordinal(number, 'ος')}"


_STRESSED = {"ου": "ού", "ον": "όν", "οι": "οί", "ης": "ής", "ην": "ήν", "ες": "ές", "ων": "ών", "α": "ά", "ους": "ούς"}


def _inflected(word: str, ending: str) -> str:
    """An ordinal in the nominative with another ending, stressed where its own is: "εικοστός", "εικοστού"."""
    stem = word.removesuffix("ς")
    return stem[:-1] + (_STRESSED[ending] if stem[-1] in "όή" else ending)


LANGUAGE = Greek
