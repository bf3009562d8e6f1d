"""The state of one server, asked for regularly."""

from datetime import timedelta
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client import Control, K2soClient, K2soError, State
from .const import DOMAIN, LOGGER
from .issues import async_report, problems

UPDATE_INTERVAL = timedelta(seconds=30)
# While the server is gone, or loads what shall speak.
SHORT_INTERVAL = timedelta(seconds=10)
# Between replies after each of which the server is asked.
COOLDOWN_S = 1.0

type K2soConfigEntry = ConfigEntry[K2soCoordinator]


class K2soCoordinator(DataUpdateCoordinator[State]):
    """Follows a server, and gives it the entry's options again after it was started anew."""

    config_entry: K2soConfigEntry

    def __init__(self, hass: HomeAssistant, entry: K2soConfigEntry) -> None:
        self.client = K2soClient(entry.data[CONF_HOST], entry.data[CONF_PORT])
        self._title = entry.title
        self._restore = True
        self.refusal: str | None = None
        """Why the server did not take the entry's options after its start."""

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
    async def _async_update_data(self) -> State:
        try:
            state = await self.client.describe()
        except K2soError as error:
            self._restore = True
            self.update_interval = SHORT_INTERVAL
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key=error.translation_key,
                translation_placeholders=error.translation_placeholders,
            ) from error
        self.update_interval = UPDATE_INTERVAL
        if self.data and (self.config_entry.title, _kind(state)) != (self._title, _kind(self.data)):
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)
        if (control := state.control) is not None:
            if _loads(control):
                self.update_interval = SHORT_INTERVAL
            before = self.data.control if self.data else None
            self._restore |= before is not None and before.instance != control.instance
            self._restore_options(control)
        async_report(self.hass, self.config_entry, problems(control, self.refusal) if control else {})
        return state

    def _restore_options(self, control: Control) -> None:
        """A server forgets what it was told when it ends; options that need an engine wait until it has loaded."""
        if not self._restore or control.locked or _loads(control):
            return
        self._restore, self.refusal = False, None
        wanted = {key: value for key, value in self.config_entry.options.items() if value is not None}
        changes = {key: value for key, value in wanted.items() if control.settings.get(key, value) != value}
        if changes:
            self.config_entry.async_create_background_task(
                self.hass, self._configure(changes), f"{self.name} - options", eager_start=False
            )

    async def _configure(self, changes: dict[str, object]) -> None:
        try:
            await self.client.configure(changes)
        except K2soError as error:
            LOGGER.warning("%s does not take its options: %s", self.name, error)
            if error.translation_key == "bad_setting":
                self.refusal = str(error)
        await self.async_refresh()


def _kind(state: State) -> tuple[Any, ...]:
    """What entities and device are made by: another server may answer at an address, or a newer release of one."""
    return state.program, state.version, state.control is None, state.control and state.control.id


def _loads(control: Control) -> bool:
    return any(engine.state == "loading" for engine in control.engines)
