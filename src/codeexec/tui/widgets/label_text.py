"""Update a label only if its text changes: an update lays out the whole screen."""

from __future__ import annotations

from textual.widgets import Static

from codeexec.tui.render.plain import plain_words


def tell(static: Static, text: str) -> None:
    """Show these words, in which nothing is markup."""
    content = plain_words(text)
    if static.content != content:
        static.update(content)
