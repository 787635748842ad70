"""Addresses of session servers on other machines, from the command line and the settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from codeexec.client.api import HostClient
from codeexec.client.wire import Address, parse_address
from codeexec.config.model import RemoteServer
from codeexec.domain.env_vars.secret import TOKEN
from codeexec.domain.errors import UsageError
from codeexec.domain.places.ssh import SSH_SCHEME
from codeexec.domain.requests import GetHostInfo
from codeexec.hostfiles.private_file import read_private


def remote_address(
    url: str, token_file: Path | None = None, environ: Mapping[str, str] | None = None
) -> Address:
    """Where `url` says, with the token of the file; without a file, the one in CODEEXEC_TOKEN or
    in the URL. UsageError when the URL cannot be used, or others can read the file; StorageError
    when the file cannot be read."""
    token = ""
    if url.startswith(SSH_SCHEME):
        return parse_address(url)
    if token_file is not None:
        token = read_private(token_file.expanduser())
        _check_token(token, token_file)
    address = parse_address(url, token)
    if address.is_local:
        raise UsageError(f"{url} is no URL of a server.", "Write https://HOST:PORT.")
    if not address.token:
        variables = os.environ if environ is None else environ
        address = parse_address(url, variables.get(TOKEN, "").strip())
    return address


async def folder_there(host: HostClient, address: Address) -> str:
    """The whole path of the address's folder, on its machine."""
    home = (await host.call(GetHostInfo())).home
    return str(PurePosixPath(home, address.folder))


def address_of(server: RemoteServer) -> Address:
    """The address of a server in the settings; errors as of `remote_address`."""
    # A token in the environment is for the server that the user names, not for all of them.
    file = Path(server.token_file) if server.token_file else None
    return remote_address(server.url, file, environ={})


def _check_token(token: str, file: Path) -> None:
    if not token or not all("!" <= character <= "~" for character in token):
        raise UsageError(
            f"There is no token in {file}.",
            "Copy the token that `serve` printed, or its token file, into it.",
        )
