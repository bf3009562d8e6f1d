"""The repair issues that a user sees in the Home Assistant of a test."""

from __future__ import annotations

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from custom_components.k2so.const import DOMAIN


def repair_issues(home: HomeAssistant) -> dict[str | None, dict[str, str] | None]:
    """The active issues of the integration, with their placeholders."""
    found = [issue for (domain, _), issue in ir.async_get(home).issues.items() if domain == DOMAIN and issue.active]
    return {issue.translation_key: issue.translation_placeholders for issue in found}
