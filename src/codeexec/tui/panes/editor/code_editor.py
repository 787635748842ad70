"""The code editor widget: maps keys and mouse to actions on its model, and shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeAlias

from rich.style import Style
from textual import events, on
from textual.scroll_view import ScrollView

from codeexec.languages.catalog import text as plain_text
from codeexec.tui.commands.editor import bindings
from codeexec.tui.panes.editor import messages
from codeexec.tui.panes.editor.actions import editing, moves, running
from codeexec.tui.panes.editor.actions.completion import CompletionController
from codeexec.tui.panes.editor.actions.finding import TextFinder
from codeexec.tui.panes.editor.actions.keys import KeyTable
from codeexec.tui.panes.editor.actions.mouse import Mouse
from codeexec.tui.panes.editor.actions.paging import PAGES, turn_page
from codeexec.tui.panes.editor.block_layer import BlockLayer
from codeexec.tui.panes.editor.marks import Symbol, by_line
from codeexec.tui.panes.editor.messages import RunScope
from codeexec.tui.panes.editor.painting import Painter
from codeexec.tui.panes.editor.parsing import BackgroundParser
from codeexec.tui.panes.editor.popup_layer import PopupLayer
from codeexec.tui.panes.editor.screen_sync import ScreenSync
from codeexec.tui.panes.editor.styles import EditorStyles
from codeexec.tui.panes.editor.text import edits
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.syntax import syntax_for
from codeexec.tui.panes.editor.text.text import Location
from codeexec.tui.panes.editor.viewport import Viewport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from textual.binding import BindingType
    from textual.geometry import Region
    from textual.strip import Strip

    from codeexec.documents.model import Cell
    from codeexec.languages.model import Language
    from codeexec.tui.panes.editor.actions.keys import ModalKeys
    from codeexec.tui.panes.editor.layer import EditorLayer
    from codeexec.tui.panes.editor.marks import CellMark, LineDiagnostic

__all__ = ["CodeEditor", "RunScope"]


class CodeEditor(ScrollView, can_focus=True):
    """A fast editor for code in cells; what it wants done is posted as its messages.

    Commands act on `model`; `sync` shows what they did. `modal` sees keys first, such as vim's.
    `completion`, `finder`, `blocks`, `popups` and `viewport` are its parts.
    """

    DEFAULT_CSS = """
    CodeEditor {
        overflow-x: auto;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        background: $background;
        color: $foreground;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    ALLOW_SELECT = False
    """Textual does not select text here: the editor has a selection of its own."""

    BlockPressed: TypeAlias = messages.BlockPressed
    CompletionRequested: TypeAlias = messages.CompletionRequested
    CursorMoved: TypeAlias = messages.CursorMoved
    EditRefused: TypeAlias = messages.EditRefused
    InspectRequested: TypeAlias = messages.InspectRequested
    ModeChanged: TypeAlias = messages.ModeChanged
    PageRequested: TypeAlias = messages.PageRequested
    PromptRequested: TypeAlias = messages.PromptRequested
    RunRequested: TypeAlias = messages.RunRequested
    TextChanged: TypeAlias = messages.TextChanged
    TextCopied: TypeAlias = messages.TextCopied

    modal: ModalKeys | None = None
    text_layer: EditorLayer | None = None

    def __init__(
        self,
        text: str = "",
        language: Language | None = None,
        *,
        styles: EditorStyles | None = None,
        read_only: bool = False,
        model: EditorModel | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`model` is a view of a text that another editor shows too, in place of `text`."""
        super().__init__(id=id, classes=classes)
        self._own_styles = styles
        self._base = Style.null()
        self.viewport = Viewport(self)
        self.popups = PopupLayer(self)
        self.blocks = BlockLayer(self)
        self.completion = CompletionController(self)
        self.finder = TextFinder(self)
        self._mouse = Mouse(self)
        self._keys = KeyTable(self._bindings)
        if model is None:
            model = EditorModel(text, language or plain_text())
            model.read_only = read_only
        self._take(model, styles or EditorStyles(lambda _: Style.null()))

    # The text.

    def _take(self, model: EditorModel, styles: EditorStyles) -> None:
        """Show this model from now on."""
        self.model = model
        self._syntax = syntax_for(model.language, model.buffer, model.foreign_cells)
        self.painter = Painter(model, self._syntax, styles)
        self.painter.text_layer = self.text_layer
        self.parser = BackgroundParser(self, self._syntax)
        self._screen_sync = ScreenSync(self, model, self._syntax)
        self.viewport.measure()

    def load(self, text: str, language: Language | None = None, *, read_only: bool = False) -> None:
        """Show another text, without a history; the cursor goes to its beginning."""
        model = EditorModel(text, language or self.model.language)
        model.read_only = read_only
        self.show_model(model)

    def show_model(self, model: EditorModel) -> None:
        """Show another model in place of the one before, from its beginning."""
        self.completion.dismiss()
        self.parser.close()
        self.model.close()
        old_painter = self.painter
        self._take(model, old_painter.styles)
        self.painter.focused = old_painter.focused
        self.painter.show_numbers = old_painter.show_numbers
        self.painter.marks_brackets_unfocused = old_painter.marks_brackets_unfocused
        self.viewport.resize_text()
        self.scroll_to(0, 0, animate=False)
        self.parser.schedule()
        self.refresh()

    @property
    def text(self) -> str:
        return self.model.buffer.text()

    def cells(self) -> tuple[Cell, ...]:
        """The cells of the text as it is now."""
        return self.model.all_cells()

    def symbols(self, first: int = 0, last: int | None = None) -> list[Symbol]:
        """The names that the text defines (in the lines `first` to `last`), in its order; empty
        without a grammar."""
        finder = getattr(self._syntax, "symbols", None)
        return [Symbol(*entry) for entry in finder(first, last)] if finder is not None else []

    def perform(self, command: Callable[[EditorModel], object]) -> None:
        """Let a command act on the model, and show what it did."""
        command(self.model)
        self.sync()

    def sync(self, *, reveal: bool = True) -> None:
        """Bring the screen up to the model after it has changed; with `reveal`, the cursor is
        scrolled into view."""
        self._screen_sync.sync(reveal=reveal)

    def type(self, character: str) -> None:
        """Type a character, as a key does."""
        self._note_refusal()
        self.perform(lambda model: edits.type_text(model, character))
        self.completion.request_while_typing()

    def insert(self, text: str) -> None:
        """Put text in place of the selection, as a paste does."""
        self._note_refusal()
        self.perform(lambda model: editing.insert(model, text))

    def _note_refusal(self) -> None:
        if self.model.read_only:
            self.post_message(messages.EditRefused())

    def move_to(self, location: Location, *, select: bool = False) -> None:
        """Put the cursor somewhere; with `select` the selection grows or shrinks."""
        self.perform(lambda model: moves.move_to(model, location, select=select))

    # Keys and mouse.

    async def on_key(self, event: events.Key) -> None:
        if self.completion.handle_key(event.key) or (
            self.modal is not None and self.modal.handle(self, event.key, event.character)
        ):
            event.stop()
            event.prevent_default()
        elif event.is_printable and event.character:
            event.stop()
            event.prevent_default()
            self.type(event.character)
        else:
            # Textual would ask bindings only when the key has come back from the screen: then
            # characters that came with it, over a slow line or pasted, would overtake it.
            for action in self.actions_of(event.key):
                if await self.app.run_action(action, default_namespace=self):
                    event.stop()
                    event.prevent_default()
                    return

    def actions_of(self, key: str) -> Sequence[str]:
        """What a key does here, as the keymap has it."""
        return self._keys.actions(key, self.app._keymap)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.insert(event.text)

    @on(events.MouseDown)
    @on(events.MouseMove)
    @on(events.MouseUp)
    @on(events.Click)
    @on(events.MouseScrollDown)
    @on(events.MouseScrollUp)
    @on(events.MouseScrollLeft)
    @on(events.MouseScrollRight)
    def handle_mouse(self, event: events.MouseEvent) -> None:
        self._mouse.handle(event)

    # Actions, by the names in the table of commands.

    def action_move(self, motion: str, select: bool = False) -> None:
        """Move the cursor by a motion of `moves`."""
        page = self.viewport.page
        if self.text_layer is not None and motion in PAGES and not select:
            turn_page(self, PAGES[motion])
            return
        self.perform(lambda model: moves.move(model, motion, page, select=select))

    def action_select(self, unit: str) -> None:
        """Select one of `moves.UNITS`."""
        moves.UNITS[unit](self.model)
        self.sync(reveal=unit != "all")

    def action_scroll_rows(self, count: int) -> None:
        self.viewport.scroll_rows(count)

    def action_edit(self, command: str) -> None:
        """Do one of `editing.COMMANDS`."""
        self.perform(editing.COMMANDS[command])

    def action_copy(self) -> None:
        text = editing.copied_text(self.model)
        self.app.copy_to_clipboard(text)
        self.post_message(self.TextCopied(text))

    def action_cut(self) -> None:
        self.action_copy()
        self.perform(editing.delete_copied)

    def action_paste(self) -> None:
        """Put in what was copied last."""
        self.perform(lambda model: editing.paste(model, self.app.clipboard))

    def action_prompt(self, kind: str) -> None:
        """Ask for what to `find` or `replace`, or for a `line`, `cell` or `symbol` to go to."""
        text = self.model.selected_text if kind in ("find", "replace") else ""
        self.post_message(self.PromptRequested(kind, "" if "\n" in text else text))

    def action_replace(self) -> None:
        self.action_prompt("replace")

    def action_find_again(self, step: int) -> None:
        self.finder.find_again(step)

    def action_run_cells(self, scope: str) -> None:
        """Run the cells of a `RunScope`; after a single line the cursor goes to the next."""
        self.completion.dismiss()
        cells = running.cells_to_run(self.model, RunScope(scope))
        if cells:
            self.parser.stand_back()
            self.post_message(self.RunRequested(RunScope(scope), tuple(cells)))
        if scope == RunScope.SELECTION:
            self.perform(running.step_to_next_line)

    def action_run_advance(self) -> None:
        """Run the cell and go to the next; after the last one there is a new one."""
        self.action_run_cells(RunScope.CELL)
        self.perform(running.step_to_next_cell)

    def action_complete(self) -> None:
        self.completion.request()

    def action_inspect(self) -> None:
        self.completion.request_docs()

    def action_page(self, command: str) -> None:
        """Toggle the page, or do one of its commands."""
        self.completion.dismiss()
        self.post_message(self.PageRequested(command))

    def action_dismiss(self) -> None:
        """Close what is open; else let the selection go."""
        if self.completion.dismiss():
            return
        layer = self.text_layer if self.model.selection.is_empty else None
        if layer is None or not layer.escape():
            self.perform(lambda model: model.select(model.cursor))

    # How it looks.

    def set_cell_marks(self, marks: Mapping[str, CellMark]) -> None:
        """Mark how cells stand, by `Cell.key`, in place of what was marked before."""
        self.painter.mark(marks)
        self.refresh()

    def set_diagnostics(self, diagnostics: Iterable[LineDiagnostic]) -> None:
        """Mark lines in place of those before; of several on a line the worst is painted."""
        marked = by_line(diagnostics)
        if marked != self.painter.diagnostics:  # each run comes here, and most leave none
            self.painter.diagnostics = marked
            self.refresh()

    @property
    def soft_wrap(self) -> bool:
        """Whether long lines are shown on several rows, rather than scrolled sideways."""
        return self.viewport.soft_wrap

    @soft_wrap.setter
    def soft_wrap(self, soft_wrap: bool) -> None:
        self.viewport.soft_wrap = soft_wrap
        if self.is_mounted:
            self.viewport.resize_text()
            self.scroll_to(x=0, animate=False)
            self.viewport.reveal(center=True)
            self.refresh()

    @property
    def line_numbers(self) -> bool:
        """Whether the numbers of the lines are shown."""
        return self.painter.show_numbers

    @line_numbers.setter
    def line_numbers(self, line_numbers: bool) -> None:
        self.painter.show_numbers = line_numbers
        if self.is_mounted:
            self.viewport.resize_text()
            self.refresh()

    def use_layer(self, layer: EditorLayer | None) -> None:
        """Have a layer over the text, or none."""
        self.text_layer = self.painter.text_layer = layer
        self.refresh()

    def use_styles(self, styles: EditorStyles | None) -> None:
        """Paint with these styles; with None, with those of the app's theme."""
        self._own_styles = styles
        self.painter.styles = styles or EditorStyles.from_variables(self.app.theme_variables)
        self.popups.place()
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        # Looked up once for all lines: it goes through all ancestors, 0.1 ms a time.
        self._base = self.rich_style
        lines = super().render_lines(crop)
        if self.text_layer is not None:
            self.text_layer.painted()
        return lines

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        self.painter.prepare(scroll_y, self.size.height)
        base = self._base or self.rich_style
        scroll = 0 if self.soft_wrap else scroll_x
        return self.popups.over(self.painter.row(y + scroll_y, scroll, self.size.width, base), y)

    def on_mount(self) -> None:
        self.use_styles(self._own_styles)
        self.app.theme_changed_signal.subscribe(self, lambda _: self.use_styles(self._own_styles))
        self.viewport.resize_text()
        # What can be read without colours is on screen before they are worked out.
        self.call_after_refresh(lambda: self.parser.schedule())

    def on_resize(self) -> None:
        self.viewport.resized()
        if self.text_layer is not None:
            self.text_layer.resized()
        self.popups.place()

    @on(events.Focus)
    @on(events.Blur)
    def show_focus(self, event: events.Focus | events.Blur) -> None:
        self.painter.focused = isinstance(event, events.Focus)
        if not self.painter.focused:
            self.completion.dismiss()
        self.refresh()
