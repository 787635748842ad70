"""The widget by its methods, by keys and by the mouse, in a headless app."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TypeVar

import pytest
from rich.segment import Segment
from textual import events
from textual.actions import parse
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor import (
    DEFAULT_BINDINGS,
    CellMark,
    CellState,
    CodeEditor,
    CompletionItem,
    LineDiagnostic,
    Location,
    Query,
    RunScope,
)
from codeexec.tui.panes.editor.text.edits import insert_cell
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.syntax import TreeSyntax
from codeexec.tui.panes.editor.text.text import ORIGIN
from support.steps import counted

DEADLINE = 90.0

MessageT = TypeVar("MessageT", bound=Message)
CELLS = "import os\n# %% one\na = 1\n\n# %% two\nb = 2\n"


class Host(App[None]):
    """An editor, and everything that it utters."""

    def __init__(self, text: str = "", language: str = "python", read_only: bool = False) -> None:
        super().__init__()
        self.uttered: list[Message] = []
        self.editor = CodeEditor(text, by_name(language), read_only=read_only)

    def compose(self) -> ComposeResult:
        yield self.editor

    def on_mount(self) -> None:
        self.editor.focus()

    def on_code_editor_text_changed(self, message: CodeEditor.TextChanged) -> None:
        self.uttered.append(message)

    def on_code_editor_run_requested(self, message: CodeEditor.RunRequested) -> None:
        self.uttered.append(message)

    def on_code_editor_completion_requested(self, message: CodeEditor.CompletionRequested) -> None:
        self.uttered.append(message)

    def on_code_editor_inspect_requested(self, message: CodeEditor.InspectRequested) -> None:
        self.uttered.append(message)

    def on_code_editor_prompt_requested(self, message: CodeEditor.PromptRequested) -> None:
        self.uttered.append(message)

    def on_code_editor_block_pressed(self, message: CodeEditor.BlockPressed) -> None:
        self.uttered.append(message)

    def on_code_editor_edit_refused(self, message: CodeEditor.EditRefused) -> None:
        self.uttered.append(message)

    def said(self, kind: type[MessageT]) -> list[MessageT]:
        return [message for message in self.uttered if isinstance(message, kind)]

    def screen_rows(self) -> list[str]:
        return [self.editor.render_line(y).text for y in range(self.editor.size.height)]


async def until(condition: Callable[[], bool]) -> None:
    """Let the app work until something holds."""
    try:
        async with asyncio.timeout(DEADLINE):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError("it never came true") from None


async def test_typing_shows_and_is_told() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press(*"if x", "colon", "enter", "y")
        assert app.editor.text == "if x:\n    y"
        assert app.screen_rows()[1].startswith("   2 ")
        assert "    y" in app.screen_rows()[1]
        assert app.said(CodeEditor.TextChanged)[-1].version == app.editor.model.buffer.version
        await pilot.press("ctrl+z")
        assert app.editor.text != "if x:\n    y"
        await pilot.press("ctrl+y")
        assert app.editor.text == "if x:\n    y"


def test_every_binding_has_an_action_and_no_two_share_a_key() -> None:
    seen: dict[str, str] = {}
    for row in DEFAULT_BINDINGS:
        _, name, arguments = parse(row.action)
        action = getattr(CodeEditor, f"action_{name}", None)
        assert action is not None, row.action
        inspect.signature(action).bind(None, *arguments)
        for key in filter(None, row.keys.split(",")):
            assert key not in seen, (key, row.id, seen.get(key))
            seen[key] = row.id
    ids = [row.id for row in DEFAULT_BINDINGS]
    assert len(ids) == len(set(ids))
    swallowed = ("ctrl+enter", "shift+enter", "alt+enter", "ctrl+slash", "ctrl+space")
    for row in DEFAULT_BINDINGS:
        keys = row.keys.split(",")
        assert not set(keys) & set(swallowed) or set(keys) - set(swallowed), row.id


async def test_keys_that_come_at_once_keep_their_order() -> None:
    """As over a slow line, where several are read together."""
    app = Host("one\n")
    async with app.run_test():
        for key, character in [
            ("end", None), ("enter", "\r"), ("t", "t"), ("w", "w"), ("o", "o"), ("home", None),
            ("x", "x"), ("backspace", None), ("z", "z"),
        ]:  # fmt: skip
            app.post_message(events.Key(key, character))
        await until(lambda: app.editor.text == "one\nztwo\n")


async def test_motions_by_key() -> None:
    app = Host("one two\n  three\nfour")
    async with app.run_test(size=(60, 10)) as pilot:
        editor = app.editor

        async def after(*keys: str) -> tuple[int, int]:
            await pilot.press(*keys)
            return tuple(editor.model.cursor)  # type: ignore[return-value]

        assert await after("ctrl+right") == (0, 3)
        assert await after("end") == (0, 7)
        assert await after("down") == (1, 7)
        assert await after("down") == (2, 4)
        assert await after("up") == (1, 7)
        assert await after("home") == (1, 2)
        assert await after("home") == (1, 0)
        assert await after("left") == (0, 7)
        assert await after("ctrl+end") == (2, 4)
        assert await after("up", "up", "up") == (0, 0)
        assert await after("shift+down", "shift+end") == (1, 7)
        assert editor.model.selected_text == "one two\n  three"
        assert await after("left") == (0, 0)
        await pilot.press("ctrl+a")
        assert editor.model.selected_text == editor.text
        await pilot.press("escape", "ctrl+home", "ctrl+l", "ctrl+l")
        assert editor.model.selected_text == "one two\n  three\n"


async def test_cut_copy_paste_and_a_big_paste() -> None:
    app = Host("one\ntwo")
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("ctrl+c", "ctrl+v")
        assert app.editor.text == "one\none\ntwo"
        await pilot.press("shift+end", "ctrl+x")
        assert app.editor.text == "one\n\ntwo"
        await pilot.press("ctrl+v")
        assert app.editor.text == "one\none\ntwo"
        with counted() as steps:
            app.editor.insert("x = 1\r\n" * 10_000)
        assert steps.count < 20 * 10_000  # 6 for each line
        assert len(app.editor.model.lines) == 10_003
        await pilot.press("ctrl+z")
        assert app.editor.text == "one\none\ntwo"


async def test_mouse_places_drags_and_selects_words_and_lines() -> None:
    app = Host("hello world\nsecond 世界 line\nthird")
    async with app.run_test(size=(60, 10)) as pilot:
        editor, gutter = app.editor, app.editor.painter.gutter
        await pilot.click(editor, offset=(gutter + 3, 1))
        assert editor.model.cursor == (1, 3)
        await pilot.click(editor, offset=(gutter + 11, 1))
        assert editor.model.cursor == (1, 9)
        await pilot.double_click(editor, offset=(gutter + 7, 0))
        assert editor.model.selected_text == "world"
        await pilot.triple_click(editor, offset=(gutter + 7, 0))
        assert editor.model.selected_text == "hello world\n"
        await pilot.mouse_down(editor, offset=(gutter + 2, 0))
        await pilot.hover(editor, offset=(gutter + 3, 2))
        await pilot.mouse_up(editor, offset=(gutter + 3, 2))
        assert editor.model.selected_text == "llo world\nsecond 世界 line\nthi"
        await pilot.click(editor, offset=(1, 2))
        assert editor.model.selected_text == "third"


async def test_runs_are_asked_for_with_their_cells() -> None:
    app = Host(CELLS)
    async with app.run_test(size=(60, 10)) as pilot:
        app.editor.move_to(Location(2, 0))
        await pilot.press("ctrl+enter", "f6")
        assert app.editor.model.cursor.line == 5
        await pilot.press("f6", "f8", "f7", "alt+comma", "alt+full_stop", "alt+f", "alt+x")
        runs = [(m.scope, [c.source for c in m.cells]) for m in app.said(CodeEditor.RunRequested)]
        assert runs[:3] == [
            (RunScope.CELL, ["a = 1"]),
            (RunScope.CELL, ["a = 1"]),
            (RunScope.CELL, ["b = 2"]),
        ]
        assert app.editor.text.endswith("# %%\n")
        assert runs[3] == (RunScope.ALL, ["import os", "a = 1", "b = 2"])
        assert runs[4] == (RunScope.ABOVE, ["import os", "a = 1", "b = 2"])
        assert (RunScope.FILE, [app.editor.text]) in runs
        assert runs[-1] == (RunScope.RESTART, ["import os", "a = 1", "b = 2"])


async def test_a_selection_runs_without_its_indentation() -> None:
    app = Host("if x:\n    a\n    b\nc")
    async with app.run_test(size=(60, 10)) as pilot:
        app.editor.model.select(Location(1, 0), Location(2, 5))
        app.editor.action_run_cells("selection")
        app.editor.model.select(Location(3, 0))
        app.editor.action_run_cells("selection")
        await pilot.pause()
        found = [message.cells[0] for message in app.said(CodeEditor.RunRequested)]
        assert [(cell.source, cell.start) for cell in found] == [("a\nb", 1), ("c", 3)]


async def test_marks_diagnostics_and_edited_cells_are_shown() -> None:
    app = Host(CELLS)
    async with app.run_test(size=(60, 10)) as pilot:
        editor = app.editor
        keys = [cell.key for cell in editor.cells()]
        editor.set_cell_marks(
            {keys[1]: CellMark(CellState.OK, 0.84), keys[2]: CellMark(CellState.RUNNING, 65)}
        )
        editor.set_diagnostics([LineDiagnostic(5, "bad name")])
        await pilot.pause()
        rows = app.screen_rows()
        assert rows[1].startswith("✓")
        assert "0.8 s" in rows[1]
        assert rows[4].startswith("▶")
        assert "1:05" in rows[4]
        assert rows[5].startswith("●")
        assert "bad name" in rows[5]
        editor.move_to(Location(2, 0))
        await pilot.press("x", "enter")
        rows = app.screen_rows()
        assert rows[1].startswith("~")
        assert "bad name" in rows[6]
        editor.set_cell_marks({keys[1]: CellMark(CellState.QUEUED)})
        assert app.screen_rows()[1].startswith("◌")


async def test_an_edit_paints_the_mark_on_the_first_line_of_its_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = Host(CELLS)
    async with app.run_test(size=(80, 24)) as pilot:
        cell = app.editor.cells()[1]
        app.editor.set_cell_marks({cell.key: CellMark(CellState.OK)})
        app.editor.move_to(Location(2, 5))
        await pilot.pause()
        painted: list[tuple[int, int]] = []
        monkeypatch.setattr(
            app.editor.viewport, "refresh_lines", lambda first, last: painted.append((first, last))
        )
        app.editor.type("0")
        assert app.editor.model.lines[2] == "a = 10"
        assert (1, 1) in painted


async def test_marks_that_are_as_they_were_paint_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Host(CELLS)
    async with app.run_test(size=(80, 24)) as pilot:
        mark = LineDiagnostic(2, "no such name")
        app.editor.set_diagnostics([mark])
        await pilot.pause()
        painted: list[tuple[Region, ...]] = []
        monkeypatch.setattr(app.editor, "refresh", lambda *regions: painted.append(regions))
        app.editor.set_diagnostics([LineDiagnostic(2, "no such name")])
        assert not painted
        app.editor.set_diagnostics([])
        assert painted == [()]


async def test_marks_follow_the_source_of_their_cells() -> None:
    app = Host("# %%\na = 1\n# %%\nb = 1\n# %%\nc = 2\n")
    async with app.run_test(size=(60, 16)) as pilot:
        editor = app.editor
        keys = [cell.key for cell in editor.cells()]
        editor.set_cell_marks({key: CellMark(CellState.OK) for key in keys})

        def marks() -> list[str]:
            found = [editor.painter.mark_of(cell.key) for cell in editor.cells()]
            return ["" if mark is None else mark.state.value for mark in found]

        editor.finder.replace_all(Query("1"), "7")
        assert marks() == ["edited", "edited", "ok"]
        editor.perform(EditorModel.undo)
        assert marks() == ["ok"] * 3
        editor.model.select(Location(3, 0))
        editor.perform(partial(insert_cell, below=False))
        assert marks() == ["ok", "", "ok", "ok"]
        editor.perform(EditorModel.undo)
        editor.model.select(Location(3, 0))
        editor.perform(partial(insert_cell, below=True))
        assert marks() == ["ok", "ok", "", "ok"]
        editor.perform(EditorModel.undo)
        assert [cell.key for cell in editor.cells()] == keys
        editor.move_to(Location(3, 0))
        await pilot.press("alt+up")  # over the separator
        assert marks() == ["edited", "edited", "ok"]
        editor.perform(EditorModel.undo)
        assert marks() == ["ok"] * 3
        await pilot.pause()


async def test_completion_asks_filters_and_accepts() -> None:
    app = Host("# %% a\nx = 1\n")
    async with app.run_test(size=(60, 12)) as pilot:
        app.editor.move_to(Location(2, 0))
        await pilot.press("p", "r")
        (asked,) = app.said(CodeEditor.CompletionRequested)
        assert asked.automatic
        assert (asked.code, asked.offset) == ("x = 1\npr", 8)
        assert asked.location(6) == Location(2, 0)
        items = [
            CompletionItem("print", "function"),
            CompletionItem("property"),
            CompletionItem("apr"),
        ]
        app.editor.completion.show(items, asked.location(6))
        await pilot.pause()
        assert any("print" in row and "function" in row for row in app.screen_rows())
        await pilot.press("o")
        assert not any("print" in row for row in app.screen_rows())
        await pilot.press("backspace", "down", "up", "tab")
        assert app.editor.model.line == "print"
        assert app.editor.popups.current is None
        await pilot.press("left_parenthesis", "ctrl+space", "alt+i")
        assert not app.said(CodeEditor.CompletionRequested)[-1].automatic
        assert app.said(CodeEditor.InspectRequested)[-1].offset == 12
        app.editor.completion.show_docs("print(x)\nPrints.")
        assert any("Prints." in row for row in app.screen_rows())
        await pilot.press("escape")
        assert not any("Prints." in row for row in app.screen_rows())


async def test_late_completions_are_not_shown() -> None:
    app = Host("a\nb")
    async with app.run_test(size=(60, 12)) as pilot:
        app.editor.completion.show([CompletionItem("abc")], Location(1, 0))
        assert app.editor.popups.current is None
        app.editor.completion.show([CompletionItem("zzz")], Location(0, 0))
        await pilot.press("end", "q")
        assert app.editor.popups.current is None


async def test_find_replace_and_prompts() -> None:
    app = Host("one two\none")
    async with app.run_test(size=(60, 12)) as pilot:
        found = app.editor.finder.find(Query("one"), at_selection=True)
        assert found is not None
        assert (found.number, found.count) == (1, 2)
        await pilot.press("f4")
        assert app.editor.model.cursor == (1, 3)
        await pilot.press("shift+f4")
        assert app.editor.finder.replace(Query("one"), "1") is not None
        assert app.editor.finder.replace_all(Query("one"), "1") == 1
        assert app.editor.text == "1 two\n1"
        app.editor.finder.stop()
        await pilot.press("ctrl+f", "ctrl+g", "alt+g", "alt+s", "alt+r")
        kinds = [message.kind for message in app.said(CodeEditor.PromptRequested)]
        assert kinds == ["find", "line", "cell", "symbol", "replace"]


async def test_soft_wrap_keeps_every_place_reachable() -> None:
    line = "word " * 40
    app = Host(f"{line}\nend")
    async with app.run_test(size=(40, 12)) as pilot:
        editor = app.editor
        await pilot.press("alt+z")
        assert "end" in "".join(app.screen_rows())
        await pilot.press("down")
        assert editor.model.cursor.line == 0
        assert editor.model.cursor.column > 20
        for column in (0, 33, 77, len(line)):
            editor.move_to(Location(0, column))
            at = editor.viewport.cell_of(editor.model.cursor)
            assert editor.viewport.location_at(at.x, at.y) == (0, column)
        await pilot.resize_terminal(24, 12)
        await pilot.press("ctrl+end", "alt+z")
        assert editor.model.cursor == (1, 3)


async def test_read_only_moves_but_does_not_change() -> None:
    app = Host("abc", read_only=True)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("right", "x", "enter", "backspace", "ctrl+x", "ctrl+v", "tab")
        assert app.editor.text == "abc"
        assert app.editor.model.cursor == (0, 1)
        app.editor.insert("pasted")
        await pilot.pause()
        assert len(app.said(CodeEditor.EditRefused)) == 2


async def test_tiny_sizes_and_other_texts() -> None:
    app = Host(CELLS)
    async with app.run_test(size=(40, 12)) as pilot:
        for size in ((20, 5), (5, 2), (3, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.press("down", "end")
        app.editor.load("fn main() {}", by_name("rust"))
        await pilot.press("end", "enter")
        assert app.editor.text == "fn main() {}\n"
        app.editor.perform(lambda model: model.edit([(ORIGIN, model.buffer.end, "new")]))
        await pilot.press("ctrl+z")
        assert app.editor.text == "fn main() {}\n"


async def test_another_text_keeps_the_focus_and_hidden_line_numbers() -> None:
    app = Host("one")
    async with app.run_test(size=(40, 12)):
        app.editor.line_numbers = False
        app.editor.load("two")
        assert app.editor.painter.focused
        assert app.editor.render_line(0).text.startswith("▷  two")


@pytest.mark.slow
async def test_a_very_long_line_does_not_freeze() -> None:
    """Nothing is done for each of its characters: a hundred times as many cost the same."""

    async def edit(length: int) -> int:
        app = Host("x" * length)
        async with app.run_test(size=(80, 24)) as pilot:
            with counted() as steps:
                await pilot.press("end", "a", "home", "b")
                app.editor.soft_wrap = True
                await pilot.press("end", "c")
            assert len(app.editor.text) == length + 3
        return steps.count

    assert await edit(5_000_000) < 5 * await edit(50_000)


@pytest.mark.slow
async def test_fifty_thousand_lines_type_like_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # A text that is parsed in no time is parsed within the key: here none is, whatever the machine.
    monkeypatch.setattr(TreeSyntax, "is_quick", False)

    async def edit(lines: int) -> tuple[int, int, int]:
        """Steps to open so many, to type in the middle of them, and to go to their end."""
        text = "def f(a):\n    return a + 1\n" * (lines // 2)
        with counted() as opened:
            app = Host(text)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: bool(app.editor.symbols()))
            app.editor.move_to(Location(lines // 2, 0))
            await pilot.pause()
            with counted() as typed:
                for sign in "value = other":
                    app.editor.type(sign)
                    app.editor.render_line(app.editor.viewport.cell_of(app.editor.model.cursor).y)
            with counted() as gone:
                app.editor.action_move("text_end")
        return opened.count, typed.count, gone.count

    (_, typed, gone), (opened, typed_on_top, gone_on_top) = await edit(200), await edit(50_000)
    assert opened < 20 * 50_000  # 7 for each line
    assert typed_on_top < 1.5 * typed
    assert gone_on_top < 1.5 * gone


@pytest.mark.slow
async def test_trees_of_former_texts_are_freed_when_nobody_types(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of a long text: freeing a tree holds keys up for 30 ms.
    monkeypatch.setattr(TreeSyntax, "is_slow", True)
    app = Host("def f(a):\n    return a + 1\n" * 50)
    seconds_without_key: list[float] = []
    free_old_trees = TreeSyntax.free_old_trees

    def note_and_free(syntax: TreeSyntax) -> None:
        seconds_without_key.append(monotonic() - app.editor.parser.typed_at)
        free_old_trees(syntax)

    monkeypatch.setattr(TreeSyntax, "free_old_trees", note_and_free)
    async with app.run_test(size=(80, 24)):
        await until(lambda: bool(app.editor.symbols()))
        for sign in "# a":
            app.editor.type(sign)
            await until(lambda: not app.editor.parser.is_parsing)
        await until(lambda: bool(seconds_without_key))
    assert min(seconds_without_key) >= 1


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "nord", "solarized-light"])
async def test_every_theme_paints(theme: str) -> None:
    app = Host("def f(): pass")
    async with app.run_test(size=(40, 12)) as pilot:
        app.theme = theme
        await until(lambda: bool(app.editor.symbols()))
        await pilot.pause()
        row = app.editor.render_line(0)
        styles = {segment.style for segment in row if segment.text.strip()}
        assert len(styles) >= 3
        assert "def f(): pass" in row.text


@pytest.mark.parametrize(("lines", "row"), [(9, "✓  1"), (99, "✓ 99"), (115, "✓ 115")])
async def test_a_blank_stands_between_a_mark_and_the_longest_number(lines: int, row: str) -> None:
    number = int(row.split()[1])
    app = Host("\n" * (number - 1) + "# %%" + "\n" * (lines - number))
    async with app.run_test(size=(40, 12)):
        editor = app.editor
        key = editor.cells()[-1].key
        editor.set_cell_marks({key: CellMark(CellState.OK, 0.1)})
        editor.move_to(Location(number - 1, 0))
        top = editor.viewport.cell_of(editor.model.cursor).y
        assert editor.render_line(top).text.startswith(f"{row} ")


async def test_a_longer_text_gets_wider_numbers_and_wraps_anew() -> None:
    app = Host("x\n" * 98 + "y" * 30)
    async with app.run_test(size=(37, 12)) as pilot:
        app.editor.soft_wrap = True
        await pilot.pause()
        assert app.editor.model.rows.width == 37 - 1 - 6 - 1
        app.editor.insert("a\n")
        await pilot.pause()
        assert app.editor.model.rows.width == 37 - 1 - 7 - 1


class Numbers:
    """Rows of a block that say their number."""

    def render_row(self, row: int, width: int) -> Strip:
        return Strip([Segment(f"output {row}"[:width])])


async def test_blocks_stand_between_lines_and_motions_pass_over_them() -> None:
    app = Host("a = 1\nb = 2\nc = 3")
    async with app.run_test(size=(30, 10)) as pilot:
        editor = app.editor
        editor.blocks.put("first", 0, Numbers(), 2)
        await pilot.pause()
        rows = [row.rstrip() for row in app.screen_rows()]
        assert [row.split("  ")[-1].strip() for row in rows[1:3]] == ["output 0", "output 1"]
        assert "b = 2" in rows[3]
        await pilot.press("down")
        assert editor.model.cursor.line == 1
        await pilot.press("up")
        assert editor.model.cursor.line == 0

        await pilot.click(editor, offset=(editor.painter.gutter + 2, 2))
        pressed = app.said(CodeEditor.BlockPressed)
        assert [(said.key, said.row, said.x) for said in pressed] == [("first", 1, 2)]
        assert editor.model.cursor.line == 0
        await pilot.click(editor, offset=(editor.painter.gutter, 3))
        assert editor.model.cursor == (1, 0)

        editor.move_to(Location(0, 5))
        editor.insert("\nb = 1")
        await pilot.pause()
        rows = [row.rstrip() for row in app.screen_rows()]
        assert "b = 1" in rows[1] and "output 0" in rows[2]
        editor.blocks.remove("first")
        await pilot.pause()
        assert editor.virtual_size.height == 4


async def test_the_lines_on_screen_stay_when_a_block_above_them_grows() -> None:
    app = Host("\n".join(f"n = {number}" for number in range(50)))
    async with app.run_test(size=(30, 10)) as pilot:
        editor = app.editor
        editor.blocks.put("output", 3, Numbers(), 1)
        editor.move_to(Location(30, 0))
        await pilot.pause()
        before = app.screen_rows()
        editor.blocks.put("output", 3, Numbers(), 20)
        await pilot.pause()
        assert app.screen_rows() == before


async def test_what_is_shown_after_another_size_is_not_scrolled_away() -> None:
    app = Host("\n".join(f"line {number}" for number in range(100)))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        viewport = app.editor.viewport
        viewport.resized()  # its cursor, in the first line, is to stay on screen
        viewport.show_top(50, 0, with_cursor=False)
        await pilot.pause()
        await pilot.pause()
        assert "line 50" in app.editor.render_line(0).text
        viewport.show_top(0, 0)
        viewport.resized()
        viewport.scroll_rows(20)
        await pilot.pause()
        await pilot.pause()
        assert "line 20" in app.editor.render_line(0).text
