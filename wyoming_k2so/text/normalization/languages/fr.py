"""French."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number


class French(Language):
    minus = "moins"
    plus_minus = "plus ou moins"
    points = {",": "virgule", ".": "point"}
    long_decimals = True
    genders = {"m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine"}
    feminine = (
        r"^(?!\w+wattheure|musée|lycée|trophée|comité|côté|traité|député|silence|magazine)(?:\w+(?:[tsx]ion|té|ette"
        r"|ance|ence|ure|ine|ée|elle|esse|ise|ille|euse)|heure|minute|\w*seconde|tonne|livre|once|\w*calorie|partie"
        r"|roupie|hryvnia|journée|semaine|personne|tasse|lampe|ampoule|pièce|page|porte|fenêtre|chose|place|part"
        r"|goutte|cuillère|piste|alarme|lumière|chambre|femme|mère|sœur|carte|maison|note|phrase|lettre|ligne|image"
        r"|photo|équipe|rue|route|voiture|étape|tâche|liste|prise|fleur|nuit|fois|marche|couche|étoile|boîte"
        r"|bouteille|tranche|gousse|pomme|zone|caméra|lampe|scène|règle|île|ville|vague|demi-heure|seule|nouvelle"
        r"|éteinte|ouverte)s?(?: |$)"
    )
    per = "{0} par {1}"
    currencies = {
        "USD": "dollar|dollars",
        "EUR": "euro|euros",
        "GBP": "livre|livres",
        "JPY": "yen|yens",
        "CNY": "yuan|yuans",
        "INR": "roupie|roupies",
        "RUB": "rouble|roubles",
        "TRY": "livre turque|livres turques",
        "KRW": "won|wons",
        "BRL": "réal|réals",
        "UAH": "hryvnia|hryvnias",
        "CHF": "franc suisse|francs suisses",
        "CAD": "dollar canadien|dollars canadiens",
    }
    cents = {
        "USD": "cent|cents",
        "EUR": "centime|centimes",
        "GBP": "penny|pence",
        "CHF": "centime|centimes",
        "BRL": "centavo|centavos",
        "INR": "paisa|paise",
        "RUB": "kopeck|kopecks",
        "CAD": "cent|cents",
    }
    money = "{0} {2}"
    scales = {
        "M": "million|millions",
        "Md": "milliard|milliards",
        "Mds": "milliard|milliards",
        "Mrd": "milliard|milliards",
        "k": "",
        "million": "million|millions",
        "millions": "million|millions",
        "milliard": "milliard|milliards",
        "milliards": "milliard|milliards",
    }
    factors = {"k": 1000}
    of_millions = "de |d'"
    unit_signs = {
        "o": "digital-byte", "ko": "digital-kilobyte", "Ko": "digital-kilobyte", "Mo": "digital-megabyte",
        "Go": "digital-gigabyte", "To": "digital-terabyte", "mn": "duration-minute", "j": "duration-day",
        "tr/min": "revolution-per-minute",
    }  # fmt: skip
    unit_words = {
        "area-square-millimeter": "millimètre carré|millimètres carrés",
        "energy-watt-hour": "wattheure|wattheures",
        "energy-kilowatt-hour": "kilowattheure|kilowattheures",
        "energy-megawatt-hour": "mégawattheure|mégawattheures",
        "electric-ampere-hour": "ampère-heure|ampères-heures",
        "electric-milliampere-hour": "milliampère-heure|milliampères-heures",
        "electric-millivolt": "millivolt|millivolts",
        "electric-kilovolt": "kilovolt|kilovolts",
        "sound-decibel": "décibel|décibels",
        "graphics-frame-per-second": "image par seconde|images par seconde",
        "revolution-per-minute": "tour par minute|tours par minute",
        "digital-megabit-per-second": "mégabit par seconde|mégabits par seconde",
        "digital-megabyte-per-second": "mégaoctet par seconde|mégaoctets par seconde",
    }
    clock_words = "h"
    hour_words = "h"
    ranges = "à"
    ratio = "à"
    by = "sur"
    symbols = {
        "&": "et", "@": "arobase", "+": "plus", "=": "égale", "==": "égale", "×": "fois", "÷": "divisé par",
        "±": "plus ou moins", "≈": "environ", "≤": "inférieur ou égal à", "≥": "supérieur ou égal à",
        "<": "inférieur à", ">": "supérieur à", "<=": "inférieur ou égal à", ">=": "supérieur ou égal à",
        "≠": "différent de", "*": "fois", "^": "puissance", "~": "environ", "№": "numéro", "#": "dièse",
        "/": "barre oblique", "²": "au carré", "³": "au cube", "√": "racine carrée de", "∞": "infini",
        "§": "paragraphe", "π": "pi",
    }  # fmt: skip
    fractions = {
        "1/2": "un demi", "1/3": "un tiers", "2/3": "deux tiers", "1/4": "un quart", "3/4": "trois quarts",
    }  # fmt: skip
    over = "sur"
    mixed = "{0} et {1}"
    mixed_half = "{0} et demi"
    dot = "point"
    number_sign = "numéro"
    terms = {
        "C++": "C plus plus", "C#": "C dièse", "F#": "F dièse", "4K": "quatre K",
        "24/7": "vingt-quatre heures sur vingt-quatre",
        "24h/24": "vingt-quatre heures sur vingt-quatre", "7j/7": "sept jours sur sept", "Mme": "Madame",
        "Mmes": "Mesdames", "Mlle": "Mademoiselle", "Mlles": "Mesdemoiselles", "Dr": "docteur", "Pr": "professeur",
        "Mgr": "Monseigneur", "Me": "Maître", "St": "Saint", "Ste": "Sainte",
    }  # fmt: skip
    ordinal_signs = "ers?|[èe]?res?|[èe]?mes?|[eè]s?|nde?s?"
    roman_marks = "er|[èe]?re|[èe]?me|e"
    roman_after = "chapitre acte scène tome volume partie titre article phase classe type livre section annexe niveau"
    roman_names = (
        "louis henri élisabeth georges charles édouard guillaume jacques richard philippe françois alexandre catherine"
        " napoléon paul jean-paul pie benoît grégoire innocent clément léon jean pierre nicolas frédéric albert léopold"
    )

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        if number == 2 and context.mark.startswith("n"):
            words = "seconde" if context.mark.startswith("nde") else "second"
        else:
            feminine = number == 1 and ("r" in context.mark and "er" not in context.mark)
            feminine = feminine or context.mark.startswith(("re", "ère", "ere"))
            words = self._spell(number, f"spellout-ordinal-{'feminine' if feminine else 'masculine'}") or ""
        return words + "s" if context.mark.endswith("s") else words

    def year(self, number: int, context: Context = NOWHERE) -> str:
        return self.cardinal(number)

    def day(self, number: int, context: Context) -> str:
        return "premier" if number == 1 else self.cardinal(number)

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        words = [self.cardinal(hour, "heure"), "heure" if hour < 2 else "heures"]
        if minute or second:
            words.append(self.cardinal(minute, "minute"))
        if second:
            words += [
                "minute" if minute < 2 else "minutes",
                "et",
                self.counted(Number(str(second)), "seconde|secondes"),
            ]
        return " ".join(words)

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or not 2 < below <= 20:
            return super().fraction(whole, above, below)
        parts = {3: "tiers", 4: "quart"}.get(below) or self.ordinal(below)
        words = f"{self.cardinal(above)} {parts}" + "s" * (above > 1 and below != 3)
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def half_of(self, noun: str) -> str:
        return "une demi" if self.gender_of(noun.lower()) == "f" else ""

    def reign(self, number: int) -> str:
        return "premier" if number == 1 else self.cardinal(number)


LANGUAGE = French
