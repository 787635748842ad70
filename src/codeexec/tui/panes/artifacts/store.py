"""Content of artifacts: fetched once, converted in a thread; save, copy and open outside."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path

from textual.widget import Widget

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.content.charts import chart_page
from codeexec.domain.content.mime import content_of
from codeexec.domain.errors import CodeexecError, NotFound, Unavailable
from codeexec.hostfiles.programs import safe_environ, which
from codeexec.tui.output.contents import (
    Content,
    NoContent,
    TableContent,
    as_csv,
    prepare,
)
from codeexec.tui.panes.artifacts.items import Item
from codeexec.tui.session.ask import CopyRequested, Failed, NoticePosted, SaveRequested

KEPT_BYTES = 64 * 1024 * 1024
"""Bytes of fetched content that are kept at hand."""

_PATIENCE = 10.0
"""Seconds that a program which opens files may take to say whether it could."""


class Blobs:
    """Content by its digest; what was used longest ago is let go first."""

    def __init__(self, session: SessionClient | None, limit: int = KEPT_BYTES) -> None:
        self.session = session
        self._limit = limit
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def __contains__(self, digest: object) -> bool:
        return digest in self._kept

    async def read(self, digest: str) -> bytes:
        """Raises CodeexecError where it cannot be had."""
        if digest in self._kept:
            self._kept.move_to_end(digest)
            return self._kept[digest]
        if self.session is None:
            raise NotFound("There is no session to ask for this.")
        data = (await self.session.call(q.ReadBlob(digest))).data
        if digest not in self._kept:
            self._kept[digest] = data
            self._size += len(data)
        while self._size > self._limit and len(self._kept) > 1:
            _, evicted = self._kept.popitem(last=False)
            self._size -= len(evicted)
        return data


class ArtifactStore:
    """What can be done with an item. Words and wishes are posted by `owner`, whatever screen
    they come from."""

    def __init__(self, owner: Widget, session: SessionClient | None) -> None:
        self._owner = owner
        self.blobs = Blobs(session)
        self._folder: Path | None = None

    async def data(self, item: Item) -> bytes:
        """The bytes of an item; raises CodeexecError where they cannot be had."""
        if item.digest:
            return await self.blobs.read(item.digest)
        if item.part is None or item.part.text is None:
            raise NotFound(f"The content of {item.title} is gone.", "Run the code again.")
        return content_of(item.part.mime, item.part.text or "")

    async def content(self, item: Item) -> Content:
        """What to show of it; why not, in words, where it cannot be shown."""
        try:
            data = await self.data(item)
            return await asyncio.to_thread(prepare, item.mime, data, item.name)
        except CodeexecError as error:
            return NoContent(str(error))

    # -- what a person may want of it ----------------------------------------------------

    async def save(self, item: Item) -> None:
        """Have it written to a file; a data frame that is shown whole as CSV."""
        try:
            data = await self.data(item)
        except CodeexecError as error:
            self._owner.post_message(Failed(error))
            return
        name = item.file_name
        if item.kind == "table" and "html" in item.mime and not item.path and not item.is_elided:
            content = await asyncio.to_thread(prepare, item.mime, data)
            if isinstance(content, TableContent):
                name, data = (
                    f"{Path(name).stem}.csv",
                    as_csv(content.page).encode("utf-8", "replace"),
                )
        self._owner.post_message(SaveRequested(name, data))

    async def copy(self, item: Item) -> None:
        """Copy its text (of a table: cells parted by tabs), or the path of what has no text."""
        if item.kind in ("picture", "file") and item.mime != "image/svg+xml":
            await self.copy_path(item)
            return
        try:
            data = await self.data(item)
        except CodeexecError as error:
            self._owner.post_message(Failed(error))
            return
        text = data.decode("utf-8", errors="replace")
        if item.kind == "table":
            content = await asyncio.to_thread(prepare, item.mime, data)
            if isinstance(content, TableContent):
                text = as_csv(content.page, "\t")
        self._owner.post_message(CopyRequested(text, item.title))

    async def copy_path(self, item: Item) -> None:
        """Copy where a file with its content lies."""
        try:
            path = await self.file(item)
        except CodeexecError as error:
            self._owner.post_message(Failed(error))
            return
        self._owner.post_message(CopyRequested(str(path), "The path"))

    async def open_outside(self, item: Item) -> None:
        """Open it in the program that the desktop has for it."""
        try:
            await _open(await self.file(item))
        except CodeexecError as error:
            self._owner.post_message(Failed(error))
        else:
            self._owner.post_message(NoticePosted(f"Opened {item.file_name}"))

    async def file(self, item: Item) -> Path:
        """A file on this machine with its content (of a chart a page that draws it), in a folder
        that only we may read.

        Raises CodeexecError. The folder is left to the system's cleaning: a program that was
        started with a file may still read it when we are gone.
        """
        data, name = await self.data(item), item.file_name
        if page := chart_page(item.mime, data.decode("utf-8", "replace")):
            data, name = page.encode("utf-8", "replace"), f"{Path(name).stem}.html"
        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="codeexec-"))
            within = self._folder / item.key.replace("/", "-")
            within.mkdir(exist_ok=True)
            path = within / name
            await asyncio.to_thread(path.write_bytes, data)
        except OSError as error:
            raise Unavailable(
                f"{item.file_name} cannot be written for another program: {error.strerror}.",
                "Save it elsewhere.",
            ) from error
        return path


async def _open(path: Path) -> None:
    """Hand a file to the desktop. Raises Unavailable where there is none."""
    command = "open" if sys.platform == "darwin" else "xdg-open"
    program = which(command)
    if program is None:
        raise Unavailable(
            f"There is no {command} on this machine to open files with.",
            "Save it, or copy its path.",
        )
    child = await asyncio.create_subprocess_exec(
        program,
        os.fspath(path),
        env=safe_environ(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            code = await child.wait()
    except TimeoutError:
        return  # it has become the program that shows the file
    if code != 0:
        raise Unavailable(
            f"{command} could not open {path.name} (exit code {code}).",
            "Save it, or copy its path.",
        )
