"""Text and Markdown: wrapped at the width, links to the web alone, nothing said to the terminal."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.strip import Strip

from codeexec.tui.output import text_view
from codeexec.tui.output.contents import (
    MOST_MARKDOWN,
    JsonContent,
    MarkdownContent,
    TableContent,
    TextContent,
    prepare,
)
from codeexec.tui.output.text_view import TextView, markdown_lines, plain_lines
from codeexec.tui.render.plain import fitted, one_line

INKS = {name: Style() for name in ("heading", "link", "code", "muted", "bullet")}
EVIL = "\x1b]52;c;eA==\x07\x9b2J"


def is_quiet(text: str) -> bool:
    return not any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 for each in text)


@given(text=st.text(max_size=200), width=st.integers(2, 40))
def test_no_line_is_wider_than_the_view(text: str, width: int) -> None:
    text = "".join(each for each in text if each == "\n" or each.isprintable())
    assert all(line.cell_length <= width for line in plain_lines(text, width))


@given(text=st.from_regex(r"[ -~\n]{0,200}", fullmatch=True), width=st.integers(1, 40))
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    joined = "".join(line.text for line in plain_lines(text, width))
    assert joined == text.replace("\n", "")


def test_markdown_reads_and_its_links_lead_to_the_web() -> None:
    source = "# Title\n\nSome *words* and [web](https://example.org), [file](file:///etc/passwd)."
    lines = markdown_lines(source, 60, INKS)
    text = "\n".join(line.text for line in lines)
    assert "Title" in text and "Some words and web" in text
    links = {segment.style.link for line in lines for segment in line if segment.style}
    assert links == {None, "https://example.org"}


def test_code_in_markdown_has_the_colours_that_code_has_elsewhere() -> None:
    keyword = Style(color="#123456")
    lines = markdown_lines("```python\nfor x in y:\n```", 60, INKS | {"syntax.keyword": keyword})
    colors = {
        segment.text: segment.style.color.name
        for line in lines
        for segment in line
        if segment.style is not None and segment.style.color is not None
    }
    assert colors == {"for": "#123456", "in": "#123456"}


@pytest.mark.parametrize("mime", ["text/plain", "text/markdown", "text/html", "text/csv"])
def test_a_file_does_not_speak_to_the_terminal(mime: str) -> None:
    match prepare(mime, f"a{EVIL}b,c\n1,2\n".encode()):
        case TextContent(text=text):
            lines = plain_lines(text, 20)
        case MarkdownContent(text=text):
            lines = markdown_lines(text, 20, INKS)
        case TableContent(page=page):
            lines = plain_lines("\n".join([*page.names, *page.cells[0]]), 20)
        case other:
            pytest.fail(f"not expected: {other}")
    assert all(is_quiet(line.text) for line in lines)


def test_json_does_not_speak_to_the_terminal_either() -> None:
    value = {f"k{EVIL}": [EVIL, "\\u001b stays", "\x7f"]}
    content = prepare("application/json", json.dumps(value).encode())
    assert isinstance(content, JsonContent)
    [(key, values)] = json.loads(content.text).items()
    assert is_quiet(key)
    assert all(map(is_quiet, values))
    assert values[1] == "\\u001b stays"


@given(st.text(max_size=80), st.integers(1, 40))
def test_names_and_values_are_quiet(text: str, width: int) -> None:
    assert is_quiet(one_line(text))
    assert is_quiet(fitted(text, width))


def test_large_json_is_text_with_lines() -> None:
    content = prepare("application/json", json.dumps(list(range(300_000))).encode())
    assert isinstance(content, TextContent)
    assert content.text.startswith("[\n  0,\n  1,")


class Pane(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.laid_out = asyncio.Event()
        self.opened: list[str] = []
        self.pressed: list[str] = []

    def compose(self) -> ComposeResult:
        yield TextView()

    def on_text_view_laid_out(self) -> None:
        self.laid_out.set()

    def on_key(self, event: events.Key) -> None:
        self.pressed.append(event.key)

    def open_url(self, url: str, *, new_tab: bool = True) -> None:
        self.opened.append(url)


async def test_a_click_on_a_link_opens_it() -> None:
    app = Pane()
    async with app.run_test(size=(40, 10)) as pilot:
        view = app.query_one(TextView)
        view.show("[web](https://example.org) and [file](file:///x)", markdown=True)
        async with asyncio.timeout(90):
            await app.laid_out.wait()
        await pilot.pause()
        await pilot.click(TextView, offset=(1, 0))
        await pilot.click(TextView, offset=(9, 0))
        assert app.opened == ["https://example.org"]


@pytest.mark.slow
async def test_keys_are_answered_while_a_long_text_is_laid_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, answered = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def held(text: str, width: int, inks: Mapping[str, Style]) -> list[Strip]:
        """As long as it takes until a key is answered: for ever, if it is the loop that waits."""
        loop.call_soon_threadsafe(begun.set)
        assert answered.wait(90), "the loop was held up by the layout"
        return markdown_lines(text, width, inks)

    monkeypatch.setattr(text_view, "markdown_lines", held)
    app = Pane()
    async with app.run_test(size=(80, 24)) as pilot:
        text = ("Words that *stand* in **text**.\n\n" * 4000)[:MOST_MARKDOWN]
        app.query_one(TextView).show(text, markdown=True)
        async with asyncio.timeout(90):
            await begun.wait()
            await pilot.press("x")
            assert app.pressed == ["x"]
            assert not app.laid_out.is_set()
            answered.set()
            await app.laid_out.wait()
        assert app.query_one(TextView).render_line(0).text.startswith("Words that stand in text.")
