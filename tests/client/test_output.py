"""Reading all that an execution has put out, page by page."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.client import output
from codeexec.client.embedded import EmbeddedSession
from codeexec.client.output import read_pages, read_rows
from codeexec.domain.errors import NotFound
from codeexec.domain.outputs import iter_rows, plain
from codeexec.domain.requests import ClientInfo
from support.sessions import open_host, open_session, run


async def test_all_rows_come_whole_in_order_and_in_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "PAGE", 100)
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        client = EmbeddedSession(session, ClientInfo("test"))
        view = await run(session, "for i in range(250): print(i)\nprint('x' * 20_000)")
        pages = [list(iter_rows(runs)) async for runs in read_pages(client, view.execution_id)]
        assert [len(page) for page in pages] == [100, 100, 51]
        rows = list(iter_rows(tuple(await read_rows(client, view.execution_id))))
        assert [plain(row.text) for row in rows] == [*map(str, range(250)), "x" * 20_000]
        silent = await run(session, "None")
        assert await read_rows(client, silent.execution_id) == []
        with pytest.raises(NotFound):
            await read_rows(client, "nothing")
