"""View of a session: open files, which of them are pages, cursors and scroll offsets.

Stored by session in the state folder: a client that attaches opens the same files, and a watching
client follows the watched workbench.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from codeexec.documents.files import write_atomic
from codeexec.domain.content.digests import sha256
from codeexec.domain.errors import CodeexecError
from codeexec.domain.plain_files import read_plain_text
from codeexec.domain.text.parsing import load_json

Tone: TypeAlias = Literal["muted", "warn", "error"]
Fold: TypeAlias = Literal["whole", "collapsed", "section", "cleared"]


@dataclass(frozen=True, slots=True)
class CellFold:
    """What is folded at a cell: its output is shown whole, collapsed, or was cleared (`count` is
    the number of executions that there were then), or it is the heading of a folded section.

    `number` is the cell's place in the document, from 0, and `digest` stands for its source: a
    cell that has moved is found by it.
    """

    number: int
    digest: str
    fold: Fold
    count: int = 0


@dataclass(frozen=True, slots=True)
class FileView:
    """A document by its `name_key`, the cursor's place in it, from 0, and the name of the kernel
    that was chosen for it; empty: the session's default kernel.

    `is_page` is None where nothing is known. The first row on screen is `top_row` rows below the
    first row of line `top_line`, which also counts rows of a block, such as an output; the cursor
    may be elsewhere. `spare` is the text of an empty last cell, which is not saved.
    """

    name: str
    line: int = 0
    column: int = 0
    kernel: str = ""
    is_page: bool | None = None
    top_line: int = 0
    top_row: int = 0
    is_cursor_shown: bool = True
    folds: tuple[CellFold, ...] = ()
    spare: str = ""


@dataclass(frozen=True, slots=True)
class SplitView:
    """Two documents (by `name_key`, or one of them twice) in the halves of the editor pane.

    `active` is the half with the keys, `wish` how to divide (empty: by size), `share` that of the
    first half in per cent. Of a document that stands there twice, `line` and `column` are the caret
    of its second view, which is in half `second_half`.
    """

    halves: tuple[str, str]
    active: int = 1
    wish: Literal["", "beside", "below"] = ""
    share: int = 50
    second_half: int = 1
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class LessonRun:
    """A block that was run, by its numbers from 0, with the code that was run and what was typed
    for it. `seconds` is how long it took where it was stopped; 0 where it ended by itself. Without
    an execution it is still to be run. `has_passed`: it has done the exercise that its block is."""

    step: int
    block: int
    code: str
    execution_id: str = ""
    answers: tuple[str, ...] = ()
    seconds: float = 0.0
    has_failed: bool = False
    has_passed: bool = False


@dataclass(frozen=True, slots=True)
class LessonView:
    """A lesson that is being shown: its file, the block in front, how many characters of its code
    are on screen, the code where the speaker has edited it, the execution below it, and what was
    run, in this order, on the kernels as they are. `began` is when the lesson began. `learner` is
    the name of the person that writes the code; empty: the lesson is given. `is_prepared`: the
    setup was run. `said` is what the terminal that gives it says in its bar, and `tone` how.
    `leader` is that terminal (`LessonLead.own_id`), and `claim` counts the changes of leader."""

    file: str
    step: int = 0
    block: int = 0
    typed: int = 0
    edited: str | None = None
    execution_id: str = ""
    is_blank: bool = False
    is_zoomed: bool = False
    began: float = 0.0
    runs: tuple[LessonRun, ...] = ()
    learner: str = ""
    is_prepared: bool = False
    said: str = ""
    tone: Tone = "muted"
    leader: str = ""
    claim: int = 0


@dataclass(frozen=True, slots=True)
class SessionView:
    """The documents in the order of their tabs; `front` is the name of the one in front.
    `console` is the execution at the top of the console, and its line
    there; None while the console follows its end. `pane` is the pane with the keys. `lesson` is
    what is shown over the workbench."""

    files: tuple[FileView, ...] = ()
    front: str = ""
    split: SplitView | None = None
    console: tuple[str, int] | None = None
    pane: str = ""
    lesson: LessonView | None = None


class SessionViews:
    """Stored views by session. Files that cannot be read or written are ignored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _file(self, session_id: str) -> Path:
        name = sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        return self._folder / f"{name}.json"

    def load(self, session_id: str) -> SessionView | None:
        """What was shown of the session last; None where nothing is known."""
        file = self._file(session_id)
        if not file.is_file():
            return None
        from msgspec import convert  # not before the first prompt, where nothing is kept

        try:
            return convert(load_json(read_plain_text(file)), SessionView)
        except (OSError, ValueError):
            return None

    def save(self, session_id: str, view: SessionView) -> None:
        """Store a view; a power failure may lose it."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Escaped: names of files may hold bytes that are no text.
            data = json.dumps(asdict(view)).encode("ascii")
            write_atomic(self._file(session_id), data, sync=False)
        except (OSError, CodeexecError):
            pass
