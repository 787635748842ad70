"""A lesson: what its file says, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from codeexec.documents.lessons.line_marks import LineRange

ExpectationMode = Literal["exact", "contains", "regex", "raises", "image"]

Typing = Annotated[int, Meta(ge=1, le=10_000)] | Literal["keys", "once"]

Package = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class FrontMatter(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The YAML between `---` at the top of a lesson.

    `kernel` is the name of a kernel and no path; empty: as in the workbench. `packages` are names
    of Python packages that must be installed. `setup` is code that runs before the first step and
    is not shown. `timeout` is the longest time of one block in seconds, `check_timeout` that of one
    check. `theme`, `size`, as
    `80x24`, and `typing` are for showing the lesson: code is typed at so many characters a second,
    one character for each key (`keys`), or is there at once (`once`). `screen` is `workbench` for a
    tour: its steps stand in a bar of the workbench, and its code in a script.
    """

    title: str = ""
    author: str = ""
    theme: str = ""
    size: Annotated[str, Meta(pattern=r"^([1-9][0-9]{1,3}x[1-9][0-9]{0,3})?$")] = ""
    kernel: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._@-]*$")] = ""
    packages: tuple[Package, ...] = ()
    setup: str = ""
    timeout: Annotated[float, Meta(gt=0, le=86400)] = 60.0
    check_timeout: Annotated[float, Meta(gt=0, le=86400)] = 10.0
    typing: Typing = 40
    screen: Literal["lesson", "workbench"] = "lesson"


class Expectation(NamedTuple):
    """What a block has to put out. `line` is that of its fence in the file, from 1. `file` is the
    picture of an `image`, relative to the lesson; `tolerance` how much may differ, from 0 to 1."""

    mode: ExpectationMode
    text: str
    line: int
    file: str = ""
    tolerance: float = 0.05


class ExerciseCheck(NamedTuple):
    """Assertions about a learner's run. `line` is that of its fence, from 1; `timeout` in seconds;
    None: the lesson's."""

    code: str
    line: int
    timeout: float | None = None


class ExerciseHint(NamedTuple):
    """Markdown that a learner is shown after so many tries."""

    tries: int
    text: str
    line: int


class CodeBlock(NamedTuple):
    """A fence of code. `line` is that of its fence, from 1; `end` the line after it. `answers` are
    the lines that are typed where it asks for input. `timeout` in seconds; None: the lesson's.
    `marks` are ranges of lines that are emphasised, first and last, from 1.

    With checks, hints or a solution it is an exercise: `code` is what a learner begins with, and
    the solution runs where the lesson is given or verified."""

    language: str
    code: str
    line: int
    end: int
    is_hidden: bool = False
    answers: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    timeout: float | None = None
    checks: tuple[ExerciseCheck, ...] = ()
    hints: tuple[ExerciseHint, ...] = ()
    solution: str | None = None
    marks: tuple[LineRange, ...] = ()

    @property
    def is_exercise(self) -> bool:
        return bool(self.checks or self.hints) or self.solution is not None

    @property
    def given(self) -> str:
        """The code that runs where the lesson is given: a solution in place of the learner's."""
        return self.code if self.solution is None else self.solution

    @property
    def may_raise(self) -> bool:
        return any(expectation.mode == "raises" for expectation in self.expectations)


class Deed(NamedTuple):
    """One thing that a reader does in the workbench: `run` the code of the step `target`, or run it
    so that it does `succeed`, `go` to the pane `target`, `open` the screen `target`, `return` to
    the workbench, or run something at the `prompt`. `line` in the file, from 1."""

    kind: str
    target: str
    line: int


class Task(NamedTuple):
    """What a reader of a tour does in a step: its deeds, in this order. `text` says it, and
    `praise` is said when it is done, both in Markdown. With `needs_step_before` it works on what
    the step before has made in the same session."""

    deeds: tuple[Deed, ...]
    text: str
    praise: str
    needs_step_before: bool = False


class Step(NamedTuple):
    """From a heading or a line `---` to the next. `line` from 1; `notes` are for the speaker.
    `texts` is its Markdown before, between and after the blocks, without the code that runs, what
    is expected of it, and the notes; it has one part more than there are blocks. `task` is that of
    a tour."""

    title: str
    line: int
    blocks: tuple[CodeBlock, ...] = ()
    notes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ("",)
    task: Task | None = None

    @property
    def text(self) -> str:
        """The Markdown of the whole step, without its code."""
        return "\n\n".join(filter(None, self.texts))

    @property
    def label(self) -> str:
        """Its title, or the first line of its text, or where it begins in the file."""
        first = next((line for line in self.text.split("\n") if line.strip()), "")
        return self.title or first.replace("**", "").strip(" #>*-") or f"line {self.line}"


def cell_name(step: int, block: int) -> str:
    """The name of a block as executions have it (`CellRef.cell`); both numbers count from 0."""
    return f"lesson {step}.{block}"


class Lesson(NamedTuple):
    """`name` is that of the file in messages, `front_lines` the lines of its front matter's fields,
    from 1."""

    name: str
    front: FrontMatter
    steps: tuple[Step, ...]
    front_lines: Mapping[str, int] = {}

    def where(self, field: str) -> str:
        """File and line of a field of the front matter, for messages."""
        line = self.front_lines.get(field)
        return f"{self.name}:{line}" if line is not None else self.name

    def blocks(self) -> Iterator[tuple[Step, CodeBlock]]:
        for step in self.steps:
            for block in step.blocks:
                yield step, block
