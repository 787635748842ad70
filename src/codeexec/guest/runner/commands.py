"""Shell commands of cells: `!command` and `name = !command`."""

from __future__ import annotations

import re
import subprocess
from typing import Any

_EXPANSION = re.compile(r"\$\$|\$([A-Za-z_]\w*)|\{([^{}\n]+)\}|(?<!\w)\{\{|\}\}")


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
