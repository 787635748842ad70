"""Reads the flags with which a project compiles a file, from its `compile_commands.json`.

The file comes with a folder that may not be trusted, and some flags make a compiler execute code or
write files. So only flags that say how a source is read and translated are taken from it.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import msgspec

from codeexec.domain.plain_files import read_plain

MOST_BYTES = 64 << 20
"""Bytes of a database that is read."""
MOST_WORDS = 4_000
"""Words of one command."""
_PATHS = ("-I", "-isystem", "-iquote", "-idirafter", "-include", "-imacros", "-isysroot")
"""Flags with a path, which may be the next word."""
_NAMES = ("-D", "-U")
_KEPT = re.compile(
    r"-(?:std=|stdlib=|f|m|W|pedantic|ansi$|w$|pthread$|nostdinc|O[0-3sgz]?$|Ofast$|g[0-3]?$|ggdb)"
)
_DROPPED = re.compile(
    r"-(?:W[alp],|f(?:plugin|pass-plugin|module|use-ld|profile|auto-profile|dump|diagnostics|syntax"
    r"|save|callgraph|offload|stack-usage|time-trace|crash|color|no-color|caret|no-caret|opt-info"
    r"|test-coverage|mem-report|time-report|lto-report)|mllvm|W[lap]$)"
)
"""Load code, write files, or change the reports that we read."""
_VALUED = frozenset({
    "abi-version", "align-functions", "align-jumps", "align-labels", "align-loops",
    "bracket-depth", "cf-protection", "char8_t", "constexpr-cache-depth", "constexpr-depth",
    "constexpr-loop-limit", "constexpr-ops-limit", "constexpr-steps", "debug-prefix-map",
    "denormal-fp-math", "excess-precision", "exec-charset", "file-prefix-map", "fp-contract",
    "fp-model", "inline-limit", "input-charset", "lto", "macro-prefix-map", "max-errors",
    "message-length", "ms-compatibility-version", "no-sanitize", "no-sanitize-recover",
    "no-sanitize-trap", "openmp", "pack-struct", "patchable-function-entry",
    "permitted-flt-eval-methods", "random-seed", "sanitize", "sanitize-recover",
    "sanitize-trap", "simd-cost-model", "strict-flex-arrays", "template-backtrace-limit",
    "template-depth", "tls-model", "trivial-auto-var-init", "vect-cost-model", "visibility",
    "wide-exec-charset", "zero-call-used-regs",
})  # fmt: skip
"""Flags `-fNAME=VALUE` that are kept. The value of many others is a file to be written."""
_OPTIMISATION = re.compile(r"-(?:O|g)")
_COMPILER = re.compile(r"(?:g\+\+|gcc|clang\+\+|clang)(?:-\d+)?")


class CompileFlags(NamedTuple):
    """`compiler` is the name of a known compiler that the project uses, else empty."""

    arguments: tuple[str, ...]
    compiler: str


class _Entry(msgspec.Struct):
    file: str
    directory: str = ""
    command: str = ""
    arguments: list[str] = []


def flags_of(file: Path, database: Path, *, keeps_profile: bool) -> CompileFlags | None:
    """The flags for `file`, an absolute path; None where the database does not have it or cannot
    be read. Without `keeps_profile` those of optimisation and debugging are left out."""
    try:
        content = read_plain(database, MOST_BYTES)
    except OSError:
        return None
    return flags_in(file, content, database.parent, keeps_profile=keeps_profile)


def flags_in(
    file: Path, content: bytes, place: Path, *, keeps_profile: bool
) -> CompileFlags | None:
    """The same for the content of a database in the folder `place`."""
    try:
        entries = msgspec.json.decode(content, type=list[_Entry])
    except (msgspec.DecodeError, RecursionError):
        return None
    spellings = {os.path.normpath(file), os.path.realpath(file)}
    for entry in entries:
        folder = os.path.normpath(place / entry.directory)
        if os.path.normpath(os.path.join(folder, entry.file)) in spellings:  # noqa: PTH118
            arguments = entry.arguments or _split(entry.command)
            return _safe_flags(arguments[:MOST_WORDS], folder, keeps_profile=keeps_profile)
    return None


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _safe_flags(arguments: list[str], folder: str, *, keeps_profile: bool) -> CompileFlags:
    flags: list[str] = []
    remaining = iter(arguments[1:])
    for word in remaining:
        flag = next((flag for flag in _PATHS if word.startswith(flag)), "")
        if word in ("-mllvm", "-include-pch"):
            next(remaining, "")
        elif word == "-Xclang":
            # A word for clang alone: CMake includes the source of a precompiled header so.
            if next(remaining, "") == "-include" and next(remaining, "") == "-Xclang":
                flags += ["-include", _path(folder, next(remaining, ""))]
        elif flag:
            path = word[len(flag) :] or next(remaining, "")
            flags += [flag, _path(folder, path)]
        elif word[:2] in _NAMES:
            value = word[2:] or next(remaining, "")
            flags.append(word[:2] + value)
        elif _is_kept(word) and (keeps_profile or not _OPTIMISATION.match(word)):
            flags.append(word)
    name = os.path.basename(arguments[0]) if arguments else ""  # noqa: PTH119
    return CompileFlags(tuple(flags), name if _COMPILER.fullmatch(name) else "")


def _path(folder: str, path: str) -> str:
    return os.path.normpath(os.path.join(folder, path))  # noqa: PTH118


def _is_kept(word: str) -> bool:
    name, equals, _ = word.removeprefix("-f").partition("=")
    if word.startswith("-f") and equals and name not in _VALUED:
        return False
    return _KEPT.match(word) is not None and _DROPPED.match(word) is None
