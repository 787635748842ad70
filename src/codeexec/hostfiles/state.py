"""Where this user's state and settings are kept: standard library alone, without pathlib."""

# pathlib would double the time that importing this takes.
# ruff: noqa: PTH111, PTH112, PTH116, PTH118

from __future__ import annotations

import os
from collections.abc import Mapping

APP = "codeexec-tui"
PROJECT_FILE = ".codeexec.toml"
"""Settings of a project, in its folder."""
USER_FILE = "config.toml"
"""The user's settings, in `config_folder`."""
WORKSPACES = "workspaces"
"""Folder of `state_folder` with those that the service makes for sessions."""
USER_PREFIX = "user-"
"""How folders in WORKSPACES begin that have those of one user."""
SETTING_PREFIX = "CODEEXEC_"
"""How the variables begin that are settings."""


def state_folder(environ: Mapping[str, str] | None = None) -> str:
    """`$XDG_STATE_HOME/codeexec-tui`; nothing is made. Relative values of XDG variables are
    ignored, as their specification demands."""
    environ = os.environ if environ is None else environ
    base = absolute(environ, "XDG_STATE_HOME")
    return os.path.join(base or os.path.join(home(environ), ".local", "state"), APP)


def config_folder(environ: Mapping[str, str] | None = None) -> str:
    """`$XDG_CONFIG_HOME/codeexec-tui`."""
    environ = os.environ if environ is None else environ
    base = absolute(environ, "XDG_CONFIG_HOME")
    return os.path.join(base or os.path.join(home(environ), ".config"), APP)


def cache_folder(environ: Mapping[str, str] | None = None) -> str:
    """`$XDG_CACHE_HOME/codeexec-tui`: what is there can be removed at any time."""
    environ = os.environ if environ is None else environ
    base = absolute(environ, "XDG_CACHE_HOME")
    return os.path.join(base or os.path.join(home(environ), ".cache"), APP)


def runtime_folder(environ: Mapping[str, str] | None = None) -> str:
    """`$XDG_RUNTIME_DIR/codeexec-tui`, else the state folder: for sockets. Nothing is made."""
    environ = os.environ if environ is None else environ
    base = absolute(environ, "XDG_RUNTIME_DIR")
    return os.path.join(base, APP) if base and os.path.isdir(base) else state_folder(environ)


def absolute(environ: Mapping[str, str], name: str) -> str:
    """The variable's value where it is an absolute path, else empty."""
    value = environ.get(name, "")
    return value if value.startswith("/") else ""


def home(environ: Mapping[str, str]) -> str:
    return absolute(environ, "HOME") or os.path.expanduser("~")


def is_own(folder: str | os.PathLike[str]) -> bool:
    """Whether only this user and root can put something into the folder."""
    try:
        about = os.stat(folder)
    except OSError:
        return False
    return about.st_uid in (os.geteuid(), 0) and not about.st_mode & 0o002
