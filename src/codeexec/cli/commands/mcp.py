"""`codeexec-tui mcp`: tools for an agent, over stdio."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from codeexec.cli import messages as style
from codeexec.cli.completion_names import complete_open_session
from codeexec.domain.errors import Unavailable

SKILL = Path(__file__).parent.parent / "agents" / "SKILL.md"


@click.command()
@click.option(
    "--session",
    default="",
    metavar="NAME",
    shell_complete=complete_open_session,
    help="An open session; without it that of this folder, opened if there is none.",
)
@click.option("--skill", is_flag=True, help="Print instructions for an agent (SKILL.md).")
@click.option("--config", is_flag=True, help="Print the entry for an MCP client's settings.")
@click.option("--json", "as_json", is_flag=True, help="Print the tools with their parameters.")
def mcp(session: str, skill: bool, config: bool, as_json: bool) -> None:
    """Serve ten tools for an agent over stdin and stdout (Model Context Protocol).

    An agent runs code in the session that you see in the workbench. What it runs is marked, and
    waits for your key where `agents.confirm` says so. It needs the extra: pip install
    'codeexec-tui[mcp]'
    """
    if skill:
        style.write(SKILL.read_text("utf-8"))
        return
    if config:
        arguments = ["mcp", *(["--session", session] if session else [])]
        entry = {"command": "codeexec-tui", "args": arguments}
        style.say_lines(json.dumps({"mcpServers": {"codeexec-tui": entry}}, indent=2))
        return
    if as_json:
        from codeexec.cli.agents.tools import TOOLS

        style.say_json([{"name": name, **tool} for name, tool in TOOLS.items()])
        return
    try:
        from codeexec.cli.agents.mcp_server import serve
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("mcp"):
            raise
        raise Unavailable(
            "The package mcp is not installed.",
            f"{sys.executable} -m pip install 'codeexec-tui[mcp]'",
        ) from error
    serve(session, Path.cwd())
