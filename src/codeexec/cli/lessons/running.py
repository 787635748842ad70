"""Runs the blocks of a lesson from nothing, in a session of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli.run.source import language_of_kernel
from codeexec.client.embedded import EmbeddedHost
from codeexec.client.executing import Ended, run_to_end
from codeexec.client.output import read_rows
from codeexec.documents.lessons.blocks import (
    BlockRequests,
    missing_packages_code,
    plain_request,
)
from codeexec.documents.lessons.expectation import BlockOutput
from codeexec.documents.lessons.files import inside
from codeexec.documents.lessons.model import CodeBlock, Expectation, Lesson
from codeexec.documents.notebook.row_outputs import outputs_of
from codeexec.domain.content.mime import decode_base64, text_of
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import ExecutionFinished
from codeexec.domain.outputs import Display, MimePart, plain
from codeexec.domain.requests import ClientInfo, Execute, OpenSession, ReadBlob
from codeexec.hostfiles.files import read
from codeexec.hostfiles.place import locate
from codeexec.kernels.factory import Kernels
from codeexec.languages.plan import carries_declarations
from codeexec.session.settings import HostSettings
from codeexec.session.temporary import temporary_state

if TYPE_CHECKING:
    from codeexec.client.api import SessionClient
    from codeexec.documents.notebook.outputs import Json
    from codeexec.environments.trust.store import Trust

MOST_PICTURE = 32 << 20
"""Bytes of an expected picture."""

_SETTINGS = HostSettings(watch_variables=False, collect_files=False, watch_files=False)
_PICTURES = ("image/png", "image/jpeg")
_NO_ANSWER = "It asks for input, and the lesson has no line for it. Write one in a fence ```input."


def main_language(lesson: Lesson, kernel: str) -> str:
    """The language of its default kernel; `kernel` is for a lesson that names none."""
    return language_of_kernel(lesson.front.kernel or kernel)


def expected_picture(lesson: Lesson, folder: Path, expectation: Expectation) -> bytes | None:
    """The content of the picture that is expected; None where there is none. CodeexecError."""
    if expectation.mode != "image":
        return None
    try:
        return read(locate(inside(folder, expectation.file)), MOST_PICTURE)[0]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CodeexecError(
            f"{lesson.name}:{expectation.line}: {expectation.file}: {error.strerror}."
        ) from None


@asynccontextmanager
async def running(
    lesson: Lesson, folder: Path, kernel: str, trust: Trust
) -> AsyncIterator[LessonExecution]:
    """A run whose kernel is started, whose packages are there and whose setup was run.
    CodeexecError."""
    async with (
        temporary_state() as state,
        EmbeddedHost(state, Kernels(trust=trust), _SETTINGS, ClientInfo("lesson")) as host,
    ):
        name, used = lesson.front.title or lesson.name, lesson.front.kernel or kernel
        opened = await host.call(OpenSession(cwd=str(folder), name=name, kernel=used))
        journal = state / "sessions" / opened.session_id / "journal.db"
        run = LessonExecution(lesson, host.session(opened.session_id), kernel, journal)
        await run.prepare()
        yield run


class LessonExecution:
    """One run of a lesson in its session. `journal` is there as long as the session is."""

    def __init__(self, lesson: Lesson, session: SessionClient, kernel: str, journal: Path) -> None:
        self.journal = journal
        self._lesson = lesson
        self._session = session
        self._requests = BlockRequests(main_language(lesson, kernel), carries_declarations)

    async def prepare(self) -> None:
        """Start the kernel, check packages and run the setup. CodeexecError."""
        front = self._lesson.front
        started = await self._run(plain_request(""))
        if started.error:
            raise CodeexecError(f"{self._lesson.where('kernel')}: {started.error}")
        if front.packages:
            where = self._lesson.where("packages")
            code = missing_packages_code(front.packages)
            output = await self._run(plain_request(code, self._requests.language("python")))
            if output.error:
                raise CodeexecError(f"{where}: packages: {output.error}")
            missing = output.text.strip()
            if missing:
                raise CodeexecError(
                    f"{where}: It needs {missing}, which is not installed.",
                    f"Install it for the kernel: pip install {missing}",
                )
        if front.setup:
            output = await self._run(plain_request(front.setup))
            if output.error:
                raise CodeexecError(f"{self._lesson.where('setup')}: setup: {output.error}")

    async def block(self, block: CodeBlock) -> Ended:
        """Run a block to its end, with its answers. CodeexecError where it cannot be run."""
        limit = block.timeout if block.timeout is not None else self._lesson.front.timeout
        request = self._requests.request(block, block.code, timeout=limit)
        return await run_to_end(self._session, request, block.answers)

    async def output(self, ended: Ended) -> BlockOutput:
        """What a block has put out, to be compared."""
        texts: list[str] = []
        images: list[bytes] = []
        for run in await read_rows(self._session, ended.end.execution_id):
            if run.display is not None:
                part = run.display.part("text/plain")
                texts.append(await self._text(part) if part is not None else "")
                images += await self._images(run.display)
            elif run.is_text:
                texts.append(plain(run.text))
        error = _NO_ANSWER if ended.is_unanswered else _error_of(ended.end)
        return BlockOutput("\n".join(texts), error, tuple(images))

    async def notebook_outputs(self, ended: Ended) -> list[Json]:
        """What a block has put out, as nbformat has it."""
        rows = await read_rows(self._session, ended.end.execution_id)
        parts = [part for row in rows if row.display is not None for part in row.display.parts]
        texts = {id(part): await self._text(part) for part in parts}
        return list(outputs_of(rows, lambda part: texts[id(part)]))

    async def _run(self, request: Execute, answers: Sequence[str] = ()) -> BlockOutput:
        return await self.output(await run_to_end(self._session, request, answers))

    async def _images(self, display: Display) -> list[bytes]:
        texts = [await self._text(part) for part in display.parts if part.mime in _PICTURES]
        return [content for text in texts if (content := decode_base64(text))]

    async def _text(self, part: MimePart) -> str:
        if part.text is not None or part.blob is None:
            return part.text or ""
        return text_of(part.mime, (await self._session.call(ReadBlob(part.blob))).data)


def _error_of(end: ExecutionFinished) -> str:
    """The last line of its exception, or why it did not end well; empty where it did."""
    if end.status == "ok":
        return ""
    if end.error is None or end.status != "error":
        return end.reason or end.status
    value = plain(end.error.value)
    return f"{end.error.name}: {value}" if value else end.error.name
