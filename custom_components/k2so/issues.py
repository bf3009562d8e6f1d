"""Repair issues: what a user should fix."""

from collections.abc import Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .models import K2soInfo

ISSUES = ("fallback_voice", "failed_switch", "refused_options")


@callback
def async_update_issues(hass: HomeAssistant, entry: ConfigEntry, found: Mapping[str, Mapping[str, str]]) -> None:
    """Create the issues that were found with a server, and delete all others."""
    for issue in ISSUES:
        issue_id = f"{issue}_{entry.entry_id}"
        if issue not in found:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
            continue
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=issue,
            translation_placeholders={"name": entry.title, **found[issue]},
        )


def find_issues(k2so: K2soInfo, options_error: str | None) -> dict[str, dict[str, str]]:
    """The issues of a server, each with its placeholders; `options_error` says why it rejected the saved options."""
    found = {}
    if (missing := next((engine for engine in k2so.selected_engines if engine.state == "failed"), None)) is not None:
        found["fallback_voice"] = {
            "engine": missing.name,
            "speaking": k2so.speaking,
            "detail": missing.detail,
        }
    if (failed := k2so.failed) is not None:
        found["failed_switch"] = {
            "settings": ", ".join(f"{key} {value}" for key, value in failed.settings.items()),
            "reason": failed.reason,
        }
    if options_error is not None:
        found["refused_options"] = {"reason": options_error}
    return found
