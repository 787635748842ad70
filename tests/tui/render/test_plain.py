"""The door of the panes: words from outside, and what Textual is given of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip

import codeexec.tui
from codeexec.tui.render.plain import fitted, one_line, padded, plain_words, without_controls
from support.hostile import HOSTILE, acting, unseen


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_on_one_line(text: str) -> None:
    for shown in (one_line(text), fitted(text, 12), padded(text, 12)):
        assert not acting(shown) and not unseen(shown)
        assert "\n" not in shown and "\t" not in shown
    assert cell_len(padded(text, 12)) == 12
    assert plain_words(text) == Content(plain_words(text).plain)
    assert not acting(plain_words(text).plain)


def test_what_is_cut_ends_in_an_ellipsis_and_breaks_become_blanks() -> None:
    assert one_line("a\n  b\tc\x1b[1m") == "a b c␛[1m"
    assert fitted("日本語の", 5) == "日本…"
    assert padded("日本語の", 6) == "日本 …" or cell_len(padded("日本語の", 6)) == 6


@pytest.mark.parametrize("text", HOSTILE)
def test_the_last_look_keeps_the_width(text: str) -> None:
    strip = Strip([Segment(f"a{text}b"), Segment("c", Style(bold=True))])
    shown = without_controls(strip)
    assert not acting(shown.text)
    assert "\n" not in shown.text and "\t" not in shown.text
    assert sum(cell_len(segment.text) for segment in shown) == strip.cell_length


def test_the_last_look_leaves_alone_what_is_harmless() -> None:
    strip = Strip([Segment("plain │ 日本 👩‍👩‍👧 e\u0301"), Segment("\x1b7", None, [(9, 0)])])  # type: ignore[list-item]
    assert without_controls(strip) is strip


@pytest.mark.parametrize(
    ("address", "stays"),
    [
        ("https://example.org/a?b#c", True),
        ("file:///tmp/a%20b", True),
        ("javascript:alert(1)", False),
        ("https://a/\x1b]0;x\x07", False),
        ("https://a/\u202e", False),
    ],
)
def test_a_link_leads_to_the_web_or_nowhere(address: str, stays: bool) -> None:
    (segment,) = without_controls(Strip([Segment("x", Style(link=address))]))
    assert segment.style is not None
    assert (segment.style.link == address) is stays


# -- markup ----------------------------------------------------------------------------

_TAKES_MARKUP = {"Static", "Label", "Button", "Checkbox", "RadioButton"}
_PLAIN = {"plain_words", "hint_line", "Content", "Text", "assemble", "page", "from_ansi"}


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(Path(codeexec.tui.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.name}:{node.lineno}", node


def _name(node: ast.expr) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def _is_plain(node: ast.expr) -> bool:
    """A literal of ours or content in which nothing is markup."""
    if isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper()):
        return True
    return isinstance(node, ast.Call) and _name(node.func) in _PLAIN


@pytest.mark.slow
def test_no_widget_takes_text_from_outside_as_markup() -> None:
    found = []
    for place, call in _calls():
        imported = isinstance(call.func, ast.Name) and call.func.id in _TAKES_MARKUP
        without = any(
            each.arg == "markup" and isinstance(each.value, ast.Constant) and not each.value.value
            for each in call.keywords
        )
        if imported and not without and call.args and not _is_plain(call.args[0]):
            found.append(f"{place} {ast.unparse(call)}")
        if _name(call.func) in ("from_markup", "render_markup"):
            found.append(f"{place} {ast.unparse(call)}")
        if isinstance(call.func, ast.Attribute) and call.func.attr == "update" and call.args:
            is_widget = any(kind in ast.unparse(call.func) for kind in _TAKES_MARKUP)
            if is_widget and not _is_plain(call.args[0]):
                found.append(f"{place} {ast.unparse(call)}")
    assert found == []
