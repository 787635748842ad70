"""Finds code that the user may want to see before an agent runs it.

A help for the user, no wall: code can always hide what it does. Python is read as a syntax tree;
code that does not parse (magics, other languages) is searched for commands and calls.
"""

from __future__ import annotations

import ast
import re
from itertools import islice

MOST = 200_000
"""Characters of code that are looked at; longer code always counts as risky."""

_DELETES = "deletes or moves files"
_PROCESSES = "starts or ends processes"
_NETWORK = "uses the network"
_INSTALLS = "installs packages"
_HIDES = "runs code that is made while it runs"

_CALLS: dict[str, str] = {
    **dict.fromkeys(
        (
            *("os.remove", "os.unlink", "os.rmdir", "os.removedirs", "os.rename", "os.renames"),
            *("os.replace", "os.truncate", "os.chmod", "os.chown", "shutil.rmtree", "shutil.move"),
        ),
        _DELETES,
    ),
    **dict.fromkeys(
        (
            *("os.system", "os.popen", "os.kill", "os.killpg", "os.fork", "os.forkpty", "os.abort"),
            *("os._exit", "os.startfile", "pty.spawn", "asyncio.create_subprocess_exec"),
            *("asyncio.create_subprocess_shell", "posix.system"),
        ),
        _PROCESSES,
    ),
    **dict.fromkeys(("eval", "exec", "compile", "__import__"), _HIDES),
    "importlib.import_module": _HIDES,
    "runpy.run_path": _HIDES,
}
_PREFIXES = {"os.exec": _PROCESSES, "os.spawn": _PROCESSES, "os.posix_spawn": _PROCESSES}
_MODULES: dict[str, str] = {
    **dict.fromkeys(("subprocess", "pexpect", "ptyprocess", "ctypes", "cffi"), _PROCESSES),
    **dict.fromkeys(
        (
            *("socket", "urllib", "http", "ftplib", "smtplib", "telnetlib", "poplib", "imaplib"),
            *("requests", "httpx", "aiohttp", "paramiko", "websockets", "boto3"),
        ),
        _NETWORK,
    ),
    **dict.fromkeys(("pip", "ensurepip"), _INSTALLS),
}
_MODULES_LOCAL = ("urllib.parse", "http.HTTPStatus")
"""Parts of these modules that reach no network."""

_METHODS = {"unlink": _DELETES, "rmdir": _DELETES, "rmtree": _DELETES, "rename": _DELETES}
"""Methods of paths, whatever the object is called. `rename` of a table has keyword arguments."""

_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(pattern, re.MULTILINE))
    for reason, pattern in (
        (
            _INSTALLS,
            r"^\s*%(?:pip|conda|mamba|uv)\b|\b(?:pip3?|conda|mamba|apt|apt-get|yum|dnf|brew|npm|"
            r"yarn|cargo|gem|go|uv)\s+(?:\S+\s+)?(?:install|add|remove|uninstall)\b|"
            r"\binstall\.packages\(",
        ),
        (
            _DELETES,
            r"\b(?:rm|rmdir|unlink|shred|mv|dd|truncate|mkfs(?:\.\w+)?|chmod|chown)\s+\S|"
            r"\bfind\b.*-delete\b|\bgit\s+(?:clean|reset|push|checkout|restore)\b|"
            r"\b(?:unlink|remove|remove_all|rmdir|rmtree|rename|removeSync|unlinkSync|rmSync)\s*\(|"
            r"\bos\.(?:Remove|RemoveAll|Rename)\(|\bfs::(?:remove|rename)|\bfile\.remove\(",
        ),
        (
            _PROCESSES,
            r"^\s*%%?(?:bash|sh|script|system|sx|perl|ruby|run|program)\b|^\s*!|=\s*!\s*\w|"
            r"\b(?:sudo|su|kill|pkill|killall|shutdown|reboot|systemctl|crontab|nohup)\s+\S|"
            r"\b(?:system|popen|fork|vfork|execl|execlp|execle|execv|execvp|execve|posix_spawn|kill|"
            r"child_process|execSync|spawnSync)\s*\(|\bsubprocess\b|\bchild_process\b|"
            r"\bexec\.Command\(|\bCommand::new\(",
        ),
        (
            _NETWORK,
            r"\b(?:curl|wget|ssh|scp|rsync|nc|netcat|ftp|sftp|telnet)\s+\S|\bgit\s+(?:clone|pull|"
            r"fetch)\b|\bimport\s+(?:socket|requests|httpx)\b|\bfetch\s*\(|\bsocket\s*\(|\bhttp\.Get\(",
        ),
        (_HIDES, r"\b(?:eval|exec)\b\s*\(|(?:^|[;&|]\s*)(?:eval|source)\s+\S|\|\s*(?:ba|z)?sh\b"),
    )
)


LINE_CHARACTERS = 60
"""Characters of the line that is shown."""


def risk_of(code: str, language: str = "python") -> str:
    """What the code seems to do that the user may want to see first, with the line, in words;
    empty: nothing of it. `language` is that of the kernel; empty where it is not known."""
    if len(code) > MOST:
        return f"is {len(code):,} characters long"
    reason, line = _find(code, language)
    if not reason:
        return ""
    text = next(islice(code.split("\n"), line - 1, None), "").strip()
    text = text if len(text) <= LINE_CHARACTERS else f"{text[:LINE_CHARACTERS]}…"
    return f"{reason} (line {line}: {text})"


def _find(code: str, language: str) -> tuple[str, int]:
    """A reason and its line, from 1; an empty reason: none was found."""
    if language in ("", "python"):
        try:
            return _find_in_python(ast.parse(code))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass  # magics, or no Python: looked at as text
    for reason, pattern in _WORDS:
        if (match := pattern.search(code)) is not None:
            begin = match.end() - len(match[0].lstrip())
            return reason, code.count("\n", 0, begin) + 1
    return "", 0


def _find_in_python(tree: ast.Module) -> tuple[str, int]:
    names = _imported_names(tree)
    for node in ast.walk(tree):
        reason = ""
        if isinstance(node, ast.Import):
            reason = next(filter(None, (_risk_of_module(item.name) for item in node.names)), "")
        elif isinstance(node, ast.ImportFrom):
            reason = _risk_of_import(node)
        elif isinstance(node, ast.Call):
            reason = _risk_of_call(node, names)
        if reason:
            return reason, getattr(node, "lineno", 1)
    return "", 0


def _imported_names(tree: ast.Module) -> dict[str, str]:
    """What names stand for: `import os as o` gives o: os, `from os import remove` remove:
    os.remove."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {item.asname: item.name for item in node.names if item.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
    return names


def _risk_of_module(name: str) -> str:
    if name in _MODULES_LOCAL:
        return ""
    return _MODULES.get(name.partition(".")[0], "")


def _risk_of_import(node: ast.ImportFrom) -> str:
    module = node.module or ""
    names = [f"{module}.{item.name}" for item in node.names]
    if module in _MODULES_LOCAL or all(name in _MODULES_LOCAL for name in names):
        return ""
    return _risk_of_module(module)


def _risk_of_call(node: ast.Call, names: dict[str, str]) -> str:
    called = _dotted(node.func)
    head, _, attributes = called.partition(".")
    called = names.get(head, head) + (f".{attributes}" if attributes else "")
    if called in _CALLS:
        return _CALLS[called]
    for prefix, reason in _PREFIXES.items():
        if called.startswith(prefix):
            return reason
    if isinstance(node.func, ast.Attribute) and not node.keywords:
        if node.func.attr == "rename" and len(node.args) != 1:
            return ""
        return _METHODS.get(node.func.attr, "")
    return ""


def _dotted(node: ast.expr) -> str:
    """`a.b.c` of an expression; empty where it is none of names alone."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""
