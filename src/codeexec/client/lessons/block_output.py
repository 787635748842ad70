"""Reads what a block of a lesson has put out, to be compared with what the lesson expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.client.executing import Ended
from codeexec.client.output import read_rows
from codeexec.documents.lessons.expectation import BlockOutput
from codeexec.documents.lessons.files import inside
from codeexec.documents.lessons.model import Expectation, Lesson
from codeexec.domain.content.mime import decode_base64, text_of
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import ExecutionFinished
from codeexec.domain.outputs import Display, MimePart, plain
from codeexec.domain.requests import ReadBlob
from codeexec.hostfiles.files import read
from codeexec.hostfiles.place import locate

if TYPE_CHECKING:
    from pathlib import Path

    from codeexec.client.api import SessionClient

MOST_PICTURE = 32 << 20
"""Bytes of an expected picture."""

_PICTURES = ("image/png", "image/jpeg")
_NO_ANSWER = "It asks for input, and the lesson has no line for it. Write one in a fence ```input."


async def read_block_output(session: SessionClient, ended: Ended) -> BlockOutput:
    """What a block has put out. CodeexecError."""
    texts: list[str] = []
    images: list[bytes] = []
    for run in await read_rows(session, ended.end.execution_id):
        if run.display is not None:
            part = run.display.part("text/plain")
            texts.append(await part_text(session, part) if part is not None else "")
            images += await _images(session, run.display)
        elif run.is_text:
            texts.append(plain(run.text))
    error = _NO_ANSWER if ended.is_unanswered else _error_of(ended.end)
    return BlockOutput("\n".join(texts), error, tuple(images))


async def part_text(session: SessionClient, part: MimePart) -> str:
    """The content of a part of a display, as text. CodeexecError."""
    if part.text is not None or part.blob is None:
        return part.text or ""
    return text_of(part.mime, (await session.call(ReadBlob(part.blob))).data)


def expected_picture(lesson: Lesson, folder: Path, expectation: Expectation) -> bytes | None:
    """The content of the picture that is expected; None where there is none. Reads a file.
    CodeexecError."""
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


async def _images(session: SessionClient, display: Display) -> list[bytes]:
    texts = [await part_text(session, part) for part in display.parts if part.mime in _PICTURES]
    return [content for text in texts if (content := decode_base64(text))]


def _error_of(end: ExecutionFinished) -> str:
    """The last line of its exception, or why it did not end well; empty where it did."""
    if end.status == "ok":
        return ""
    if end.error is None or end.status != "error":
        return end.reason or end.status
    value = plain(end.error.value)
    return f"{end.error.name}: {value}" if value else end.error.name
