"""Session servers of other machines, as options of commands name them."""

from __future__ import annotations

import shlex
from pathlib import Path

from codeexec.client.remote import remote_address
from codeexec.client.wire import parse_ssh
from codeexec.config.load import load
from codeexec.config.servers import find_server
from codeexec.domain.errors import UsageError
from codeexec.tui.options import ServerTarget
from codeexec.tui.session.servers import target_of


def chosen_target(
    command: str, url: str, token_file: Path | None, server: str, ssh: str = ""
) -> ServerTarget | None:
    """The server that one of these options names; None without one. `command` is for the next step
    of an error. UsageError for several, and as of the functions below."""
    if (url and server) or (token_file and not url):
        raise UsageError(
            "--url and --token-file belong together, and --server stands for both.",
            f"Write: codeexec-tui {command} --url https://HOST:PORT --token-file FILE",
        )
    if ssh and (url or server):
        raise UsageError("--ssh names a server, and so do the others.", "Leave one of them out.")
    if ssh:
        return ssh_target(ssh)
    if server:
        return named_target(server)
    return url_target(url, token_file) if url else None


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
