"""Reads a `.env` file: variables for `serve`, below those of the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from codeexec.config.guarded import guarded_digest, is_guarded
from codeexec.domain.errors import UsageError
from codeexec.domain.plain_files import read_plain_text
from codeexec.environments.trust.store import Trust
from codeexec.hostfiles.state import SETTING_PREFIX

ENV_FILE = ".env"
LIMITS = (
    "PYTHON_MAX_RUNTIME",
    "CPP_BUILD_TIMEOUT",
    "BINARY_MAX_RUNTIME",
    "SESSION_MAX_MEMORY",
    "SESSION_MAX_CPU",
    "TERMINAL_IDLE_TIMEOUT",
    "TERMINAL_MAX_BUFFER",
    "USER_MAX_REQUESTS_PER_SECOND",
    "USER_MAX_RUNNING",
    "USER_MAX_STREAMS",
    "USER_MAX_CONNECTIONS",
    "USER_MAX_SESSIONS",
    "USER_MAX_DISK",
    "USER_MAX_MEMORY",
    "USER_MAX_RUNTIME",
    "JUPYTER_LOG_LEVEL",
    "CODEEXEC_LOG_FORMAT",
    "CODEEXEC_LOG_LEVEL",
)
"""Variables of the service beside the settings."""

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", re.DOTALL)
_QUOTED = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*(?:#.*)?""", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def parse_env(text: str) -> dict[str, str]:
    """The variables of a `.env` file. A value may stand in quotes, and a comment behind a space.
    Lines of another form are left out."""
    variables: dict[str, str] = {}
    for line in text.removeprefix("\ufeff").splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is not None:
            variables[match[1]] = _value(match[2])
    return variables


def _value(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        return re.sub(r"(?:^|\s+)#.*", "", text).strip()
    if quoted[1] is None:
        return quoted[2]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), quoted[1])


def read_env_file(path: Path) -> dict[str, str]:
    """Our variables in a file that was named. UsageError when it cannot be read."""
    try:
        text = read_plain_text(path)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{path} cannot be read: {why}.", "Name a file of NAME=value.") from error
    return {name: value for name, value in parse_env(text).items() if _is_ours(name)}


def read_folder_env(folder: Path, trust: Trust) -> tuple[dict[str, str], tuple[str, ...]]:
    """Our variables in `.env` of a folder, and the names of those that do not count: what chooses
    the code that runs, what confines it and secrets, where the folder is not trusted."""
    path = folder / ENV_FILE
    if not path.exists():
        return {}, ()
    variables = read_env_file(path)
    guarded = {name: value for name, value in variables.items() if not is_harmless(name)}
    content = tuple((f"env.{name}", value) for name, value in guarded.items())
    if not guarded or trust.allows(str(folder), str(path), guarded_digest(content)):
        return variables, ()
    for name in guarded:
        del variables[name]
    return variables, tuple(guarded)


def refused_words(names: tuple[str, ...]) -> str:
    """What is said of variables that do not count."""
    return (
        f"{ENV_FILE}: {', '.join(names)} not used, as this folder is not trusted. "
        f"Name the file: --env-file {ENV_FILE}"
    )


def apply_env(environ: MutableMapping[str, str], variables: Mapping[str, str]) -> None:
    """Set those that the environment does not have."""
    for name, value in variables.items():
        environ.setdefault(name, value)


def _is_ours(name: str) -> bool:
    return name.startswith(SETTING_PREFIX) or name in LIMITS


def is_harmless(variable: str) -> bool:
    """Whether any folder may set it."""
    from codeexec.config.keys import keys

    if variable in LIMITS:
        return True
    name = next((key.name for key in keys() if key.variable == variable), "docker.")
    return not is_guarded(name) and not name.startswith(("docker.", "agents.", "terminal."))
