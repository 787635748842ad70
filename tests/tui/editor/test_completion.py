"""When completion lists open, and which keys take what is in them."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor import CodeEditor, CompletionItem, Location
from codeexec.tui.panes.editor.messages import CodeQuestion

ITEMS = [CompletionItem("abs", "function"), CompletionItem("alabs"), CompletionItem("allen")]


class Host(App[None]):
    """An editor, and what it asks of a kernel."""

    def __init__(self, text: str, language: str = "python") -> None:
        super().__init__()
        self.editor = CodeEditor(text, by_name(language))
        self.asked: list[CodeQuestion] = []

    def compose(self) -> ComposeResult:
        yield self.editor

    def on_mount(self) -> None:
        self.editor.focus()
        self.editor.model.select(self.editor.model.buffer.end)
        self.editor.sync()

    def on_code_editor_completion_requested(self, event: CodeQuestion) -> None:
        self.asked.append(event)

    def on_code_editor_inspect_requested(self, event: CodeQuestion) -> None:
        self.asked.append(event)

    def answer(self, number: int = -1) -> None:
        """What a kernel would answer: completions of the word before the cursor then."""
        event = self.asked[number]
        head = event.code[: event.offset]
        word = len(head) - len(head.rstrip("abcdefghijklmnopqrstuvwxyz"))
        self.editor.completion.show(ITEMS, event.location(event.offset - word), event)


async def type_in(pilot: Pilot[None], text: str) -> None:
    names = {
        " ": "space",
        "\n": "enter",
        "#": "number_sign",
        '"': "quotation_mark",
        ".": "full_stop",
    }
    await pilot.press(*(names.get(character, character) for character in text))


async def test_a_word_is_asked_for_again_where_it_has_grown_and_nothing_was_known() -> None:
    app = Host("")
    async with app.run_test() as pilot:
        await type_in(pilot, "al")
        assert len(app.asked) == 1
        await type_in(pilot, "l")
        first = app.asked[0]
        app.editor.completion.show([], first.location(0), first)
        await pilot.pause()
        assert [question.offset for question in app.asked] == [2, 3]
        # Nor does what was known of the word's beginning fit any more.
        await type_in(pilot, "x")
        second = app.asked[1]
        app.editor.completion.show([CompletionItem("all")], second.location(0), second)
        await pilot.pause()
        assert [question.offset for question in app.asked] == [2, 3, 4]
        await pilot.press("backspace")
        app.answer()
        assert app.editor.popups.current is not None
        # An empty answer to what stands there is one.
        await pilot.press("escape", "space")
        await type_in(pilot, "ab")
        app.editor.completion.show([], app.asked[-1].location(4), app.asked[-1])
        await pilot.pause()
        assert len(app.asked) == 4
        # Nor is a word that begins as one that the kernel has answered to and does not know.
        await type_in(pilot, "c")
        assert len(app.asked) == 4
        await pilot.press("space")
        await type_in(pilot, "zq")
        asked = app.asked[-1]
        await type_in(pilot, "j")
        app.editor.completion.show([], asked.location(0), asked, is_final=True)
        await pilot.pause()
        assert app.asked[-1] is asked and len(app.asked) == 5


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("# we print ", "python"),
        ("x = 1  # ", "python"),
        ('s = "we print ', "python"),
        ('"""One.\n\nTwo ', "python"),
        ("# %% [markdown]\n# # Title ", "python"),
        ("# %% [markdown]\nplain ", "python"),
        ("# %% [raw]\n", "python"),
        ("# %% title ", "python"),
        ("int x; // ", "cpp"),
        ("words ", "markdown"),
    ],
)
async def test_nothing_is_asked_in_prose_while_typing(text: str, language: str) -> None:
    app = Host(text, language)
    async with app.run_test(size=(60, 12)) as pilot:
        await type_in(pilot, "al os.")
        assert app.asked == []
        assert app.editor.text.startswith(f"{text}al os.")
        await pilot.press("ctrl+space")
        assert len(app.asked) == 1, "asked for by a key it is"


async def test_enter_in_a_list_that_opened_by_itself_is_a_new_line() -> None:
    app = Host("")
    async with app.run_test(size=(60, 12)) as pilot:
        await type_in(pilot, "al")
        app.answer()
        assert app.editor.popups.current is not None
        await pilot.press("enter")
        assert app.editor.text == "al\n"
        assert app.editor.popups.current is None


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["tab"], "alabs"),
        (["down", "enter"], "allen"),
        (["up", "up", "enter"], "alabs"),
        (["down", "l", "enter"], "all\n"),
    ],
)
async def test_tab_takes_the_first_and_enter_what_an_arrow_chose(
    keys: list[str], expected: str
) -> None:
    app = Host("")
    async with app.run_test(size=(60, 12)) as pilot:
        await type_in(pilot, "al")
        app.answer()
        await pilot.press(*keys)
        assert app.editor.text == expected


async def test_enter_takes_the_first_where_it_was_asked_for_or_is_set_so() -> None:
    app = Host("")
    async with app.run_test(size=(60, 12)) as pilot:
        await type_in(pilot, "al")
        app.answer()
        await pilot.press("ctrl+space", "enter")
        assert app.editor.text == "alabs"
        app.editor.completion.enter_accepts = True
        await type_in(pilot, "\nal")
        app.answer()
        await pilot.press("enter")
        assert app.editor.text == "alabs\nalabs"


@pytest.mark.parametrize(
    "keys",
    [["escape"], ["escape", "l"], ["enter"], ["space", "x"], ["left", "left", "left"], ["f5"]],
)
async def test_a_late_answer_opens_nothing(keys: list[str]) -> None:
    app = Host(" ")
    async with app.run_test(size=(60, 12)) as pilot:
        await type_in(pilot, "al")
        await pilot.press(*keys)
        app.answer(0)
        assert app.editor.popups.current is None


async def test_an_answer_is_shown_while_the_word_goes_on() -> None:
    app = Host("")
    async with app.run_test(size=(60, 12)) as pilot:
        await type_in(pilot, "all")
        app.answer(0)
        assert app.editor.popups.current is not None
        await pilot.press("tab")
        assert app.editor.text == "allen"


async def test_late_documentation_is_not_shown() -> None:
    app = Host("print")
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("alt+i", "left")
        app.editor.completion.show_docs("Prints.", app.asked[0])
        assert app.editor.popups.current is None
        await pilot.press("alt+i")
        app.editor.completion.show_docs("Prints.", app.asked[1])
        assert app.editor.popups.current is not None
        assert app.editor.model.cursor == Location(0, 4)
