"""A page with xterm.js in headless Chromium on the terminal socket: typed keys, and reconnection.

    apt-get install chromium; npm install @xterm/xterm
    python benchmarks/terminal_page.py node_modules/@xterm/xterm/lib/xterm.js

A server of its own, and a proxy that serves the page and passes all else on, as the page's own host
would. The page speaks the messages of the terminal socket and nothing more. Checked: keys typed in
the browser reach the shell; what a program draws on the whole screen is what the session's emulator
has; after a reload the page shows the same scrollback and screen. Reported: milliseconds from a key
to its echo in the browser, and from the reload to the whole screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

DEADLINE = 60.0
service = importlib.import_module("service")  # the script beside this one
PAGE = """<!doctype html><meta charset=utf-8><div id=t></div>
<script src=/page/xterm.js></script><script>
const term = new Terminal({rows: 24, cols: 80, scrollback: 10000});
term.open(document.getElementById("t"));
window.types = [];
const ws = new WebSocket(`ws://${location.host}/v1/sessions/session-1/terminal?token=TOKEN`);
ws.onopen = () => ws.send(JSON.stringify({type: "resize", rows: 24, cols: 80}));
ws.onmessage = event => {
  const message = JSON.parse(event.data);
  types.push(message.type);
  if (message.type === "output") term.write(message.content);
};
term.onData(data => ws.send(JSON.stringify({type: "input", data})));
term.focus();
window.rows = () => {
  const buffer = term.buffer.active, lines = [];
  for (let at = 0; at < buffer.length; at++) lines.push(buffer.getLine(at).translateToString(true));
  return lines.join("\\n").trimEnd();
};
</script>"""


async def proxy(port: int, script: Path) -> asyncio.Server:
    """Serves the page below /page, and passes every other connection on to the server."""
    files = {"/page": ("text/html", PAGE.replace("TOKEN", service.TOKEN).encode())}
    files["/page/xterm.js"] = ("text/javascript", script.read_bytes())

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/page") or path == "/favicon.ico":
            kind, content = files.get(path, ("text/plain", b""))
            start = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
            writer.write(f"{start}Connection: close\r\n\r\n".encode() + content)
            await writer.drain()
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        inner_writer.write(head)
        await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))

    return await asyncio.start_server(serve, "127.0.0.1", 0)


class Browser:
    """One tab, by Chromium's debugging protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0

    async def call(self, method: str, **params: object) -> Any:
        self._number += 1
        number = self._number
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(await asyncio.wait_for(self._socket.recv(), DEADLINE))
            if answer.get("id") == number:
                return answer["result"]

    async def evaluate(self, code: str) -> Any:
        result = await self.call("Runtime.evaluate", expression=code, returnByValue=True)
        return result["result"].get("value")

    async def rows(self) -> str:
        return str(await self.evaluate("window.rows ? rows() : ''") or "")

    async def sees(self, text: str) -> str:
        deadline = time.monotonic() + DEADLINE
        while text not in (shown := await self.rows()):
            if time.monotonic() > deadline:
                raise AssertionError(f"never: {text!r}\n{shown}")
        return shown

    async def press(self, text: str) -> None:
        for character in text:
            if character == "\n":
                key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
                await self.call("Input.dispatchKeyEvent", type="keyDown", **key)
            else:
                await self.call("Input.dispatchKeyEvent", type="char", text=character)


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
        return bytes(answer.read())


@contextlib.asynccontextmanager
async def chromium(folder: Path, url: str) -> AsyncIterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "Chromium is not installed"
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    command = [program, *options, f"--user-data-dir={folder}", url]
    quiet = subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        port_file = folder / "DevToolsActivePort"
        deadline = time.monotonic() + DEADLINE
        pages: list[dict[str, str]] = []
        while not pages and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            with contextlib.suppress(OSError, IndexError, ValueError):
                port = int(port_file.read_text().split()[0])
                content = await asyncio.to_thread(read, f"http://127.0.0.1:{port}/json/list")
                pages = [tab for tab in json.loads(content) if tab["url"].startswith(url)]
        async with connect(pages[0]["webSocketDebuggerUrl"], max_size=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        await process.wait()


async def measure(port: int, script: Path) -> None:
    server = await proxy(port, script)
    address = f"http://localhost:{server.sockets[0].getsockname()[1]}/page"
    with tempfile.TemporaryDirectory(prefix="cx-page-") as folder:
        async with chromium(Path(folder), address) as browser:
            while "prompt" not in (await browser.evaluate("window.types || []") or []):
                pass
            printed = "printf '\\033[31mred\\033[0m %s\\n' $((6*7))"
            await browser.press(f"PS1='> '; clear; seq 60; {printed}\n")
            await browser.sees("red 42")
            times = []
            for number in range(30):
                began = time.perf_counter()
                await browser.press("x")
                await browser.sees("> " + "x" * (number + 1))
                times.append(1000 * (time.perf_counter() - began))
            await browser.press("\n")
            await browser.sees("not found")
            await browser.press("echo ready-$((1+1))\n")
            before = await browser.sees("ready-2")
            web = service.Http(port)
            path = "/v1/sessions/session-1/terminals/terminal/text?start=0&end=0&format=text"
            text = (await web.call("GET", path))["text"]
            web.close()
            began = time.perf_counter()
            await browser.call("Page.reload")
            after = ""
            while after.rstrip() != before.rstrip():
                after = await browser.rows()
                if time.perf_counter() - began > DEADLINE:
                    raise AssertionError(f"before:\n{before}\nafter:\n{after}")
            reload = time.perf_counter() - began
            assert text.split() == before.split(), f"session:\n{text}\npage:\n{before}"
            print(f"key to echo p50 {statistics.median(times):.1f} ms, most {max(times):.1f} ms")
            print(f"reload to the same scrollback and screen {1000 * reload:.0f} ms")
    server.close()


def main() -> None:
    script = Path(sys.argv[1])
    with service.serving() as port:
        asyncio.run(measure(port, script))


if __name__ == "__main__":
    main()
