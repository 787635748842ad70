"""Answers requests that may come while code runs: completions, documentation, helper code."""

from __future__ import annotations

import builtins
import codeop
import inspect
import keyword
import pkgutil
import re
import sys
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from typing import Any

from codeexec.guest.runner.source import cell_magic, transform

_EXPRESSION = re.compile(r"[^\W\d][\w.]*(?:\[[^\[\]\n]*\])?[\w.]*$|\.?$")
_NAMES = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*)\.(\w*)$")
_NAME = re.compile(r"([^\W\d]\w*)?$")
_IMPORT = re.compile(r"\s*(?:import|from)\s+(?:[\w.]+\s*,\s*)*([\w.]*)$")
_FROM = re.compile(r"\s*from\s+([\w.]+)\s+import\s+(?:[\w\s]+,\s*)*(\w*)$")
_MAGIC = re.compile(r"\s*(%{1,2})(\w*)$")
_AROUND = re.compile(r"[^\W\d][\w.]*")
MOST = 500
MOST_TEXT = 50_000


class UnknownName(Exception):
    """A name that means nothing."""


class Questions:
    """`user` is the namespace of the user, `magics` has the documentation of each magic by name."""

    def __init__(self, user: dict[str, Any], magics: dict[str, str]) -> None:
        self._user = user
        self._magics = magics

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The fields of the answer to one request."""
        kind, code = request["type"], str(request.get("code", ""))
        cursor = int(request.get("cursor", len(code)))
        if kind == "ask":
            return self.run(code)
        if kind == "complete":
            return self.complete(code, cursor)
        if kind == "inspect":
            return self.inspect(code, cursor, int(request.get("detail", 0)))
        return self.is_complete(code)

    def run(self, code: str) -> dict[str, Any]:
        """Run helper code with a namespace of its own; it hands its text to `answer`."""
        answers: list[str] = []
        try:
            namespace = {"answer": answers.append, "user": self._user}
            exec(compile(code, "<codeexec>", "exec"), namespace)
            return {"text": "".join(answers)}
        except BaseException as error:  # whatever it is, the asker waits for words
            return {"error": f"{type(error).__name__}: {error}"}

    # -- completion ----------------------------------------------------------------------

    def complete(self, code: str, cursor: int) -> dict[str, Any]:
        line = code[:cursor].rpartition("\n")[2]
        try:
            typed, found = self._matches(line)
        except Exception:
            typed, found = "", []  # a property of the user's may raise what it likes
        start = cursor - len(typed)
        types = [
            {"text": name, "type": kind, "start": start, "end": cursor, "signature": ""}
            for name, kind in found[:MOST]
        ]
        return {
            "matches": [name for name, _ in found[:MOST]],
            "cursor_start": start,
            "cursor_end": cursor,
            "metadata": {"_jupyter_types_experimental": types},
        }

    def _matches(self, line: str) -> tuple[str, list[tuple[str, str]]]:
        """What is typed already of the name, and the names with their kinds."""
        if match := _MAGIC.match(line):
            typed = "".join(match.groups())
            return typed, [(n, "magic") for n in sorted(self._magics) if n.startswith(typed)]
        if match := _FROM.match(line):
            module = sys.modules.get(match.group(1))
            names = dir(module) if module is not None else submodules(match.group(1))
            return match.group(2), chosen(match.group(2), dict.fromkeys(names, "module"))
        if match := _IMPORT.match(line):
            package, dot, typed = match.group(1).rpartition(".")
            names = submodules(package) if dot else [*sys.builtin_module_names, *submodules("")]
            return typed, chosen(typed, dict.fromkeys(names, "module"))
        if match := _NAMES.search(line):
            owner, typed = self._resolve(match.group(1)), match.group(2)
            names = [name for name in dir(owner) if isinstance(name, str)]
            kinds = {
                name: kind_of_attribute(owner, name) for name in names if name.startswith(typed)
            }
            return typed, chosen(typed, kinds)
        match = _NAME.search(line)
        typed = (match.group(1) if match else "") or ""
        if not typed:
            return "", []
        known: dict[str, str] = dict.fromkeys(keyword.kwlist, "keyword")
        known.update((name, kind_of(value)) for name, value in vars(builtins).items())
        known.update((name, kind_of(value)) for name, value in list(self._user.items()))
        return typed, chosen(typed, known)

    def _resolve(self, path: str) -> Any:
        first, *rest = path.split(".")
        if first in self._user:
            value = self._user[first]
        elif hasattr(builtins, first):
            value = getattr(builtins, first)
        else:
            raise UnknownName(first)
        for name in rest:
            value = getattr(value, name)
        return value

    # -- documentation -------------------------------------------------------------------

    def inspect(self, code: str, cursor: int, detail: int) -> dict[str, Any]:
        for name in names_at(code, cursor):
            text = self.describe(name, detail)
            if text:
                return {"found": True, "data": {"text/plain": text}}
        return {"found": False, "data": {}}

    def describe(self, name: str, detail: int) -> str:
        """What is known of a name; empty where it means nothing."""
        if name.startswith("%"):
            return self._magics.get(name, "") or self._magics.get("%" + name, "")
        try:
            value = self._resolve(name)
        except Exception:
            return ""
        return description_of(value, name, detail)[:MOST_TEXT]

    def is_complete(self, code: str) -> dict[str, Any]:
        magic = cell_magic(code)
        if magic is not None:
            return {"status": "complete" if code.endswith("\n") else "incomplete", "indent": ""}
        compiler = codeop.Compile()
        compiler.flags |= PyCF_ALLOW_TOP_LEVEL_AWAIT
        source = transform(code)
        lines = source.rstrip().split("\n")
        indent = lines[-1][: len(lines[-1]) - len(lines[-1].lstrip())]
        if lines[-1].endswith(":"):
            indent += "    "
        try:
            made = codeop._maybe_compile(compiler, source, "<input>", "exec")  # type: ignore[attr-defined]
        except (SyntaxError, ValueError, OverflowError):
            return {"status": "invalid"}
        is_open = bool(indent) and not code.endswith("\n\n") and not code.endswith("\n" + indent)
        if made is None or (is_open and len(lines) > 1):
            return {"status": "incomplete", "indent": indent}
        return {"status": "complete"}


def names_at(code: str, cursor: int) -> list[str]:
    """The name that the cursor is on, then those of the calls that it is in, innermost first."""
    names = [
        match.group() for match in _AROUND.finditer(code) if match.start() <= cursor <= match.end()
    ]
    depth = 0
    for at in range(min(cursor, len(code)) - 1, -1, -1):
        if code[at] == ")":
            depth += 1
        elif code[at] == "(":
            depth -= 1
            match = re.search(r"[^\W\d][\w.]*$", code[:at])
            if depth < 0 and match:
                names.append(match.group())
                depth = 0
    return [name.strip(".") for name in names]


def chosen(typed: str, kinds: dict[str, str]) -> list[tuple[str, str]]:
    """Names that begin as it is typed; private ones where an underscore is typed."""
    is_wanted = typed.startswith("_")
    return sorted(
        (name, kind)
        for name, kind in kinds.items()
        if name.startswith(typed) and (is_wanted or not name.startswith("_"))
    )


def submodules(package: str) -> list[str]:
    if not package:
        return [found.name for found in pkgutil.iter_modules()]
    module = sys.modules.get(package)
    path = getattr(module, "__path__", None)
    return [found.name for found in pkgutil.iter_modules(path)] if path is not None else []


def kind_of_attribute(owner: Any, name: str) -> str:
    """Without asking a property of the user's."""
    found = inspect.getattr_static(owner, name, None)
    return "property" if isinstance(found, property) else kind_of(found)


def kind_of(value: Any) -> str:
    if isinstance(value, (staticmethod, classmethod)) or inspect.isroutine(value):
        return "function"
    if isinstance(value, type):
        return "class"
    return "module" if inspect.ismodule(value) else "instance"


def description_of(value: Any, name: str, detail: int) -> str:
    rows: list[str] = []
    if callable(value):
        try:
            rows.append(f"Signature: {name}{inspect.signature(value)}")
        except (TypeError, ValueError):
            pass  # a built-in function that does not tell
    rows.append(f"Type:      {type(value).__name__}")
    if not callable(value) and not inspect.ismodule(value):
        text = repr(value)
        rows.append(f"Value:     {text if len(text) <= 200 else text[:200] + '…'}")
    source = ""
    if detail:
        try:
            source = inspect.getsource(value)
        except (OSError, TypeError):
            pass  # written in C, or typed where nothing is kept
    if source:
        rows.append("Source:\n" + source)
    else:
        rows.append("Docstring: " + (inspect.getdoc(value) or "none"))
    return "\n".join(rows)
