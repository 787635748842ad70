"""Users of a server with JSON Web Tokens."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jwt

from codeexec.client.socket import SocketHost
from codeexec.client.wire import Address
from codeexec.server.access.jwt_verifier import JwtSettings
from codeexec.server.access.settings import AccessSettings, make_verifier
from codeexec.server.access.user_limits import UserLimits
from codeexec.session.settings import HostSettings
from support.servers import Here, poll, serve_here, short_folder

SECRET = "a secret of the test, with more than 32 characters"
DEADLINE = 90.0


def token(user: str, scope: str | None = None, seconds: float = 600.0, key: str = SECRET) -> str:
    claims: dict[str, object] = {"sub": user, "exp": time.time() + seconds}
    if scope is not None:
        claims["scope"] = scope
    return jwt.encode(claims, key, algorithm="HS256")


@asynccontextmanager
async def serving(
    user_limits: UserLimits | None = None, settings: HostSettings | None = None
) -> AsyncIterator[Here]:
    """A server whose users have JWTs that are signed with `SECRET`."""
    with short_folder() as folder:
        secret_file = folder / "secret"
        secret_file.touch(0o600)
        secret_file.write_text(f"{SECRET}\n")
        access = AccessSettings(JwtSettings(secret_file=secret_file))
        verifier = make_verifier(access, folder / "state")
        async with serve_here(
            folder, settings=settings, verifier=verifier, user_limits=user_limits
        ) as here:
            yield here


def web(here: Here, text: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {text}"}
    return httpx.AsyncClient(base_url=here.url, headers=headers, timeout=DEADLINE)


def client(here: Here, text: str) -> SocketHost:
    return SocketHost(Address("", "127.0.0.1", here.port, text))


async def finished(web: httpx.AsyncClient, execution_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        answer = await web.get(f"/execution_status/{execution_id}?wait=5")
        return dict(answer.json())

    return await poll(look, lambda status: status["completed_at"], "the execution to end")
