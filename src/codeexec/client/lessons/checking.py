"""Checks a learner's run of an exercise: its output, and its namespace on the kernel."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codeexec.client.executing import Ended, run_to_end
from codeexec.client.lessons.block_output import expected_picture, read_block_output
from codeexec.documents.lessons.blocks import BlockRequests
from codeexec.documents.lessons.exercise import (
    check_code,
    check_sentence,
    error_sentence,
    output_sentence,
)
from codeexec.documents.lessons.expectation import BlockOutput
from codeexec.documents.lessons.model import CodeBlock, ExerciseCheck, Lesson

if TYPE_CHECKING:
    from codeexec.client.api import SessionClient

_PYTHON = "python"


class FailedCheck(NamedTuple):
    """`line` is that of the check's fence; `sentence` says what is missing."""

    line: int
    sentence: str


class ExerciseChecker:
    """`folder` is that of the lesson; `requests` have run its blocks."""

    def __init__(
        self,
        session: SessionClient,
        lesson: Lesson,
        folder: Path,
        requests: BlockRequests,
    ) -> None:
        self._session = session
        self._lesson = lesson
        self._folder = folder
        self._requests = requests

    async def missing(self, block: CodeBlock, code: str, ended: Ended) -> str:
        """What the run of `code` for an exercise still misses, in a sentence; empty: it is done.
        CodeexecError where that cannot be found out."""
        output = await read_block_output(self._session, ended)
        if sentence := error_sentence(block, output, ended.end.status):
            return sentence
        for expectation in block.expectations:
            picture = await asyncio.to_thread(
                expected_picture, self._lesson, self._folder, expectation
            )
            if sentence := output_sentence(expectation, output, picture):
                return sentence
        failed = await self.failed_check(block, code, output)
        return failed.sentence if failed is not None else ""

    async def failed_check(
        self, block: CodeBlock, code: str, output: BlockOutput
    ) -> FailedCheck | None:
        """Run the checks of a block after `code`, which has put out `output`; None: all pass.
        CodeexecError."""
        for check in block.checks:
            if sentence := await self._run(check, block, code, output):
                return FailedCheck(check.line, sentence)
        return None

    async def _run(
        self, check: ExerciseCheck, block: CodeBlock, code: str, output: BlockOutput
    ) -> str:
        limit = check.timeout if check.timeout is not None else self._lesson.front.check_timeout
        if block.language == _PYTHON:
            request = self._requests.check(block, check_code(check, output), limit, is_silent=True)
            return check_sentence(check, (await run_to_end(self._session, request)).end, limit)
        # A cell may be a program of its own, in which the names of the learner's are gone.
        both = f"{code.rstrip()}\n{check.code}"
        request = self._requests.check(block, both, limit, is_silent=False)
        ended = await run_to_end(self._session, request)
        text = (await read_block_output(self._session, ended)).text
        last_line = next((line for line in reversed(text.split("\n")) if line.strip()), "")
        return check_sentence(check, ended.end, limit, last_line)
