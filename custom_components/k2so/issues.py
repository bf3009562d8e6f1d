"""What the user is told to repair."""

from collections.abc import Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .client import Control
from .const import DOMAIN

PROBLEMS = ("fallback_voice", "failed_switch", "refused_options")


@callback
def async_report(hass: HomeAssistant, entry: ConfigEntry, found: Mapping[str, Mapping[str, str]]) -> None:
    """Tell of the problems that were found with a server, and of no others any more."""
    for problem in PROBLEMS:
        issue_id = f"{problem}_{entry.entry_id}"
        if problem not in found:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
            continue
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=problem,
            translation_placeholders={"name": entry.title, **found[problem]},
        )


def problems(control: Control, refusal: str | None) -> dict[str, dict[str, str]]:
    """The problems of a server, which may have refused its options, each with what its text is filled with."""
    found = {}
    if (missing := next((engine for engine in control.wanted if engine.state == "failed"), None)) is not None:
        found["fallback_voice"] = {
            "engine": missing.name,
            "speaking": control.speaking,
            "detail": missing.detail,
        }
    if (failed := control.failed) is not None:
        found["failed_switch"] = {
            "settings": ", ".join(f"{key} {value}" for key, value in failed["settings"].items()),
            "reason": failed["reason"],
        }
    if refusal is not None:
        found["refused_options"] = {"reason": refusal}
    return found
