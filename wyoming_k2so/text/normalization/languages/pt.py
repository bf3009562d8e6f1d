"""Portuguese, as in Brazil unless the region says Portugal."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_IN_PORTUGAL = {"dezesseis": "dezasseis", "dezessete": "dezassete", "dezenove": "dezanove"}
_MASCULINE = frozenset(
    "minuto segundo metro quilômetro quilómetro litro grama quilo quilograma grau ano mês dia copo homem menino carro"
    " gato livro passo pacote euro dólar real quarto lugar ovo dente pedaço pote limão abacate tablete".split()
)
_QUEENS = frozenset("isabel elizabeth catarina maria joana cristina margarida vitória ana".split())


class Portuguese(Language):
    minus = "menos"
    plus = "mais"
    plus_minus = "mais ou menos"
    points = {",": "vírgula", ".": "ponto"}
    long_decimals = True
    genders = {"m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine"}
    feminine = (
        r"^(?!(?:dia|tesla|programa|problema|sistema|mapa|idioma|tema|clima|planeta|poema|\w*grama|sofá|turista"
        r"|guarda|atleta|artista|polícia|watt)s\b)\w{2,}(?:as|[çsx]ões|dades|[çs]ão)\b|^(?:hora|pessoa|libra|onça"
        r"|tonelada|milha|caloria|quilocaloria|polegada|partes?|candela|rupia|lira|hryvnia|vez|vezes|semana|noite"
        r"|manhã|tarde|xícara|chávena|colher|colheres|dúzia|página|lâmpada|luz|luzes|porta|janela|casa|mesa|cadeira"
        r"|rua|sala|lista|tarefa|nota|reunião|chamada|pergunta|resposta|maçã|pizza|garrafa|mulher|mulheres|menina"
        r"|foto|imagem|imagens|mensagem|mensagens|planta|guerra|república|edição|feira|copa|conferência|classe"
        r"|linha|palavra|letra|opção|coisa|zona|câmera|câmara|cena|regra|moeda|chave|flor|flores|fatia|cidade"
        r"|metade|equipe|equipa|viagem|viagens|porcentagem|única|nova|acesa|aberta|ativa|(?!cada|nada)\w+[ai]da)\b"
    )
    per = "{0} por {1}"
    currencies = {
        "USD": "dólar|dólares",
        "EUR": "euro|euros",
        "GBP": "libra|libras",
        "JPY": "iene|ienes",
        "CNY": "yuan|yuans",
        "INR": "rupia|rupias",
        "RUB": "rublo|rublos",
        "TRY": "lira turca|liras turcas",
        "KRW": "won|wons",
        "BRL": "real|reais",
        "UAH": "hryvnia|hryvnias",
        "CHF": "franco suíço|francos suíços",
    }
    cents = {
        "USD": "centavo|centavos",
        "EUR": "cêntimo|cêntimos",
        "GBP": "penny|pence",
        "CHF": "cêntimo|cêntimos",
        "BRL": "centavo|centavos",
        "INR": "paisa|paisas",
        "RUB": "copeque|copeques",
    }
    money = "{0} e {1}"
    scales = {
        "M": "milhão|milhões",
        "mi": "milhão|milhões",
        "bi": "bilhão|bilhões",
        "tri": "trilhão|trilhões",
        "milhão": "milhão|milhões",
        "milhões": "milhão|milhões",
        "bilhão": "bilhão|bilhões",
        "bilhões": "bilhão|bilhões",
        "trilhão": "trilhão|trilhões",
        "trilhões": "trilhão|trilhões",
        "mil": "",
        "k": "",
    }
    of_millions = "de "
    factors = {"mil": 1000, "k": 1000}
    unit_signs = {
        "ºC": "temperature-celsius", "ºF": "temperature-fahrenheit", "hs": "duration-hour", "seg": "duration-second",
        "Kg": "mass-kilogram", "Km": "length-kilometer", "Km/h": "speed-kilometer-per-hour",
    }  # fmt: skip
    unit_words = {
        "area-square-millimeter": "milímetro quadrado|milímetros quadrados",
        "mass-tonne": "tonelada|toneladas",
        "pressure-pound-force-per-square-inch": "libra por polegada quadrada|libras por polegada quadrada",
        "energy-watt-hour": "watt-hora|watts-hora",
        "energy-megawatt-hour": "megawatt-hora|megawatts-hora",
        "electric-ampere-hour": "ampere-hora|amperes-hora",
        "electric-milliampere-hour": "miliampere-hora|miliamperes-hora",
        "electric-millivolt": "milivolt|milivolts",
        "electric-kilovolt": "quilovolt|quilovolts",
        "sound-decibel": "decibel|decibéis",
        "graphics-frame-per-second": "quadro por segundo|quadros por segundo",
        "revolution-per-minute": "rotação por minuto|rotações por minuto",
        "digital-megabit-per-second": "megabit por segundo|megabits por segundo",
        "digital-megabyte-per-second": "megabyte por segundo|megabytes por segundo",
    }
    date_joints = "de "
    clock_noun = "hora"
    clock_words = "hs?|horas?"
    hour_words = "h"
    clock_dot = True
    day_halves = {"am": "da manhã", "pm": "da tarde"}
    ranges = "a"
    ratio = "a"
    by = "por"
    symbols = {
        "&": "e", "@": "arroba", "+": "mais", "=": "igual a", "==": "igual a", "×": "vezes", "÷": "dividido por",
        "±": "mais ou menos", "≈": "aproximadamente", "≤": "menor ou igual a", "≥": "maior ou igual a",
        "<": "menor que", ">": "maior que", "<=": "menor ou igual a", ">=": "maior ou igual a", "≠": "diferente de",
        "*": "vezes", "^": "elevado a", "~": "aproximadamente", "№": "número", "#": "cardinal", "/": "barra",
        "²": "ao quadrado", "³": "ao cubo", "√": "raiz quadrada de", "∞": "infinito", "§": "parágrafo", "π": "pi",
    }  # fmt: skip
    fractions = {
        "1/2": "um meio", "1/3": "um terço", "2/3": "dois terços", "1/4": "um quarto", "3/4": "três quartos",
    }  # fmt: skip
    over = "sobre"
    mixed = "{0} e {1}"
    mixed_half = "{0} e meio"
    dot = "ponto"
    number_sign = "número"
    terms = {
        "C++": "C mais mais", "C#": "C sharp", "F#": "F sharp", "4K": "quatro K",
        "24/7": "vinte e quatro horas por dia",
        "Sr.ª": "senhora", "Dr.ª": "doutora", "Prof.ª": "professora",
    }  # fmt: skip
    ordinal_signs = (
        r"\.?[ºª]s?|[oa]s?|°(?= (?!com|por|sob|sobre|hoje|para|pela|pelo|mas|até|esta|nesta|nos|nas|que|aqui)\p{Ll}{3})"
    )
    roman_after = "capítulo ato cena tomo volume parte título artigo fase classe tipo livro seção secção anexo"
    roman_names = (
        "pedro joão henrique luís isabel elizabeth jorge carlos eduardo guilherme jaime ricardo filipe felipe francisco"
        " alexandre catarina napoleão paulo pio bento gregório inocêncio clemente leão nicolau frederico manuel afonso"
        " sebastião dinis sancho fernando josé miguel maria joana cristina margarida vitória ana"
    )
    roman_before = "guerra república edição feira congresso festival copa conferência encontro jornada"

    def _spell(self, number: int, rules: str) -> str | None:
        words = super()._spell(number, rules)
        if words and self.region == "PT":
            for brazilian, portuguese in _IN_PORTUGAL.items():
                words = words.replace(brazilian, portuguese)
        return words

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        mark, after = context.mark.strip(".°"), context.after.lower()
        feminine = mark.rstrip("s").endswith(("ª", "a")) if mark else self.gender_of(after) == "f"
        words = self._spell(number, f"spellout-ordinal-{'feminine' if feminine else 'masculine'}")
        return (words or self.cardinal(number)) + "s" * mark.endswith("s")

    def day(self, number: int, context: Context) -> str:
        return "primeiro" if number == 1 and self.region != "PT" else self.cardinal(number)

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        parts = [self.day(day, context), self.month(month), *([] if year is None else [self.year(year)])]
        return " de ".join(parts)

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        words = self.cardinal(hour, self.clock_noun)
        full = f"{words} {'hora' if hour < 2 else 'horas'}"
        if second:
            return f"{full}, {self.cardinal(minute)} minutos e {self.counted(Number(str(second)), 'segundo|segundos')}"
        return f"{words} e {self.cardinal(minute)}" if minute else full

    def day_half(self, half: str, hour: int) -> str:
        return "da noite" if half == "pm" and 7 <= hour < 12 else super().day_half(half, hour)

    def half_of(self, noun: str) -> str:
        if self.gender_of(noun.lower()) == "f":
            return "meia"
        return "meio" if noun.lower() in _MASCULINE else ""

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or not 2 < below <= 20:
            return super().fraction(whole, above, below)
        if below > 10:
            part = f"{self.cardinal(below)} {'avo' if above == 1 else 'avos'}"
        else:
            part = ({3: "terço"}.get(below) or self.ordinal(below, Context(mark="º"))) + "s" * (above != 1)
        words = f"{self.cardinal(above)} {part}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def roman(self, number: int, context: Context) -> str | None:
        if self._is(self.roman_names, context.before) and number <= 10:
            return self.ordinal(number, Context(mark="ª" if context.before in _QUEENS else "º"))
        return self.ordinal(number, context) if self._is(self.roman_before, context.after) else self.cardinal(number)


LANGUAGE = Portuguese
