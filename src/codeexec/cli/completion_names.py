"""Completions for arguments: names of sessions, kernels, themes and settings.

They are read from folders and small files. Completion starts no process, sends no request, and
does not read the current folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Items = list[CompletionItem]


def complete_session(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """All sessions, by name and by id."""
    return _matching(_sessions(only_open=False), incomplete)


def complete_open_session(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Open sessions, for `attach`."""
    return _matching(_sessions(only_open=True), incomplete)


def complete_kernel(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Names of installed kernelspecs, or files: a kernel may be the path of a Python."""
    if os.sep in incomplete:
        return [CompletionItem(incomplete, type="file")]
    return _matching(((name, "") for name in _kernelspecs()), incomplete)


def complete_theme(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Built-in themes and themes of the user."""
    return _matching(((name, "") for name in _themes()), incomplete)


def complete_server(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Servers of the user's settings."""
    from codeexec.config.load import load

    servers = load(Path("/")).settings.servers
    return _matching(((server.name, server.url) for server in servers), incomplete)


def complete_jupyter_server(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Jupyter servers of the user's settings."""
    from codeexec.config.load import load

    remotes = load(Path("/")).settings.remote
    return _matching(((remote.name, remote.url) for remote in remotes), incomplete)


def complete_setting(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Settings by name, such as `editor.tab_size`."""
    from codeexec.config.keys import keys

    return _matching(((key.name, key.accepts) for key in keys()), incomplete)


def complete_value(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Values that the setting before it on the command line accepts, if it is a choice."""
    from codeexec.config.keys import choices_of

    return _matching(
        ((choice, "") for choice in choices_of(ctx.params.get("key") or "")), incomplete
    )


def _matching(named: Iterable[tuple[str, str]], incomplete: str) -> Items:
    matches = {name: description for name, description in named if name.startswith(incomplete)}
    # The completion protocol has one name per line.
    return [
        CompletionItem(name, help=matches[name]) for name in sorted(matches) if name.isprintable()
    ]


def _sessions(*, only_open: bool) -> Iterator[tuple[str, str]]:
    from codeexec.config.paths import find_paths

    folder = find_paths().state / "sessions"
    try:
        sessions = [session for session in folder.iterdir() if session.is_dir()]
    except OSError:
        return  # no session was ever opened
    for session in sessions:
        is_open = (session / "open").exists()
        if is_open or not only_open:
            if name := _summary_name(session) or _first_name(session):
                yield name, "open" if is_open else ""
            yield session.name, name or ""


def _summary_name(session: Path) -> str:
    """The name in a session's summary, which is written once a minute and at the end."""
    import json

    try:
        name = json.loads((session / "summary.json").read_bytes())["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return name if isinstance(name, str) else ""


def _first_name(session: Path) -> str:
    """The name that a session was opened with, from the first event of its journal."""
    import json
    import sqlite3

    try:
        journal = sqlite3.connect(f"{(session / 'journal.db').as_uri()}?mode=ro", uri=True)
        try:
            (body,) = journal.execute("SELECT body FROM events ORDER BY seq LIMIT 1").fetchone()
        finally:
            journal.close()
        event = json.loads(body)
        name = event.get("event", event).get("name")
    except (sqlite3.Error, ValueError, TypeError, AttributeError):
        return ""
    return name if isinstance(name, str) else ""


def _kernelspecs() -> Iterator[str]:
    from jupyter_core.paths import jupyter_path

    for root in filter(os.path.isabs, jupyter_path("kernels")):
        try:
            folders = list(os.scandir(root))
        except OSError:
            continue  # most folders of the path do not exist
        for folder in folders:
            if Path(folder.path, "kernel.json").is_file():
                yield folder.name.lower()


def _themes() -> Iterator[str]:
    from codeexec.config.load import user_folder
    from codeexec.config.paths import built_in_themes

    for folder in (built_in_themes(), user_folder() / "themes"):
        try:
            yield from (file.stem for file in folder.glob("*.toml"))
        except OSError:
            continue  # the user has no themes
