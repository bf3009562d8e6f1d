"""The options flow: changes the settings of the running server."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlow
from homeassistant.helpers.selector import (
    LanguageSelector,
    LanguageSelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    Selector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from .const import (
    CONF_CHUNK_SAMPLES,
    CONF_ENGINE,
    CONF_LANGUAGE,
    CONF_PREBUFFER,
    CONF_QUANTIZATION,
    CONF_SPEED,
    CONF_VOICE,
)
from .coordinator import K2soConfigEntry
from .errors import K2soError
from .models import ServerState


class K2soOptionsFlow(OptionsFlow):
    """Changes settings; an empty field resets one to the server's default."""

    config_entry: K2soConfigEntry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the settings that the server has, and apply changes."""
        if self.config_entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        coordinator = self.config_entry.runtime_data
        errors: dict[str, str] = {}
        placeholders: Mapping[str, str] | None = None
        state = coordinator.data
        current = self._current(state)
        fields = _fields(state, current)
        if user_input is not None:
            options = {key: _choices(state, key).get(value, value) for key, value in user_input.items()}
            options = dict.fromkeys(fields) | options
            try:
                if state.k2so:
                    await coordinator.client.configure(options)
            except K2soError as error:
                errors["base"] = error.key
                placeholders = error.translation_placeholders
            else:
                options = {**self.config_entry.options, **options}
                # Before the refresh, which restores the entry's options when the server has restarted.
                self.hass.config_entries.async_update_entry(self.config_entry, options=options)
                coordinator.options_error = None
                await coordinator.async_refresh()
                return self.async_create_entry(data=options)
        schema = vol.Schema({vol.Optional(key): selector for key, selector in fields.items()})
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or current),
            description_placeholders=placeholders,
            errors=errors,
        )

    def _current(self, state: ServerState) -> dict[str, Any]:
        """The settings in force, without those that the user left to the server."""
        options = self.config_entry.options
        settings = state.k2so.settings if state.k2so else options
        current: dict[str, Any] = {}
        for key, value in settings.items():
            choices = _choices(state, key)
            if None not in (value, options.get(key, value)) and (not choices or str(value) in choices):
                current[key] = str(value) if choices else value
        return current


def _fields(state: ServerState, current: Mapping[str, Any]) -> dict[str, Selector[Any]]:
    voices = {voice.name: voice.description or voice.name for voice in state.voices}
    languages = {language for voice in state.voices for language in voice.languages}
    # The current voice or language may be missing for now; the form must still accept it.
    if (name := current.get(CONF_VOICE)) is not None:
        voices.setdefault(name, name)
    if (language := current.get(CONF_LANGUAGE)) is not None:
        languages.add(language)
    fields: dict[str, Selector[Any]] = {
        CONF_VOICE: SelectSelector(
            SelectSelectorConfig(
                options=[SelectOptionDict(value=value, label=label) for value, label in voices.items()],
                mode=SelectSelectorMode.DROPDOWN,
                sort=True,
            )
        ),
        CONF_LANGUAGE: LanguageSelector(LanguageSelectorConfig(languages=sorted(languages))),
    }
    for key in (CONF_SPEED, CONF_CHUNK_SAMPLES, CONF_PREBUFFER, CONF_ENGINE, CONF_QUANTIZATION):
        if choices := _choices(state, key):
            fields[key] = SelectSelector(
                SelectSelectorConfig(
                    options=[SelectOptionDict(value=value, label=_label(state, value)) for value in choices],
                    translation_key=key,
                    mode=SelectSelectorMode.DROPDOWN,
                )
            )
        elif {"min", "max"} <= (limits := _limits(state, key)).keys():
            fields[key] = NumberSelector(
                NumberSelectorConfig(min=limits["min"], max=limits["max"], step=0.05, mode=NumberSelectorMode.SLIDER)
            )
    return fields


def _label(state: ServerState, value: str) -> str:
    """A choice, with its pros and cons if the server lists them."""
    engines = state.k2so.engines if state.k2so else ()
    notes = (engine.modes[value] for engine in engines if value in engine.modes)
    return ": ".join([value, *notes])


def _limits(state: ServerState, key: str) -> dict[str, Any]:
    return state.k2so.allowed.get(key, {}) if state.k2so else {}


def _choices(state: ServerState, key: str) -> dict[str, Any]:
    """The choices of a setting by their string in the form; empty if it is not chosen from a list."""
    limits = _limits(state, key)
    choices = {str(choice): choice for choice in limits.get("choices", ())}
    if key == CONF_PREBUFFER and {"min", "max"} <= limits.keys():
        choices |= {str(n): n for n in range(int(limits["min"]), int(limits["max"]) + 1)}
    return choices
