"""How a Jupyter server may be used: its address, the token or login, its certificate."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.kernels.jupyter.remote.address import ServerAddress
from codeexec.kernels.jupyter.remote.failures import ServerFailure

if TYPE_CHECKING:
    import ssl


COOKIES = "cookies:"
"""Begins what takes the place of a token after a login with a password: the cookies follow."""
XSRF = "_xsrf"
"""The cookie whose value a request that changes something says again."""


@dataclass(frozen=True, slots=True)
class Access:
    """A server and how we may use it. `ca_file` is the authority of its certificate;
    `keeps_active`: its hub is told that it is in use while code runs. `password` is that of the
    settings: with it we log in where the server does not know us. `is_kept`: the token is the one
    in the file of tokens, so that a newer one there takes its place."""

    address: ServerAddress
    token: str = field(default="", repr=False)
    ca_file: str = ""
    keeps_active: bool = True
    password: str = field(default="", repr=False)
    is_kept: bool = False

    @property
    def is_login(self) -> bool:
        """Whether a password was given for what stands in the place of the token."""
        return self.token.startswith(COOKIES)

    @property
    def headers(self) -> dict[str, str]:
        if self.is_login:
            cookies = self.token.removeprefix(COOKIES)
            pairs = (pair.partition("=") for pair in cookies.split("; "))
            xsrf = next((value for name, _, value in pairs if name == XSRF), "")
            return {"Cookie": cookies, "X-XSRFToken": xsrf}
        return {"Authorization": f"token {self.token}"} if self.token else {}

    def without_token(self) -> Access:
        return replace(self, token="")

    def tls(self) -> ssl.SSLContext | None:
        """None for servers without TLS. ServerFailure where the authority's file is no such."""
        if not self.address.base.startswith("https:"):
            return None
        import ssl

        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise ServerFailure(
                "tls",
                f"The file of the authority, {self.ca_file}, cannot be used: {error}.",
                "Name a file of certificates in PEM: ca_file in [remote.NAME].",
            ) from error


def ca_path(path: str) -> str:
    """The path of a file of certificates as settings name it; empty stays empty."""
    return str(Path(path).expanduser()) if path else os.environ.get("SSL_CERT_FILE", "")
