"""Takes the screenshots in docs/home-assistant.md from a running Home Assistant.

Run `K2SO_DEV_XTTS_PYTHON=PYTHON python -m tests.integration.screenshots FOLDER`. Needs Chromium (on Debian: chromium).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from .environment import ASSIST_STUB, INTEGRATION
from .hass_process import HassProcess
from .process import free_port
from .server_process import LOG_XTTS_READY, ServerProcess, xtts_server

SIZE = (1000, 1300)
WAIT_S = 30.0

# Selectors do not look into the shadow trees that Home Assistant's pages consist of.
FIND = """
const sleep = ms => new Promise(done => setTimeout(done, ms));
function all(root) {
  const found = [];
  for (const node of root.querySelectorAll('*')) {
    found.push(node);
    if (node.shadowRoot) found.push(...all(node.shadowRoot));
  }
  return found;
}
function find(tag, text) {
  return all(document).findLast(node => node.matches(tag) && node.getBoundingClientRect().width > 0
    && (node.textContent + (node.label || '') + (node.name || '')).includes(text));
}
"""


class Page:
    """A browser tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0

    async def call(self, method: str, **params: Any) -> Any:
        self._last_id += 1
        await self._socket.send_json({"id": self._last_id, "method": method, "params": params})
        while (message := await self._socket.receive_json()).get("id") != self._last_id:
            pass
        return message["result"]

    async def run(self, script: str) -> Any:
        """Run a script and return its value."""
        expression = f"(() => {{{FIND} return {script};}})()"
        async with asyncio.timeout(WAIT_S):
            answer = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True)
        return answer["result"].get("value")

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def see(self, tag: str, text: str = "") -> None:
        """Wait until an element is visible and has stopped moving."""
        await self.run(f"(async () => {{ while (!find({json.dumps(tag)}, {json.dumps(text)})) await sleep(200); }})()")
        await asyncio.sleep(1.5)

    async def click(self, tag: str, text: str = "") -> None:
        await self.see(tag, text)
        await self.run(f"find({json.dumps(tag)}, {json.dumps(text)}).click()")

    async def screenshot(self, file: Path) -> None:
        shot = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(file.write_bytes, base64.b64decode(shot["data"]))


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Page]:
    port = free_port()
    chromium = shutil.which("chromium") or sys.exit("needs Chromium (on Debian: apt install chromium)")
    process = await asyncio.create_subprocess_exec(
        chromium,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'browser'}",
        f"--remote-debugging-port={port}",
        f"--window-size={SIZE[0]},{SIZE[1]}",
        "about:blank",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession() as session:
            async with asyncio.timeout(WAIT_S):
                while True:
                    try:
                        async with session.get(f"http://127.0.0.1:{port}/json") as response:
                            tabs = await response.json()
                        break
                    except aiohttp.ClientError:
                        await asyncio.sleep(0.2)
            url = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
            async with session.ws_connect(url, max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        process.terminate()
        await process.wait()


async def take(hass: HassProcess, server: ServerProcess, page: Page, to: Path) -> None:
    tokens = {"access_token": hass.token, "token_type": "Bearer", "refresh_token": "", "expires_in": 86400}
    tokens |= {"hassUrl": hass.url, "clientId": f"{hass.url}/", "expires": 4102444800000}
    await page.open(f"{hass.url}/manifest.json")
    await asyncio.sleep(1)
    await page.run(f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(tokens))})")

    await page.open(f"{hass.url}/config/integrations/dashboard/add?domain=k2so")
    await page.click("ha-button", "OK")
    await page.see("step-flow-form")
    await page.screenshot(to / "add.png")

    flows = "/api/config/config_entries/flow"
    form = hass.call("POST", flows, {"handler": "k2so"})
    address = {"host": server.host, "port": server.port}
    answer = hass.call("POST", f"{flows}/{form['flow_id']}", address)
    async with hass.websocket() as websocket:
        devices = await websocket.call("config/device_registry/list")
    device = next(device["id"] for device in devices if ["k2so", answer["result"]["entry_id"]] in device["identifiers"])
    await page.open(f"{hass.url}/config/devices/device/{device}")
    await page.see("ha-device-entities-card")
    await page.screenshot(to / "device.png")

    await page.open(f"{hass.url}/config/integrations/integration/k2so")
    await page.click("ha-icon-button", "Configure")
    await page.see("step-flow-form")
    await page.screenshot(to / "options.png")


async def main(to: Path) -> None:
    """Take all screenshots."""
    folder = Path(tempfile.mkdtemp())
    hass = HassProcess(folder, configuration="assist_stub:\n", components=(ASSIST_STUB, INTEGRATION))
    server = xtts_server(os.environ["K2SO_DEV_XTTS_PYTHON"], folder)
    try:
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(server.wait_for_log, LOG_XTTS_READY)
        await asyncio.to_thread(hass.start)
        # Skip the remaining onboarding steps, which need the internet.
        hass.stop()
        done = folder / ".storage" / "onboarding"
        steps = ["user", "core_config", "analytics", "integration"]
        done.write_text(json.dumps(json.loads(done.read_text("utf-8")) | {"data": {"done": steps}}), "utf-8")
        await asyncio.to_thread(hass.start)
        async with browser(folder) as page:
            try:
                await take(hass, server, page, to)
            except TimeoutError:
                await page.screenshot(to / "failed.png")
                raise
    finally:
        hass.stop()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    output = Path(sys.argv[1])
    output.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(output))
