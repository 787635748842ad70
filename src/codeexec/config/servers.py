"""Session servers of other machines, by name: the tables `[servers.NAME]` of the user's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codeexec.config.model import RemoteServer
from codeexec.domain.errors import NotFound, UsageError

SECTION = "servers"
MANUAL = """
[servers]  # Session servers of other machines, for `attach --server NAME` and `sessions`.
# [servers.lab]
# url = "https://lab.example:8765"
# token_file = "~/.config/codeexec-tui/lab.token"  # its mode is 0600
"""

_KEYS = ("url", "token_file")


def read_server(name: str, table: object) -> RemoteServer:
    """The server of one table. UsageError for what cannot be used."""
    if not isinstance(table, Mapping):
        raise UsageError("it is no table.", f"Write a table [{SECTION}.NAME] with url = …")
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"{key} is unknown.", f"Its keys are {' and '.join(_KEYS)}.")
    url, token_file = table.get("url", ""), table.get("token_file", "")
    if not isinstance(url, str) or not url:
        raise UsageError("it has no url.", 'Write url = "https://HOST:PORT".')
    if not isinstance(token_file, str):
        raise UsageError("token_file is no text.", "Write the path of the file in quotes.")
    return RemoteServer(name, url, token_file)


def find_server(servers: Sequence[RemoteServer], name: str) -> RemoteServer:
    """The server of this name. NotFound with the names that there are."""
    for server in servers:
        if server.name == name:
            return server
    names = ", ".join(server.name for server in servers)
    raise NotFound(
        f"There is no server {name!r} in your settings.",
        f"There are: {names}."
        if names
        else f"Write [{SECTION}.{name}] with url and token_file: codeexec-tui config edit",
    )
