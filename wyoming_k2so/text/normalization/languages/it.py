"""Italian."""

from __future__ import annotations

import regex

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_MASCULINE = frozenset(
    "messaggio giorno minuto secondo mese anno secolo metro chilometro litro grammo chilo grado euro dollaro uomo"
    " bambino ragazzo amico gatto cane libro passo elemento dispositivo evento promemoria timer utente file"
    " prodotto risultato punto voto gol pacchetto posto uovo dente pezzo cucchiaio cucchiaino bicchiere barattolo"
    " spicchio pizzico errore appuntamento compleanno studente zaino sacco foglio biglietto treno piano quarto"
    " mazzo etto zucchino solo nuovo unico".split()
)
_UN_BEFORE = regex.compile(r"(?!s[^aeiouh]|z|gn|ps|pn|x|y)", regex.I)
_QUEENS = frozenset("elisabetta caterina maria margherita cristina vittoria anna giovanna".split())


class Italian(Language):
    minus = "meno"
    plus = "più"
    plus_minus = "più o meno"
    points = {",": "virgola", ".": "punto"}
    long_decimals = True
    feminine = (
        r"^(?:\w+(?:zione|sione|tà|trice)|or[ae]|un'ora|ora|persona|libbr[ae]|onc[ei]a?|tonnellat[ae]|calori[ae]"
        r"|parte|chilocalori[ae]|candel[ae]|sterlin[ae]|rupi[ae]|lir[ae]|grivni[ae]|settimana|notte|mattina|sera"
        r"|volta|tazza|tazzina|dozzina|pagina|lampada|lampadina|luce|porta|finestra|casa|tavola|sedia|strada|stanza"
        r"|camera|sveglia|lista|nota|domanda|risposta|mela|pizza|bottiglia|donna|bambina|ragazza|amica|foto"
        r"|immagine|pianta|guerra|repubblica|fiera|coppa|conferenza|riga|parola|lettera|cosa|zona|telecamera|scena"
        r"|regola|moneda|moneta|chiave|gatta|macchina|auto|email|mail|chiamata|fetta|cipolla|carota|chilowattora"
        r"|kilowattora|sezione|classe|sola|nuova|unica|accesa|spenta|aperta|chiusa|attiva|\w+[aiu]ta)(?: |$)"
    )
    per = "{0} per {1}"
    currencies = {
        "USD": "dollaro|dollari",
        "EUR": "euro",
        "GBP": "sterlina|sterline",
        "JPY": "yen",
        "CNY": "yuan",
        "INR": "rupia|rupie",
        "RUB": "rublo|rubli",
        "TRY": "lira turca|lire turche",
        "KRW": "won",
        "BRL": "real",
        "UAH": "grivnia|grivnie",
        "CHF": "franco svizzero|franchi svizzeri",
    }
    cents = {
        "USD": "centesimo|centesimi",
        "EUR": "centesimo|centesimi",
        "GBP": "penny|pence",
        "CHF": "centesimo|centesimi",
        "BRL": "centavo|centavos",
        "INR": "paisa|paise",
        "RUB": "copeco|copechi",
    }
    money = "{0} e {2}"
    scales = {
        "mln": "milione|milioni",
        "Mln": "milione|milioni",
        "mld": "miliardo|miliardi",
        "Mld": "miliardo|miliardi",
        "M": "milione|milioni",
        "milione": "milione|milioni",
        "milioni": "milione|milioni",
        "miliardo": "miliardo|miliardi",
        "miliardi": "miliardo|miliardi",
        "mila": "",
        "k": "",
    }
    of_millions = "di "
    factors = {"mila": 1000, "k": 1000}
    unit_signs = {
        "ora": "duration-hour", "ore": "duration-hour", "ºC": "temperature-celsius", "sec": "duration-second",
        "Kg": "mass-kilogram", "Km": "length-kilometer", "Km/h": "speed-kilometer-per-hour", "mq": "area-square-meter",
        "mc": "volume-cubic-meter", "kmq": "area-square-kilometer",
    }  # fmt: skip
    unit_words = {
        "area-square-millimeter": "millimetro quadrato|millimetri quadrati",
        "mass-tonne": "tonnellata|tonnellate",
        "temperature-kelvin": "kelvin",
        "energy-watt-hour": "wattora",
        "energy-megawatt-hour": "megawattora",
        "electric-ampere-hour": "amperora",
        "electric-milliampere-hour": "milliamperora",
        "electric-millivolt": "millivolt",
        "electric-kilovolt": "chilovolt",
        "sound-decibel": "decibel",
        "graphics-frame-per-second": "fotogramma al secondo|fotogrammi al secondo",
        "revolution-per-minute": "giro al minuto|giri al minuto",
        "digital-megabit-per-second": "megabit al secondo",
        "digital-megabyte-per-second": "megabyte al secondo",
    }
    months = {"sett": 9}
    clock_noun = "ora"
    clock_before = "alle|all|ore|dalle"
    day_halves = {"am": "del mattino", "pm": "del pomeriggio"}
    ranges = "a"
    ratio = "a"
    by = "per"
    symbols = {
        "&": "e", "@": "chiocciola", "+": "più", "=": "uguale", "==": "uguale", "×": "per", "÷": "diviso",
        "±": "più o meno", "≈": "circa", "≤": "minore o uguale a", "≥": "maggiore o uguale a", "<": "minore di",
        ">": "maggiore di", "<=": "minore o uguale a", ">=": "maggiore o uguale a", "≠": "diverso da", "*": "per",
        "^": "elevato a", "~": "circa", "№": "numero", "#": "cancelletto", "/": "barra", "²": "al quadrato",
        "³": "al cubo", "√": "radice quadrata di", "∞": "infinito", "§": "paragrafo", "π": "pi greco",
    }  # fmt: skip
    fractions = {
        "1/2": "un mezzo", "1/3": "un terzo", "2/3": "due terzi", "1/4": "un quarto", "3/4": "tre quarti",
    }  # fmt: skip
    over = "su"
    mixed = "{0} e {1}"
    mixed_half = "{0} e mezzo"
    dot = "punto"
    number_sign = "numero"
    terms = {
        "C++": "C più più", "C#": "C sharp", "F#": "F sharp", "4K": "quattro K",
        "24/7": "ventiquattro ore su ventiquattro",
        "24h/24": "ventiquattro ore su ventiquattro", "7/7": "sette giorni su sette", "Sig.ra": "signora",
        "sig.ra": "signora", "Sig.na": "signorina", "Dott.ssa": "dottoressa", "dott.ssa": "dottoressa",
        "Prof.ssa": "professoressa", "prof.ssa": "professoressa", "P.zza": "piazza", "p.zza": "piazza",
        "V.le": "viale", "v.le": "viale", "C.so": "corso", "c.so": "corso",
    }  # fmt: skip
    ordinal_signs = (
        r"[ºª]|°(?= (?!alla|allo|alle|nel|con|per|sotto|sopra|circa|fuori|oggi|domani|dopo|prima|entro|verso|rispetto"
        r"|mentre|ora|adesso|stanotte|ieri|dentro|che|anche)\p{Ll}{3})"
    )
    roman_after = "capitolo atto scena tomo volume parte titolo articolo fase classe tipo libro sezione allegato canto"
    roman_names = (
        "luigi enrico elisabetta giorgio carlo edoardo guglielmo giacomo riccardo filippo francesco alessandro caterina"
        " napoleone paolo pio benedetto gregorio innocenzo clemente leone giovanni pietro nicola federico vittorio"
        " emanuele umberto maria margherita cristina ferdinando alfonso amedeo bonifacio urbano giulio sisto"
    )
    roman_before = "secolo guerra repubblica edizione fiera congresso festival legislatura municipio"

    def cardinal(self, number: int, noun: str = "") -> str:
        if number != 1 or not noun:
            return super().cardinal(number)
        if self.gender_of(noun) == "f":
            return "una"
        return "un" if _UN_BEFORE.match(noun) else "uno"

    def _fill(self, pattern: str, number: Number) -> str:
        return str(regex.sub(r"\buna (?=[aeiou])", "un'", super()._fill(pattern, number)))

    def noun_after(self, number: Number, word: str) -> str:
        return word if word.lower() in _MASCULINE or self.gender_of(word.lower()) == "f" else ""

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        feminine = context.mark == "ª" or (context.mark != "º" and self.gender_of(context.after.lower()) == "f")
        rules = f"spellout-ordinal-{'feminine' if feminine else 'masculine'}"
        return self._spell(number, rules) or self.cardinal(number)

    def day(self, number: int, context: Context) -> str:
        elided = context.before.endswith(("'", "’"))
        return "primo" if number == 1 and not elided else self.cardinal(number)

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        words = self.cardinal(hour, self.clock_noun)
        if second:
            return f"{words}, {self.cardinal(minute)} minuti e {self.counted(Number(str(second)), 'secondo|secondi')}"
        return f"{words} e {self.cardinal(minute)}" if minute else words

    def day_half(self, half: str, hour: int) -> str:
        return "di sera" if half == "pm" and 6 <= hour < 12 else super().day_half(half, hour)

    def half_of(self, noun: str) -> str:
        if self.gender_of(noun.lower()) == "f":
            return "mezza"
        return "mezzo" if noun.lower() in _MASCULINE else ""

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or not 2 < below <= 20:
            return super().fraction(whole, above, below)
        part = self.ordinal(below, Context(mark="º"))
        words = f"{self.cardinal(above, part)} {part if above == 1 else part[:-1] + 'i'}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def roman(self, number: int, context: Context) -> str | None:
        if self._is(self.roman_names, context.before):
            return self.ordinal(number, Context(mark="ª" if context.before in _QUEENS else "º"))
        return super().roman(number, context)


LANGUAGE = Italian
