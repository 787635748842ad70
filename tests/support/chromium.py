"""Headless Chromium, driven by its debugging protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

DEADLINE = 120.0

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")

needs_chromium = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"
)


class Tab:
    """One tab. `errors` are what its console has reported: exceptions and refusals of policies."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.errors: list[str] = []

    async def call(self, method: str, **params: object) -> Any:
        """The result of a method of the protocol. AssertionError for one that fails."""
        self._number += 1
        number = self._number
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(await asyncio.wait_for(self._socket.recv(), DEADLINE))
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        elif event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"].get("exception", params)))

    async def go(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def evaluate(self, code: str) -> Any:
        """The value of an expression; what it awaits is waited for."""
        result = await self.call(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, (code, result["exceptionDetails"])
        return result["result"].get("value")

    async def until(self, code: str) -> Any:
        """The value of an expression as soon as it is true."""
        deadline = time.monotonic() + DEADLINE
        while True:
            # The page may be loading.
            with contextlib.suppress(AssertionError):
                if value := await self.evaluate(code):
                    return value
            if time.monotonic() > deadline:
                text = await self.evaluate("document.body?.innerText")
                raise AssertionError(f"never: {code}\n{text}\n{self.errors}")
            await asyncio.sleep(0.05)

    async def picture(self, path: Path) -> None:
        """Write what the window shows as PNG."""
        content = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(content["data"]))

    async def look(self, width: int, height: int, *, is_dark: bool = False) -> None:
        """A window of this size, on a system that is light or dark."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}]
        await self.call("Emulation.setEmulatedMedia", features=features)


class Chromium:
    """A browser with a profile of its own."""

    def __init__(self, port: int) -> None:
        self._port = port

    @contextlib.asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        opened = await asyncio.to_thread(self._open)
        async with connect(opened["webSocketDebuggerUrl"], max_size=None) as socket:
            tab = Tab(socket)
            for domain in ("Page", "Runtime", "Log", "Network"):
                await tab.call(f"{domain}.enable")
            yield tab
            await tab.call("Page.close")

    def _open(self) -> dict[str, str]:
        address = f"http://127.0.0.1:{self._port}/json/new?about:blank"
        request = urllib.request.Request(address, method="PUT")
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return dict(json.load(answer))


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Chromium]:
    """Started for the block, and ended with it."""
    assert PROGRAM is not None
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    options += ["--no-first-run", "--disable-background-networking", "--disable-extensions"]
    options += ["--disable-dev-shm-usage"]
    with tempfile.TemporaryDirectory(prefix="cx-chromium-", ignore_cleanup_errors=True) as folder:
        command = [PROGRAM, *options, f"--user-data-dir={folder}", "about:blank"]
        quiet = subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
        try:
            yield Chromium(await _port(Path(folder) / "DevToolsActivePort"))
        finally:
            process.terminate()
            await process.wait()


async def _port(file: Path) -> int:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(file.read_text().split()[0])
        await asyncio.sleep(0.05)
    raise AssertionError("Chromium did not start")
