"""The events by which a client changes settings and voices for everybody; see docs/protocol.md."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from wyoming.error import Error
from wyoming.event import Event

from .client_writer import ClientWriter
from .context import ADD_VOICE
from .framing import FrameError
from .live_settings import LiveSettings, Refused
from .requests import BadRequest, parse_voice

_LOGGER = logging.getLogger(__name__)

MOST_WAITING = 8


class SettingsEvents:
    """Handles those events of one connection, each in a task of its own.

    Loading a model takes long: the connection is read meanwhile, and a change goes on if the client leaves.
    """

    def __init__(self, control: LiveSettings, peer: ClientWriter) -> None:
        self._control = control
        self._peer = peer
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def busy(self) -> bool:
        """Whether a change is in progress."""
        return not all(task.done() for task in self._tasks)

    def handlers(self) -> dict[str, Callable[[Event], Awaitable[None]]]:
        """The handler of each type of event. Handlers raise BadRequest or FrameError."""
        return {
            "k2so-describe": self._describe,
            "k2so-configure": self._configure,
            ADD_VOICE: self._add_voice,
            "k2so-remove-voice": self._remove_voice,
        }

    async def _describe(self, _event: Event) -> None:
        await self._peer.write(self._info())

    async def _configure(self, event: Event) -> None:
        if not isinstance(settings := event.data.get("settings"), dict):
            raise BadRequest("settings must be an object")
        self._begin(self._control.change(settings))

    async def _add_voice(self, event: Event) -> None:
        name, language = parse_voice(event.data)
        if not event.payload:
            raise BadRequest("the clip is missing; send it as the payload of the event")
        self._begin(self._control.add_voice(name, language, event.payload), most=1)

    async def _remove_voice(self, event: Event) -> None:
        name, _ = parse_voice(event.data)
        self._begin(self._control.remove_voice(name))

    def _begin(self, change: Coroutine[Any, Any, None], *, most: int = MOST_WAITING) -> None:
        self._tasks = [task for task in self._tasks if not task.done()]
        if len(self._tasks) >= most:
            change.close()
            raise FrameError("another change is in progress on this connection; wait for its answer", fatal=True)
        self._tasks.append(asyncio.create_task(self._make(change), name="change"))

    async def _make(self, change: Coroutine[Any, Any, None]) -> None:
        answer: Event
        try:
            await change
            answer = self._info()
        except Refused as error:
            _LOGGER.warning("rejected a change by %s: %.500s", self._peer, error)
            answer = Error(str(error), error.code).event()
        with suppress(OSError):
            await self._peer.write(answer)

    def _info(self) -> Event:
        return Event("k2so-info", self._control.describe())
