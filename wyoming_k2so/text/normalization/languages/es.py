"""Spanish."""

from __future__ import annotations

from functools import cached_property

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_PESOS = {"MX": "MXN", "AR": "ARS", "CL": "CLP", "CO": "COP", "UY": "UYU"}
_NO_NOUN = frozenset(
    "de del y o u a en es son con por para que más mas menos al el la los las tras después antes pero se no".split()
)
_MASCULINE = frozenset(
    "día minuto segundo metro kilómetro litro gramo kilo kilogramo grado año mes vaso mensaje correo niño hombre perro"
    " gato coche libro paso elemento dispositivo evento recordatorio temporizador usuario archivo producto resultado"
    " punto voto gol paquete euro dólar peso cuarto lugar puesto huevo diente trozo sobre bote solo nuevo único".split()
)
_QUEENS = frozenset("isabel catalina maría juana cristina margarita victoria ana".split())


class Spanish(Language):
    minus = "menos"
    plus = "más"
    plus_minus = "más menos"
    points = {",": "coma", ".": "punto"}
    long_decimals = True
    genders = {"m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine", "n": "spellout-numbering"}
    group_signs = ","
    feminine = (
        r"^(?!(?:día|tesla|programa|problema|sistema|mapa|idioma|tema|clima|planeta|poema|gramo|sofá|turista"
        r"|guardia|atleta|artista|policía)s\b)\w+(?:as|[cs]iones|dades|tades|[cs]ión|dad|tad)\b|^(?:hora|persona"
        r"|libra|onza|tonelada|milla|caloría|kilocaloría|hectárea|pulgada|partes?|candela|rupia|lira|grivna|semana"
        r"|noche|mañana|tarde|vez|veces|taza|cucharada|cucharadita|docena|página|lámpara|luz|luces|puerta|ventana"
        r"|casa|mesa|silla|calle|habitación|alarma|lista|tarea|nota|cita|reunión|llamada|pregunta|respuesta|manzana"
        r"|pizza|botella|mujer|mujeres|niña|canción|foto|imagen|imágenes|planta|guerra|república|edición|feria|copa"
        r"|conferencia|legislatura|revolución|clase|fila|línea|palabra|letra|opción|cosa|zona|cámara|escena|regla"
        r"|moneda|llave|gente|flor|flores|sola|nueva|única|abierta|activa|(?!cada|nada)\w+[ai]da)\b"
    )
    neuter = r"^por "
    per = "{0} por {1}"
    currencies = {
        "USD": "dólar|dólares",
        "EUR": "euro|euros",
        "GBP": "libra|libras",
        "JPY": "yen|yenes",
        "CNY": "yuan|yuanes",
        "INR": "rupia|rupias",
        "RUB": "rublo|rublos",
        "TRY": "lira|liras",
        "KRW": "won|wones",
        "BRL": "real|reales",
        "UAH": "grivna|grivnas",
        "CHF": "franco suizo|francos suizos",
        **dict.fromkeys(_PESOS.values(), "peso|pesos"),
    }
    cents = {
        "USD": "centavo|centavos",
        "EUR": "céntimo|céntimos",
        "GBP": "penique|peniques",
        "CHF": "céntimo|céntimos",
        "BRL": "centavo|centavos",
        "INR": "paisa|paisas",
        "RUB": "kopek|kopeks",
        **dict.fromkeys(_PESOS.values(), "centavo|centavos"),
    }
    money = "{0} con {1}"
    scales = {
        "M": "millón|millones",
        "millón": "millón|millones",
        "millones": "millón|millones",
        "billón": "billón|billones",
        "billones": "billón|billones",
        "mil": "",
        "k": "",
    }
    of_millions = "de "
    factors = {"mil": 1000, "k": 1000}
    unit_signs = {
        "ºC": "temperature-celsius", "ºF": "temperature-fahrenheit", "hs": "duration-hour", "hrs": "duration-hour",
        "seg": "duration-second", "mins": "duration-minute", "Kg": "mass-kilogram", "Km": "length-kilometer",
        "Km/h": "speed-kilometer-per-hour",
    }  # fmt: skip
    unit_words = {
        "area-square-millimeter": "milímetro cuadrado|milímetros cuadrados",
        "concentr-part-per-1e9": "parte por mil millones|partes por mil millones",
        "energy-watt-hour": "vatio hora|vatios hora",
        "energy-megawatt-hour": "megavatio hora|megavatios hora",
        "electric-ampere-hour": "amperio hora|amperios hora",
        "electric-milliampere-hour": "miliamperio hora|miliamperios hora",
        "electric-millivolt": "milivoltio|milivoltios",
        "electric-kilovolt": "kilovoltio|kilovoltios",
        "sound-decibel": "decibelio|decibelios",
        "graphics-frame-per-second": "fotograma por segundo|fotogramas por segundo",
        "revolution-per-minute": "revolución por minuto|revoluciones por minuto",
        "digital-megabit-per-second": "megabit por segundo|megabits por segundo",
        "digital-megabyte-per-second": "megabyte por segundo|megabytes por segundo",
    }
    date_joints = "de |del "
    months = {"set": 9, "sep": 9, "setiembre": 9}
    clock = ("{h}", "{h} {m}", "{h} {m} y {s} segundos")
    clock_noun = "hora"
    clock_words = "hrs?\\.?|hs?\\.?"
    clock_dot = True
    day_halves = {"am": "de la mañana", "pm": "de la tarde"}
    ranges = "a"
    ratio = "a"
    by = "por"
    symbols = {
        "&": "y", "@": "arroba", "+": "más", "=": "igual a", "==": "igual a", "×": "por", "÷": "entre",
        "±": "más menos", "≈": "aproximadamente", "≤": "menor o igual que", "≥": "mayor o igual que",
        "<": "menor que", ">": "mayor que", "<=": "menor o igual que", ">=": "mayor o igual que", "≠": "distinto de",
        "*": "por", "^": "elevado a", "~": "aproximadamente", "№": "número", "#": "almohadilla", "/": "barra",
        "²": "al cuadrado", "³": "al cubo", "√": "raíz cuadrada de", "∞": "infinito", "§": "sección", "π": "pi",
    }  # fmt: skip
    fractions = {
        "1/2": "un medio", "1/3": "un tercio", "2/3": "dos tercios", "1/4": "un cuarto", "3/4": "tres cuartos",
    }  # fmt: skip
    over = "sobre"
    mixed = "{0} y {1}"
    mixed_half = "{0} y medio"
    dot = "punto"
    number_sign = "número"
    terms = {"C++": "C más más", "C#": "C sharp", "F#": "F sharp", "4K": "cuatro K"}
    clock_before = "las|la"
    ordinal_signs = (
        r"\.?(?:[ºª]s?|er|ᵉʳ)|°(?= (?!con|por|bajo|sobre|hoy|para|pero|hasta|esta)\p{Ll}{3})"
        r"|r[oa]s?|d[oa]s?|t[oa]s?|v[oa]s?|m[oa]s?|n[oa]s?"
    )
    roman_after = (
        "siglo siglos capítulo acto escena tomo volumen parte título artículo fase clase tipo libro sección anexo"
    )
    roman_names = (
        "felipe carlos alfonso fernando enrique juan luis isabel catalina maría juana cristina pedro sancho jaime"
        " ramiro jorge eduardo guillermo ricardo francisco alejandro napoleón pablo pío benedicto gregorio león nicolás"
        " federico margarita victoria ana"
    )
    roman_before = "guerra república edición feria congreso festival copa conferencia legislatura concurso jornadas"

    @cached_property
    def currency_codes(self) -> dict[str, str]:
        codes = super().currency_codes
        return {**codes, "$": _PESOS[self.region]} if self.region in _PESOS else codes

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        mark, after = context.mark.strip("."), context.after.lower()
        feminine = mark.rstrip("s").endswith(("ª", "a")) if mark else self.gender_of(after) == "f"
        rules = f"spellout-ordinal-{'feminine' if feminine else 'masculine'}"
        if mark.endswith("s") or after == "jornadas":
            rules += "-plural"
        elif not feminine and (mark in ("er", "ᵉʳ") or (after and after not in _NO_NOUN)):
            rules += "-adjective"
        return self._spell(number, rules) or self.cardinal(number)

    def noun_after(self, number: Number, word: str) -> str:
        lower = word.lower()
        if lower in _NO_NOUN:
            return ""
        plural = number.whole != "1" and lower.endswith("s")
        return lower if plural or self.gender_of(lower) == "f" or lower in _MASCULINE else ""

    def day(self, number: int, context: Context) -> str:
        return "primero" if number == 1 and self.region != "ES" else self.cardinal(number)

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        parts = [self.day(day, context), self.month(month), *([] if year is None else [self.year(year)])]
        return " de ".join(parts)

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        if second is None and 0 < minute < 10:
            return f"{self.cardinal(hour, self.clock_noun)} y {self.cardinal(minute)}"
        return super().time(hour, minute, second, context)

    def day_half(self, half: str, hour: int) -> str:
        if half == "am":
            return "de la noche" if hour == 12 else "de la mañana"
        return "del mediodía" if hour == 12 else "de la tarde" if hour < 8 else "de la noche"

    def half_of(self, noun: str) -> str:
        if self.gender_of(noun.lower()) == "f":
            return "media"
        return "medio" if noun.lower() in _MASCULINE else ""

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or not 2 < below <= 20:
            return super().fraction(whole, above, below)
        if below <= 10:
            part = {3: "tercio"}.get(below) or self._spell(below, "spellout-ordinal-masculine")
        else:
            part = f"{self.cardinal(below)}avo".replace("é", "e")
        words = f"{self.cardinal(above, 'x')} {part}" + "s" * (above != 1)
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def roman(self, number: int, context: Context) -> str | None:
        if self._is(self.roman_names, context.before) and number <= 10:
            return self.ordinal(number, Context(mark="ª" if context.before in _QUEENS else "º"))
        return self.ordinal(number, context) if self._is(self.roman_before, context.after) else self.cardinal(number)


LANGUAGE = Spanish
