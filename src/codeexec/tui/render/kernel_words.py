"""What a kernel of a session is called on the screen."""

from __future__ import annotations

from codeexec.domain.errors import NotFound
from codeexec.domain.options import PROGRAMS
from codeexec.languages.catalog import by_name
from codeexec.tui.render.plain import fitted, one_line

MOST_CELLS = 16


def kernel_words(kernel: str) -> str:
    """The name of a kernel, and of one of programs its language, such as `C++`."""
    family, _, language = kernel.partition(":")
    if family == PROGRAMS and language:
        try:
            return by_name(language).title
        except NotFound:  # a project
            return one_line(language)
    return fitted(one_line(kernel), MOST_CELLS)
