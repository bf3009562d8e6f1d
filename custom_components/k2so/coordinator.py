"""Polls one server, and restores its options after it has restarted."""

from datetime import timedelta
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client import K2soClient
from .const import DOMAIN, LOGGER
from .errors import K2soError
from .issues import async_update_issues, find_issues
from .models import K2soInfo, ServerState

UPDATE_INTERVAL = timedelta(seconds=30)
# While the server is away or loading an engine.
SHORT_INTERVAL = timedelta(seconds=10)
# While the server's allow list excludes Home Assistant: only its owner can change that, so do not pester it.
FORBIDDEN_INTERVAL = timedelta(minutes=5)
# At least this long between two of the updates that follow replies.
COOLDOWN_S = 1.0

type K2soConfigEntry = ConfigEntry[K2soCoordinator]


class K2soCoordinator(DataUpdateCoordinator[ServerState]):
    """Keeps the state of a server up to date, and sends it the entry's options again after a restart."""

    config_entry: K2soConfigEntry

    def __init__(self, hass: HomeAssistant, entry: K2soConfigEntry) -> None:
        self.client = K2soClient(entry.data[CONF_HOST], entry.data[CONF_PORT])
        self._title = entry.title
        self._restore = True
        self.options_error: str | None = None
        """Why the server rejected the entry's options when they were restored."""

        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=f"{entry.title} ({self.client.host}:{self.client.port})",
            update_interval=UPDATE_INTERVAL,
            request_refresh_debouncer=Debouncer(hass, LOGGER, cooldown=COOLDOWN_S, immediate=True),
            always_update=False,
        )

    @override
    async def _async_update_data(self) -> ServerState:
        try:
            state = await self.client.describe()
        except K2soError as error:
            self._restore = True
            self.update_interval = FORBIDDEN_INTERVAL if error.key == "forbidden" else SHORT_INTERVAL
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key=error.translation_key,
                translation_placeholders=error.translation_placeholders,
            ) from error
        self.update_interval = UPDATE_INTERVAL
        if self.data and (self.config_entry.title, _identity(state)) != (self._title, _identity(self.data)):
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)
        if (k2so := state.k2so) is not None:
            if _is_loading(k2so):
                self.update_interval = SHORT_INTERVAL
            before = self.data.k2so if self.data else None
            self._restore |= before is not None and before.instance != k2so.instance
            self._restore_options(k2so)
        async_update_issues(self.hass, self.config_entry, find_issues(k2so, self.options_error) if k2so else {})
        return state

    def _restore_options(self, k2so: K2soInfo) -> None:
        """Send a restarted server the options that it has forgotten, once its engines have loaded."""
        if not self._restore or k2so.locked or _is_loading(k2so):
            return
        self._restore, self.options_error = False, None
        options = {key: value for key, value in self.config_entry.options.items() if value is not None}
        changes = {key: value for key, value in options.items() if k2so.settings.get(key, value) != value}
        if changes:
            self.config_entry.async_create_background_task(
                self.hass, self._configure(changes), f"{self.name} - options", eager_start=False
            )

    async def _configure(self, changes: dict[str, object]) -> None:
        try:
            await self.client.configure(changes)
        except K2soError as error:
            LOGGER.warning("could not restore the options of %s: %s", self.name, error)
            if error.key == "bad_setting":
                self.options_error = error.reason
        await self.async_refresh()


def _identity(state: ServerState) -> tuple[Any, ...]:
    """What the device and entities depend on; it differs when another server or release answers at the address."""
    return state.program, state.version, state.k2so is None, state.k2so and state.k2so.id


def _is_loading(k2so: K2soInfo) -> bool:
    return any(engine.state == "loading" for engine in k2so.engines)
