"""Completions from words of the open documents, while the kernel is busy."""

from __future__ import annotations

import builtins
import keyword
import re
import time
from collections import Counter
from collections.abc import Iterable

from codeexec.tui.panes.editor.marks import CompletionItem

_MOST = 60


def words_like(prefix: str, texts: Iterable[str], *, python: bool) -> list[CompletionItem]:
    """Names that begin so: those used most come first, then what every Python has. After each text
    other threads have their turn."""
    if not prefix:
        return []
    pattern = re.compile(rf"\b{re.escape(prefix)}\w+")
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(pattern.findall(text))
        time.sleep(0)
    items = [CompletionItem(word, "in a file") for word, _ in counts.most_common(_MOST)]
    if python:
        items += [
            CompletionItem(word, about)
            for about, reserved in (("keyword", keyword.kwlist), ("builtin", dir(builtins)))
            for word in reserved
            if word.startswith(prefix) and word not in counts and word != prefix
        ]
    return items
