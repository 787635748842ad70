"""Steps and progress of the tour of `codeexec-tui demo`."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from codeexec.config.paths import make_private
from codeexec.documents.files import write_atomic
from codeexec.domain.errors import CodeexecError
from codeexec.domain.plain_files import read_plain_text

NAME = "tour.py"
_STEP = "tour-step"


@dataclass(frozen=True, slots=True)
class TourStep:
    """One thing to do. `needs` are the signs that it was done, in this order; `praise` is said
    then. `cell` is where the cursor is put when the tour begins with this step. `{file.open}` in
    the words stands for the key of that command."""

    title: str
    text: str
    needs: tuple[str, ...]
    praise: str = ""
    cell: str = ""
    needs_the_one_before: bool = False
    """Works on what the step before has made in this session."""


STEPS: tuple[TourStep, ...] = (
    TourStep(
        "Run a cell",
        "Press {run.advance}: it runs the cell “hello”, where the cursor is, and goes to the next.",
        ("ran:hello",),
        "It ran; its output is in the console. {run.cell} runs a cell without going on.",
        "hello",
    ),
    TourStep(
        "Output that changes",
        "Press {run.advance} again: the cell “progress” draws a bar.",
        ("ran:progress",),
        "The bar was redrawn in its place, as in a terminal.",
        "progress",
    ),
    TourStep(
        "A picture",
        "Press {run.advance}: the cell “picture” shows one.",
        ("ran:picture",),
        "Pictures and tables are kept as artifacts.",
        "picture",
    ),
    TourStep(
        "Look closer",
        "Press {pane.artifacts} to go to the artifacts, Enter for the whole screen, Esc to return.",
        ("pane:artifacts", "screen:ViewerScreen", "workbench"),
        "Every pane has such a key: Alt and its number.",
        "question",
        needs_the_one_before=True,
    ),
    TourStep(
        "Answer a question",
        "Press {pane.editor}, then {run.advance}: the code asks for your name. "
        "Type it and press Enter.",
        ("ran:question",),
        "input() and debuggers wait for you like that.",
        "question",
    ),
    TourStep(
        "An error",
        "Press {pane.editor} and {run.cell} in the cell “error”: it fails on purpose.",
        ("ran:error",),
        "The failing line is marked, and the traceback is in the console.",
        "error",
    ),
    TourStep(
        "Mend it",
        'Change "Pluto" to "Mars" in the last line, and press {run.cell} again.',
        ("ok:error",),
        "It works now; the mark of the cell says so.",
        "error",
    ),
    TourStep(
        "The prompt",
        "Press {pane.console} for the console, type 6 * 7 and press Enter.",
        ("pane:console", "prompt"),
        "The prompt and the cells share one kernel.",
    ),
    TourStep(
        "Variables",
        "Press {pane.variables}: the names that the kernel has, with their values.",
        ("pane:variables",),
        "Enter looks into one.",
    ),
    TourStep(
        "All keys",
        "Press {app.help}: the keys of where you are. Esc closes the page.",
        ("screen:KeysScreen", "workbench"),
        "You need to remember no other key.",
    ),
    TourStep(
        "All commands",
        "Press {app.palette}: commands are found by a few letters. Esc closes the list.",
        ("screen:CommandChooser", "workbench"),
        "That is all.",
    ),
    TourStep(
        "Leave and come back",
        "{app.quit} leaves, and the session goes on. `codeexec-tui attach` comes back to it.",
        (),
    ),
)


class Progress:
    """Current step of the user, stored in a file so that the tour can be continued later."""

    def __init__(self, state: Path) -> None:
        """`state` is the state folder; the tour's own shows only what is part of the lesson."""
        self._file = state / _STEP
        self.at = self._read()
        self._met = 0
        self.praise = ""

    @property
    def step(self) -> TourStep:
        return STEPS[self.at]

    def look(self, signs: Container[str]) -> bool:
        """Take note of what can be seen; whether the step was done by it."""
        step = self.step
        while self._met < len(step.needs) and step.needs[self._met] in signs:
            self._met += 1
        if not step.needs or self._met < len(step.needs):
            return False
        self.go(1)
        self.praise = step.praise
        return True

    def go(self, by: int) -> None:
        """To another step, whether this one was done or not."""
        self.at = min(max(self.at + by, 0), len(STEPS) - 1)
        self._met = 0
        self.praise = ""
        try:
            write_atomic(self._file, str(self.at).encode())
        except CodeexecError:
            return  # then it begins at the first step again

    def _read(self) -> int:
        try:
            at = int(read_plain_text(self._file))
        except (OSError, ValueError):
            return 0
        if not 0 <= at < len(STEPS) - 1:
            return 0  # a tour that was taken to its end begins anew
        return at - STEPS[at].needs_the_one_before


def lay_out(state: Path) -> Path:
    """Write the script afresh below the state folder; returns its path. StorageError."""
    folder = state / "tour"
    make_private(folder)
    path = folder / NAME
    write_atomic(path, files("codeexec.tui").joinpath("tour.txt").read_bytes())
    return path
