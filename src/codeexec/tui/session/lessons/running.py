"""Runs the blocks of a lesson on its session: in front of an audience, or quietly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.client.executing import Ended, run_to_end
from codeexec.client.lessons.checking import ExerciseChecker
from codeexec.client.output import read_rows
from codeexec.documents.lessons.blocks import (
    BlockRequests,
    missing_packages_code,
    plain_request,
)
from codeexec.documents.lessons.model import CodeBlock, Lesson, cell_name
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import CellRef, ExecutionFinished
from codeexec.domain.outputs import plain
from codeexec.domain.requests import Execute, RestartKernel
from codeexec.languages.plan import carries_declarations
from codeexec.tui.session.views import LessonRun

if TYPE_CHECKING:
    from codeexec.client.api import SessionClient
    from codeexec.domain.snapshot import Snapshot


class LessonRunner:
    """`columns` gives the width of the output, `snapshot` what the session is now."""

    def __init__(
        self,
        lesson: Lesson,
        file: str,
        session: SessionClient,
        snapshot: Callable[[], Snapshot],
        columns: Callable[[], int],
    ) -> None:
        self._lesson = lesson
        self._file = file
        self._session = session
        self._snapshot = snapshot
        self._columns = columns
        self._requests = BlockRequests("python", carries_declarations)
        self.checker = ExerciseChecker(session, lesson, Path(file).parent, self._requests)

    def take_up(self, runs: Sequence[tuple[LessonRun, CodeBlock]]) -> None:
        """These were run already, on the kernels as they are."""
        self._requests.forget()
        self._requests.main = self._snapshot().kernel.language or "python"
        for run, block in runs:
            self._requests.note(block, run.code)

    async def prepare(self) -> None:
        """Start the kernel, check packages and run the setup. CodeexecError."""
        front = self._lesson.front
        self._requests.forget()
        started = await self._run(plain_request(""))
        if started.end.status != "ok":
            raise CodeexecError(f"{self._lesson.where('kernel')}: {_words(started.end)}")
        self._requests.main = self._snapshot().kernel.language or "python"
        if front.packages:
            where = self._lesson.where("packages")
            code = missing_packages_code(front.packages)
            request = plain_request(code, self._requests.language("python"))
            ended = await self._run(request)
            rows = await read_rows(self._session, request.execution_id)
            missing = " ".join(plain(run.text) for run in rows if run.is_text).strip()
            if ended.end.status != "ok":
                raise CodeexecError(
                    f"{self._lesson.where('packages')}: packages: {_words(ended.end)}"
                )
            if missing:
                raise CodeexecError(
                    f"{where}: It needs {missing}, which is not installed.",
                    f"Install it for the kernel: pip install {missing}",
                )
        if front.setup:
            ended = await self._run(plain_request(front.setup))
            if ended.end.status != "ok":
                raise CodeexecError(f"{self._lesson.where('setup')}: setup: {_words(ended.end)}")

    async def restart(self) -> None:
        """Fresh kernels, prepared as at the beginning. CodeexecError."""
        for name, kernel in self._snapshot().kernels.items():
            if kernel.state not in ("none", "stopped"):
                await self._session.call(RestartKernel(kernel=name))
        await self.prepare()

    def request(self, step: int, number: int, block: CodeBlock, code: str) -> Execute:
        """Run a block in front of the audience: without a limit that the block does not name, as
        the speaker can stop it."""
        return self._requests.request(
            block,
            code,
            timeout=block.timeout,
            cell=self._cell(step, number, block),
            columns=self._columns(),
        )

    async def show(self, request: Execute) -> Ended:
        """Run it to its end; its questions are the speaker's. CodeexecError."""
        return await run_to_end(self._session, request, None)

    async def run_quietly(self, run: LessonRun, block: CodeBlock) -> LessonRun:
        """Run a block again, or in passing, with the answers that there are; what was stopped is
        stopped again after as long. CodeexecError, with file and line, where it ends otherwise
        than its lesson says."""
        limit = block.timeout if block.timeout is not None else self._lesson.front.timeout
        request = self._requests.request(
            block,
            run.code,
            timeout=run.seconds or limit,
            cell=self._cell(run.step, run.block, block),
            columns=self._columns(),
            counts=False,
        )
        ended = await self._run(request, run.answers or block.answers)
        where = f"{self._lesson.name}:{block.line}"
        if ended.is_unanswered:
            raise CodeexecError(
                f"{where}: It asks for input, and the lesson has no line for it.",
                "Write one in a fence ```input.",
            )
        if ended.end.status == "timed_out" and not run.seconds:
            raise CodeexecError(
                f"{where}: It ran longer than {limit:g} s.",
                "Say timeout=SECONDS after its language, or let it end.",
            )
        if ended.end.status == "error" and not block.may_raise and not run.has_failed:
            raise CodeexecError(f"{where}: {_words(ended.end)}", "Correct it, or expect it.")
        return replace(run, execution_id=request.execution_id)

    async def _run(self, request: Execute, answers: Sequence[str] = ()) -> Ended:
        return await run_to_end(self._session, request, answers)

    def _cell(self, step: int, number: int, block: CodeBlock) -> CellRef:
        title = self._lesson.steps[step].title
        return CellRef(self._file, cell_name(step, number), block.line, title)


def _words(end: ExecutionFinished) -> str:
    """Why it did not end well."""
    if end.error is None:
        return end.reason or end.status
    value = plain(end.error.value)
    return f"{end.error.name}: {value}" if value else end.error.name


def stopped_after(end: ExecutionFinished, seconds: float) -> float:
    """How long a run took that did not end by itself; 0 where it did."""
    return 0.0 if end.status in ("ok", "error") else max(seconds, 0.1)
