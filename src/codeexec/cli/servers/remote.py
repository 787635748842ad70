"""Session servers of other machines, as options of commands name them."""

from __future__ import annotations

import shlex
from pathlib import Path

from codeexec.client.remote import remote_address
from codeexec.client.wire import parse_ssh
from codeexec.config.load import load
from codeexec.config.servers import find_server
from codeexec.tui.options import ServerTarget
from codeexec.tui.session.servers import target_of


def named_target(name: str) -> ServerTarget:
    """The server [servers.NAME] of the user's settings. NotFound, UsageError, StorageError."""
    return target_of(find_server(load().settings.servers, name))


def ssh_target(place: str) -> ServerTarget:
    """The machine and folder that `--ssh` names. UsageError."""
    address = parse_ssh(place)
    return ServerTarget(address, address.place, f"--ssh {shlex.quote(place)}")


def url_target(url: str, token_file: Path | None) -> ServerTarget:
    """The server at a URL. UsageError, StorageError."""
    address = remote_address(url, token_file)
    option = f"--url {address}"
    if token_file is not None:
        option += f" --token-file {shlex.quote(str(token_file))}"
    return ServerTarget(address, address.place, option)
