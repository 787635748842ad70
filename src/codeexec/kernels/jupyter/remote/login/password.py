"""The login of a Jupyter server with a password, as its page does it.

What a login gives are cookies. They are used and kept as tokens are; the password is kept nowhere.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from codeexec.kernels.jupyter.remote import failures
from codeexec.kernels.jupyter.remote.access import COOKIES, XSRF, Access
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.rest_client import CONNECT_WAIT, http_client

if TYPE_CHECKING:
    import httpx

LOGIN_WAIT = 30.0
"""Seconds for an answer: the server computes the hash of the password on purpose slowly."""
PAGE = "login"


async def log_in(access: Access, password: str) -> str:
    """Log in, and give what takes the place of a token. ServerFailure: of kind `password` where it
    is wrong, of kind `login` where the server has no login with a password."""
    import httpx

    name = access.address.name
    timeout = httpx.Timeout(LOGIN_WAIT, connect=CONNECT_WAIT)
    client = http_client(access.without_token())
    try:
        page = await _fetch(client, "GET", timeout=timeout)
        if page.status_code != 200:
            raise failures.no_password_login(name)
        cookies = _cookies(page)
        form = {"password": password, XSRF: cookies.get(XSRF, "")}
        client.cookies.clear()
        answer = await _fetch(
            client, "POST", data=form, headers={"Cookie": _header(cookies)}, timeout=timeout
        )
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise failures.unreachable(name, error) from error
    finally:
        await client.aclose()
    fresh = _cookies(answer)
    if answer.status_code in (200, 401) and not _has_login(fresh):
        raise ServerFailure(
            "password", f"{name} refuses the password.", "Look at the keyboard, and type it again."
        )
    if answer.status_code not in (200, 302) or not _has_login(fresh):
        raise failures.no_password_login(name)
    return f"{COOKIES}{_header({**cookies, **fresh})}"


async def _fetch(client: httpx.AsyncClient, method: str, **options: Any) -> httpx.Response:
    """The head of the answer; its body is not read, as it may have no end."""
    async with asyncio.timeout(LOGIN_WAIT), client.stream(method, PAGE, **options) as response:
        return response


def _cookies(answer: httpx.Response) -> dict[str, str]:
    """Those that an answer sets, as they are written; not those that it removes."""
    pairs = (
        line.partition(";")[0].partition("=") for line in answer.headers.get_list("set-cookie")
    )
    return {
        name.strip(): value.strip()
        for name, _, value in pairs
        if value.strip(' "') and (name + value).isascii() and (name + value).isprintable()
    }


def _has_login(cookies: dict[str, str]) -> bool:
    return any(name != XSRF for name in cookies)


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())
