"""Shell commands of cells: `!command`, `name = !command`, and variables for `%%bash -i NAME`.

Every ipykernel that we launch loads this file, too.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import Any

_EXPANSION = re.compile(r"\$\$|\$([A-Za-z_]\w*)|\{([^{}\n]+)\}|(?<!\w)\{\{|\}\}")

MOST_EXPORTED = 100_000
"""Characters of a variable of the environment; Linux allows 128 KiB for each."""

_NAMES = r"[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*"
_OPTION = re.compile(rf"(?:^|\s)-i\s+({_NAMES})(?=\s|$)", re.ASCII)


class Lines(list):  # type: ignore[type-arg]  # `list[str]` is no base class in Python 3.8
    """The lines that a command has printed; `n` and `s` are their text, `l` is the list."""

    @property
    def n(self) -> str:
        return "\n".join(self)

    nlstr = n

    @property
    def s(self) -> str:
        return " ".join(self)

    spstr = s

    @property
    def l(self) -> list[str]:  # noqa: E743
        return list(self)


def expand(command: str, user: dict[str, Any]) -> str:
    """Put the values of `{expressions}` and `$names` of Python in. What has no value there is left
    to the shell; `$$` is a dollar sign."""

    def value(match: Any) -> str:
        whole: str = match.group()
        if whole == "$$":
            return "$"
        name, expression = match.groups()
        if name is not None:
            return str(user[name]) if name in user else whole
        if expression is None:
            return whole[0]
        try:
            return str(eval(expression, user))
        except Exception:
            return whole

    return _EXPANSION.sub(value, command)


def run(command: str) -> int:
    """Its output is that of the cell. The exit status, negative for a signal."""
    return finish(subprocess.Popen(command, shell=True))


def run_script(program: list[str], script: str) -> int:
    process = subprocess.Popen(program, stdin=subprocess.PIPE)
    try:
        assert process.stdin is not None
        process.stdin.write(script.encode())
        process.stdin.close()
    except BrokenPipeError:
        pass  # it has ended without reading all of its script
    return finish(process)


def finish(process: subprocess.Popen[bytes]) -> int:
    """Wait for it. An interrupt has reached it too: it has a moment to end."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        try:
            process.wait(1.0)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()
        raise


def output_of(command: str) -> tuple[Lines, int]:
    """Its stdout as lines, and its exit status; stderr is that of the cell."""
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, check=False)
    return Lines(done.stdout.decode("utf-8", "replace").splitlines()), done.returncode


def take_names(rest: str) -> tuple[list[str], str]:
    """The names of `-i NAME, NAME`, and the other words of the line."""
    names = [name.strip() for match in _OPTION.finditer(rest) for name in match[1].split(",")]
    return list(dict.fromkeys(names)), _OPTION.sub("", rest).strip()


def assignments(names: list[str], user: dict[str, Any], shell: str) -> str:
    """Code of the shell, on the line before the cell's first one, that sets these variables.
    ValueError for a value that it cannot have."""
    return "".join(_assignment(name, user, shell) + "; " for name in names)


def _assignment(name: str, user: dict[str, Any], shell: str) -> str:
    if name not in user:
        raise ValueError(f"There is no variable {name} to pass on to {shell}.")
    value = user[name]
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple, dict)):
        if shell != "bash":
            raise ValueError(f"{name} is a {type(value).__name__}: {shell} has no arrays.")
        if isinstance(value, dict):
            if "" in value:
                raise ValueError(f"{name} has an empty key, which an array of bash cannot have.")
            pairs = (f"[{_word(name, k)}]={_word(name, v)}" for k, v in value.items())
            return f"declare -A {name}=({' '.join(pairs)})"
        return f"{name}=({' '.join(_word(name, part) for part in value)})"
    word = _word(name, value)
    return f"{name}={word}" if len(word) > MOST_EXPORTED else f"export {name}={word}"


def _word(name: str, value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if value is None:
        return "''"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        raise ValueError(
            f"{name} holds a {type(value).__name__}: a shell has text, numbers and arrays of them."
        )
    text = str(value)
    if "\0" in text:
        raise ValueError(f"{name} has a NUL in it, which no text of a shell can have.")
    return shlex.quote(text)
