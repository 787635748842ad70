"""What a kernel of a session is called on the screen."""

from __future__ import annotations

from codeexec.domain.errors import NotFound
from codeexec.domain.options import PROGRAMS
from codeexec.languages.catalog import by_name
from codeexec.tui.render.plain import fitted, one_line

MOST_CELLS = 16


def language_title(language: str) -> str:
    """What a language is called; a word that the catalog does not know stays as it is."""
    try:
        return by_name(language).title
    except NotFound:
        return fitted(one_line(language), MOST_CELLS)


def kernel_words(kernel: str) -> str:
    """The name of a kernel, and of one of programs its language, such as `C++`."""
    family, _, language = kernel.partition(":")
    if family == PROGRAMS and language:
        return language_title(language)  # or the word `project`
    return fitted(one_line(kernel), MOST_CELLS)
