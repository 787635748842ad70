"""Finds the compiler or interpreter of a language, here or where its programs run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence

from codeexec.domain.errors import CodeexecError
from codeexec.hostfiles.programs import which
from codeexec.languages.model import Language
from codeexec.languages.plan import shebang_words


class ToolMissing(CodeexecError):
    """No compiler or interpreter of a language is installed."""

    code = "tool_missing"
    title = "Not installed"


_GCC = r"(?:[\w]+-)*(?:g\+\+|gcc)(?:-(?P<version>\d{1,3}))?"  # compiled when used
SARIF_SINCE = 15
"""The GCC that can write SARIF beside its text."""

Locate = Callable[[Sequence[str]], tuple[str, ...]]
"""Returns words that start a tool with the path of its program; none where it is not there."""


def candidates(language: Language, chosen: str, first_line: str) -> list[tuple[str, ...]]:
    """The words of all tools that may be used, the best first: see `find_tool`."""
    if chosen:
        return [tuple(chosen.split())]
    interpreter = () if language.build else shebang_words(first_line)
    named = [interpreter] if interpreter and interpreter[0].startswith("/") else []
    return [*named, *(tuple(tool.split()) for tool in language.tools)]


def find_tool(
    language: Language,
    locate: Locate,
    *,
    chosen: str = "",
    first_line: str = "",
    how_to_install: str = "Install it: ",
) -> tuple[str, ...]:
    """The words that start the tool, its absolute path first: `chosen`, or else what the first line
    of a script names, or else the best of the catalog that is installed. ToolMissing with how to
    get one."""
    for tool in candidates(language, chosen, first_line):
        if tool_command := locate(tool):
            return tool_command
    if chosen:
        raise ToolMissing(
            f"{chosen} is not installed.", f"Known for {language.title}: {_names(language)}."
        )
    raise ToolMissing(
        f"{language.title} needs {_names(language)}, and none of them is installed."
        if len(language.tools) > 1
        else f"{language.title} needs {_names(language)}, which is not installed.",
        f"{how_to_install}{language.install}",
    )


def locate_here(environ: Mapping[str, str]) -> Locate:
    """Finds programs of this machine, but none that code in a container could have put there."""

    def locate(tool_command: Sequence[str]) -> tuple[str, ...]:
        path = which(tool_command[0], environ) if tool_command else None
        located = (path, *tool_command[1:]) if path is not None else ()
        return located if _has_module(located) else ()

    return locate


def gcc_version(path: str) -> int:
    """The major version of a GCC by the names of its files; 0 for what is none, or not known. No
    process is started for that."""
    name = os.path.basename(os.path.realpath(path))  # noqa: PTH119
    match = re.fullmatch(_GCC, name)
    if match is None or match["version"]:
        return int(match["version"]) if match is not None else 0
    import glob

    prefix = glob.escape(os.path.dirname(os.path.dirname(os.path.realpath(path))))  # noqa: PTH120
    folders = glob.glob(f"{prefix}/lib*/gcc/*/[0-9]*")  # noqa: PTH207
    versions = [os.path.basename(folder).partition(".")[0] for folder in folders]  # noqa: PTH119
    return max((int(version) for version in versions if version.isdigit()), default=0)


def _names(language: Language) -> str:
    *others, last = [tool.split()[0] for tool in language.tools if "-m" not in tool.split()]
    return f"{', '.join(others)} or {last}" if others else last


def _has_module(tool_command: tuple[str, ...]) -> bool:
    """Whether `python3 -m MODULE` has its module, by looking at files alone."""
    if "-m" not in tool_command:
        return True
    import glob

    prefix = os.path.dirname(os.path.dirname(tool_command[0]))  # noqa: PTH120
    module = tool_command[tool_command.index("-m") + 1]
    pattern = os.path.join(glob.escape(prefix), "lib", "python3*", "*-packages", module)  # noqa: PTH118
    return bool(glob.glob(pattern))  # noqa: PTH207
