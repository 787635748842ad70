"""Runs the blocks of a lesson from nothing, in a session of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli.run.source import language_of_kernel
from codeexec.client.embedded import EmbeddedHost
from codeexec.client.executing import Ended, run_to_end
from codeexec.client.lessons.block_output import part_text, read_block_output
from codeexec.client.lessons.checking import ExerciseChecker, FailedCheck
from codeexec.client.output import read_rows
from codeexec.documents.lessons.blocks import (
    BlockRequests,
    missing_packages_code,
    plain_request,
)
from codeexec.documents.lessons.expectation import BlockOutput
from codeexec.documents.lessons.model import CodeBlock, Lesson
from codeexec.documents.notebook.row_outputs import outputs_of
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import ClientInfo, Execute, OpenSession
from codeexec.kernels.factory import Kernels
from codeexec.languages.plan import carries_declarations
from codeexec.session.settings import HostSettings
from codeexec.session.temporary import temporary_state

if TYPE_CHECKING:
    from codeexec.client.api import SessionClient
    from codeexec.documents.notebook.outputs import Json
    from codeexec.environments.trust.store import Trust

_SETTINGS = HostSettings(watch_variables=False, collect_files=False, watch_files=False)


def main_language(lesson: Lesson, kernel: str) -> str:
    """The language of its default kernel; `kernel` is for a lesson that names none."""
    return language_of_kernel(lesson.front.kernel or kernel)


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
        session = host.session(opened.session_id)
        run = LessonExecution(lesson, folder, session, kernel, journal)
        await run.prepare()
        yield run


class LessonExecution:
    """One run of a lesson in its session. `journal` is there as long as the session is."""

    def __init__(
        self, lesson: Lesson, folder: Path, session: SessionClient, kernel: str, journal: Path
    ) -> None:
        self.journal = journal
        self._lesson = lesson
        self._session = session
        self._requests = BlockRequests(main_language(lesson, kernel), carries_declarations)
        self._checker = ExerciseChecker(session, lesson, folder, self._requests)

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

    async def block(self, block: CodeBlock, code: str | None = None) -> Ended:
        """Run a block to its end, with its answers; `code` in place of what is given.
        CodeexecError where it cannot be run."""
        limit = block.timeout if block.timeout is not None else self._lesson.front.timeout
        request = self._requests.request(
            block, block.given if code is None else code, timeout=limit
        )
        return await run_to_end(self._session, request, block.answers)

    async def output(self, ended: Ended) -> BlockOutput:
        """What a block has put out, to be compared."""
        return await read_block_output(self._session, ended)

    async def missing(self, block: CodeBlock, code: str, ended: Ended) -> str:
        """The sentence of what the run of `code` misses; empty where the exercise is done.
        CodeexecError."""
        return await self._checker.missing(block, code, ended)

    async def failed_check(self, block: CodeBlock, output: BlockOutput) -> FailedCheck | None:
        """The first check that does not pass after what is given. CodeexecError."""
        return await self._checker.failed_check(block, block.given, output)

    async def notebook_outputs(self, ended: Ended) -> list[Json]:
        """What a block has put out, as nbformat has it."""
        rows = await read_rows(self._session, ended.end.execution_id)
        parts = [part for row in rows if row.display is not None for part in row.display.parts]
        texts = {id(part): await part_text(self._session, part) for part in parts}
        return list(outputs_of(rows, lambda part: texts[id(part)]))

    async def _run(self, request: Execute, answers: Sequence[str] = ()) -> BlockOutput:
        return await self.output(await run_to_end(self._session, request, answers))
