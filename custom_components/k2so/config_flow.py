"""The config flow: adds a server by address or by discovery, and changes its address."""

from collections.abc import Mapping
from typing import Any, override
from urllib.parse import urlsplit

import voluptuous as vol
from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import TextSelector
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from .client import K2soClient
from .const import DEFAULT_PORT, DOMAIN
from .coordinator import K2soConfigEntry
from .errors import K2soError
from .options_flow import K2soOptionsFlow

ADDRESS = vol.Schema({vol.Required(CONF_HOST): TextSelector(), vol.Required(CONF_PORT, default=DEFAULT_PORT): cv.port})


class K2soConfigFlow(ConfigFlow, domain=DOMAIN):
    """Adds a server, or changes its address."""

    _address: dict[str, Any]
    _placeholders: Mapping[str, str] | None = None
    """Placeholders of the last error."""

    _title: str
    _server_id: str
    """The server's own ID, or its address if it has none."""

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: K2soConfigEntry) -> K2soOptionsFlow:
        """Return the options flow."""
        return K2soOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Add a server by its address."""
        errors: dict[str, str] = {}
        if user_input is not None:
            user_input = _address(user_input)
            self._async_abort_entries_match(user_input)
            if not (errors := await self._test(user_input)):
                await self.async_set_unique_id(self._server_id, raise_on_progress=False)
                self._abort_if_unique_id_configured(updates=user_input)
                return self._create_entry(user_input)
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(ADDRESS, user_input),
            errors=errors,
            description_placeholders=self._placeholders,
        )

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the address of a server."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            user_input = _address(user_input)
            if user_input != entry.data:
                self._async_abort_entries_match(user_input)
            if not (errors := await self._test(user_input)):
                existing = await self.async_set_unique_id(self._server_id, raise_on_progress=False)
                if existing not in (None, entry):
                    return self.async_abort(reason="already_configured")
                return self.async_update_reload_and_abort(entry, unique_id=self._server_id, data=user_input)
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(ADDRESS, user_input or entry.data),
            errors=errors,
            description_placeholders=self._placeholders,
        )

    @override
    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        """Handle a server that was discovered on the network."""
        return await self._discovered(discovery_info.host, discovery_info.port, discovery_info.properties.get("id"))

    @override
    async def async_step_hassio(self, discovery_info: HassioServiceInfo) -> ConfigFlowResult:
        """Handle a server that runs as an app (add-on)."""
        host, port = _split(discovery_info.config.get("uri"))
        return await self._discovered(host, port)

    async def _discovered(self, host: str | None, port: int | None, server_id: str | None = None) -> ConfigFlowResult:
        if not host or not port:
            return self.async_abort(reason="no_address")
        self._address = {CONF_HOST: host, CONF_PORT: port}
        if server_id:
            # Without a connection: the server may still be starting at its new address.
            await self._abort_if_configured(server_id)
        self._async_abort_entries_match(self._address)
        if errors := await self._test(self._address):
            return self.async_abort(reason=errors["base"], description_placeholders=self._placeholders)
        await self._abort_if_configured(self._server_id)
        self.context["title_placeholders"] = {CONF_NAME: f"{self._title} ({host})"}
        return await self.async_step_discovery_confirm()

    async def _abort_if_configured(self, server_id: str) -> None:
        """Abort if the server has an entry, and update its address unless it still answers at the old one."""
        entry = await self.async_set_unique_id(server_id)
        unchanged = entry is not None and CONF_HOST in entry.data and await _answers_at(entry.data, server_id)
        self._abort_if_unique_id_configured(updates=None if unchanged else self._address)

    async def async_step_discovery_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Add a discovered server once the user has confirmed it."""
        errors: dict[str, str] = {}
        if user_input is not None and not (errors := await self._test(self._address)):
            return self._create_entry(self._address)
        return self.async_show_form(
            step_id="discovery_confirm",
            description_placeholders={
                CONF_NAME: self._title,
                CONF_HOST: self._address[CONF_HOST],
                **(self._placeholders or {}),
            },
            errors=errors,
        )

    def _create_entry(self, address: Mapping[str, Any]) -> ConfigFlowResult:
        title = self._title
        if any(entry.title == title for entry in self._async_current_entries()):
            title = f"{title} ({address[CONF_HOST]})"  # tells several servers apart
        return self.async_create_entry(title=title, data=address)

    async def _test(self, address: Mapping[str, Any]) -> dict[str, str]:
        """Test the connection; returns the errors for the form."""
        try:
            state = await K2soClient(address[CONF_HOST], address[CONF_PORT]).describe()
        except K2soError as error:
            self._placeholders = error.translation_placeholders
            return {"base": error.key}
        self._title = "K2-SO" if state.k2so else state.program
        self._server_id = (state.k2so.id if state.k2so else None) or f"{address[CONF_HOST]}:{address[CONF_PORT]}"
        return {}


async def _answers_at(address: Mapping[str, Any], server_id: str) -> bool:
    try:
        state = await K2soClient(address[CONF_HOST], address[CONF_PORT]).describe()
    except K2soError:
        return False
    return state.k2so is not None and state.k2so.id == server_id


def _split(uri: Any) -> tuple[str | None, int | None]:
    """Host and port of a URI such as tcp://192.168.1.2:10200; None for what it lacks."""
    try:
        parts = urlsplit(uri)
        return parts.hostname, parts.port
    except AttributeError, TypeError, ValueError:
        return None, None


def _address(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """The address that a user entered; the host field may also hold HOST:PORT or tcp://HOST:PORT."""
    entered = user_input[CONF_HOST].strip()
    host, port = _split(entered if "://" in entered else f"//{entered}")
    return {CONF_HOST: host or entered, CONF_PORT: port or user_input[CONF_PORT]}
