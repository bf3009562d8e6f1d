"""Actions that add and remove cloned voices."""

from pathlib import Path
from typing import Any

import voluptuous as vol
from homeassistant.components import media_source
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_NAME
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import service

from .client import MAX_CLIP_BYTES
from .const import DOMAIN
from .coordinator import K2soConfigEntry, K2soCoordinator

ATTR_AUDIO = "audio"
ATTR_LANGUAGE = "language"

VOICE = {vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string, vol.Required(ATTR_NAME): cv.string}
# From the media selector, or just a path or media source ID.
AUDIO = vol.Any(cv.string, vol.All({str: object}, lambda media: cv.string(media.get("media_content_id"))))


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN,
        "add_voice",
        _add_voice,
        vol.Schema(VOICE | {vol.Optional(ATTR_LANGUAGE): cv.string, vol.Required(ATTR_AUDIO): AUDIO}),
    )
    hass.services.async_register(DOMAIN, "remove_voice", _remove_voice, vol.Schema(VOICE))


async def _add_voice(call: ServiceCall) -> None:
    coordinator = _coordinator(call)
    clip = await _clip(call.hass, call.data[ATTR_AUDIO])
    await coordinator.client.add_voice(call.data[ATTR_NAME], call.data.get(ATTR_LANGUAGE), clip)
    await coordinator.async_refresh()


async def _remove_voice(call: ServiceCall) -> None:
    coordinator = _coordinator(call)
    await coordinator.client.remove_voice(call.data[ATTR_NAME])
    await coordinator.async_refresh()


def _coordinator(call: ServiceCall) -> K2soCoordinator:
    entry: K2soConfigEntry = service.async_get_config_entry(call.hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID))
    if entry.runtime_data.data.k2so is None:
        raise _invalid("not_k2so", name=entry.title)
    return entry.runtime_data


async def _clip(hass: HomeAssistant, audio: str) -> bytes:
    """Read the audio file at a path or media source ID. Raises ServiceValidationError."""
    if media_source.is_media_source_id(audio):
        try:
            path = (await media_source.async_resolve_media(hass, audio, None)).path
        except HomeAssistantError as error:
            raise _invalid("clip_missing", clip=audio) from error
        if path is None:
            raise _invalid("clip_not_local", clip=audio)
    else:
        path = Path(audio)
        if not await hass.async_add_executor_job(hass.config.is_allowed_path, audio):
            raise _invalid("clip_not_allowed", clip=audio)
    return await hass.async_add_executor_job(_read, path, audio)


def _read(path: Path, audio: str) -> bytes:
    try:
        with path.open("rb") as file:
            clip = file.read(MAX_CLIP_BYTES + 1)
    except OSError as error:
        raise _invalid("clip_missing", clip=audio) from error
    if len(clip) > MAX_CLIP_BYTES:
        raise _invalid("clip_too_large", clip=audio, limit=str(MAX_CLIP_BYTES // 1024**2))
    return clip


def _invalid(key: str, **placeholders: Any) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
