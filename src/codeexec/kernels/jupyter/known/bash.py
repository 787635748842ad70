"""Variables and help of bash_kernel, by helper code in its shell."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from codeexec.domain.errors import NotFound
from codeexec.domain.events import Variable
from codeexec.domain.requests import Inspection, VariableDetail, Variables
from codeexec.kernels.jupyter.known.helper_runs import HelperRuns

MOST_VARIABLES = 1000
LONGEST_PREVIEW = 200
HELP_WAIT = 5.0
"""Seconds that help may take."""
LONGEST_TEXT = 20_000
MOST_CHILDREN = 200
_BREAK = "codeexec-variables-at-start-end"
_AT_START = "variables-at-start"
"""The file in the kernel's folder with those that the shell had at its start."""
OWN = frozenset(
    name
    for line in (
        "BASH BASHOPTS BASHPID COLUMNS COMP_WORDBREAKS DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID",
        "FUNCNAME GROUPS HISTCMD HISTFILE HISTFILESIZE HISTSIZE HOSTNAME HOSTTYPE IFS LINENO",
        "NOTEBOOK_BASH_KERNEL_CAPABILITIES",
        "LINES MACHTYPE MAILCHECK OLDPWD OPTERR OPTIND OSTYPE PAGER PIPESTATUS PPID",
        "PROMPT_COMMAND PS1 PS2 PS4 PWD RANDOM SECONDS SHELL SHELLOPTS SHLVL SRANDOM TERM UID _",
    )
    for name in line.split()
)
"""Variables that the shell or its kernel sets; those that begin with BASH_ are too."""
_DECLARED = re.compile(r"^declare -([A-Za-z-]+) ([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$", re.DOTALL)
_QUOTED = r"\"(?:\\.|[^\"\\])*\"|\$'(?:\\.|[^'\\])*'"
_ELEMENT = re.compile(rf"\[({_QUOTED}|[^\]\"]*)\]=({_QUOTED})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(.))", re.DOTALL)
_ESCAPED = {
    letter: bytes([code])
    for letter, code in zip(
        (b"a", b"b", b"E", b"e", b"f", b"n", b"r", b"t", b"v"),
        b"\a\b\x1b\x1b\f\n\r\t\v",
        strict=True,
    )
}
_WORD = re.compile(r"[\w.+-]+")
_TYPES = {"a": "array", "A": "associative array", "n": "reference", "i": "integer"}


class BashHelp:
    """HasVariables and Inspectable."""

    def __init__(self, helper_runs: HelperRuns) -> None:
        self._runs = helper_runs

    async def variables(self, deadline: float) -> Variables:
        answer = await self._runs.ask(_variables_code, deadline)
        before, _, declared = answer.partition(f"{_BREAK}\n")
        at_start = set(_declarations(before))
        matched = [
            _variable(*declaration)
            for declaration in _declarations(declared)
            if not _is_own(declaration[1]) and declaration not in at_start
        ]
        return Variables(tuple(matched[:MOST_VARIABLES]), len(matched) > MOST_VARIABLES)

    async def describe(self, name: str, deadline: float) -> VariableDetail:
        """NotFound where it is not set."""
        declared = ""
        if _NAME.fullmatch(name):
            declared = await self._runs.ask(
                lambda path: f" declare -p {name} >{shlex.quote(path)} 2>/dev/null", deadline
            )
        for flags, matched, value in _declarations(declared):
            children: tuple[Variable, ...] = ()
            if "a" in flags or "A" in flags:
                children = tuple(
                    Variable(_plain(key), "string", _plain(element)[:LONGEST_PREVIEW])
                    for key, element in _ELEMENT.findall(value)[:MOST_CHILDREN]
                )
            return VariableDetail(
                _variable(flags, matched, value), _plain(value)[:LONGEST_TEXT], children
            )
        raise NotFound(f"There is no variable {name}.")

    async def delete(self, name: str, deadline: float) -> None:
        """NotFound where there is none that can be removed."""
        answer = ""
        if _NAME.fullmatch(name):
            answer = await self._runs.ask(
                lambda path: f" unset -v {name} 2>/dev/null; echo $? >{shlex.quote(path)}", deadline
            )
        if answer.strip() != "0":
            raise NotFound(f"The variable {name} cannot be removed.", "Read-only ones stay.")

    async def inspect(self, code: str, cursor: int, detail: int) -> Inspection:
        """What the word at the cursor is: a builtin's help, a manual page, a function."""
        word = next(
            (match[0] for match in _WORD.finditer(code) if match.start() <= cursor <= match.end()),
            "",
        )
        if not word or word.startswith("-"):
            return Inspection(False, "")
        text = await self._runs.ask(lambda path: _help_code(word, path), HELP_WAIT)
        return Inspection(bool(text.strip()), text[:LONGEST_TEXT].strip())


def _variables_code(path: str) -> str:
    # A space before it keeps it out of histories that ask for that.
    at_start = shlex.quote(str(Path(path).with_name(_AT_START)))
    return f" {{ cat {at_start}; echo {_BREAK}; declare -p; }} >{shlex.quote(path)} 2>/dev/null"


def start_code(folder: Path) -> str:
    """Code that notes the variables that a shell has before any code of the user."""
    return f" declare -p >{shlex.quote(str(folder / _AT_START))}"


def _help_code(word: str, path: str) -> str:
    word = shlex.quote(word)
    return (
        f" {{ declare -p {word} || help -m {word} || MANPAGER=cat MANWIDTH=80 man {word} || "
        f"type {word}; }} >{shlex.quote(path)} 2>/dev/null </dev/null"
    )


def _is_own(name: str) -> bool:
    return name in OWN or name.startswith("BASH_")


def _declarations(text: str) -> list[tuple[str, str, str]]:
    """Flags, name and value of each variable that `declare -p` tells. Values of older versions of
    bash may go over several lines."""
    entries: list[str] = []
    for line in text.rstrip("\n").split("\n"):
        if line.startswith("declare -") or not entries:
            entries.append(line)
        else:
            entries[-1] += f"\n{line}"
    matched = (_DECLARED.match(entry) for entry in entries)
    return [(match[1], match[2], match[3] or "") for match in matched if match]


def _variable(flags: str, name: str, value: str) -> Variable:
    kind = next((label for flag, label in _TYPES.items() if flag in flags), "string")
    shape = ""
    if kind in ("array", "associative array"):
        shape = str(len(_ELEMENT.findall(value)))
    words = [
        kind,
        *(["read-only"] if "r" in flags else []),
        *(["exported"] if "x" in flags else []),
    ]
    return Variable(name, ", ".join(words), _plain(value)[:LONGEST_PREVIEW], shape, len(value))


def _escaped(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes([int(match[1], 8) & 255])  # of a letter beyond ASCII each byte
    return _ESCAPED.get(match[2], match[2])


def values_of(text: str) -> dict[str, str | list[str] | dict[str, str]]:
    """The values of the variables that `declare -p` tells."""
    values: dict[str, str | list[str] | dict[str, str]] = {}
    for flags, name, value in _declarations(text):
        elements = [(_plain(key), _plain(element)) for key, element in _ELEMENT.findall(value)]
        if "A" in flags:
            values[name] = dict(elements)
        else:
            values[name] = [part for _, part in elements] if "a" in flags else _plain(value)
    return values


def _plain(value: str) -> str:
    """The value without the quotes of the shell."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\([\"$`\\])", r"\1", value[1:-1])
    if value.startswith("$'") and value.endswith("'"):
        data = _ESCAPE.sub(_escaped, value[2:-1].encode("utf-8", "surrogateescape"))
        return data.decode("utf-8", "replace")
    return value
