"""What the user is told to repair."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .client import Control
from .const import DOMAIN

PROBLEMS = ("fallback_voice", "failed_switch")


@callback
def async_report(hass: HomeAssistant, entry_id: str, title: str, control: Control | None) -> None:
    """Tell of the problems that a server has, and of those no more that it has no longer."""
    found = {} if control is None else _problems(control)
    for problem in PROBLEMS:
        issue_id = f"{problem}_{entry_id}"
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
            translation_placeholders={"name": title} | found[problem],
        )


def _problems(control: Control) -> dict[str, dict[str, str]]:
    """The problems, each with what its text is filled with."""
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
    return found
