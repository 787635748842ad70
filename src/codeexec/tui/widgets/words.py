"""Words of a widget, changed only when they are others: a change lays out the whole screen."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


def tell(static: Static, words: str) -> None:
    """Show these words, in which nothing is markup."""
    if static.content != Content(words):
        static.update(Content(words))
