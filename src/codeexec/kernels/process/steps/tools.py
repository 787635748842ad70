"""Finds the compiler or interpreter of a language on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping

from codeexec.domain.errors import CodeexecError
from codeexec.hostfiles.programs import which
from codeexec.languages.model import Language
from codeexec.languages.plan import shebang_words


class ToolMissing(CodeexecError):
    """No compiler or interpreter of a language is installed."""

    code = "tool_missing"
    title = "Not installed"


def find_tool(
    language: Language, environ: Mapping[str, str], *, chosen: str = "", first_line: str = ""
) -> tuple[str, ...]:
    """The words that start the tool, its absolute path first: `chosen`, or else what the first line
    of a script names, or else the best of the catalog that is installed. ToolMissing with how to
    get one."""
    if chosen:
        if words := _installed(tuple(chosen.split()), environ):
            return words
        raise ToolMissing(
            f"{chosen} is not installed.", f"Known for {language.title}: {_names(language)}."
        )
    if not language.build:
        words = shebang_words(first_line)
        if words and words[0].startswith("/") and (words := _installed(words, environ)):
            return words
    for tool in language.tools:
        words = _installed(tuple(tool.split()), environ)
        if words and _has_module(words):
            return words
    raise ToolMissing(
        f"{language.title} needs {_names(language)}, and none of them is installed."
        if len(language.tools) > 1
        else f"{language.title} needs {_names(language)}, which is not installed.",
        f"Install it: {language.install}",
    )


def _installed(words: tuple[str, ...], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The words with the path of their program; empty where it is not there, or code in a
    container could have put it there."""
    path = which(words[0], environ) if words else None
    return (path, *words[1:]) if path is not None else ()


def _names(language: Language) -> str:
    *others, last = [tool.split()[0] for tool in language.tools if "-m" not in tool.split()]
    return f"{', '.join(others)} or {last}" if others else last


def _has_module(words: tuple[str, ...]) -> bool:
    """Whether `python3 -m MODULE` has its module, by looking at files alone."""
    if "-m" not in words:
        return True
    import glob

    prefix = os.path.dirname(os.path.dirname(words[0]))  # noqa: PTH120
    module = words[words.index("-m") + 1]
    pattern = os.path.join(glob.escape(prefix), "lib", "python3*", "*-packages", module)  # noqa: PTH118
    return bool(glob.glob(pattern))  # noqa: PTH207
