"""Home Assistant as a process, driven through its web APIs. Knows nothing of pytest or of our integration."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from imageio_ffmpeg import get_ffmpeg_exe

from .process import Process, free_port

CONFIGURATION = """\
homeassistant:
  name: Test
  latitude: 52.0
  longitude: 5.0
  elevation: 0
  unit_system: metric
  time_zone: UTC
  country: NL
  language: en
  internal_url: http://127.0.0.1:{port}
http:
  server_host: 127.0.0.1
  server_port: {port}
logger:
  default: info
  logs:
    homeassistant.components.tts: debug
    homeassistant.components.wyoming: debug
assist_pipeline:
media_source:
ffmpeg:
  ffmpeg_bin: {ffmpeg}
"""


class HassError(Exception):
    """Home Assistant rejected a request, or started in recovery mode."""


@dataclass
class Fetched:
    """A response, and when the pieces of its body arrived."""

    status: int
    content_type: str
    body: bytes = b""
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    """Seconds since the request and total bytes received, for each piece."""

    @property
    def first_s(self) -> float:
        """When the first piece arrived, in seconds since the request."""
        return self.arrivals[0][0]

    @property
    def total_s(self) -> float:
        """When the last piece arrived, in seconds since the request."""
        return self.arrivals[-1][0]


class Websocket:
    """A logged-in websocket connection; numbers the commands and separates results from events."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0
        self._events: dict[int, asyncio.Queue[dict[str, Any]]] = {}

    async def send(self, type: str, **fields: Any) -> int:
        """Send a command and return its number."""
        self._last_id += 1
        self._events[self._last_id] = asyncio.Queue()
        await self._socket.send_json({"id": self._last_id, "type": type, **fields})
        return self._last_id

    async def call(self, type: str, **fields: Any) -> Any:
        """Send a command and return its result. Raises HassError if the command fails."""
        return await self.result(await self.send(type, **fields))

    async def result(self, number: int) -> Any:
        """Wait for the result of command `number`."""
        while (message := await self._receive())["type"] != "result" or message["id"] != number:
            pass
        if not message["success"]:
            raise HassError(f"{message['error']['code']}: {message['error']['message']}")
        return message["result"]

    async def event(self, number: int) -> dict[str, Any]:
        """Wait for the next event of the subscription or run that command `number` started."""
        queue = self._events[number]
        while queue.empty():
            await self._receive()
        return queue.get_nowait()

    async def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = await self._socket.receive_json()
        if message["type"] == "event":
            self._events[message["id"]].put_nowait(message["event"])
        return message


class HassProcess(Process):
    """A Home Assistant in a folder of its own, with a logged-in owner.

    `configuration` is YAML that is added to what voice assistants need. The folders in `components` are installed as
    custom integrations.
    """

    START_S = 120.0
    STOP_S = 30.0

    def __init__(self, folder: Path, *, configuration: str = "", components: tuple[Path, ...] = ()) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = ""
        """The owner's access token."""
        for component in components:
            shutil.copytree(component, folder / "custom_components" / component.name)
        yaml = CONFIGURATION.format(port=self.port, ffmpeg=get_ffmpeg_exe()) + dedent(configuration)
        (folder / "configuration.yaml").write_text(yaml, encoding="utf-8")
        command = [sys.executable, "-m", "homeassistant", "--config", str(folder), "--skip-pip"]
        # In its own folder, or Python would find our custom_components in the folder where pytest runs.
        super().__init__(command, folder / "output.txt", cwd=folder)

    def start(self) -> None:
        """Start it, wait until it is up, and log in. Raises ProcessError, or HassError if it is in recovery mode."""
        super().start()
        if not self.token:
            self._onboard()
        self._wait(lambda: bool(self.call("GET", "/api/config")["state"] == "RUNNING"), self.START_S, "is not running")
        if self.call("GET", "/api/config")["recovery_mode"]:
            raise HassError(f"in recovery mode:\n{self.log()[-4000:]}")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the REST API; JSON in, JSON out. Raises HassError if it fails."""
        fetched = self.fetch(path, method=method, body=None if body is None else json.dumps(body).encode())
        if fetched.status >= 400:
            raise HassError(f"{method} {path}: {fetched.status} {fetched.body.decode(errors='replace')}")
        return json.loads(fetched.body)

    def service(self, domain: str, service: str, **data: Any) -> Any:
        """Call an action and wait until it has finished."""
        return self.call("POST", f"/api/services/{domain}/{service}", data)

    def state(self, entity_id: str) -> str:
        """The state of an entity."""
        state: str = self.call("GET", f"/api/states/{entity_id}")["state"]
        return state

    def fetch(
        self, path: str, *, method: str = "GET", body: bytes | None = None, content_type: str = "application/json"
    ) -> Fetched:
        """Send a request and read the response as it arrives. `path` may be a whole URL."""
        parts = urlsplit(path)
        headers = {"Content-Type": content_type} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            started = time.monotonic()
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers)
            response = connection.getresponse()
            fetched = Fetched(response.status, response.headers.get_content_type())
            while piece := response.read1(65536):
                fetched.body += piece
                fetched.arrivals.append((time.monotonic() - started, len(fetched.body)))
        finally:
            connection.close()
        return fetched

    @asynccontextmanager
    async def websocket(self) -> AsyncIterator[Websocket]:
        """A connection to the websocket API."""
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{self.url}/api/websocket") as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self.token})
            if (answer := await socket.receive_json())["type"] != "auth_ok":
                raise HassError(str(answer))
            yield Websocket(socket)

    def _is_up(self) -> bool:
        try:
            self.call("GET", "/api/config" if self.token else "/api/onboarding")
        except OSError, HTTPException, HassError:
            return False
        return True

    def _onboard(self) -> None:
        owner = {"name": "Owner", "username": "owner", "password": "owner", "language": "en"}
        code = self.call("POST", "/api/onboarding/users", owner | {"client_id": self.url})["auth_code"]
        form = urlencode({"grant_type": "authorization_code", "code": code, "client_id": self.url})
        answer = self.fetch(
            "/auth/token", method="POST", body=form.encode(), content_type="application/x-www-form-urlencoded"
        )
        self.token = json.loads(answer.body)["access_token"]
        # Not asyncio.run: it would remove the event loop that pytest has set.
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._settle())
        finally:
            loop.close()

    async def _settle(self) -> None:
        async with self.websocket() as websocket:
            # Home Assistant reverts the port after five minutes unless it is confirmed.
            await websocket.call("http/config/promote")
            # The first token expires after half an hour.
            self.token = await websocket.call("auth/long_lived_access_token", client_name="tests", lifespan=1)
