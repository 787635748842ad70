"""The operations of agents as commands: `run --session`, `result`, `state`, `variables` …"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from codeexec.cli import exit_codes as exits
from codeexec.cli import messages as style
from codeexec.cli.agents.answer import ToolAnswer
from codeexec.cli.agents.connection import connect
from codeexec.cli.agents.operations import TABLE_ROWS, WAIT, AgentOperations
from codeexec.cli.agents.tools import call_tool
from codeexec.cli.completion_names import complete_open_session
from codeexec.cli.options import SERVER
from codeexec.domain.errors import UsageError
from codeexec.domain.requests import ClientInfo, ReadBlob

AGENT = "CODEEXEC_AGENT"
"""The variable with the name of an agent that uses these commands."""

F = TypeVar("F", bound=Callable[..., Any])


def _session_options(command: F) -> F:
    """The options that all of these commands have."""
    session = click.option(
        "--session",
        default="",
        metavar="NAME",
        shell_complete=complete_open_session,
        help="An open session; without it that of this folder.",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")
    return session(SERVER(as_json(command)))


def _client() -> ClientInfo:
    """This command, or the agent that the environment names."""
    name = " ".join(os.environ.get(AGENT, "").split())[:40]
    return ClientInfo(name or "cli", is_agent=bool(name))


def _perform(
    tool: str,
    session: str,
    server: str,
    as_json: bool,
    output: Path | None = None,
    **arguments: object,
) -> ToolAnswer:
    """Call a tool, and print its answer."""

    target = None
    if server:
        from codeexec.cli.servers.remote import named_target

        target = named_target(server)

    async def work() -> ToolAnswer:
        async with connect(_client(), session, server=target) as connection:
            answer = await call_tool(AgentOperations(connection), tool, arguments)
            if output is not None:
                digest = answer.data.get("digest")
                if isinstance(digest, str):
                    blob = await connection.session.call(ReadBlob(digest))
                    _save(output, blob.data)
                else:
                    _save(output, _content(answer))
            return answer

    answer = asyncio.run(work())
    if as_json:
        style.say_json(dict(answer.data))
    else:
        style.say_lines(answer.text)
    return answer


def _content(answer: ToolAnswer) -> bytes:
    if answer.pictures:
        return answer.pictures[0].data
    return answer.text.encode("utf-8", "replace")


def _save(path: Path, data: bytes) -> None:
    if path.exists():
        raise UsageError(f"{path} exists already.", "Give another name.")
    path.write_bytes(data)


def _exit_code(answer: ToolAnswer) -> int:
    """0 also while it still runs."""
    statuses = {"ok": exits.OK, "running": exits.OK, "queued": exits.OK}
    return statuses.get(str(answer.data.get("status")), exits.FAILED)


@click.command("run")
@_session_options
@click.argument("file", default="")
@click.option("--code", default="", metavar="CODE", help="Code; `-` reads it from stdin.")
@click.option("--cell", default="", metavar="ID", help="Only this cell of FILE.")
@click.option("--language", default="", metavar="NAME", help="The language of CODE.")
@click.option("--wait", default=WAIT, metavar="S", help="How long to wait for the end.")
def run_in_session(
    session: str,
    server: str,
    as_json: bool,
    file: str,
    code: str,
    cell: str,
    language: str,
    wait: float,
) -> int:
    """Run CODE, FILE or a cell of it in an open session (`.`: that of this folder).

    After S seconds (20) the answer has the execution's id and the rows so far; the run goes on.
    """
    if code == "-":
        code = sys.stdin.read()
    answer = _perform(
        "run",
        session,
        server,
        as_json,
        code=code,
        file=file,
        cell=cell,
        language=language,
        wait=wait,
    )
    return _exit_code(answer)


@click.command()
@_session_options
@click.argument("execution")
@click.option("--start", default=0, metavar="ROW", help="The first row to print.")
@click.option("--wait", default=0.0, metavar="S", help="How long to wait for the end.")
def result(
    session: str, server: str, as_json: bool, execution: str, start: int, wait: float
) -> int:
    """Print status and output of an execution of a session."""
    answer = _perform(
        "result", session, server, as_json, execution=execution, start=start, wait=wait
    )
    return _exit_code(answer)


@click.command()
@_session_options
@click.argument("file", default="")
def state(session: str, server: str, as_json: bool, file: str) -> None:
    """Print a session's kernels, queue, last executions, cells (of FILE) and variables."""
    _perform("state", session, server, as_json, file=file)


@click.command()
@_session_options
@click.argument("name", default="")
@click.option("--kernel", default="", metavar="NAME", help="Another kernel of the session.")
def variables(session: str, server: str, as_json: bool, name: str, kernel: str) -> None:
    """Print the variables of a session's kernel, or describe one."""
    _perform("variables", session, server, as_json, name=name, kernel=kernel)


@click.command()
@_session_options
@click.argument("name")
@click.option("--start", default=0, metavar="ROW", help="The first row.")
@click.option("--count", default=TABLE_ROWS, metavar="N", help="How many rows.")
@click.option("--sort", default="", metavar="COLUMN", help="Sort by this column.")
@click.option("--descending", is_flag=True, help="The largest first.")
@click.option("--kernel", default="", metavar="NAME", help="Another kernel of the session.")
def table(
    session: str,
    server: str,
    as_json: bool,
    name: str,
    start: int,
    count: int,
    sort: str,
    descending: bool,
    kernel: str,
) -> None:
    """Print rows of a data frame or array of a session."""
    _perform(
        "table",
        session,
        server,
        as_json,
        name=name,
        start=start,
        count=count,
        sort=sort,
        descending=descending,
        kernel=kernel,
    )


@click.command()
@_session_options
@click.argument("execution", default="")
def interrupt(session: str, server: str, as_json: bool, execution: str) -> None:
    """Interrupt an execution of a session, or what runs."""
    _perform("interrupt", session, server, as_json, execution=execution)


@click.command()
@_session_options
@click.option("--kernel", default="", metavar="NAME", help="Another kernel of the session.")
def restart(session: str, server: str, as_json: bool, kernel: str) -> None:
    """Restart a session's kernel; its variables are lost."""
    _perform("restart", session, server, as_json, kernel=kernel)


@click.command()
@_session_options
@click.argument("name", default="")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it to this new file.",
)
def artifact(session: str, server: str, as_json: bool, name: str, output: Path | None) -> None:
    """List files and displays that runs of a session made, or print one."""
    if output is not None and not name:
        raise UsageError(
            "--output needs the name of an artifact.", "Without a name they are listed."
        )
    _perform("artifact", session, server, as_json, output, name=name)


@click.command("edit-cell")
@_session_options
@click.argument("file")
@click.argument("cell")
@click.argument("hash")
@click.option("--source", default="-", metavar="TEXT", help="The new source; `-` reads stdin.")
def edit_cell(
    session: str, server: str, as_json: bool, file: str, cell: str, hash: str, source: str
) -> None:
    """Replace the source of a cell, if it still has the HASH that `state FILE` printed."""
    text = sys.stdin.read() if source == "-" else source
    _perform("edit_cell", session, server, as_json, file=file, cell=cell, hash=hash, source=text)
