"""Documentation over the code: all of it, scrolled by keys and wheel, in colour."""

from __future__ import annotations

import pytest
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult

from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.docs import Docs
from codeexec.tui.panes.editor.styles import EditorStyles

LONG = "Signature: f(x)\nDocstring:\n" + "\n".join(f"line {n}" for n in range(200))
STYLES = EditorStyles(lambda name: Style(meta={"name": name}))


def meanings(docs: Docs) -> dict[str, str]:
    """The last of the names that each text is painted with."""
    segments = [segment for row in docs.rows(60, STYLES) for segment in row]
    return {one.text.strip(): one.style.meta["name"] for one in segments if one.style}


def test_headings_and_the_colours_of_a_kernel_are_painted_by_the_theme() -> None:
    assert meanings(Docs("Signature: f(x)\nType: plain"))["Signature:"] == "syntax.keyword"
    painted = meanings(Docs("\x1b[31mSignature:\x1b[39m f(\x1b[32m'a'\x1b[0m) \x1b[2J"))
    assert painted["Signature:"] == "syntax.keyword"
    assert painted["'a'"] == "syntax.string"
    assert not any("\x1b" in text for text in painted)


def test_prose_is_wrapped_by_word_and_no_wider_than_the_room() -> None:
    docs = Docs(
        "Return the arithmetic mean of the values, ignoring those that are missing.", room=20
    )
    rows = [row.text for row in docs.rows(30, STYLES)]
    assert max(map(len, rows)) <= 30
    assert " ".join(row.strip() for row in rows) == docs.text


class Editing(App[None]):
    def compose(self) -> ComposeResult:
        yield CodeEditor("value\n" * 40, by_name("python"))

    @property
    def editor(self) -> CodeEditor:
        return self.query_one(CodeEditor)

    def shown(self) -> list[str]:
        rows = [strip.text for strip in self.screen._compositor.render_strips()]
        return [row for row in rows if "line " in row or "Signature" in row or "PgDn" in row]


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
async def test_all_of_a_long_text_is_reached_by_keys_and_by_the_wheel(
    size: tuple[int, int],
) -> None:
    app = Editing()
    async with app.run_test(size=size) as pilot:
        app.editor.focus()
        app.editor.completion.show_docs(LONG)
        await pilot.pause()
        first = app.shown()
        assert "Signature" in first[0]
        assert len(first) >= size[1] - 5  # what the screen has room for
        await pilot.press("pagedown")
        assert "Signature" not in app.shown()[0]
        assert app.editor.model.cursor.line == 0
        for _ in range(40):
            if "202/202" in app.shown()[-1]:
                break
            await pilot.press("pagedown")
        assert "202/202" in app.shown()[-1]
        assert "line 199" in app.shown()[-2]
        top = app.shown()[0]
        wheel = events.MouseScrollUp(app.editor, 12, 5, 0, 0, 0, False, False, False, 12, 5)
        app.editor.post_message(wheel)
        await pilot.pause()
        assert app.shown()[0] != top
        assert app.editor.scroll_offset.y == 0
        await pilot.press("escape")
        assert app.editor.popups.current is None
