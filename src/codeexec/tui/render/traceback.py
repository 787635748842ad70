"""Parse tracebacks: frames with their file or cell, library frames folded.

Reads what IPython prints (with its colours) and what CPython prints; anything else stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from codeexec.domain.outputs import plain
from codeexec.domain.snapshot import ExecutionView

_CELL = re.compile(
    r"\s*(?:Cell|Input) In ?\[(?P<count>\d+)\]"
    r"(?:, line (?P<line>\d+))?(?:, in (?P<function>.*))?"
)
_FILE = re.compile(r"File (?P<path>.+?):(?P<line>\d+)(?:, in (?P<function>.*))?")
_PYTHON = re.compile(r'[\s|]*File "(?P<path>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>.*))?')
_CURRENT = re.compile(r"-+> ?(?P<line>\d+)\b")
_CODE = re.compile(r"\s*+(?:(?:-++>)? *+\d++( |$)|\.\.\.|\(\.\.\.\))")
_RULE = re.compile(r"-{20,}\s*")
_GROUP = re.compile(r"\s{0,100}(?:\|\s?)++")
"""Before the rows of an exception in a group."""
_IPYKERNEL = re.compile(r".*/ipykernel_\d+/\d+\.py")
_RUNNER_CELL = re.compile(r"<cell(?: (?P<count>\d+))?>")
"""The code that failed, or an earlier cell, in a kernel without ipykernel."""
_LIBRARY = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages)/|(?:^|/)lib(?:64)?/(?:python|pypy)\d|\.(?:pyx|pxi)$|^<"
)
_ALIKE = 3
_PROGRAM_FAILED = "ProgramFailed"
"""The error that `guest/program_magic.py` raises for a program."""
_CELL_PLACE = re.compile(r" \((?:\d+\.py|<cell(?: \d+)?>), line \d+\)$")
"""What a syntax error says of its place: a file that is made up for a cell."""
_PRINTED = re.compile(r"(?:  \+ Exception Group )?Traceback \(most recent call last\):\s*")


@dataclass(frozen=True, slots=True)
class TracebackFrame:
    """One frame: its location, and its printed rows (with colours), heading first.

    A frame of a cell has `cell`, its prompt number; one of a file has `path` as it was printed,
    on the kernel's machine, where `~` is the kernel's home. `line` counts from 1, and so
    does `column`, which is 0 where none is named.
    """

    rows: tuple[str, ...]
    line: int
    path: str = ""
    cell: int | None = None
    function: str = ""
    is_user: bool = True
    column: int = 0

    def is_like(self, other: TracebackFrame) -> bool:
        """Whether it is the same place, as in a recursion."""
        return (self.path, self.cell, self.line) == (other.path, other.cell, other.line)


@dataclass(frozen=True, slots=True)
class TracebackText:
    """Rows outside frames: heading, error message, links of a chain."""

    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoldedFrames:
    """Frames folded to one row: library frames, or a `repeated` frame."""

    frames: tuple[TracebackFrame, ...]
    repeated: bool = False

    @property
    def label(self) -> str:
        """The row that stands for them."""
        count = f"{len(self.frames)} frame{'s' if len(self.frames) > 1 else ''}"
        if self.repeated:
            return f"⋯ {count} more like it"
        packages = dict.fromkeys(_package(frame.path) for frame in self.frames)
        return f"⋯ {count} in {', '.join(packages)}"


TracebackBlock = TracebackFrame | TracebackText
Shown = TracebackFrame | TracebackText | FoldedFrames


@dataclass(frozen=True, slots=True)
class TracebackRow:
    """A row to paint (with colours), and the frame or fold that a click on it opens."""

    text: str
    frame: TracebackFrame | None = None
    fold: FoldedFrames | None = None


@dataclass(frozen=True, slots=True)
class Traceback:
    """The printed rows in order, divided into frames and other text."""

    blocks: tuple[TracebackBlock, ...]

    @property
    def frames(self) -> tuple[TracebackFrame, ...]:
        return tuple(block for block in self.blocks if isinstance(block, TracebackFrame))

    @property
    def culprit(self) -> TracebackFrame | None:
        """The innermost frame of the user's own code: the line to mark and to jump to."""
        return next((frame for frame in reversed(self.frames) if frame.is_user), None)

    def folded(self) -> tuple[Shown, ...]:
        """Frames of libraries, and the repetitions of a recursion, as folds.

        Libraries stay as they are where no frame is the user's.
        """
        fold_libraries = any(frame.is_user for frame in self.frames)
        entries: list[Shown] = []
        at = 0
        while at < len(self.blocks):
            block = self.blocks[at]
            run = self._run(at, fold_libraries)
            if isinstance(block, TracebackFrame) and not block.is_user and fold_libraries:
                entries.append(FoldedFrames(run))
            elif len(run) > _ALIKE:
                entries += [block, FoldedFrames(run[1:], repeated=True)]
            else:
                entries += run or (block,)
            at += max(len(run), 1)
        return tuple(entries)

    def _run(self, at: int, by_library: bool) -> tuple[TracebackFrame, ...]:
        """The frames from one on that fold together with it."""
        first = self.blocks[at]
        run: list[TracebackFrame] = []
        for block in self.blocks[at:]:
            if not isinstance(block, TracebackFrame) or not isinstance(first, TracebackFrame):
                break
            alike = block.is_like(first)
            if by_library and not first.is_user:
                alike = not block.is_user
            if not alike:
                break
            run.append(block)
        return tuple(run)


def rows_of_failure(view: ExecutionView) -> tuple[str, ...]:
    """The traceback of an execution that failed; nothing where it has none.

    IPython prints that of a group of exceptions to stderr and sends none with the error; so does
    a program that `%program` runs.
    """
    if view.error is None:
        return ()
    if view.error.traceback and view.error.name != _PROGRAM_FAILED:
        return view.error.traceback
    rows = [text for _, text in _printed_rows(view)]
    heads = (at for at, row in enumerate(rows) if _PRINTED.fullmatch(plain(row)))
    first = next(heads, None)
    return () if first is None else tuple(rows[first:])


def message_of_failure(view: ExecutionView) -> str:
    """The error in one line: that of the program where a program failed."""
    error = view.error
    if error is None:
        return ""
    rows = rows_of_failure(view) if error.name == _PROGRAM_FAILED else ()
    heads = [at for at, row in enumerate(rows) if _PRINTED.fullmatch(plain(row))]
    if heads:
        blocks = parse(rows[heads[-1] :]).blocks
        for previous, block in pairwise(blocks):
            if isinstance(previous, TracebackFrame) and isinstance(block, TracebackText):
                return _GROUP.sub("", plain(block.rows[0])).strip()
    # Not the last row: notes of an exception stand below it.
    line = plain(f"{error.name}: {error.value}".strip().split("\n")[0]).rstrip(": ")
    return _CELL_PLACE.sub("", line)


def printed_frame(view: ExecutionView, row: int) -> TracebackFrame | None:
    """The frame that a row of stderr belongs to, where a traceback was printed: by a program, by
    IPython for a group of exceptions, or by code that logs one."""
    rows = _printed_rows(view)
    at = next((place for place, (number, _) in enumerate(rows) if number == row), None)
    if at is None:
        return None
    heads = [place for place in range(at) if _PRINTED.fullmatch(plain(rows[place][1]))]
    if not heads:
        return None
    place = heads[-1]
    for block in parse((text for _, text in rows[place:]), own_cell=view.count).blocks:
        place += len(block.rows)
        if at < place:
            return block if isinstance(block, TracebackFrame) else None
    return None


def _printed_rows(view: ExecutionView) -> list[tuple[int, str]]:
    """Rows of stderr that are in hand, with their numbers."""
    rows: list[tuple[int, str]] = []
    row = view.total - sum(run.rows for run in view.tail)
    for run in view.tail:
        if run.kind == "stderr":
            rows += enumerate(run.text.split("\n"), row)
        row += run.rows
    return rows


def parse(
    traceback: Iterable[str], user_roots: Sequence[str] = (), own_cell: int | None = None
) -> Traceback:
    """Take a traceback apart. Frames of cells, and files outside libraries, are the user's.

    `own_cell` is the prompt number of the code that failed: CPython's way of printing (for groups
    of exceptions) names cells by temporary files, which are taken for that one.

    `user_roots` are folders whose files are the user's wherever they lie. The strings may hold
    several rows each, as Jupyter sends them.
    """
    rows = [row for part in traceback for row in part.split("\n")]
    blocks: list[TracebackBlock] = []
    text_rows: list[str] = []
    at = 0
    while at < len(rows):
        frame = _frame(rows, at, user_roots, own_cell)
        if frame is None:
            text_rows.append(rows[at])
            at += 1
            continue
        if text_rows:
            blocks.append(TracebackText(tuple(text_rows)))
            text_rows = []
        blocks.append(frame)
        at += len(frame.rows)
    if text_rows:
        blocks.append(TracebackText(tuple(text_rows)))
    return Traceback(tuple(blocks))


def rows(traceback: Traceback, opened: bool = False) -> list[TracebackRow]:
    """What to paint; `opened` shows the frames of libraries too. Rules of dashes are left out."""
    painted: list[TracebackRow] = []
    for block in traceback.blocks if opened else traceback.folded():
        match block:
            case FoldedFrames():
                painted.append(TracebackRow(f"    {block.label}", fold=block))
            case TracebackFrame():
                painted += [TracebackRow(text, frame=block) for text in block.rows]
            case TracebackText():
                painted += [
                    TracebackRow(text) for text in block.rows if not _RULE.fullmatch(plain(text))
                ]
    return painted


def _frame(
    rows: Sequence[str], at: int, user_roots: Sequence[str], own_cell: int | None
) -> TracebackFrame | None:
    """The frame whose heading is the row at that place, or None."""
    heading = plain(rows[at])
    if match := _CELL.fullmatch(heading):
        # A syntax error has its heading indented and its source unnumbered, as CPython does.
        end = (_end_of_source if heading[0] == " " else _end_of_code)(rows, at + 1)
        line = int(match["line"] or _current_line(rows[at + 1 : end]) or 1)
        return TracebackFrame(
            tuple(rows[at:end]), line, cell=int(match["count"]), function=match["function"] or ""
        )
    if match := _FILE.fullmatch(heading):
        end = _end_of_code(rows, at + 1)
    elif match := _PYTHON.fullmatch(heading):
        end = _end_of_source(rows, at + 1)
    else:
        return None
    path = match["path"]
    cell, is_cell = _cell_of(path, own_cell)
    return TracebackFrame(
        tuple(rows[at:end]),
        int(match["line"]),
        path="" if is_cell else path,
        cell=cell,
        function=match["function"] or "",
        is_user=is_cell or _is_user(path, user_roots),
    )


def _cell_of(path: str, own_cell: int | None) -> tuple[int | None, bool]:
    """The prompt number of the cell that a path stands for, and whether it stands for one."""
    if match := _RUNNER_CELL.fullmatch(path):
        return int(match["count"]) if match["count"] else own_cell, True
    is_own = own_cell is not None and _IPYKERNEL.fullmatch(path) is not None
    return own_cell if is_own else None, is_own


def _end_of_code(rows: Sequence[str], at: int) -> int:
    """Behind the numbered rows of code that IPython prints, and the blank row after them."""
    while at < len(rows) and _CODE.match(plain(rows[at])):
        at += 1
    if at < len(rows) and not plain(rows[at]).strip():
        at += 1
    return at


def _end_of_source(rows: Sequence[str], at: int) -> int:
    """Behind the rows that CPython prints below a frame: indented further than its heading."""
    while at < len(rows) and _GROUP.sub("", plain(rows[at])).startswith("    "):
        at += 1
    return at


def _current_line(rows: Iterable[str]) -> int | None:
    for row in rows:
        if match := _CURRENT.match(plain(row)):
            return int(match["line"])
    return None


def _is_user(path: str, user_roots: Sequence[str]) -> bool:
    if any(path.startswith(root.rstrip("/") + "/") for root in user_roots):
        return not _in_packages(path)
    return _IPYKERNEL.fullmatch(path) is not None or not _LIBRARY.search(path)


def _in_packages(path: str) -> bool:
    """A virtual environment inside the user's folder is still not the user's code."""
    return "/site-packages/" in path or "/dist-packages/" in path


def _package(path: str) -> str:
    """What a reader calls the place: the package that a file belongs to."""
    _, separator, inside = path.rpartition("-packages/")
    if separator:
        return inside.partition("/")[0].removesuffix(".py")
    if path.startswith("<frozen "):
        return path.removeprefix("<frozen ").rstrip(">").partition(".")[0]
    _, separator, inside = path.rpartition("/lib/python")
    if separator:
        return inside.partition("/")[2].partition("/")[0].removesuffix(".py")
    return path.rpartition("/")[2]
