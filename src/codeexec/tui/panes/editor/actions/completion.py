"""Completions and documentation at the cursor: requests, replies, and the popup that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.documents.model import CellKind
from codeexec.languages.prose import is_prose
from codeexec.tui.panes.editor.docs import Docs
from codeexec.tui.panes.editor.messages import CompletionRequested, InspectRequested
from codeexec.tui.panes.editor.popups import CompletionList
from codeexec.tui.panes.editor.text.motions import identifier_before
from codeexec.tui.panes.editor.text.text import Location

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codeexec.tui.panes.editor.code_editor import CodeEditor
    from codeexec.tui.panes.editor.marks import CompletionItem
    from codeexec.tui.panes.editor.messages import CodeQuestion
    from codeexec.tui.panes.editor.text.model import EditorModel

_BEFORE, _AFTER = 500, 100
"""Lines around the cursor that are sent to a kernel to complete or explain a name: a cell of 50,000
lines would keep it busy for seconds and delay the next run."""


class CompletionController:
    """Posts requests to the kernel; replies come back through `show` and `show_docs`.

    `automatic`: ask for completions while the user types. `enter_accepts`: Enter takes the first
    completion of a list that opened by itself.
    """

    def __init__(self, editor: CodeEditor) -> None:
        self._editor = editor
        self._pending: CodeQuestion | None = None
        self.automatic = True
        self.enter_accepts = False

    # Requests.

    def request(self) -> None:
        """Ask for completions of the word before the cursor."""
        popup = self._editor.popups.current
        if isinstance(popup, CompletionList):
            popup.enter_accepts = popup.is_picked = True
            self._editor.popups.redraw()
        self._post(CompletionRequested(*code_around_cursor(self._editor.model)))

    def request_docs(self) -> None:
        """Ask for documentation of the name under the cursor."""
        self._post(InspectRequested(*code_around_cursor(self._editor.model)))

    def request_while_typing(self) -> None:
        """Ask for completions if a word of two letters, or a name and a dot, was just typed.

        Nothing is asked in prose: comments, strings, cells of Markdown and raw text.
        """
        model = self._editor.model
        if not self.automatic or model.read_only or self._editor.popups.current is not None:
            return
        line, column = model.line, model.cursor.column
        word = identifier_before(line, column)
        dotted = line[:column].endswith(".") and identifier_before(line, column - 1)[-1:].isalpha()
        if not (dotted or (len(word) == 2 and not word[0].isdigit())) or _is_in_prose(model):
            return
        request = CompletionRequested(*code_around_cursor(model))
        request.automatic = True
        self._post(request)

    def _post(self, request: CodeQuestion) -> None:
        """Post a request; a reply to an earlier one is dropped from now on."""
        self._pending = request
        self._editor.post_message(request)

    # Replies.

    def _accepts(self, request: CodeQuestion | None) -> bool:
        """Whether to show the reply to this request; a reply without a request is shown."""
        if request is not None and request is not self._pending:
            return False
        self._pending = None
        return self._editor.has_focus

    def show(
        self,
        items: Sequence[CompletionItem],
        start: Location,
        request: CodeQuestion | None = None,
        *,
        is_final: bool = False,
    ) -> None:
        """Offer completions of what is between `start` and the cursor, in answer to a request.
        `is_final`: the kernel has answered, and knows nothing that begins so.

        Does nothing when the request was given up since (Escape, another key than one of the word),
        when the cursor is no longer there, or nothing fits what was typed; a word that has grown
        since an automatic request is asked for again, unless the answer is final.
        """
        if not self._accepts(request):
            return
        cursor = self._editor.model.cursor
        is_automatic = isinstance(request, CompletionRequested) and request.automatic
        if items and start.line == cursor.line and start.column <= cursor.column:
            offered = CompletionList(items, start, self.enter_accepts or not is_automatic)
            if offered.filter(self._editor.model.line[start.column : cursor.column]):
                self._editor.popups.open(offered)
                return
        if isinstance(request, CompletionRequested) and is_automatic and not is_final:
            self._ask_again(request)

    def _ask_again(self, request: CompletionRequested) -> None:
        """Ask for the word as it is now: the kernel had no answer in time, as to its first request,
        and no letter after the second asks by itself."""
        model = self._editor.model
        at = request.location(request.offset)
        has_grown = model.cursor.line == at.line and model.cursor.column > at.column
        if has_grown and not _is_in_prose(model):
            again = CompletionRequested(*code_around_cursor(model))
            again.automatic = True
            self._post(again)

    def show_docs(self, text: str, request: CodeQuestion | None = None) -> None:
        """Show documentation, which may hold SGR, at the cursor, until a key; nothing when there
        is none, or when the request was given up since."""
        if self._accepts(request) and text.strip():
            self._editor.popups.open(Docs(text))

    def accept(self) -> None:
        """Put the chosen completion in place of what was typed of it."""
        popup = self._editor.popups.current
        if isinstance(popup, CompletionList):
            chosen, start = popup.current, popup.start
            self._editor.popups.close()
            self._editor.perform(lambda model: model.edit([(start, model.cursor, chosen.text)]))

    def dismiss(self) -> bool:
        """Close the popup and drop the reply to a pending request; returns whether one was open."""
        self._pending = None
        return self._editor.popups.close()

    # Keys, and moves of the cursor.

    def handle_key(self, key: str) -> bool:
        """Handle a key that belongs to an open popup; others go on to the text."""
        popup = self._editor.popups.current
        if key == "escape":
            return self.dismiss()
        if popup is None:
            return False
        is_list = isinstance(popup, CompletionList)
        page = popup.page
        steps = {"pageup": -page, "pagedown": page, **({"up": -1, "down": 1} if is_list else {})}
        if key in steps:
            popup.move(steps[key])
            self._editor.popups.redraw()
        elif isinstance(popup, CompletionList) and key in ("enter", "tab"):
            if key == "enter" and not popup.is_picked:
                self.dismiss()
                return False
            self.accept()
        else:
            return False
        return True

    def follow_cursor(self) -> None:
        """Filter the completions by what is typed now; close them when the cursor left the word."""
        self._follow_pending()
        popup = self._editor.popups.current
        if isinstance(popup, Docs):
            self._editor.popups.close()
        elif popup is not None:
            model = self._editor.model
            cursor, start = model.cursor, popup.start
            typed = model.line[start.column : cursor.column]
            stays = cursor.line == start.line and cursor.column >= start.column
            if stays and _is_word(typed) and model.selection.is_empty and popup.filter(typed):
                self._editor.popups.redraw()
            else:
                self._editor.popups.close()

    def _follow_pending(self) -> None:
        """Drop a pending request about a word once the cursor is anywhere else."""
        request = self._pending
        if request is None:
            return
        model = self._editor.model
        cursor, at = model.cursor, request.location(request.offset)
        head = request.code[: request.offset].rpartition("\n")[2]
        column = at.column - len(identifier_before(head, len(head)))
        typed = model.line[column : cursor.column]
        if isinstance(request, InspectRequested):
            stays = cursor == at and request.version == model.buffer.version
        else:
            stays = cursor.line == at.line and cursor.column >= column and _is_word(typed)
        if not stays:
            self._pending = None


def code_around_cursor(model: EditorModel) -> tuple[str, int, Location, int]:
    """The cell's code around the cursor, the cursor's offset into it, its start in the text, and
    the version of the text."""
    index = model.cells.at(model.cursor.line)
    first, end = model.cells.span(index)
    start = Location(first + (model.cells.separator_at(first) is not None), 0)
    line, column = model.cursor
    if line < start.line:
        start = Location(line, 0)
    if line - start.line > _BEFORE:
        start = Location(line - _BEFORE, 0)
    if model.cells.is_fenced:
        end = next((at for at in range(line + 1, end) if model.cells.is_foot(at)), end)
    end = min(end, line + _AFTER)
    head = model.lines[start.line : line]
    offset = sum(len(text) + 1 for text in head) + column
    lines = model.lines[start.line : end]
    if model.cells.form(index).is_commented:
        lines = [_without_marker(text, model.cells.marker) for text in lines]
    code = "\n".join(lines)
    return code, offset, start, model.buffer.version


def _without_marker(line: str, marker: str) -> str:
    """A line of commented code with blanks in place of the marker: columns stay."""
    return " " * len(marker) + line[len(marker) :] if line.startswith(marker) else line


def _is_in_prose(model: EditorModel) -> bool:
    cells, line = model.cells, model.cursor.line
    if cells.kind(cells.at(line)) is not CellKind.CODE:
        return True
    if cells.separator_at(line) is not None or cells.is_foot(line):
        return True
    code, offset, _, _ = code_around_cursor(model)
    language = model.named_language(cells.form(cells.at(line)).language)
    return is_prose(code, offset, language)


def _is_word(typed: str) -> bool:
    """Whether a completion may still replace what is typed: part of a name, a magic or a path."""
    return all(sign.isalnum() or sign in "_.%/" for sign in typed)
