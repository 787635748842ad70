"""Reads a lesson from Markdown. The names of its format are in docs/lessons.md."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, cast, get_args

from codeexec.documents.lessons.exercise_fences import (
    CHECK,
    EXERCISE_FENCES,
    HINT,
    python_problem,
    tries_of,
    unchecked,
)
from codeexec.documents.lessons.front_matter import field_lines, read_front_matter
from codeexec.documents.lessons.line_marks import missing_lines, take_marks
from codeexec.documents.lessons.model import (
    CodeBlock,
    ExerciseCheck,
    ExerciseHint,
    Expectation,
    ExpectationMode,
    Lesson,
    Step,
    Task,
)
from codeexec.documents.lessons.tasks import (
    AFTER_STEP_BEFORE,
    DO,
    read_deeds,
    with_cells,
    with_plain_keys,
)
from codeexec.domain.errors import CodeexecError, DocumentError

if TYPE_CHECKING:
    from markdown_it.token import Token

OUTPUT, INPUT = "output", "input"
_MODES = get_args(ExpectationMode)
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)

_MARKS = re.compile(r"`{3,}")

ReadInclude = Callable[[str], str]
"""Gives the text of a file that a lesson includes, by its path relative to the lesson. Raises
CodeexecError."""


def read_lesson(
    text: str, name: str, include: ReadInclude, runnable: Callable[[str], str]
) -> Lesson:
    """`runnable` gives the name of the language that runs, by the word after a fence; empty for
    what is only shown. Raises DocumentError with file and line for what is no lesson."""
    from markdown_it import MarkdownIt

    front, above = read_front_matter(text, name)
    body = "\n".join(text.split("\n")[above:])
    reader = _LessonReader(name, above, include, runnable)
    for token in MarkdownIt("commonmark").parse(body):
        reader.take(token)
    reader.end_heading()
    made = reader.made_steps(body.split("\n"), is_tour=front.screen == "workbench")
    steps = with_cells(made, name)
    lesson = Lesson(name, front, steps, field_lines(text, above))
    if not any(step.blocks for step in lesson.steps):
        raise DocumentError(
            f"{name}: The lesson has no code.", "Write a fence with a language, such as ```python."
        )
    return lesson


@dataclass(slots=True)
class _OpenStep:
    title: str
    line: int
    blocks: list[CodeBlock] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    body: int = 0
    """The line of the file after its heading, from 1."""
    task: Task | None = None
    task_lines: tuple[int, int] = (0, 0)
    """The lines of the fence of its task: the first, and the one after."""

    def made(self, texts: Sequence[str], task: Task | None) -> Step:
        plain = tuple(map(with_plain_keys, texts))
        return Step(self.title, self.line, tuple(self.blocks), tuple(self.notes), plain, task)


class _LessonReader:
    """Takes the tokens of the Markdown one by one."""

    def __init__(
        self, name: str, above: int, include: ReadInclude, runnable: Callable[[str], str]
    ) -> None:
        """`above`: how many lines of the file are before the first token."""
        self.steps = [_OpenStep("", above + 1)]
        self._name = name
        self._above = above
        self._include = include
        self._runnable = runnable
        self._heading_line = 0
        self._replaced: dict[int, tuple[int, str]] = {}
        """By first line of the body, from 0: the line after, and the text that is shown instead."""

    def made_steps(self, body: Sequence[str], *, is_tour: bool) -> tuple[Step, ...]:
        """The steps that have anything in them; `body` are the lines below the front matter. Each
        step of a tour has a task, perhaps without a deed."""
        ends = [*(step.line for step in self.steps[1:]), self._above + len(body) + 1]
        made = []
        for step, end in zip(self.steps, ends, strict=True):
            texts, start = [], step.line
            for block in step.blocks:
                texts.append(self._text(body, start, block.line))
                start = block.end
            texts.append(self._text(body, start, end))
            for block in step.blocks:
                if problem := unchecked(block):
                    self._refuse(problem.line, problem.reason, "Add a fence ```check after it.")
            task = step.task or (Task((), "", "") if is_tour else None)
            if task is not None:
                first, after = step.task_lines if step.task is not None else (end, end)
                text = self._text(body, max(step.body, step.line), first)
                task = task._replace(text=text, praise=self._text(body, after, end))
            if step.title or step.blocks or step.notes or any(texts):
                made.append(step.made(texts, task))
        return tuple(made)

    def _text(self, body: Sequence[str], first: int, end: int) -> str:
        """What is shown of the lines of the file from `first` on, from 1."""
        lines: list[str] = []
        start = first - self._above - 1
        while start < end - self._above - 1:
            after, text = self._replaced.get(start, (start + 1, body[start]))
            if start not in self._replaced or text:
                lines.append(text)
            start = after
        return "\n".join(lines).strip("\n")

    def _replace(self, token: Token, text: str = "") -> None:
        """Show a text in place of the lines of a token."""
        if token.map:
            self._replaced[token.map[0]] = (token.map[1], text)

    def take(self, token: Token) -> None:
        line = self._above + (token.map[0] if token.map else 0) + 1
        if token.type == "heading_open" or token.type == "hr":
            end = self._above + (token.map[1] if token.map else 0) + 1
            self.steps.append(_OpenStep("", line, body=end))
            self._heading_line = line if token.type == "heading_open" else 0
            if token.type == "hr":
                self._replace(token)
        elif token.type == "inline" and self._heading_line:
            self.steps[-1].title = _plain(token)
            self.end_heading()
        elif token.type == "html_block":
            self.steps[-1].notes += [note.strip() for note in _COMMENT.findall(token.content)]
            self._replace(token, _COMMENT.sub("", token.content).strip())
        elif token.type == "fence":
            end = self._above + (token.map[1] if token.map else 0) + 1
            shown = self._take_fence(token.info.strip(), token.content, line, end)
            if shown is not None:
                self._replace(token, shown)

    def end_heading(self) -> None:
        self._heading_line = 0

    def _take_fence(self, info: str, content: str, line: int, end: int) -> str | None:
        """The text that is shown in its place; None: itself."""
        info, marks = take_marks(info)
        try:
            first, *words = shlex.split(info.strip("{}"), posix=True) or [""]
        except ValueError:
            self._refuse(
                line, f"The words of the fence cannot be read: {info[:80]}", "Close a quote."
            )
        first = first.strip("{},")
        attributes = dict(word.partition("=")[::2] for word in words)
        if not first:
            self._refuse(
                line, "The fence has no language.", "Name one, or `text` for what is only shown."
            )
        if first == OUTPUT:
            self._expect(attributes, content, line)
        elif first == INPUT:
            block = self._last_block(line, INPUT)
            self._replace_last(block._replace(answers=tuple(content.splitlines())))
        elif first in EXERCISE_FENCES:
            self._take_exercise(first, words, content, line)
        elif first == DO:
            self._take_task(words, content, line, end)
        elif "norun" not in attributes and (language := self._runnable(first)):
            code = self._code(attributes, content, line)
            if problem := missing_lines(marks, code):
                self._refuse(line, problem, "Write {3} or {1,4-6}.")
            self.steps[-1].blocks.append(
                CodeBlock(
                    language,
                    code,
                    line,
                    end,
                    is_hidden="hidden" in attributes,
                    timeout=self._number(attributes, "timeout", line, 86400),
                    marks=marks,
                )
            )
        elif "include" in attributes:
            code = self._code(attributes, content, line)
            mark = "`" * max(3, _longest_run(code) + 1)
            return f"{mark}{first}\n{code.rstrip()}\n{mark}"
        else:
            return None
        return ""

    def _take_exercise(self, kind: str, words: list[str], content: str, line: int) -> None:
        """A check, a hint or the solution of the block before it."""
        block = self._last_block(line, kind)
        attributes = dict(word.partition("=")[::2] for word in words)
        if kind == HINT:
            tries = tries_of(words)
            if tries is None:
                self._refuse(
                    line,
                    "The hint has no number of tries after which it is shown.",
                    "Write ```hint 2 for the second one.",
                )
            self._replace_last(
                block._replace(hints=(*block.hints, ExerciseHint(tries, content, line)))
            )
            return
        code = self._code(attributes, content, line)
        if kind != CHECK:
            if block.solution is not None:
                self._refuse(line, "The exercise has two solutions.", "Remove one of them.")
            self._replace_last(block._replace(solution=code))
            return
        if block.language == "python" and (problem := python_problem(code)):
            # Of an include, the line is not one of this file.
            at = line if "include" in attributes else line + problem.line
            self._refuse(at, f"The check is not Python: {problem.reason}.", "Correct its code.")
        check = ExerciseCheck(code, line, self._number(attributes, "timeout", line, 86400))
        self._replace_last(block._replace(checks=(*block.checks, check)))

    def _take_task(self, words: Sequence[str], content: str, line: int, end: int) -> None:
        step = self.steps[-1]
        if step.task is not None:
            self._refuse(line, "The step has two fences `do`.", "Write one for each step.")
        if unknown := [word for word in words if word != AFTER_STEP_BEFORE]:
            self._refuse(
                line, f"A fence `do` has no {unknown[0][:40]}.", f"It may have {AFTER_STEP_BEFORE}."
            )
        step.task = Task(read_deeds(content, line, self._name), "", "", bool(words))
        step.task_lines = (line, end)

    def _expect(self, attributes: Mapping[str, str], content: str, line: int) -> None:
        modes = [word for word in attributes if word in _MODES]
        unknown = [word for word in attributes if word not in (*_MODES, "tolerance")]
        if unknown or len(modes) > 1:
            what = unknown[0] if unknown else " ".join(modes)
            self._refuse(
                line,
                f"An output is not expected so: {what[:40]}",
                f"Write one of {', '.join(_MODES)}; nothing is exact.",
            )
        mode = cast("ExpectationMode", modes[0] if modes else "exact")
        file = attributes.get("image", "")
        if mode == "image" and not file:
            self._refuse(line, "The picture has no file.", 'Write ```output image="plot.png".')
        if mode == "regex":
            self._check_pattern(content.strip("\n"), line)
        tolerance = self._number(attributes, "tolerance", line, 1.0)
        expectation = Expectation(mode, content, line, file)
        if tolerance is not None:
            expectation = expectation._replace(tolerance=tolerance)
        block = self._last_block(line, OUTPUT)
        self._replace_last(block._replace(expectations=(*block.expectations, expectation)))

    def _check_pattern(self, pattern: str, line: int) -> None:
        import regex

        try:
            regex.compile(pattern)
        except (regex.error, RecursionError, OverflowError) as error:
            self._refuse(line, f"The regular expression is wrong: {error}.", "Escape signs by \\.")

    def _last_block(self, line: int, what: str) -> CodeBlock:
        blocks = self.steps[-1].blocks
        if not blocks:
            self._refuse(
                line, f"No code stands before this {what} in its step.", "Put it after its code."
            )
        return blocks[-1]

    def _replace_last(self, block: CodeBlock) -> None:
        self.steps[-1].blocks[-1] = block

    def _code(self, attributes: Mapping[str, str], content: str, line: int) -> str:
        file = attributes.get("include")
        if file is None:
            return content
        if content.strip():
            self._refuse(line, "A fence that includes a file has code.", "Leave it empty.")
        try:
            lines = self._include(file).splitlines(keepends=True)
        except CodeexecError as error:
            self._refuse(line, f"include {file[:80]}: {error.message}", error.next_step)
        lines_attribute = attributes.get("lines")
        if lines_attribute is None:
            return "".join(lines)
        numbers = _RANGE.fullmatch(lines_attribute)
        first = int(numbers[1]) if numbers else 0
        last = int(numbers[2] or numbers[1]) if numbers else 0
        if not 1 <= first <= last <= len(lines):
            self._refuse(
                line,
                f"{file[:80]} has no lines {lines_attribute[:20]}; it has {len(lines)}.",
                'Write lines="3-9".',
            )
        return "".join(lines[first - 1 : last])

    def _number(
        self, attributes: Mapping[str, str], name: str, line: int, most: float
    ) -> float | None:
        word = attributes.get(name)
        if word is None:
            return None
        if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", word) or not 0 < float(word) <= most:
            self._refuse(
                line,
                f"{name}={word[:20]} is no number up to {most:g}.",
                f"Write {name}={most / 2:g}.",
            )
        return float(word)

    def _refuse(self, line: int, message: str, next_step: str) -> NoReturn:
        raise DocumentError(f"{self._name}:{line}: {message}", next_step)


def _longest_run(code: str) -> int:
    """Characters of the longest run of backticks that could close a fence."""
    return max((len(run) for run in _MARKS.findall(code)), default=0)


def _plain(heading: Token) -> str:
    """The words of a heading without marks, as lists show them."""
    words = [
        child.content if child.content or child.type != "softbreak" else " "
        for child in heading.children or ()
    ]
    return "".join(words).strip()
