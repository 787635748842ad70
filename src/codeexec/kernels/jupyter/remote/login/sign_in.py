"""Other credentials for a Jupyter server that refuses those that we have."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from codeexec.domain.places.logins import AskUser, LoginPrompt, LoginUnanswered
from codeexec.kernels.jupyter.remote.access import Access
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.login.password import log_in
from codeexec.kernels.jupyter.remote.tokens import keep_token, read_tokens

MOST_TRIES = 3
LOGIN_PAUSE = 60.0
"""Seconds between two logins with the password of the settings: what a login may not do does not
become allowed by the next one."""

REFUSED = frozenset({"token", "forbidden", "xsrf", "login", "password"})
"""Kinds of failures that mean that the server does not know us."""


class SignIn:
    """Source of credentials for one server. `ask_user` asks the user of a session; with None no
    question is put. Without `finds` only those of the Access are used."""

    def __init__(self, ask_user: AskUser | None = None, *, finds: bool = True) -> None:
        self._ask_user = ask_user
        self._finds = finds
        self._may_ask = True
        self._logged_in_at = float("-inf")

    def begin(self) -> None:
        """Something is started: the user may be asked once more."""
        self._may_ask = True

    async def find(self, access: Access) -> Access | None:
        """Without a question: what another login has kept meanwhile, or a login with the password
        of the settings. None where there is neither. ServerFailure of that login."""
        if not self._finds or (access.token and not access.is_login and not access.is_kept):
            return None
        stored = (await asyncio.to_thread(read_tokens)).get(access.address.name, "")
        if stored and stored != access.token:
            return replace(access, token=stored, is_kept=True)
        if access.token and not access.is_login:
            return None
        now = asyncio.get_running_loop().time()
        if not access.password or now - self._logged_in_at < LOGIN_PAUSE:
            return None
        self._logged_in_at = now
        return await keep_login(access, access.password)

    async def ask(self, access: Access, reason: str) -> Access | None:
        """Ask the user for a token or a password; `reason` says why. None where no question may be
        put, or all tries were refused. ServerFailure where the question gets no answer."""
        if self._ask_user is None or not self._may_ask:
            return None
        self._may_ask = False
        name = access.address.name
        for _ in range(MOST_TRIES):
            try:
                text = await self._ask_user(LoginPrompt(name, question(access), "secret", reason))
            except LoginUnanswered as error:
                step = (
                    "Run something, or restart the kernel, to be asked again. For programs set "
                    "CODEEXEC_REMOTE_TOKEN or CODEEXEC_REMOTE_PASSWORD."
                )
                raise ServerFailure("login", error.reason, step) from error
            try:
                fresh = await try_secret(access, text)
            except ServerFailure as error:
                if error.kind not in REFUSED:
                    raise
                reason = error.message
            else:
                self._may_ask = True  # when that one has expired
                return fresh
        return None


def question(access: Access) -> str:
    """For a person."""
    name, hub = access.address.name, access.address.hub
    if hub:
        return f"Token of {name} (the page {hub}token makes one):"
    return f"Token or password of {name}:"


async def try_secret(access: Access, text: str) -> Access:
    """Use what a person has typed as a token or else as a password, and keep what it gives.
    ServerFailure."""
    from codeexec.kernels.jupyter.remote.rest import JupyterServer

    token = text.strip()
    is_token = token.isascii() and token.isprintable() and " " not in token
    if not is_token and not access.address.hub:
        return await keep_login(access, text)
    as_token = replace(access, token=token, password="")
    server = JupyterServer(as_token, SignIn(finds=False))
    try:
        await server.check_token()
    except ServerFailure as error:
        if error.kind not in REFUSED or access.address.hub:
            raise
        return await keep_login(access, text)
    finally:
        await server.close()
    await asyncio.to_thread(keep_token, access.address.name, token)
    return replace(access, token=token, is_kept=True)


async def keep_login(access: Access, password: str) -> Access:
    """Log in with a password, and keep the login. ServerFailure."""
    cookies = await log_in(access, password)
    await asyncio.to_thread(keep_token, access.address.name, cookies)
    return replace(access, token=cookies, is_kept=True)
