"""How units and currencies are written, in any language, and their names in CLDR."""

from __future__ import annotations

UNITS = {
    "%": "concentr-percent", "‰": "concentr-permille", "ppm": "concentr-part-per-1e6",
    "ppb": "concentr-part-per-1e9",
    "°": "angle-degree", "°C": "temperature-celsius", "°F": "temperature-fahrenheit", "K": "temperature-kelvin",
    "mm": "length-millimeter", "cm": "length-centimeter", "dm": "length-decimeter", "m": "length-meter",
    "km": "length-kilometer", "nm": "length-nanometer", "µm": "length-micrometer", "ft": "length-foot",
    "mi": "length-mile",
    "mm²": "area-square-millimeter", "cm²": "area-square-centimeter", "m²": "area-square-meter",
    "km²": "area-square-kilometer", "ha": "area-hectare",
    "cm³": "volume-cubic-centimeter", "m³": "volume-cubic-meter", "ml": "volume-milliliter", "mL": "volume-milliliter",
    "cl": "volume-centiliter", "dl": "volume-deciliter", "l": "volume-liter", "L": "volume-liter",
    "hl": "volume-hectoliter",
    "µg": "mass-microgram", "mg": "mass-milligram", "g": "mass-gram", "kg": "mass-kilogram", "t": "mass-tonne",
    "lb": "mass-pound", "lbs": "mass-pound", "oz": "mass-ounce",
    "ns": "duration-nanosecond", "µs": "duration-microsecond", "ms": "duration-millisecond", "s": "duration-second",
    "sec": "duration-second", "min": "duration-minute", "h": "duration-hour", "d": "duration-day",
    "km/h": "speed-kilometer-per-hour", "kmh": "speed-kilometer-per-hour", "m/s": "speed-meter-per-second",
    "mph": "speed-mile-per-hour", "kn": "speed-knot",
    "Pa": "pressure-pascal", "hPa": "pressure-hectopascal", "kPa": "pressure-kilopascal",
    "MPa": "pressure-megapascal", "mbar": "pressure-millibar", "bar": "pressure-bar",
    "psi": "pressure-pound-force-per-square-inch", "inHg": "pressure-inch-ofhg", "mmHg": "pressure-millimeter-ofhg",
    "mW": "power-milliwatt", "W": "power-watt", "kW": "power-kilowatt", "MW": "power-megawatt", "GW": "power-gigawatt",
    "Wh": "energy-watt-hour", "kWh": "energy-kilowatt-hour", "MWh": "energy-megawatt-hour", "J": "energy-joule",
    "kJ": "energy-kilojoule", "kcal": "energy-kilocalorie", "cal": "energy-calorie", "eV": "energy-electronvolt",
    "mA": "electric-milliampere", "A": "electric-ampere", "Ah": "electric-ampere-hour",
    "mAh": "electric-milliampere-hour", "V": "electric-volt", "mV": "electric-millivolt", "kV": "electric-kilovolt",
    "Ω": "electric-ohm",
    "Hz": "frequency-hertz", "kHz": "frequency-kilohertz", "MHz": "frequency-megahertz", "GHz": "frequency-gigahertz",
    "B": "digital-byte", "kB": "digital-kilobyte", "KB": "digital-kilobyte", "MB": "digital-megabyte",
    "GB": "digital-gigabyte", "TB": "digital-terabyte", "PB": "digital-petabyte", "kbit": "digital-kilobit",
    "Mbit": "digital-megabit", "Gbit": "digital-gigabit", "Mbit/s": "digital-megabit-per-second",
    "Mbps": "digital-megabit-per-second", "MB/s": "digital-megabyte-per-second",
    "lm": "light-lumen", "lx": "light-lux", "cd": "light-candela", "px": "graphics-pixel", "MP": "graphics-megapixel",
    "dpi": "graphics-dot-per-inch", "N": "force-newton", "Nm": "torque-newton-meter", "T": "magnetic-tesla",
    "hp": "power-horsepower", "dB": "sound-decibel", "fps": "graphics-frame-per-second", "rpm": "revolution-per-minute",
}  # fmt: skip
"""A unit as it is written, and CLDR's name for it. Capitals count: mW is no MW.

A language names those that CLDR does not know, such as decibels.
"""

PER = {"h": "duration-hour", "s": "duration-second", "min": "duration-minute", "d": "duration-day"} | {
    unit: UNITS[unit] for unit in ("m²", "m³", "km", "l", "L", "kg", "kWh", "ml", "m", "cm²", "dl")
}
"""What may stand behind a slash after any unit."""

CURRENCIES = {
    "$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "￥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY",
    "₩": "KRW", "₴": "UAH", "₪": "ILS", "R$": "BRL", "C$": "CAD", "A$": "AUD", "₫": "VND", "₱": "PHP", "฿": "THB",
}  # fmt: skip
CENTS = {"¢": "USD"}
CODES = (
    "AED|AUD|BGN|BRL|CAD|CHF|CNY|CZK|DKK|EGP|EUR|GBP|HUF|ILS|INR|JPY|KRW|MAD|MXN|NOK|NZD|PHP|PLN|RON|RUB|SAR|SEK|SGD|THB"
    "|TRY|UAH|USD|VND|ZAR"
)
"""A pattern of the ISO 4217 codes that are read as currencies beside a number."""

NO_CENTS = frozenset({"JPY", "KRW", "VND", "HUF"})
