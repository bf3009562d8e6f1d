"""Adding a server by hand or when it is discovered, and its options."""

from collections.abc import Mapping
from typing import Any, override
from urllib.parse import urlsplit

import voluptuous as vol
from homeassistant.config_entries import ConfigEntryState, ConfigFlow, ConfigFlowResult, OptionsFlow
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import callback
from homeassistant.helpers import config_validation as cv
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
    TextSelector,
)
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from .client import K2soClient, K2soError, State
from .const import (
    CONF_CHUNK_SAMPLES,
    CONF_ENGINE,
    CONF_LANGUAGE,
    CONF_PREBUFFER,
    CONF_QUANTIZATION,
    CONF_SPEED,
    CONF_VOICE,
    DEFAULT_PORT,
    DOMAIN,
)
from .coordinator import K2soConfigEntry

ADDRESS = vol.Schema({vol.Required(CONF_HOST): TextSelector(), vol.Required(CONF_PORT, default=DEFAULT_PORT): cv.port})


class K2soConfigFlow(ConfigFlow, domain=DOMAIN):
    """Adds a server."""

    _address: dict[str, Any]
    _failure: Mapping[str, str] | None = None
    """What the text of the last error is filled with."""

    _title: str
    _server: str
    """Unique: the server's own id, or where it is."""

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: K2soConfigEntry) -> K2soOptionsFlow:
        """The flow that changes options."""
        return K2soOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """An address that the user knows."""
        errors: dict[str, str] = {}
        if user_input is not None:
            user_input = _address(user_input)
            self._async_abort_entries_match(user_input)
            if not (errors := await self._try(user_input)):
                await self.async_set_unique_id(self._server, raise_on_progress=False)
                self._abort_if_unique_id_configured(updates=user_input)
                return self._add(user_input)
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(ADDRESS, user_input),
            errors=errors,
            description_placeholders=self._failure,
        )

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The server has moved."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            user_input = _address(user_input)
            if user_input != entry.data:
                self._async_abort_entries_match(user_input)
            if not (errors := await self._try(user_input)):
                known = await self.async_set_unique_id(self._server, raise_on_progress=False)
                if known not in (None, entry):
                    return self.async_abort(reason="already_configured")
                return self.async_update_reload_and_abort(entry, unique_id=self._server, data=user_input)
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(ADDRESS, user_input or entry.data),
            errors=errors,
            description_placeholders=self._failure,
        )

    @override
    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        """A server announces itself on the network."""
        return await self._discovered(discovery_info.host, discovery_info.port, discovery_info.properties.get("id"))

    @override
    async def async_step_hassio(self, discovery_info: HassioServiceInfo) -> ConfigFlowResult:
        """An app (add-on) announces its server."""
        host, port = _split(discovery_info.config.get("uri"))
        return await self._discovered(host, port)

    async def _discovered(self, host: str | None, port: int | None, server: str | None = None) -> ConfigFlowResult:
        if not host or not port:
            return self.async_abort(reason="no_address")
        self._address = {CONF_HOST: host, CONF_PORT: port}
        if server:
            # No need to ask it: it may still be starting at its new address.
            await self._abort_if_known(server)
        self._async_abort_entries_match(self._address)
        if errors := await self._try(self._address):
            return self.async_abort(reason=errors["base"], description_placeholders=self._failure)
        await self._abort_if_known(self._server)
        self.context["title_placeholders"] = {CONF_NAME: f"{self._title} ({host})"}
        return await self.async_step_discovery_confirm()

    async def _abort_if_known(self, server: str) -> None:
        """Abort if a server has an entry; a server with several addresses keeps the one at which it answers."""
        entry = await self.async_set_unique_id(server)
        stays = entry is not None and CONF_HOST in entry.data and await _is_at(entry.data, server)
        self._abort_if_unique_id_configured(updates=None if stays else self._address)

    async def async_step_discovery_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The user wants the discovered server."""
        errors: dict[str, str] = {}
        if user_input is not None and not (errors := await self._try(self._address)):
            return self._add(self._address)
        return self.async_show_form(
            step_id="discovery_confirm",
            description_placeholders={
                CONF_NAME: self._title,
                CONF_HOST: self._address[CONF_HOST],
                **(self._failure or {}),
            },
            errors=errors,
        )

    def _add(self, address: Mapping[str, Any]) -> ConfigFlowResult:
        title = self._title
        if any(entry.title == title for entry in self._async_current_entries()):
            title = f"{title} ({address[CONF_HOST]})"  # or nobody could tell two voices apart
        return self.async_create_entry(title=title, data=address)

    async def _try(self, address: Mapping[str, Any]) -> dict[str, str]:
        """Errors for a form, after a test of the connection."""
        try:
            state = await K2soClient(address[CONF_HOST], address[CONF_PORT]).describe()
        except K2soError as error:
            self._failure = error.translation_placeholders
            return {"base": str(error.translation_key)}
        self._title = "K2-SO" if state.control else state.program
        self._server = (state.control.id if state.control else None) or f"{address[CONF_HOST]}:{address[CONF_PORT]}"
        return {}


async def _is_at(address: Mapping[str, Any], server: str) -> bool:
    try:
        state = await K2soClient(address[CONF_HOST], address[CONF_PORT]).describe()
    except K2soError:
        return False
    return state.control is not None and state.control.id == server


def _split(uri: Any) -> tuple[str | None, int | None]:
    """Host and port of an address as servers print it, as far as it tells them."""
    try:
        parts = urlsplit(uri)
        return parts.hostname, parts.port
    except AttributeError, TypeError, ValueError:
        return None, None


def _address(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """What was entered; in place of the host 192.168.1.2:10200 or tcp://192.168.1.2:10200 is taken apart."""
    host = user_input[CONF_HOST].strip()
    found, port = _split(host if "://" in host else f"//{host}")
    return {CONF_HOST: found or host, CONF_PORT: port or user_input[CONF_PORT]}


class K2soOptionsFlow(OptionsFlow):
    """Changes the settings of the running server. An empty field leaves the choice to the server."""

    config_entry: K2soConfigEntry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """All options that the server has."""
        if self.config_entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        coordinator = self.config_entry.runtime_data
        errors: dict[str, str] = {}
        failure: Mapping[str, str] | None = None
        state = coordinator.data
        current = self._current(state)
        fields = _fields(state, current)
        if user_input is not None:
            options = {key: _choices(state, key).get(value, value) for key, value in user_input.items()}
            options = dict.fromkeys(fields) | options
            try:
                if state.control:
                    await coordinator.client.configure(options)
            except K2soError as error:
                errors["base"] = str(error.translation_key)
                failure = error.translation_placeholders
            else:
                options = {**self.config_entry.options, **options}
                # First, since a server that was started anew gets the entry's options again.
                self.hass.config_entries.async_update_entry(self.config_entry, options=options)
                coordinator.refusal = None
                await coordinator.async_refresh()
                return self.async_create_entry(data=options)
        schema = vol.Schema({vol.Optional(key): selector for key, selector in fields.items()})
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or current),
            description_placeholders=failure,
            errors=errors,
        )

    def _current(self, state: State) -> dict[str, Any]:
        """What the form shows first: the settings in force, but for those that the user left to the server."""
        options = self.config_entry.options
        settings = state.control.settings if state.control else options
        current: dict[str, Any] = {}
        for key, value in settings.items():
            choices = _choices(state, key)
            if None not in (value, options.get(key, value)) and (not choices or str(value) in choices):
                current[key] = str(value) if choices else value
        return current


def _fields(state: State, current: Mapping[str, Any]) -> dict[str, Selector[Any]]:
    voices = {voice.name: voice.description or voice.name for voice in state.voices}
    languages = {language for voice in state.voices for language in voice.languages}
    # What is set may be missing for now, and the form must still take it.
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


def _label(state: State, value: str) -> str:
    """A value, and what it costs and gains if the server tells."""
    engines = state.control.engines if state.control else ()
    notes = (engine.modes[value] for engine in engines if value in engine.modes)
    return ": ".join([value, *notes])


def _limits(state: State, key: str) -> dict[str, Any]:
    return state.control.allowed.get(key, {}) if state.control else {}


def _choices(state: State, key: str) -> dict[str, Any]:
    """What a form offers for a setting that has few values, and what the server is told."""
    limits = _limits(state, key)
    choices = {str(choice): choice for choice in limits.get("choices", ())}
    if key == CONF_PREBUFFER and {"min", "max"} <= limits.keys():
        choices |= {str(n): n for n in range(int(limits["min"]), int(limits["max"]) + 1)}
    return choices
