"""A server in the process of the test, and a client of its private socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from support.servers import Here, serve_here, short_folder

DEADLINE = 90.0


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    with short_folder() as folder:
        async with serve_here(folder) as here:
            yield here


@pytest.fixture
async def web(here: Here) -> AsyncIterator[httpx.AsyncClient]:
    """By the private socket, as `curl --unix-socket`."""
    transport = httpx.AsyncHTTPTransport(uds=here.socket)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://local", timeout=DEADLINE
    ) as web:
        yield web
