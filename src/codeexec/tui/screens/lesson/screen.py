"""The screen of a lesson: the step's text, its code, its output, and a quiet bar."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical

from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.commands.keymap import key_words
from codeexec.tui.commands.table import bindings
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.panes.console.bars import AnswerBar
from codeexec.tui.panes.editor.styles import EditorStyles
from codeexec.tui.screens.lesson.bars import BarFacts, LessonBar, OutputRule
from codeexec.tui.screens.lesson.code import LessonCode, rows_in
from codeexec.tui.screens.lesson.exercise import ExercisePanel
from codeexec.tui.screens.lesson.output import LessonOutput
from codeexec.tui.screens.lesson.text import LessonText, PicturePlace
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.lessons.progress import LessonProgress
from codeexec.tui.textual_ext.screen import SafeScreen
from codeexec.tui.theme.theme import Theme
from codeexec.tui.widgets.keys_shown import KeysShown

if TYPE_CHECKING:
    from codeexec.client.api import SessionClient
    from codeexec.tui.panes.editor.messages import RunRequested

WIDE = 100
"""Columns from which the code stands beside the text."""

_LEAST_WRITTEN = 5
"""Rows in which a learner writes, at least."""

_LEAST_PICTURE = 4
"""Rows of a picture in the text, at least."""


class LessonConductor(Protocol):
    """What the keys of the screen do."""

    def mounted(self) -> None:
        """The screen is there to be filled."""

    def command(self, name: str) -> None:
        """One of the names in the table of commands, such as `next`."""

    def edited(self, code: str) -> None:
        """The speaker has changed the code."""

    def type_key(self) -> bool:
        """A key of text was pressed; whether it has typed a character of the code."""

    def answer(self, request_id: str, text: str) -> None:
        """The answer to a question of what runs."""

    def follow(self, frame: Frame) -> None:
        """The session is in this state now."""


class LessonScreen(SafeScreen):
    """Shows a `LessonProgress`; keys are given to the conductor."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("lesson")]
    AUTO_FOCUS = ""
    blanks: ClassVar[bool] = True
    """Nothing is on screen while the audience is to see nothing."""
    least_output: ClassVar[int] = 6
    """Rows that the output has at least, below text and code."""

    DEFAULT_CSS = """
    LessonScreen { background: $surface; color: $text; layout: vertical; }
    LessonScreen #lesson-stage { height: 1fr; padding: 1 2 0 2; }
    LessonScreen #lesson-top { layout: vertical; height: auto; }
    LessonScreen #lesson-text { width: 1fr; }
    LessonScreen #lesson-code { width: 1fr; margin: 1 0 0 0; }
    LessonScreen OutputRule { margin: 1 0 0 0; }
    LessonScreen.-wide #lesson-stage { padding: 2 6 0 6; }
    LessonScreen.-wide #lesson-top { layout: horizontal; }
    LessonScreen.-wide #lesson-code { margin: 0 0 0 4; }
    LessonScreen.-plain #lesson-code, LessonScreen.-plain OutputRule,
    LessonScreen.-plain LessonOutput { display: none; }
    LessonScreen.-zoomed #lesson-top, LessonScreen.-zoomed OutputRule { display: none; }
    LessonScreen.-blank #lesson-stage, LessonScreen.-blank LessonBar,
    LessonScreen.-blank ExercisePanel, LessonScreen.-zoomed ExercisePanel,
    LessonScreen.-blank KeysShown { display: none; }
    """

    def __init__(
        self,
        theme: Theme,
        graphics: Graphics,
        progress: LessonProgress,
        conductor: LessonConductor,
        session: SessionClient,
        *,
        watches: bool = False,
    ) -> None:
        """One that `watches` edits and answers nothing."""
        super().__init__()
        self.progress = progress
        self._conductor = conductor
        self.text = LessonText(theme, id="lesson-text")
        self.code = LessonCode(theme, id="lesson-code")
        self.code.can_focus = not watches
        self.output = LessonOutput(theme, id="lesson-output")
        self.output.loader.graphics = graphics
        self.output.requester.connect(session)
        self._rule = OutputRule(theme)
        self._bar = LessonBar(theme)
        self._exercise = ExercisePanel(theme, id="lesson-exercise")
        self._keys_shown = KeysShown(theme, id="lesson-keys-shown")
        self._answers = AnswerBar()
        self._message, self._tone = "", "muted"
        self.is_editing = False
        self._has_parts = False

    def compose(self) -> ComposeResult:
        yield from self._compose_stage()
        yield from self._compose_bars()

    def _compose_stage(self) -> ComposeResult:
        """What the audience sees."""
        with Vertical(id="lesson-stage"):
            with Container(id="lesson-top"):
                yield self.text
                yield self.code
            yield self._exercise
            yield self._rule
            yield self.output

    def _compose_bars(self) -> ComposeResult:
        yield self._answers
        yield self._keys_shown
        yield self._bar

    def on_mount(self) -> None:
        self._has_parts = True
        self.show(self.progress)
        self._conductor.mounted()

    def on_resize(self) -> None:
        self.call_after_refresh(self._arrange)

    def use(self, theme: Theme) -> None:
        """Paint with another theme."""
        self.code.use_styles(EditorStyles.from_meanings(theme.style))
        parts = (self.text, self.output, self._rule, self._bar, self._keys_shown, self._exercise)
        for widget in parts:
            widget.use(theme)

    # -- what is on screen -------------------------------------------------------------------

    def show(self, progress: LessonProgress) -> None:
        """Show where the lesson is now."""
        self.progress = progress
        if not self._has_parts:
            return
        view, block = progress.view, progress.block
        self.set_class(block is None, "-plain")
        self.set_class(view.is_zoomed, "-zoomed")
        self.set_class(view.is_blank and self.blanks, "-blank")
        if not self.is_editing:
            language = block.language if block is not None else ""
            self.code.show(progress.typed_code, language, progress.marks)
        if not view.execution_id:
            self.show_execution(None)
        self._arrange()
        self._show_bar()

    @property
    def _stage_size(self) -> tuple[int, int]:
        """Columns and rows for what the audience sees, with the bar."""
        return self.size.width, self.size.height

    def _arrange(self) -> None:
        """Text and code get the rows that they need, as far as the output keeps some."""
        width, height = self._stage_size
        if not width:
            return
        is_wide = width >= WIDE
        self.set_class(is_wide, "-wide")
        room = height - (4 if is_wide else 3)
        writes = self.progress.exercise is not None
        inner = width - (12 if is_wide else 4)
        room -= self._exercise.show(self.progress, inner, max(height // 4, 3))
        columns = inner
        if is_wide and self.progress.block is not None:
            columns = (inner - 4) // 2
        text_rows = max(self.text.show(self.progress.step.text, columns, self._pictures(room)), 1)
        if self.progress.block is None:
            rows, code_rows = room, 0
            self.text.styles.height = min(text_rows, rows)
            return
        blocks = self.progress.step.blocks
        codes = [block.given for block in blocks if not block.is_hidden]
        if writes:
            codes = [self.progress.code]
        codes = [*(code.rstrip("\n") for code in codes), self.progress.code]
        code_rows = max(rows_in(self.code, code, columns) for code in codes)
        if writes:
            code_rows = max(code_rows + 1, _LEAST_WRITTEN)
        room -= 2  # the rule, and a blank row above it
        least = min(max(self.least_output, height // 4), max(room // 2, 1))
        most = max(room - least, 2)
        if is_wide:
            rows = min(max(text_rows, code_rows), most)
            self.text.styles.height = self.code.styles.height = rows
        else:
            most -= 1  # a blank row between the two
            code_rows = min(code_rows, max(most - min(text_rows, most // 2), 1))
            self.code.styles.height = code_rows
            self.text.styles.height = min(text_rows, max(most - code_rows, 1))

    def _pictures(self, room: int) -> PicturePlace:
        """How pictures of the text are drawn: one gets the rows that its lines leave, with code
        those of about half the room."""
        lines = self.progress.step.text.count("\n")
        rows = room - lines - 1 if self.progress.block is None else room // 2 + 1 - lines
        graphics, file = self.output.loader.graphics, Path(self.progress.view.file)
        return PicturePlace(graphics, file.parent, max(rows, _LEAST_PICTURE))

    @on(LessonText.HeightChanged)
    def arrange_text(self) -> None:
        self._arrange()

    def say(self, message: str, tone: str = "muted") -> None:
        """Say something in the bar."""
        self._message, self._tone = message, tone
        self._show_bar()

    def _show_bar(self) -> None:
        progress = self.progress
        title = progress.lesson.front.title or PurePath(progress.lesson.name).name
        message = self._message
        if progress.learns and not message:
            message = self._learner_words()
        elif self.is_editing and not progress.learns:
            message = "editing · F5 runs it · Esc leaves the editor"
        self._bar.show(
            BarFacts(
                title,
                progress.view.step + 1,
                progress.count,
                progress.view.began,
                message,
                self._tone,
            )
        )

    def _learner_words(self) -> str:
        """Whose progress it is, and which keys there are."""
        progress = self.progress
        label = progress.view.learner
        if progress.record is not None and progress.record.exercises:
            label += f" · {progress.record.done} of {len(progress.record.exercises)} done"
        if progress.next_thing in ("type", "run") and progress.exercise is None:
            return f"{label} · Space runs it"
        return f"{label} · Esc, ?: keys" if self.is_editing else f"{label} · ? keys"

    def show_execution(self, view: ExecutionView | None, rewritten: int | None = None) -> None:
        """Show how the code stands that was run last."""
        self._rule.show(view)
        self.output.show(view, rewritten)

    def show_frame(self, frame: Frame) -> None:
        if not self._has_parts:
            return
        key = self.progress.view.execution_id
        view = frame.view(key) if key else None
        if view is not None or not key:
            self.show_execution(view, frame.rewritten.get(key))
        self._conductor.follow(frame)

    def ask(self, view: ExecutionView | None, suggestion: str = "") -> None:
        """Let what runs be answered, or hide the question."""
        if self._answers.ask(view.stdin if view is not None else None):
            self._answers.field.value = suggestion
            self._answers.take_focus()
        elif view is None and self._answers.has_focus_within:
            self.set_focus(None)

    def send_typed_answer(self) -> bool:
        """Answer the question that waits with what is typed; False where none waits."""
        if not self._answers.waits:
            return False
        self._answers.send_typed()
        return True

    # -- keys and mouse ----------------------------------------------------------------------

    def action_lesson(self, name: str) -> None:
        self._conductor.command(name)

    def action_scroll_output(self, way: int) -> None:
        self.output.scroll_by(way * 2)

    def action_toggle_keys_shown(self) -> None:
        self._keys_shown.turn(not self._keys_shown.is_on)

    def on_key(self, event: events.Key) -> None:
        active = self.active_bindings.get(event.key)
        if self._keys_shown.is_on and self.focused is None and active is not None:
            self._keys_shown.note(key_words(event.key), active.binding.description)
        if event.is_printable and self.focused is None and self._conductor.type_key():
            event.stop()
            event.prevent_default()

    def edit(self) -> None:
        """Give the editor the keys."""
        self.code.focus()

    def leave_editor(self) -> None:
        self.is_editing = False
        self.set_focus(None)
        self._show_bar()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The speaker edits while the editor has the keys."""
        if event.widget is not self.code:
            return
        self.is_editing = True
        self._conductor.command("editing")
        self._show_bar()

    @on(LessonCode.EditingEnded)
    def end_editing(self) -> None:
        self._conductor.command("editor_left")

    @on(LessonCode.TextChanged)
    def take_text(self) -> None:
        if self.is_editing:
            self._conductor.edited(self.code.text)
            if self.progress.learns:
                self._arrange()  # the learner may have begun another line

    @on(LessonCode.RunRequested)
    def run_code(self, event: RunRequested) -> None:
        event.stop()
        if not self.progress.learns:
            self.leave_editor()
        self._conductor.command("run")

    @on(LessonBar.BarClicked)
    def take_click(self, event: LessonBar.BarClicked) -> None:
        event.stop()
        self._conductor.command(event.name)

    @on(AnswerBar.Answered)
    def send_answer(self, event: AnswerBar.Answered) -> None:
        event.stop()
        self._conductor.answer(event.request_id, event.text)
