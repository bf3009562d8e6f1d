"""The integration's texts."""

from __future__ import annotations

import json
from typing import Any

from .environment import INTEGRATION

ENGLISH: dict[str, Any] = json.loads((INTEGRATION / "translations" / "en.json").read_text("utf-8"))
