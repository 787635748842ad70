"""A client to be killed: appends what it hears of a session to a file, and goes on from there.

Run as: listener.py SOCKET SESSION FILE. Each row is a line `SEQ TEXT`, and a batch is one write
that ends with a line `SEQ -`: whoever attaches again knows what it has, and forgets a batch that
was cut off.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from codeexec.client.socket import SocketHost
from codeexec.client.wire import Address
from codeexec.domain.events import OutputChanged
from codeexec.domain.outputs import iter_rows


def resume(path: Path) -> int:
    """The number of the last event that the file has whole; what comes after it is cut off."""
    if not path.exists():
        return 0
    text = path.read_text()
    end = text.rfind(" -\n")
    if end < 0:
        path.write_text("")
        return 0
    os.truncate(path, end + 3)
    return int(text[:end].rpartition("\n")[2])


async def main(socket: str, session: str, path: Path) -> None:
    after = resume(path)
    with path.open("ab", buffering=0) as file:
        async with SocketHost(Address(socket=socket)) as host:
            async for batch in host.session(session).events(after, "full"):
                rows = [
                    f"{record.seq} {row.text}\n"
                    for record in batch
                    if isinstance(record.event, OutputChanged)
                    for row in iter_rows(record.event.runs)
                ]
                file.write(("".join(rows) + f"{batch[-1].seq} -\n").encode())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
