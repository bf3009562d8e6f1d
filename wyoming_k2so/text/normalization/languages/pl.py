"""Polish."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language

_ONES = (
    "|pierwsz|drug|trzeci|czwart|piąt|szóst|siódm|ósm|dziewiąt|dziesiąt|jedenast|dwunast|trzynast|czternast|piętnast"
    "|szesnast|siedemnast|osiemnast|dziewiętnast"
).split("|")
_TENS = (
    "||dwudziest|trzydziest|czterdziest|pięćdziesiąt|sześćdziesiąt|siedemdziesiąt|osiemdziesiąt|dziewięćdziesiąt".split(
        "|"
    )
)
_HUNDREDS = "|setn|dwusetn|trzechsetn|czterechsetn|pięćsetn|sześćsetn|siedemsetn|osiemsetn|dziewięćsetn".split("|")
_MASCULINE, _FEMININE, _NEUTER, _GENITIVE, _FEMININE_OBLIQUE, _FEMININE_INSTRUMENTAL, _LOCATIVE = (
    "y a e ego ej ą ym".split()
)
_LOCATIVES = frozenset("w na po o przy".split())
_AFTER = {
    **dict.fromkeys("w we przy".split(), _LOCATIVE),
    **dict.fromkeys("od do z ze dla koło około bez podczas pod koniec".split(), _GENITIVE),
}


def _inflected(stem: str, ending: str) -> str:
    if stem == "trzeci":
        return stem + ending.removeprefix("y")
    if stem == "drug" and ending[0] in "ye":
        return f"{stem}i{ending.removeprefix('y')}"
    return stem + ending


class Polish(Language):
    plurals = ("one", "few", "many", "other")
    minus = "minus"
    plus_minus = "plus minus"
    points = {",": "przecinek", ".": "kropka"}
    long_decimals = True
    genders = {
        "m": "spellout-cardinal-masculine",
        "f": "spellout-cardinal-feminine",
        "n": "spellout-cardinal-neuter",
    }
    feminine = (
        r"\b(?:\w*godzin|minut|\w*sekund|koron|hrywn|rupi|lir|ton|stop[aęy]|uncj|\w*kalori|dob|osob|osób|kopiej|złotów"
        r"|stron|klas|lek|sztuk|częś|ulic|lamp|żarów)\w*"
        r"|\bmil(?:a|e|ę|i)?\b"
    )
    neuter = r"^(?:euro|piętr\w*|dzieck\w*|okn\w*)$"
    per = "{0} na {1}"
    currencies = {
        "PLN": "złoty|złote|złotych|złotego",
        "USD": "dolar|dolary|dolarów|dolara",
        "EUR": "euro",
        "GBP": "funt|funty|funtów|funta",
        "JPY": "jen|jeny|jenów|jena",
        "CNY": "juan|juany|juanów|juana",
        "INR": "rupia|rupie|rupii|rupii",
        "RUB": "rubel|ruble|rubli|rubla",
        "TRY": "lira|liry|lir|liry",
        "KRW": "won|wony|wonów|wona",
        "BRL": "real|reale|reali|reala",
        "UAH": "hrywna|hrywny|hrywien|hrywny",
        "CHF": "frank|franki|franków|franka",
        "CZK": "korona czeska|korony czeskie|koron czeskich|korony czeskiej",
    }
    currency_signs = {"zł": "PLN"}
    cents = {
        "PLN": "grosz|grosze|groszy|grosza",
        "USD": "cent|centy|centów|centa",
        "EUR": "cent|centy|centów|centa",
        "GBP": "pens|pensy|pensów|pensa",
        "CHF": "rap|rapy|rapów|rapa",
        "BRL": "centavo",
        "UAH": "kopiejka|kopiejki|kopiejek|kopiejki",
        "RUB": "kopiejka|kopiejki|kopiejek|kopiejki",
    }
    scales = {
        "tys.": "tysiąc|tysiące|tysięcy|tysiąca",
        "mln": "milion|miliony|milionów|miliona",
        "mld": "miliard|miliardy|miliardów|miliarda",
        "M": "milion|miliony|milionów|miliona",
        "milion": "milion|miliony|milionów|miliona",
        "miliony": "milion|miliony|milionów|miliona",
        "milionów": "milion|miliony|milionów|miliona",
        "miliarda": "miliard|miliardy|miliardów|miliarda",
        "miliona": "milion|miliony|milionów|miliona",
    }
    unit_signs = {"godz.": "duration-hour", "min.": "duration-minute", "sek.": "duration-second"}
    unit_words = {
        "angle-degree": "stopień|stopnie|stopni|stopnia",
        "concentr-percent": "procent",
        "energy-watt-hour": "watogodzina|watogodziny|watogodzin|watogodziny",
        "energy-megawatt-hour": "megawatogodzina|megawatogodziny|megawatogodzin|megawatogodziny",
        "electric-ampere-hour": "amperogodzina|amperogodziny|amperogodzin|amperogodziny",
        "electric-milliampere-hour": "miliamperogodzina|miliamperogodziny|miliamperogodzin|miliamperogodziny",
        "electric-millivolt": "miliwolt|miliwolty|miliwoltów|miliwolta",
        "electric-kilovolt": "kilowolt|kilowolty|kilowoltów|kilowolta",
        "sound-decibel": "decybel|decybele|decybeli|decybela",
        "graphics-frame-per-second": "klatka na sekundę|klatki na sekundę|klatek na sekundę|klatki na sekundę",
        "revolution-per-minute": "obrót na minutę|obroty na minutę|obrotów na minutę|obrotu na minutę",
        "digital-megabit-per-second": "megabit na sekundę|megabity na sekundę|megabitów na sekundę|megabita na sekundę",
        "digital-megabyte-per-second": (
            "megabajt na sekundę|megabajty na sekundę|megabajtów na sekundę|megabajta na sekundę"
        ),
    }
    ordinal_days = True
    clock = ("{h}", "{h} {m}", "{h} {m} i {s} sekund")
    clock_words = "godz\\.?"
    oh = "zero"
    ranges = "do"
    ratio = "do"
    by = "na"
    symbols = {
        "&": "i", "@": "małpa", "+": "plus", "=": "równa się", "==": "równa się", "×": "razy", "÷": "podzielić przez",
        "±": "plus minus", "≈": "około", "≤": "mniejsze lub równe", "≥": "większe lub równe", "<": "mniejsze niż",
        ">": "większe niż", "<=": "mniejsze lub równe", ">=": "większe lub równe", "≠": "nie równa się", "*": "razy",
        "^": "do potęgi", "~": "około", "№": "numer", "#": "krzyżyk", "/": "ukośnik", "²": "do kwadratu",
        "³": "do sześcianu", "√": "pierwiastek z", "∞": "nieskończoność", "§": "paragraf", "π": "pi",
    }  # fmt: skip
    fractions = {
        "1/2": "jedna druga", "1/3": "jedna trzecia", "2/3": "dwie trzecie", "1/4": "jedna czwarta",
        "3/4": "trzy czwarte", "1/5": "jedna piąta", "1/8": "jedna ósma", "3/8": "trzy ósme",
    }  # fmt: skip
    over = "przez"
    mixed = "{0} i {1}"
    mixed_half = "{0} i pół"
    dot = "kropka"
    number_sign = "numer"
    terms = {"C++": "C plus plus", "C#": "C sharp", "F#": "F sharp"}
    dotted_ordinals = True
    roman_after = "rozdział rozdziale część części tom tomie akt faza typ typu"
    roman_names = (
        "ludwik henryk elżbieta jerzy karol edward wilhelm ryszard filip franciszek aleksander katarzyna napoleon paweł"
        " pius benedykt grzegorz leon jan piotr mikołaj fryderyk zygmunt władysław stanisław kazimierz august"
    )
    roman_before = "wojna wojny wojnie wojnę światowa wiek wieku wieki kwartał kwartale"

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        return self._ordinal(number, self._ending(context))

    def _ending(self, context: Context) -> str:
        before, after = context.before.lower(), context.after.lower()
        if before.endswith("ej") or (before in _LOCATIVES and after.endswith(("ej", "nie"))):
            return _FEMININE_OBLIQUE
        if before in _LOCATIVES and after.endswith("ie"):
            return _FEMININE_OBLIQUE if self.gender_of(after) == "f" else _LOCATIVE
        if before in _AFTER:
            return _FEMININE_OBLIQUE if after.endswith(("y", "i")) else _AFTER[before]
        if after.endswith(("a", "ę")):
            return _FEMININE if after.endswith("a") else _FEMININE_INSTRUMENTAL
        if after.endswith(("o", "ce", "le", "nie", "cie")):
            return _NEUTER
        return _MASCULINE

    def _ordinal(self, number: int, ending: str) -> str:
        if number >= 1000:
            thousands, rest = divmod(number, 1000)
            if rest:
                return f"{self.cardinal(thousands * 1000)} {self._ordinal(rest, ending)}"
            return _inflected("tysięczn" if thousands == 1 else "dwutysięczn" if thousands == 2 else "tysięczn", ending)
        hundreds, rest = divmod(number, 100)
        if hundreds and not rest:
            return _inflected(_HUNDREDS[hundreds], ending)
        words = [self.cardinal(hundreds * 100)] if hundreds else []
        if rest >= 20:
            words.append(_inflected(_TENS[rest // 10], ending))
            rest %= 10
        if rest:
            words.append(_inflected(_ONES[rest], ending))
        return " ".join(words) or "zerowy"

    def in_full(self, words: str, context: Context) -> str:
        if context.after.endswith("ej"):
            return {"ulica": "ulicy", "aleja": "alei"}.get(words, words)
        return words

    def day(self, number: int, context: Context) -> str:
        return self._ordinal(number, _GENITIVE)

    def is_year(self, number: int, context: Context) -> bool:
        return 1000 <= number <= 2999 and context.after.lower() in ("r", "roku", "rok")

    def year(self, number: int, context: Context = NOWHERE) -> str:
        if context.after.lower() == "rok":
            return self._ordinal(number, _MASCULINE)
        return self._ordinal(number, _LOCATIVE if context.before.lower() == "w" else _GENITIVE)

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        end = "" if year is None else f" {self._ordinal(year, _GENITIVE)}"
        return f"{self.day(day, context)} {self.month(month)}{end}"

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        before = context.before.lower()
        ending = (
            _FEMININE_OBLIQUE
            if before in ("o", "po", "od", "do", "około", "koło", "godzinie", "godziny")
            else _FEMININE_INSTRUMENTAL
            if before in ("przed", "między", "na", "za")
            else _FEMININE
        )
        words = [self._ordinal(hour, ending) if hour else "zero"]
        if minute:
            words += [self.oh] * (minute < 10) + [self.cardinal(minute)]
        elif not hour:
            words.append("zero")
        if second is not None:
            words += ["i", self.cardinal(second), self.form_of_seconds(second)]
        return " ".join(words)

    def form_of_seconds(self, number: int) -> str:
        """Seconds, as they are counted."""
        return self.form(self.number(str(number)).value, "sekunda|sekundy|sekund|sekundy")


LANGUAGE = Polish
