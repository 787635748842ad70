"""Runs a lesson from nothing and compares what it puts out with what it expects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from codeexec.cli.run.source import language_of_kernel
from codeexec.client.embedded import EmbeddedHost
from codeexec.client.executing import run_to_end
from codeexec.client.output import read_rows
from codeexec.documents.lessons.blocks import (
    BlockRequests,
    missing_packages_code,
    plain_request,
)
from codeexec.documents.lessons.expectation import BlockOutput, mismatch, normalized
from codeexec.documents.lessons.files import inside
from codeexec.documents.lessons.model import Expectation, Lesson, Step
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
    from codeexec.environments.trust.store import Trust

MOST_PICTURE = 32 << 20
"""Bytes of an expected picture."""

_SETTINGS = HostSettings(watch_variables=False, collect_files=False, watch_files=False)

_MOST_LINES = 12
"""Last lines of output that are told with an error."""
_PICTURES = ("image/png", "image/jpeg")

StepStatus = Literal["passed", "failed", "not run"]


class StepFailure(NamedTuple):
    """`line` of the fence of code or of the expectation; `reason` in lines."""

    line: int
    reason: str


class Correction(NamedTuple):
    """What a block put out where the lesson expects something else: the text of the fence at
    `line`, or the picture that belongs in `file`."""

    line: int
    text: str = ""
    file: str = ""
    picture: bytes = b""


@dataclass(slots=True)
class StepReport:
    step: Step
    status: StepStatus = "not run"
    seconds: float = 0.0
    failures: tuple[StepFailure, ...] = ()
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class LessonReport:
    """`problem` is why the lesson was not run to its end, where no step is to blame."""

    lesson: Lesson
    steps: tuple[StepReport, ...]
    problem: str = ""

    @property
    def has_passed(self) -> bool:
        return not self.problem and all(step.status == "passed" for step in self.steps)


async def verify(
    lesson: Lesson,
    folder: Path,
    kernel: str,
    trust: Trust,
    on_step: Callable[[StepReport], None] = lambda _: None,
) -> LessonReport:
    """Run each step in a session of its own, in `folder`. `kernel` is for a lesson that names
    none. After an error that was not expected the rest is not run."""
    reports = tuple(StepReport(step) for step in lesson.steps)
    try:
        async with _open(lesson, folder, kernel, trust) as session:
            run = _LessonRun(lesson, session, folder, kernel)
            await run.prepare()
            for report in reports:
                began = time.monotonic()
                can_go_on = await run.step(report)
                report.seconds = time.monotonic() - began
                on_step(report)
                if not can_go_on:
                    break
    except CodeexecError as error:
        return LessonReport(lesson, reports, f"{error.message} {error.next_step}".strip())
    return LessonReport(lesson, reports)


@asynccontextmanager
async def _open(
    lesson: Lesson, folder: Path, kernel: str, trust: Trust
) -> AsyncIterator[SessionClient]:
    async with (
        temporary_state() as state,
        EmbeddedHost(state, Kernels(trust=trust), _SETTINGS, ClientInfo("lesson")) as host,
    ):
        name, kernel = lesson.front.title or lesson.name, lesson.front.kernel or kernel
        opened = await host.call(OpenSession(cwd=str(folder), name=name, kernel=kernel))
        yield host.session(opened.session_id)


class _LessonRun:
    """One run of a lesson in its session."""

    def __init__(self, lesson: Lesson, session: SessionClient, folder: Path, kernel: str) -> None:
        self._lesson = lesson
        self._session = session
        self._folder = folder
        main = language_of_kernel(lesson.front.kernel or kernel)
        self._requests = BlockRequests(main, carries_declarations)

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

    async def step(self, report: StepReport) -> bool:
        """Run the blocks of a step; False where one has ended badly."""
        failures: list[StepFailure] = []
        corrections: list[Correction] = []
        can_go_on = True
        for block in report.step.blocks:
            limit = block.timeout if block.timeout is not None else self._lesson.front.timeout
            request = self._requests.request(block, block.code, timeout=limit)
            output = await self._run(request, block.answers)
            if output.error and not block.may_raise:
                failures.append(StepFailure(block.line, _told(output)))
                can_go_on = False
                break
            for expectation in block.expectations:
                picture = await asyncio.to_thread(self._picture, expectation)
                if reason := mismatch(expectation, output, picture):
                    failures.append(StepFailure(expectation.line, reason))
                    corrections += _correction(expectation, output)
        report.status = "failed" if failures else "passed"
        report.failures, report.corrections = tuple(failures), tuple(corrections)
        return can_go_on

    def _picture(self, expectation: Expectation) -> bytes | None:
        if expectation.mode != "image":
            return None
        try:
            return read(locate(inside(self._folder, expectation.file)), MOST_PICTURE)[0]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CodeexecError(
                f"{self._lesson.name}:{expectation.line}: {expectation.file}: {error.strerror}."
            ) from None

    async def _run(self, request: Execute, answers: Sequence[str] = ()) -> BlockOutput:
        """Run code to its end. CodeexecError where it cannot be run."""
        ended = await run_to_end(self._session, request, answers)
        output = await self._output(ended.end)
        return output._replace(error=_NO_ANSWER) if ended.is_unanswered else output

    async def _output(self, end: ExecutionFinished) -> BlockOutput:
        texts: list[str] = []
        images: list[bytes] = []
        for run in await read_rows(self._session, end.execution_id):
            if run.display is not None:
                part = run.display.part("text/plain")
                texts.append(await self._text(part) if part is not None else "")
                images += await self._images(run.display)
            elif run.is_text:
                texts.append(plain(run.text))
        return BlockOutput("\n".join(texts), _error_of(end), tuple(images))

    async def _images(self, display: Display) -> list[bytes]:
        texts = [await self._text(part) for part in display.parts if part.mime in _PICTURES]
        return [content for text in texts if (content := decode_base64(text))]

    async def _text(self, part: MimePart) -> str:
        if part.text is not None or part.blob is None:
            return part.text or ""
        return text_of(part.mime, (await self._session.call(ReadBlob(part.blob))).data)


_NO_ANSWER = "It asks for input, and the lesson has no line for it. Write one in a fence ```input."


def _error_of(end: ExecutionFinished) -> str:
    """The last line of its exception, or why it did not end well; empty where it did."""
    if end.status == "ok":
        return ""
    if end.error is None or end.status != "error":
        return end.reason or end.status
    value = plain(end.error.value)
    return f"{end.error.name}: {value}" if value else end.error.name


def _told(output: BlockOutput) -> str:
    """The error of a block that was not expected to fail, and the end of what it put out."""
    last = normalized(output.text).split("\n")[-_MOST_LINES:]
    return "\n".join([output.error, *filter(None, last)])


def _correction(expectation: Expectation, output: BlockOutput) -> list[Correction]:
    """Only what is exact is written by itself; a pattern is what its author meant."""
    if expectation.mode == "image" and output.images:
        return [Correction(expectation.line, file=expectation.file, picture=output.images[0])]
    if expectation.mode == "exact":
        return [Correction(expectation.line, normalized(output.text))]
    if expectation.mode == "raises" and output.error:
        return [Correction(expectation.line, output.error)]
    return []
