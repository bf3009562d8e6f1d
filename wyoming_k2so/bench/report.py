"""Prints rows of figures: a table for people, one line of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .resources import machine

Row = dict[str, Any]
"""Labels and figures by name. The end of a name is its unit: `_s` seconds, `_mb` MB."""

Columns = Mapping[str, str | Callable[[Row], str]]
"""By heading, what a column shows of a row: the label of this name, or a figure as text."""


def table(columns: Columns, rows: Sequence[Row]) -> str:
    """The rows under their headings; labels are aligned left, figures right."""
    shown = [[row[show] if isinstance(show, str) else show(row) for show in columns.values()] for row in rows]
    lines = [list(columns), *shown]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    cells = [f"{'<' if isinstance(show, str) else '>'}{w}" for show, w in zip(columns.values(), widths, strict=True)]
    return "\n".join("  ".join(map(format, line, cells)).rstrip() for line in lines)


def json_line(figures: Mapping[str, Any]) -> str:
    """Figures, and the machine that they were measured on."""
    return json.dumps({"machine": machine(), **figures})


def ms(seconds: float) -> str:
    """Seconds as milliseconds."""
    return f"{1000 * seconds:.0f} ms"
