"""Finnish."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_CASES = {
    **dict.fromkeys(("ssa", "ssä"), "inessive"),
    **dict.fromkeys(("sta", "stä"), "elative"),
    **dict.fromkeys(("lla", "llä"), "adessive"),
    **dict.fromkeys(("lta", "ltä"), "ablative"),
    **dict.fromkeys(("aan", "een", "iin", "oon", "uun", "yyn", "ään", "öön", "hin", "han", "hon", "hun"), "illative"),
    "lle": "allative",
    "ksi": "translative",
    "na": "essive",
    "nä": "essive",
    "n": "genitive",
}
"""Cases by their endings: those of nouns, and most of those behind a number."""
_ENDINGS = {**_CASES, **dict.fromkeys(("ta", "tä", "tta", "ttä", "a", "ä"), "partitive")}
_SECONDS = "sekunti|sekuntia"


class Finnish(Language):
    minus = "miinus"
    plus_minus = "plus miinus"
    points = {",": "pilkku", ".": "piste"}
    long_decimals = True
    per = "{0} per {1}"
    currencies = {
        "EUR": "euro|euroa",
        "USD": "dollari|dollaria",
        "GBP": "punta|puntaa",
        "JPY": "jeni|jeniä",
        "CNY": "juan|juania",
        "INR": "rupia|rupiaa",
        "RUB": "rupla|ruplaa",
        "TRY": "liira|liiraa",
        "KRW": "won|wonia",
        "BRL": "real|realia",
        "UAH": "hryvnia|hryvniaa",
        "CHF": "frangi|frangia",
    }
    cents = {
        "EUR": "sentti|senttiä",
        "USD": "sentti|senttiä",
        "GBP": "penny|pennyä",
        "RUB": "kopeekka|kopeekkaa",
        "BRL": "centavo|centavoa",
    }
    scales = {
        "tuhatta": "tuhatta",
        **dict.fromkeys("milj. M miljoona miljoonaa".split(), "miljoona|miljoonaa"),
        **dict.fromkeys("mrd. mrd miljardi miljardia".split(), "miljardi|miljardia"),
    }
    unit_signs = {"kpl": "piece", "sek": "duration-second"}
    unit_words = {
        "piece": "kappale|kappaletta",
        "energy-watt-hour": "wattitunti|wattituntia",
        "energy-megawatt-hour": "megawattitunti|megawattituntia",
        "electric-ampere-hour": "ampeeritunti|ampeerituntia",
        "electric-milliampere-hour": "milliampeeritunti|milliampeerituntia",
        "electric-millivolt": "millivoltti|millivolttia",
        "electric-kilovolt": "kilovoltti|kilovolttia",
        "sound-decibel": "desibeli|desibeliä",
        "graphics-frame-per-second": "kuva sekunnissa|kuvaa sekunnissa",
        "revolution-per-minute": "kierros minuutissa|kierrosta minuutissa",
        "digital-megabit-per-second": "megabitti sekunnissa|megabittiä sekunnissa",
        "digital-megabyte-per-second": "megatavu sekunnissa|megatavua sekunnissa",
        "area-square-millimeter": "neliömillimetri|neliömillimetriä",
    }
    clock_before = "kello"
    oh = "nolla"
    ranges = "viiva"
    ratio = "suhteessa"
    by = "kertaa"
    symbols = {
        "&": "ja", "@": "ät", "+": "plus", "=": "on yhtä kuin", "==": "on yhtä kuin", "×": "kertaa",
        "÷": "jaettuna luvulla", "±": "plus miinus", "≈": "noin", "≤": "pienempi tai yhtä suuri kuin",
        "≥": "suurempi tai yhtä suuri kuin", "<": "pienempi kuin", ">": "suurempi kuin",
        "<=": "pienempi tai yhtä suuri kuin", ">=": "suurempi tai yhtä suuri kuin", "≠": "eri suuri kuin",
        "*": "kertaa", "^": "potenssiin", "~": "noin", "№": "numero", "#": "risuaita", "/": "kautta", "²": "toiseen",
        "³": "kolmanteen", "√": "neliöjuuri", "∞": "ääretön", "§": "pykälä", "π": "pii",
    }  # fmt: skip
    fractions = {"1/2": "puoli"}
    mixed = "{0} ja {1}"
    dot = "piste"
    number_sign = "numero"
    terms = {"C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "klo": "kello", "Klo": "Kello", "nro": "numero"}
    ending_signs = ":"
    unit_endings = r":\p{Ll}{1,5}(?!\p{L})"
    dotted_ordinals = True
    roman_after = "luku luvussa osa osassa tyyppi tyypin"
    roman_names = (
        "ludvig henrik elisabet yrjö kaarle edvard vilhelm jaakko rikhard filip aleksanteri katariina napoleon paavali"
        " pius benedictus gregorius leo johannes pietari nikolai fredrik kustaa eerik juhana"
    )
    roman_before = "maailmansota maailmansodan maailmansodassa maailmansotaan maailmansodasta luokan luokka"

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        return self._in_case(number, "spellout-ordinal", _case(context.after.lower(), _CASES))

    def with_ending(self, number: Number, ending: str, context: Context = NOWHERE) -> str:
        whole = int(number.whole)
        if number.is_integer and not number.sign:
            if ending == "s":
                return self._in_case(whole, "spellout-ordinal", "")
            if ending.startswith("nne"):
                return self._in_case(whole, "spellout-ordinal", _case(ending, _CASES))
            if case := _case(ending, _ENDINGS):
                return self._in_case(whole, "spellout-cardinal", case)
        return self.say(number)

    def _in_case(self, number: int, rules: str, case: str) -> str:
        return self._spell(number, f"{rules}-{case}" if case else rules) or self.cardinal(number)

    def is_counted_by_ordinals(self, word: str) -> bool:
        return word.lower().startswith(("kerro", "luok", "luvu", "luku", "sija", "maailmanso", "päiv", "kert"))

    def day(self, number: int, context: Context) -> str:
        return self._in_case(number, "spellout-ordinal", "")

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        minutes = self.join(self.oh if minute < 10 else "", self.cardinal(minute)) if minute else ""
        if second is None:
            return self.join(self.cardinal(hour), minutes)
        seconds = self.counted(Number(str(second)), _SECONDS)
        return f"{self.cardinal(hour)} {minutes or 'nolla nolla'} ja {seconds}"

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        words = self.fractions.get(f"{above}/{below}")
        if words is None:
            part = self._in_case(below, "spellout-ordinal", "")
            words = f"{self.cardinal(above)} {part}osa{'' if above == 1 else 'a'}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def proportion(self, first: int, second: int) -> str:
        return f"{self.cardinal(first)} suhteessa {self._in_case(second, 'spellout-cardinal', 'illative')}"

    def reign(self, number: int) -> str:
        return self._in_case(number, "spellout-ordinal", "")


def _case(word: str, endings: dict[str, str]) -> str:
    return next((case for ending, case in endings.items() if word.endswith(ending)), "")


LANGUAGE = Finnish
