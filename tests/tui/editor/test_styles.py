"""Styles: every theme of ours gives the editor all its colours, by object and by variables."""

from __future__ import annotations

import pytest
from rich.style import Style

from codeexec.tui.panes.editor.styles import EditorStyles
from codeexec.tui.theme.theme import Theme, built_in_folder, load_themes, to_textual

THEMES = load_themes([built_in_folder()])
NAMES = (
    *("text", "muted", "cursor", "cursor.blurred", "cursor.line", "selection", "search.match"),
    *("search.current", "bracket.match", "line.number", "line.number.current", "cell.separator"),
    *("cell.current", "run.queued", "run.running", "run.ok", "run.failed", "run.cancelled"),
    *("run.lost", "run.edited", "error", "warn", "info", "popup", "popup.current", "faint"),
    *(f"syntax.{name}" for name in ("keyword", "string", "string.escape", "comment", "number")),
    *(f"syntax.{name}" for name in ("function", "type", "operator", "variable", "parameter")),
    *(f"syntax.{name}" for name in ("property", "constant", "decorator", "namespace", "builtin")),
    *(f"syntax.{name}" for name in ("tag", "heading", "punctuation", "error", "text")),
)


@pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))
def test_our_themes_know_every_name(theme: Theme) -> None:
    styles = EditorStyles.from_meanings(theme.style)
    for name in NAMES:
        assert isinstance(styles("text", name), Style)
    assert styles("text", "cursor") != styles("text")
    assert styles("text", "selection") != styles("text")
    assert styles("text", "popup.current") != styles("text", "popup")


@pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))
def test_variables_say_the_same_as_the_theme(theme: Theme) -> None:
    by_object = EditorStyles.from_meanings(theme.style)
    by_variables = EditorStyles.from_variables(dict(to_textual(theme).variables))
    if theme.monochrome:
        return
    for name in ("syntax.keyword", "syntax.string", "cursor", "cursor.line", "run.ok", "selection"):
        ours, theirs = by_object("text", name), by_variables("text", name)
        assert (ours.color, ours.bgcolor) == (theirs.color, theirs.bgcolor), name
