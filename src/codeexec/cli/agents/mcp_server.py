"""MCP server over stdio: the ten tools on one session. The only module that imports `mcp`."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from codeexec import __version__
from codeexec.cli.agents.answer import ToolAnswer, clipped
from codeexec.cli.agents.connection import AgentConnection, connect
from codeexec.cli.agents.operations import AgentOperations
from codeexec.cli.agents.tools import TOOLS, call_tool
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import ClientInfo

log = logging.getLogger(__name__)

INSTRUCTIONS = (
    "You share a running session with the user: its kernel keeps variables, and the user sees "
    "what you run. Look at state first. Keep output short. Do not restart, or run again what the "
    "user interrupted or refused, without asking."
)


ERROR_CHARACTERS = 20_000
"""Characters of an error: one of `edit_cell` has the text of a cell."""


class ToolServer:
    """Answers calls of tools. The session is looked up at the first call, and again once it has
    ended."""

    def __init__(self, session: str, folder: Path) -> None:
        self._session = session
        self._folder = folder
        self._connection: AgentConnection | None = None
        self._closing = AsyncExitStack()
        self._connecting = asyncio.Lock()
        self._tasks: set[asyncio.Task[ToolAnswer]] = set()

    async def close(self) -> None:
        await self._closing.aclose()

    async def _connected(self, name: str) -> AgentConnection:
        async with self._connecting:
            if self._connection is None or self._connection.is_over:
                await self._closing.aclose()
                client = ClientInfo(name, is_agent=True)
                opening = connect(client, self._session, self._folder)
                self._connection = await self._closing.enter_async_context(opening)
            return self._connection

    async def call(self, client: str, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        """Call a tool. What it has begun goes on when the call is cancelled."""

        async def work() -> ToolAnswer:
            connection = await self._connected(client)
            return await call_tool(AgentOperations(connection), name, arguments)

        task = asyncio.create_task(work(), name=f"tool-{name}")
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return await asyncio.shield(task)

    def _finish(self, task: asyncio.Task[ToolAnswer]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # a call that was cancelled leaves nobody to tell it to


def _content(answer: ToolAnswer) -> list[types.ContentBlock]:
    images = [
        types.ImageContent(
            type="image", data=base64.b64encode(picture.data).decode(), mime_type=picture.mime
        )
        for picture in answer.pictures
    ]
    return [_text(answer.text or "No output."), *images]


def _text(text: str) -> types.TextContent:
    """Text that can be sent: half a surrogate pair, as code may print it, would end the server."""
    return types.TextContent(type="text", text=text.encode("utf-8", "replace").decode())


def _client_name(context: ServerRequestContext[Any]) -> str:
    params = context.session.client_params
    info = params.client_info if params is not None else None
    name = (info.title or info.name) if info is not None else ""
    return " ".join(name.split())[:40] or "agent"


def make_server(tools: ToolServer) -> Server[Any]:
    """The server of these tools."""

    async def list_tools(
        context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool.model_validate({"name": name, **tool}) for name, tool in TOOLS.items()
            ]
        )

    async def call(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        try:
            answer = await tools.call(_client_name(context), params.name, params.arguments or {})
        except CodeexecError as error:
            lines = (f"{error.title}.", error.message, error.next_step)
            text = clipped("\n".join(filter(None, lines)), ERROR_CHARACTERS)
            return types.CallToolResult(content=[_text(text)], is_error=True)
        except Exception as error:
            # Other calls go on, and the agent is told what its client would not say.
            log.exception("%s failed", params.name)
            text = f"codeexec-tui failed: {type(error).__name__}: {error}"
            return types.CallToolResult(content=[_text(clipped(text))], is_error=True)
        return types.CallToolResult(content=_content(answer))

    return Server(
        "codeexec-tui",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call,
    )


@asynccontextmanager
async def tool_server(session: str, folder: Path) -> AsyncIterator[Server[Any]]:
    """The server; its connection to the session ends with the context."""
    tools = ToolServer(session, folder)
    try:
        yield make_server(tools)
    finally:
        await tools.close()


def serve(session: str, folder: Path) -> None:
    """Serve stdin and stdout until the client closes them."""

    async def run() -> None:
        async with tool_server(session, folder) as server:
            async with stdio_server() as (read, write):
                await server.run(read, write, server.create_initialization_options())

    asyncio.run(run())
