"""Runs cells in the namespace of the user: magics, top-level await, the value of the last line."""

from __future__ import annotations
import __future__

import ast
import builtins
import inspect
import linecache
import os
import sys
import tokenize
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from collections.abc import Callable
from io import StringIO
from types import ModuleType
from typing import TYPE_CHECKING, Any

from codeexec.guest.runner import commands
from codeexec.guest.runner.errors import UsageError
from codeexec.guest.runner.magics import Magics
from codeexec.guest.runner.source import cell_magic, transform

if TYPE_CHECKING:
    from codeexec.guest.runner.channel import ChildOutput, FrameWriter
    from codeexec.guest.runner.displays import Displays
    from codeexec.guest.runner.interrupts import Interrupts
    from codeexec.guest.runner.loop import Loop

FUTURE = 0
for _name in __future__.all_feature_names:
    FUTURE |= getattr(__future__, _name).compiler_flag
LOOP_NAMES = {"create_task", "ensure_future", "get_running_loop"}
OWN_NAMES = ("In", "Out")


class CellConsole:
    """The user's module `__main__` and what its cells can do. `number` is the prompt number."""

    def __init__(
        self,
        channel: FrameWriter,
        children: ChildOutput,
        displays: Displays,
        interrupts: Interrupts,
        loop: Loop,
    ) -> None:
        self._channel = channel
        self._children = children
        self._interrupts = interrupts
        self._loop = loop
        self.displays = displays
        self.number = 1
        self.next_input: str | None = None
        """What `%load` wants the cell to be."""
        self._flags = PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._silent = 0
        self._file = "<cell>"
        module = ModuleType("__main__")
        sys.modules["__main__"] = module
        self.user: dict[str, Any] = vars(module)
        self.user["__builtins__"] = builtins
        self.magics = Magics(self)
        self.reset()

    def reset(self) -> None:
        """Delete all variables of the user."""
        for name in self.names_of_user():
            del self.user[name]
        self.user.update(In=[""], Out={}, _="", __="", ___="")

    def names_of_user(self) -> list[str]:
        return [name for name in self.user if not name.startswith("_") and name not in OWN_NAMES]

    # -- a cell --------------------------------------------------------------------------

    def run_cell(self, code: str, file: str, *, is_stored: bool) -> Any:
        """Run a cell, and return the value of its last line. Tracebacks name it `file`."""
        self.next_input = None
        self._file = file
        if is_stored:
            self.user["In"].append(code)
            self.user[f"_i{self.number}"] = code
        magic = cell_magic(code)
        if magic is not None:
            return self.magics.cell(*magic)
        return self.run_source(code, file)

    def run_source(self, code: str, file: str = "") -> Any:
        """Run the code of a cell or of a part of it."""
        file = file or self._file
        self._keep_source(code, file)
        tree = self._parse(code, file)
        body = tree.body
        last = None
        final = body[-1] if body else None
        if isinstance(final, ast.Expr):
            last = ast.Expression(final.value)
            body.pop()
        parts = []
        if body:
            parts.append(compile(tree, file, "exec", self._flags, True))
        if last is not None:
            parts.append(compile(last, file, "eval", self._flags, True))
        value = self._loop.run(self._await(parts)) if needs_loop(parts) else self._evaluate(parts)
        return None if last is None or is_quiet(code) else value

    def _parse(self, code: str, file: str) -> ast.Module:
        flags = ast.PyCF_ONLY_AST | self._flags
        try:
            tree: Any = compile(code, file, "exec", flags, True)
        except SyntaxError:
            transformed = transform(code)
            if transformed == code:
                raise
            tree = compile(transformed, file, "exec", flags, True)
        module: ast.Module = tree
        return module

    def _evaluate(self, parts: list[Any]) -> Any:
        """Run the parts of a cell, and return the value of the last one."""
        value = None
        for part in parts:
            self._flags |= part.co_flags & FUTURE
            value = eval(part, self.user)
        return value

    async def _await(self, parts: list[Any]) -> Any:
        """The same in the event loop."""
        value = None
        for part in parts:
            self._flags |= part.co_flags & FUTURE
            value = eval(part, self.user)
            if part.co_flags & inspect.CO_COROUTINE:
                value = await value
        return value

    def _keep_source(self, code: str, file: str) -> None:
        if file not in linecache.cache or file == "<cell>":
            lines = [line + "\n" for line in code.split("\n")]
            linecache.cache[file] = (len(code), None, lines, file)

    def keep_result(self, value: Any) -> None:
        """Give a result its names: `_`, and `_3` and `Out[3]` by its number."""
        user = self.user
        if value is not user.get("Out"):
            user["___"], user["__"], user["_"] = user.get("__", ""), user.get("_", ""), value
            user[f"_{self.number}"] = value
            out = user.get("Out")
            if isinstance(out, dict):
                out[self.number] = value

    # -- what magics become --------------------------------------------------------------

    def line_magic(self, name: str, rest: str) -> Any:
        return self.magics.line(name, rest)

    def system(self, command: str) -> None:
        expanded = commands.expand(command, self.user)
        self.user["_exit_code"] = self.child(lambda: commands.run(expanded))

    def output_of(self, command: str) -> commands.Lines:
        expanded = commands.expand(command, self.user)
        lines, self.user["_exit_code"] = commands.output_of(expanded)
        return lines

    def child(self, run: Callable[[], int]) -> int:
        """Run a process between what was written before and what is written after it."""
        sys.stdout.flush()
        try:
            return run()
        finally:
            self._interrupts.shield(self._children.take)

    def help(self, name: str, detail: int = 0) -> None:
        """Show the documentation of a name."""
        from codeexec.guest.runner.questions import Questions

        questions = Questions(self.user, self.magics.documentation)
        text = questions.describe(name.strip("?"), detail)
        if not text:
            print(f"Object `{name}` not found.")
            return
        self.displays.publish({"text/plain": text})

    def set_next_input(self, text: str) -> None:
        self.next_input = text

    def run_file(self, path: str, arguments: list[str]) -> None:
        with open(path, "rb") as file:
            source = file.read()
        code = compile(source, os.path.abspath(path), "exec", 0, True)
        namespace: dict[str, Any] = {"__name__": "__main__", "__file__": path}
        before, sys.argv = sys.argv, arguments
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
        try:
            exec(code, namespace)
        except SystemExit as end:
            if end.code not in (None, 0):
                raise UsageError(f"{path} ended with sys.exit({end.code!r}).") from None
        finally:
            sys.argv = before
            del sys.path[0]
            self.user.update(
                (name, value) for name, value in namespace.items() if not name.startswith("__")
            )


def needs_loop(parts: list[Any]) -> bool:
    """Whether a cell awaits, or makes tasks by itself; `asyncio.run` wants no loop that runs."""
    names = {name for part in parts for name in part.co_names}
    makes_tasks = bool(names & LOOP_NAMES) and "run" not in names
    return makes_tasks or any(part.co_flags & inspect.CO_COROUTINE for part in parts)


def is_quiet(code: str) -> bool:
    """Whether the last line ends with a semicolon, which hides its value."""
    last = code.rstrip().rpartition("\n")[2]
    if last.rstrip().endswith(";"):
        return True
    if "#" not in last:
        return False
    try:
        tokens = [
            token.string
            for token in tokenize.generate_tokens(StringIO(code).readline)
            if token.type
            not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER)
        ]
        return bool(tokens) and tokens[-1] == ";"
    except (tokenize.TokenError, SyntaxError):
        return False
