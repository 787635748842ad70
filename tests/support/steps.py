"""How much work something is, in lines of Python that are run: the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import codeexec

if TYPE_CHECKING:
    from _typeshed import TraceFunction

OURS = str(Path(codeexec.__file__).parent)


@dataclass(slots=True)
class Steps:
    """Lines run, each as often as it was."""

    count: int = 0


@contextmanager
def counted(within: str = OURS) -> Iterator[Steps]:
    """Count what this thread runs of the files in a folder; of all files with an empty one.

    A line is one step however much C does in it: what shows is work that Python does again for
    each line, row or character of what there is.
    """
    steps = Steps()

    def count(frame: FrameType, event: str, arg: object) -> TraceFunction:
        if event == "line":
            steps.count += 1
        return count

    def enter(frame: FrameType, event: str, arg: object) -> TraceFunction | None:
        return count if frame.f_code.co_filename.startswith(within) else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield steps
    finally:
        sys.settrace(before)
