"""One process of `ruff server`: started on need, asked about a document, ended with this one."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeexec.hostfiles.programs import safe_environ
from codeexec.tui.panes.documents.linting.protocol import LspError, encoded, read_message

_SECONDS = 10.0
"""How long an answer may take before the server is ended."""

_WITHOUT_SETTINGS = {
    "configurationPreference": "filesystemFirst",
    "lint": {"select": ["E9", "F"]},
}
"""Faults alone, where no settings of a project or of the user choose rules: new versions of ruff
have many rules of style by default, of which nobody has asked for one."""
_NO_WORKSPACE = "file:///nonexistent/codeexec-tui"
"""A server reads the settings of all folders below its workspace at once: it is given only those
of projects that have settings."""


class ServerFailed(Exception):
    """The server could not be started, has ended, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class LintSource:
    """What is checked: the texts of the code cells of a notebook, or the one text of a file.
    `project` is the folder whose settings count, if there is one."""

    path: Path
    texts: tuple[str, ...]
    is_notebook: bool = False
    project: Path | None = None


class RuffServer:
    """The server keeps no document: each is opened, checked and closed again.

    Its input ends when this process does, also by `kill -9`, and with that it ends by itself.
    """

    def __init__(self, program: str) -> None:
        self.program = program
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._published: dict[str, asyncio.Future[list[Any]]] = {}
        self._projects: set[Path] = set()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the process. ServerFailed."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                self.program,
                "server",
                cwd="/",
                env={**safe_environ(), "RUST_LOG": "off"},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise ServerFailed(str(error)) from error
        self._reading = asyncio.ensure_future(self._read())
        params = {
            "processId": None,
            "rootUri": None,
            "workspaceFolders": [{"uri": _NO_WORKSPACE, "name": "none"}],
            "capabilities": {
                "general": {"positionEncodings": ["utf-32"]},
                "notebookDocument": {"synchronization": {}},
            },
            "initializationOptions": {"settings": _WITHOUT_SETTINGS},
        }
        result = await self._request("initialize", params)
        encoding = (
            result.get("capabilities", {}).get("positionEncoding")
            if isinstance(result, dict)
            else None
        )
        if encoding != "utf-32":
            raise ServerFailed("columns are counted in another way")
        await self._notify("initialized", {})

    async def check(self, source: LintSource) -> list[list[Any]]:
        """The diagnostics of each text, as the protocol has them. ServerFailed."""
        if source.project is not None and source.project not in self._projects:
            self._projects.add(source.project)
            folder = {"uri": source.project.as_uri(), "name": source.project.name}
            await self._notify(
                "workspace/didChangeWorkspaceFolders", {"event": {"added": [folder], "removed": []}}
            )
        uri, version = source.path.as_uri(), next(self._numbers)
        names = [f"{uri}#{index}" for index in range(len(source.texts))]
        uris = names if source.is_notebook else [uri]
        documents = [
            {"uri": name, "languageId": "python", "version": version, "text": text}
            for name, text in zip(uris, source.texts, strict=True)
        ]
        loop = asyncio.get_running_loop()
        waiting = {name: loop.create_future() for name in uris}
        self._published = dict(waiting)
        try:
            await self._open(source, uri, version, documents)
            return [await self._in_time(waiting[name]) for name in uris]
        finally:
            self._published = {}
            await self._close(source, uri, uris)

    async def _open(
        self, source: LintSource, uri: str, version: int, documents: Sequence[Mapping[str, Any]]
    ) -> None:
        if source.is_notebook:
            cells = [{"kind": 2, "document": document["uri"]} for document in documents]
            notebook = {"uri": uri, "notebookType": "jupyter-notebook", "version": version}
            await self._notify(
                "notebookDocument/didOpen",
                {
                    "notebookDocument": {**notebook, "cells": cells},
                    "cellTextDocuments": documents,
                },
            )
        else:
            await self._notify("textDocument/didOpen", {"textDocument": documents[0]})

    async def _close(self, source: LintSource, uri: str, uris: Sequence[str]) -> None:
        if not self.is_running:
            return
        with contextlib.suppress(ServerFailed):
            if source.is_notebook:
                texts = [{"uri": name} for name in uris]
                params: dict[str, Any] = {
                    "notebookDocument": {"uri": uri},
                    "cellTextDocuments": texts,
                }
                await self._notify("notebookDocument/didClose", params)
            else:
                await self._notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    async def close(self) -> None:
        """End the process, and wait for its end."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()  # it has no state that would be lost
        await process.wait()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    # -- messages -----------------------------------------------------------------------------

    async def _request(self, method: str, params: Mapping[str, Any]) -> Any:
        number = next(self._numbers)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        await self._send({"id": number, "method": method, "params": params})
        return await self._in_time(reply)

    async def _notify(self, method: str, params: Mapping[str, Any]) -> None:
        await self._send({"method": method, "params": params})

    async def _in_time(self, future: asyncio.Future[Any]) -> Any:
        try:
            return await asyncio.wait_for(future, _SECONDS)
        except TimeoutError as error:
            raise ServerFailed("no answer came in time") from error

    async def _send(self, message: Mapping[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            raise ServerFailed("it has ended")
        data = await asyncio.to_thread(encoded, message)
        try:
            process.stdin.write(data)
            await asyncio.wait_for(process.stdin.drain(), _SECONDS)
        except (OSError, TimeoutError) as error:
            raise ServerFailed("it takes no message") from error

    async def _read(self) -> None:
        """Take messages until the end of the stream; then nothing waits any longer."""
        process = self._process
        assert process is not None and process.stdout is not None
        error = ServerFailed("it has ended")
        try:
            while (message := await read_message(process.stdout)) is not None:
                await self._take(message)
        except (LspError, OSError) as failure:
            error = ServerFailed(str(failure))
        except ServerFailed as failure:
            error = failure
        finally:
            for future in (*self._replies.values(), *self._published.values()):
                if not future.done():
                    future.set_exception(error)
                    future.exception()  # perhaps nothing waits for it any more
            self._replies.clear()

    async def _take(self, message: Mapping[str, Any]) -> None:
        number, params = message.get("id"), message.get("params")
        if "method" not in message:
            reply = self._replies.pop(number, None) if isinstance(number, int) else None
            if reply is not None and not reply.done():
                reply.set_result(message.get("result"))
        elif number is not None:
            # A request of the server, such as to register a capability: this client has none.
            await self._send({"id": number, "result": None})
        elif message["method"] == "textDocument/publishDiagnostics" and isinstance(params, dict):
            waiting = self._published.get(str(params.get("uri")))
            diagnostics = params.get("diagnostics")
            if waiting is not None and not waiting.done() and isinstance(diagnostics, list):
                waiting.set_result(diagnostics)
