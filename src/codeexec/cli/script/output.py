"""Prints the rows and displays of a program on stdout and stderr."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli.streams.printer import OutputPrinter
from codeexec.domain.content.mime import text_of
from codeexec.domain.events import DisplayUpdated, OutputChanged
from codeexec.domain.outputs import Display, MimePart
from codeexec.domain.text.full_screen import FullScreenFilter
from codeexec.kernels.base import (
    Displayed,
    DisplayRefreshed,
    KernelEvent,
    OutputCleared,
    StreamWritten,
)
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.output.document import OutputDocument

if TYPE_CHECKING:
    from codeexec.cli.streams.artifacts import ArtifactFolder
    from codeexec.cli.streams.console import RunConsole


RESTORED = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1049l\x1b[?25h\x1b[0m"
"""The main screen with its cursor, and no reports of the mouse."""


class ProgramPrinter:
    """Prints the output of a program; `spool` is a folder for contents of its displays."""

    def __init__(self, console: RunConsole, spool: Path, artifacts: Path | None) -> None:
        self._artifacts: ArtifactFolder | None = None
        if artifacts is not None:
            from codeexec.cli.streams.artifacts import ArtifactFolder

            self._artifacts = ArtifactFolder(artifacts)
        self._console = console
        self._screen = FullScreenFilter()
        self._blobs = BlobStore(spool / "blobs")
        self._document = OutputDocument()
        self._view = OutputPrinter(
            console.out_sink,
            console.err_sink,
            self._read,
            color=console.color,
            artifacts=self._artifacts,
            pictures=console.pictures,
        )

    async def take(self, kernel_events: Sequence[KernelEvent]) -> None:
        for event in kernel_events:
            match event:
                case StreamWritten():
                    await self._write(event)
                case Displayed():
                    self._document.show(
                        Display(
                            secrets.token_hex(6),
                            self._blobs.make_parts(event.data),
                            event.role,
                            event.display_id,
                            event.count,
                            dict(event.metadata),
                        )
                    )
                case DisplayRefreshed():
                    await self._show()
                    parts, metadata = self._blobs.make_parts(event.data), dict(event.metadata)
                    self._document.update_display(event.display_id, parts, metadata)
                    await self._view.update(DisplayUpdated(event.display_id, parts, metadata))
                case OutputCleared():
                    self._document.clear(event.wait)
                case _:
                    pass  # the caller handles the end
        await self._show()

    async def _write(self, event: StreamWritten) -> None:
        """Rows, until the program uses the whole screen of our terminal: then it has that."""
        writer = self._console.out if event.stream == "stdout" else self._console.err
        if not writer.is_terminal:
            self._document.write(event.stream, event.text)
            return
        text = event.text
        if not self._screen.is_full:
            text = self._screen.held + text
            self._screen.feed(event.text)
            if self._screen.is_full:
                await self._show()
                self._view.end()
        if self._screen.is_full:
            writer.write(text)
        else:
            self._document.write(event.stream, event.text)

    async def _show(self) -> None:
        patch = self._document.take_patch()
        if patch is not None:
            await self._view.take(
                OutputChanged("", patch.start, patch.total, patch.runs, patch.unfinished)
            )

    async def _read(self, part: MimePart) -> str:
        if part.text is not None:
            return part.text
        return text_of(part.mime, self._blobs.read(part.blob or ""))

    def close(self) -> None:
        """The output is complete."""
        if self._screen.is_alternate and self._console.out.is_terminal:
            # It was ended before it could leave the terminal as it was.
            self._console.out.write(RESTORED)
        self._view.end()
