"""How a terminal's command is started: a shell with our integration, or any command."""

from __future__ import annotations

import os
import pwd
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

_FILES = {"BASH": "bash.sh", "ZSH": "zsh.sh", "FISH": "fish.fish"}
INTEGRATED = ("bash", "zsh", "fish")


@dataclass(frozen=True, slots=True)
class Start:
    """What is started. `shown` is the command as the user asked for it; `nonce` is in the marks of
    a shell with integration, else empty."""

    command: tuple[str, ...]
    env: dict[str, str]
    shown: tuple[str, ...]
    nonce: str = ""


def start_of(
    argv: Sequence[str], shell: str, env: Mapping[str, str], *, is_local: bool, path: str = ""
) -> Start:
    """`path` is put before PATH, also after the user's files have set it: the folder of the
    environment's programs. Elsewhere than on this machine the shell is chosen there."""
    env = {**env, "COLORTERM": "truecolor", "TERM_PROGRAM": "codeexec-tui"}
    if argv:
        return Start(tuple(argv), env, tuple(argv))
    name = shell or (user_shell() if is_local else "")
    if is_local and Path(name).name not in INTEGRATED:
        return Start((name, "-i"), env, (name,))
    nonce = secrets.token_hex(16)
    env |= {"CODEEXEC_SHELL": name, "CODEEXEC_NONCE": nonce, "CODEEXEC_PATH": path}
    for key, text in _integrations().items():
        if not name or key.lower() == Path(name).name:
            env[f"CODEEXEC_{key}"] = text
    if not path:
        del env["CODEEXEC_PATH"]
    return Start(("/bin/sh", "-c", _text("start.sh")), env, (name or "shell",), nonce)


def in_folder(command: Sequence[str], folder: str) -> tuple[str, ...]:
    """The command, started in a folder that is outside the session's."""
    return ("/bin/sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh", folder, *command)


def user_shell() -> str:
    """The shell of the user's account, unless SHELL names another one that is there."""
    for path in (os.environ.get("SHELL", ""), pwd.getpwuid(os.getuid()).pw_shell):
        if path.startswith("/") and os.access(path, os.X_OK):
            return path
    return "/bin/sh"


def environment_of_python(python: str) -> tuple[dict[str, str], str]:
    """The variables that activate the virtual environment of a Python, and the folder of its
    programs; both empty where it is in none."""
    bin_folder = Path(python).parent
    if not python or not (bin_folder.parent / "pyvenv.cfg").is_file():
        return {}, ""
    root = bin_folder.parent
    prompt = f"({root.parent.name if root.name in ('.venv', 'venv') else root.name}) "
    variables = {
        "VIRTUAL_ENV": str(root),
        "VIRTUAL_ENV_PROMPT": prompt,
        "PATH": f"{bin_folder}:{os.environ.get('PATH', os.defpath)}",
    }
    return variables, str(bin_folder)


@cache
def _integrations() -> dict[str, str]:
    return {key: _text(name) for key, name in _FILES.items()}


@cache
def _text(name: str) -> str:
    return files("codeexec.session.terminals").joinpath("shell_files", name).read_text("utf-8")
