"""Asks lldb for the stacks of a core file, where there is no gdb."""

from __future__ import annotations

import re

from codeexec.domain.diagnostics import line_number
from codeexec.kernels.process.crashes.gdb import (
    MOST_FRAMES,
    MOST_THREADS,
    MOST_VALUE,
    CrashFrame,
    CrashStacks,
)

_FIELDS = (
    "${frame.pc}",
    "{${line.number}}",
    "{${line.file.fullpath}}",
    "{${module.file.fullpath}}",
    "{${function.name-without-args}}",
    "{${function.name-with-args}}",
)
_FORMAT = "@F\\t" + "\\t".join(_FIELDS) + "\\n"
SETTINGS = (
    "target.load-script-from-symbol-file false",  # scripts beside a program would be executed
    "symbols.enable-external-lookup false",
    "use-color false",
    f'frame-format "{_FORMAT}"',
)
_THREAD = re.compile(r"\*?\s*thread #(\d+)")
_FRAME = re.compile(r"\s*\*?\s*@F\t(.*)")
_ZEROS = re.compile(r"\b0x0+(?=[0-9a-f])")
_MOST_ARGUMENTS = 4 * MOST_VALUE


def lldb_command(lldb: str, program: str, core: str) -> tuple[str, ...]:
    settings = [word for setting in SETTINGS for word in ("-O", f"settings set {setting}")]
    question = f"thread backtrace all -c {MOST_FRAMES}"
    return (lldb, "--no-lldbinit", "--batch", *settings, "--core", core, program, "-o", question)


def read_lldb(output: str, program: str) -> CrashStacks:
    """The stacks in the output of lldb; empty where it has found none. The thread that crashed
    comes first in the core file."""
    threads: list[list[CrashFrame]] = []
    for line in output.split("\n"):
        if _THREAD.match(line):
            threads.append([])
        elif threads and (match := _FRAME.match(line)) and match[1].count("\t") == 5:
            threads[-1].append(_frame(match[1].split("\t"), program))
    stacks = [tuple(thread) for thread in threads if thread]
    crashed = stacks[0] if stacks else ()
    return CrashStacks(crashed, tuple(stacks[1 : MOST_THREADS + 1]))


def _frame(fields: list[str], program: str) -> CrashFrame:
    address, line, file, module, name, with_arguments = fields
    arguments = ""
    if with_arguments.startswith(f"{name}(") and with_arguments.endswith(")"):
        arguments = _ZEROS.sub("0x", with_arguments[len(name) + 1 : -1])
    if len(arguments) > _MOST_ARGUMENTS:
        arguments = f"{arguments[:_MOST_ARGUMENTS]}…"
    return CrashFrame(
        address,
        name if name and not name.startswith("___lldb_unnamed") else "??",
        file,
        line_number(line),
        "" if module == program else module,
        arguments,
    )
