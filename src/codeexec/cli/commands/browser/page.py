"""`codeexec-tui page`: gives out addresses at which browsers see a session, and revokes them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from codeexec.cli import messages as style
from codeexec.cli.completion_names import complete_open_session
from codeexec.cli.options import SERVER
from codeexec.cli.servers.local import ask, pick_open, use_server
from codeexec.domain.errors import NotFound, Unavailable, UsageError
from codeexec.domain.requests import (
    ClosePages,
    ListSessions,
    OpenPage,
    PageLesson,
    SessionSummary,
)


@click.command()
@click.argument("session", default="", shell_complete=complete_open_session)
@click.option("--shared", is_flag=True, help="An address for an audience, until it is revoked.")
@click.option("--interactive", is_flag=True, help="Figures of plotly and Bokeh can be used there.")
@click.option("--control", is_flag=True, help="Widgets can be operated there: they run code.")
@click.option(
    "--lesson",
    "lesson_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Show the text and the code of this lesson, and its runs in their places.",
)
@click.option("--revoke", is_flag=True, help="Revoke all addresses of the session; end its pages.")
@click.option("--open", "is_opened", is_flag=True, help="Open the address in the browser.")
@SERVER
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def page(
    session: str,
    shared: bool,
    interactive: bool,
    control: bool,
    lesson_file: Path | None,
    revoke: bool,
    is_opened: bool,
    server: str,
    as_json: bool,
) -> None:
    """Print an address at which a browser shows SESSION, live.

    The page changes nothing, unless --control lets it operate widgets. The address opens the page
    once, within ten minutes; with --shared any number of browsers, for twelve hours at most.
    Without SESSION it is the open session of this folder. Browsers of other machines reach a server
    that listens for them: `serve --bind` with TLS, and --server here.
    """
    from codeexec.client.browser import forward_command, open_in_browser, page_url

    if revoke and (shared or interactive or control or lesson_file or is_opened):
        raise UsageError(
            "--revoke gives out no address.",
            "Leave out --shared, --interactive, --control, --lesson and --open.",
        )
    lesson = _read_lesson(lesson_file) if lesson_file is not None else None
    address = None
    if server:
        from codeexec.cli.servers.remote import named_target

        address = named_target(server).address
        use_server(address)
    summary = _find(session)
    if revoke:
        count = ask(ClosePages(summary.session_id))[0].count
        if as_json:
            style.say_json({"revoked": count})
        else:
            style.say(f"revoked: {count} {'address' if count == 1 else 'addresses'}")
        return
    opened = ask(OpenPage(summary.session_id, shared, interactive, control, lesson))[0]
    url = page_url(opened, address)
    forward = forward_command(opened, os.environ, address)
    if as_json:
        style.say_json(
            {
                "url": url,
                "shared": shared,
                "interactive": interactive,
                "control": control,
                "expires": opened.expires,
                "forward": forward,
            }
        )
    else:
        style.say(url, flush=True)
        until = time.strftime("%H:%M", time.localtime(opened.expires))
        use = f"until {until}, for all who have it" if shared else f"once, until {until}"
        name = summary.name or summary.session_id
        style.say(f"good {use}; revoke it: codeexec-tui page {name} --revoke", file=sys.stderr)
        if control:
            operators = "All who have it operate" if shared else "It operates"
            style.say(f"{operators} the session's widgets, which run code.", file=sys.stderr)
        if forward:
            style.say(f"on the machine of the browser: {forward}", file=sys.stderr)
    if is_opened and forward:
        raise Unavailable("The browser is on another machine.", f"Run there: {forward}")
    if is_opened:
        open_in_browser(url)


def _read_lesson(file: Path) -> PageLesson:
    """What the audience may see of a lesson. CodeexecError, with file and line."""
    from codeexec.documents.lessons.files import open_lesson  # not at the start
    from codeexec.documents.lessons.to_page import page_lesson
    from codeexec.languages.catalog import running_language

    return page_lesson(open_lesson(file, running_language)[1], str(file.absolute()))


def _find(name: str) -> SessionSummary:
    """The open session of this name; without one that of this folder, or the only one."""
    sessions = ask(ListSessions(ended=False))[0].sessions
    if name:
        return pick_open(sessions, name)
    folder = str(Path.cwd())
    here = [session for session in sessions if session.cwd == folder]
    candidates = here or (sessions if len(sessions) == 1 else ())
    if not candidates:
        names = ", ".join(session.name or session.session_id for session in sessions)
        raise NotFound(
            "No session of this folder is open.",
            f"Name one of: {names}." if names else "Open one first: codeexec-tui FILE",
        )
    return max(candidates, key=lambda session: session.changed_at)
