"""Requests to a Jupyter server or a hub, and their answers.

Redirects are not followed and cookies are not kept: an answer that leads to a login page is a
failure, and a cookie would take the place of the token in the next request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from codeexec.domain.errors import KernelUnavailable
from codeexec.kernels.jupyter.remote import failures
from codeexec.kernels.jupyter.remote.access import Access

if TYPE_CHECKING:
    import httpx

CONNECT_WAIT = 10.0
ANSWER_WAIT = 30.0

LARGEST = 16 << 20
"""Bytes of an answer; of a larger one nothing more is read."""

SLOWEST = 1 << 10
"""Bytes a second that a line carries at least, once the time for an answer is over: a server that
sends a byte now and then would be waited for without end."""
SLOWEST_UNSEEN = 8 << 10
"""The same for the end of an upload, which waits in buffers of the system and is not seen to go."""
MOST_UNSEEN = 4 << 20
"""Bytes that such buffers hold."""
LONGEST_LEAD = 60.0
"""Seconds that a limit is put off at most by bytes that have come: so long a line may stand."""
PIECE = 16 << 10
"""Bytes of an upload that are given to the line at once."""

LONGEST_LINE = 64 << 10
"""Bytes of a line of a stream; a longer one ends the stream."""


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """`content` is the JSON of the answer; None where it is none, or too large. `location` is where
    a redirect leads."""

    status: int
    content: object = None
    is_json: bool = False
    location: str = ""
    retry_after: str = ""

    @property
    def fields(self) -> dict[str, object]:
        """Of a JSON object; empty for all else."""
        return self.content if isinstance(self.content, dict) else {}


@dataclass(frozen=True, slots=True)
class Download:
    """`content` is None where there is more than may be read."""

    status: int
    content: bytes | None
    is_json: bool = False


class LinePace:
    """Puts a time limit off as bytes pass, so that a slow line has the time that it needs, and one
    that carries a byte now and then has not."""

    def __init__(self, limit: asyncio.Timeout) -> None:
        self._limit = limit

    def note(self, count: int, slowest: int = SLOWEST) -> None:
        """So many bytes have passed."""
        end, now = self._limit.when(), asyncio.get_running_loop().time()
        assert end is not None
        self._limit.reschedule(max(end, min(end + count / slowest, now + LONGEST_LEAD)))


class RestClient:
    """Requests below the base of one address. `name` stands in messages."""

    def __init__(self, access: Access, name: str) -> None:
        self.access, self._name = access, name
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        wait: float = ANSWER_WAIT,
    ) -> JsonAnswer:
        """ServerFailure where no answer comes within `wait` seconds, and the time that a slow line
        needs for its bytes."""
        client = self._open()
        import httpx

        sent = None if body is None else msgspec.json.encode(body)
        read_wait = wait if sent is None else wait + min(len(sent), MOST_UNSEEN) / SLOWEST_UNSEEN
        timeout = httpx.Timeout(wait, connect=CONNECT_WAIT, read=read_wait)
        options: dict[str, Any] = {"timeout": timeout}
        try:
            async with asyncio.timeout(wait) as limit:
                if sent is not None:
                    options["content"] = _pieces(sent, limit)
                    options["headers"] = {
                        "Content-Type": "application/json",
                        "Content-Length": str(len(sent)),
                    }
                async with client.stream(method, path, **options) as response:
                    content = await read_body(response, limit)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise failures.unreachable(self._name, error) from error
        finally:
            client.cookies.clear()
        headers = response.headers
        is_json = "json" in headers.get("content-type", "")
        answer = JsonAnswer(
            response.status_code,
            None,
            is_json,
            headers.get("location", ""),
            headers.get("retry-after", ""),
        )
        if not is_json or content is None:
            return answer
        try:
            return replace(answer, content=msgspec.json.decode(content))
        except (msgspec.MsgspecError, RecursionError):
            return replace(answer, is_json=False)

    async def download(self, path: str, most: int) -> Download:
        """The bytes of an answer, at most so many. ServerFailure where no answer comes."""
        client = self._open()
        import httpx

        timeout = httpx.Timeout(ANSWER_WAIT, connect=CONNECT_WAIT)
        try:
            async with (
                asyncio.timeout(ANSWER_WAIT) as limit,
                client.stream("GET", path, timeout=timeout) as response,
            ):
                content = await read_body(response, limit, most)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise failures.unreachable(self._name, error) from error
        finally:
            client.cookies.clear()
        is_json = "json" in response.headers.get("content-type", "")
        return Download(response.status_code, content, is_json)

    async def lines(self, path: str, silence: float) -> AsyncIterator[str]:
        """The lines of an answer that goes on; none where it has another status than 200. It ends
        after `silence` seconds without a byte. ServerFailure where the server is not reached."""
        client = self._open()
        import httpx

        timeout = httpx.Timeout(silence, connect=CONNECT_WAIT)
        rest = b""
        try:
            async with client.stream("GET", path, timeout=timeout) as response:
                if response.status_code != 200:
                    return
                async for chunk in response.aiter_bytes():
                    *whole, rest = (rest + chunk).split(b"\n")
                    for line in whole:
                        yield line.decode("utf-8", "replace")
                    if len(rest) > LONGEST_LINE:
                        return
        except httpx.ReadTimeout:
            return
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise failures.unreachable(self._name, error) from error
        finally:
            client.cookies.clear()

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = http_client(self.access)
        return self._client


def http_client(access: Access) -> httpx.AsyncClient:
    """For requests below the base of the address, with the token or login. KernelUnavailable where
    the extra `remote` is not installed."""
    require_httpx()
    import httpx

    socket = access.address.socket
    context = access.tls()
    return httpx.AsyncClient(
        base_url=access.address.base,
        headers=access.headers,
        follow_redirects=False,
        verify=context if context is not None else False,
        transport=httpx.AsyncHTTPTransport(uds=socket) if socket else None,
    )


async def read_body(
    response: httpx.Response, limit: asyncio.Timeout, most: int = LARGEST
) -> bytes | None:
    """The body; None of one that has more bytes than that. What has come puts the limit off."""
    content, pace, seen = bytearray(), LinePace(limit), 0
    async for chunk in response.aiter_bytes():
        content += chunk
        # As they came: some kinds of compression make much of a byte.
        pace.note(response.num_bytes_downloaded - seen)
        seen = response.num_bytes_downloaded
        if len(content) > most:
            return None
    return bytes(content)


async def _pieces(body: bytes, limit: asyncio.Timeout) -> AsyncIterator[bytes]:
    """The body of a request, as the line takes it."""
    pace = LinePace(limit)
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]
        pace.note(PIECE)
    end = limit.when()
    assert end is not None
    limit.reschedule(end + min(len(body), MOST_UNSEEN) / SLOWEST_UNSEEN)


def require_httpx() -> None:
    """KernelUnavailable where the extra `remote` is not installed."""
    try:
        import httpx  # noqa: F401
    except ImportError as error:
        raise KernelUnavailable(
            "Kernels of Jupyter servers need the package httpx, which is not installed.",
            "Install it: pip install 'codeexec-tui[remote]'",
        ) from error
