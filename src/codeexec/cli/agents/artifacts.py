"""Artifacts for agents: files that runs wrote, and displays, by name, id or key."""

from __future__ import annotations

import asyncio

from codeexec.cli.agents.answer import ToolAnswer, clipped, head_and_tail
from codeexec.cli.agents.connection import AgentConnection
from codeexec.cli.agents.output import display_text, picture_of
from codeexec.cli.agents.pictures import TYPES, scaled
from codeexec.domain.content.mime import bare, is_json, is_text
from codeexec.domain.errors import NotFound
from codeexec.domain.events import Artifact
from codeexec.domain.outputs import Display
from codeexec.domain.requests import ListDisplays, ReadBlob
from codeexec.domain.text.words import size_words

MOST = 30
"""Displays that are listed."""


async def list_artifacts(connection: AgentConnection) -> ToolAnswer:
    """Files first, then displays, newest first."""
    files = connection.snapshot.artifacts
    page = await connection.session.call(ListDisplays(limit=MOST))
    lines = [f"{file.name} {file.mime} {size_words(file.size)}" for file in files]
    lines += [
        f"{row.display.key} {_richest(row.display)} of {row.execution.execution_id}"
        for row in page.displays
        if row.display.parts
    ]
    data = {
        "files": [
            {"id": file.id, "name": file.name, "mime": file.mime, "size": file.size}
            for file in files
        ],
        "displays": [
            {
                "key": row.display.key,
                "mimes": [part.mime for part in row.display.parts],
                "execution": row.execution.execution_id,
            }
            for row in page.displays
        ],
    }
    return ToolAnswer(head_and_tail(lines) or "No artifacts.", data)


def _richest(display: Display) -> str:
    """The type of a display that says most: that of a picture before that of text."""
    mimes = [part.mime for part in display.parts]
    return next((mime for mime in mimes if mime.startswith("image/")), mimes[-1])


async def read_artifact(connection: AgentConnection, name: str) -> ToolAnswer:
    """One artifact. NotFound."""
    session = connection.session
    files = connection.snapshot.artifacts
    file = next((file for file in files if name in (file.id, file.name)), None)
    if file is not None:
        data = (await session.call(ReadBlob(file.digest))).data
        return await _of_file(file, data)
    page = await session.call(ListDisplays(limit=200))
    row = next((row for row in page.displays if row.display.key == name), None)
    if row is None:
        raise NotFound(f"There is no artifact {name}.", "Without a name they are listed.")
    picture = await picture_of(session, row.display)
    text = head_and_tail(
        [clipped(line) for line in (await display_text(session, row.display)).split("\n")]
    )
    return ToolAnswer(text, {"key": name, "text": text}, (picture,) if picture else ())


async def _of_file(file: Artifact, data: bytes) -> ToolAnswer:
    fields: dict[str, object] = {
        "id": file.id,
        "name": file.name,
        "mime": file.mime,
        "digest": file.digest,
    }
    title = f"{file.name} {file.mime} {size_words(file.size)}"
    if bare(file.mime) in TYPES:
        picture = await asyncio.to_thread(scaled, data)
        return ToolAnswer(title, fields, (picture,) if picture else ())
    if is_text(file.mime) or is_json(file.mime):
        lines = [clipped(line) for line in data.decode("utf-8", "replace").split("\n")]
        text = head_and_tail(lines)
        return ToolAnswer(f"{title}\n{text}", fields | {"text": text})
    return ToolAnswer(f"{title}: no text and no picture. Read the file by code.", fields)
