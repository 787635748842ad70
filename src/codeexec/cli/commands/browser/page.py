"""`codeexec-tui page`: gives out addresses at which browsers see a session, and revokes them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import click

from codeexec.cli import messages as style
from codeexec.cli.completion_names import complete_open_session
from codeexec.cli.options import SERVER, SSH, TOKEN_FILE, URL
from codeexec.cli.servers.local import ask, pick_open, use_server
from codeexec.domain.errors import NotFound, Unavailable, UsageError
from codeexec.domain.requests import (
    ClosePages,
    GetHostInfo,
    ListSessions,
    OpenPage,
    PageLesson,
    SessionSummary,
)

if TYPE_CHECKING:
    from codeexec.tui.options import ServerTarget


@click.command()
@click.argument("session", default="", shell_complete=complete_open_session)
@click.option("--shared", is_flag=True, help="An address for an audience, until it is revoked.")
@click.option(
    "--interactive", is_flag=True, help="Figures of plotly, Bokeh and Vega can be used there."
)
@click.option("--control", is_flag=True, help="Widgets can be operated there: they run code.")
@click.option(
    "--lesson",
    "lesson_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Show the text and the code of this lesson, and its runs in their places.",
)
@click.option(
    "--document",
    "document_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Show the cells of this script, notebook or Markdown, and their runs in their places.",
)
@click.option("--revoke", is_flag=True, help="Revoke all addresses of the session; end its pages.")
@click.option("--open", "is_opened", is_flag=True, help="Open the address in the browser.")
@URL
@TOKEN_FILE
@SERVER
@SSH
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def page(
    session: str,
    shared: bool,
    interactive: bool,
    control: bool,
    lesson_file: Path | None,
    document_file: Path | None,
    revoke: bool,
    is_opened: bool,
    url: str,
    token_file: Path | None,
    server: str,
    ssh: str,
    as_json: bool,
) -> None:
    """Print an address at which a browser shows SESSION, live.

    The page changes nothing, unless --control lets it operate widgets. The address opens the page
    once, within ten minutes; with --shared any number of browsers, for twelve hours at most.
    Without SESSION it is the open session of this folder. With --url or --server it is one of a
    server that listens for browsers of other machines (`serve --bind` with TLS), with --ssh one of
    another machine; the command that leads there is printed.
    """
    from codeexec.cli.servers.remote import chosen_target

    is_given_out = shared or interactive or control or lesson_file or document_file or is_opened
    if revoke and is_given_out:
        raise UsageError(
            "--revoke gives out no address.",
            "Leave out --shared, --interactive, --control, --lesson, --document and --open.",
        )
    if lesson_file is not None and document_file is not None:
        raise UsageError("A page shows one document.", "Leave out --lesson or --document.")
    lesson = _read_lesson(lesson_file) if lesson_file is not None else None
    if document_file is not None:
        lesson = _read_document(document_file)
    page_options = _PageOptions(shared, interactive, control, lesson, is_opened, as_json)
    target = chosen_target("page", url, token_file, server, ssh)

    def work(used: ServerTarget | None) -> None:
        summary = _find(session, used)
        if revoke:
            _revoke(summary, as_json=as_json)
        else:
            _give_out(summary, page_options, used)

    if target is None or not target.address.ssh:
        use_server(target.address if target is not None else None)
        work(target)
        return
    from codeexec.client.ssh.master import after_questions
    from codeexec.client.ssh.relayed import or_relayed
    from codeexec.environments.ssh.command import ssh_command

    address = target.address
    use_server(address)

    def relayed(sentence: str) -> None:
        style.say(sentence, file=sys.stderr)
        use_server(None)  # the session is one of this machine, with its kernel there
        work(None)

    or_relayed(lambda: after_questions(address, lambda: work(target), ssh_command), relayed)


class _PageOptions(NamedTuple):
    """What the command line says of the address and of how it is told."""

    shared: bool
    interactive: bool
    control: bool
    lesson: PageLesson | None
    is_opened: bool
    as_json: bool


def _revoke(session: SessionSummary, *, as_json: bool) -> None:
    count = ask(ClosePages(session.session_id))[0].count
    if as_json:
        style.say_json({"revoked": count})
    else:
        style.say(f"revoked: {count} {'address' if count == 1 else 'addresses'}")


def _give_out(
    session: SessionSummary, page_options: _PageOptions, target: ServerTarget | None
) -> None:
    """Print an address of the session's page; `target` is its server elsewhere. Unavailable where
    the browser is to be opened and needs a forward."""
    from codeexec.client.browser import forward_command, open_in_browser, page_url

    shared, interactive, control = (
        page_options.shared,
        page_options.interactive,
        page_options.control,
    )
    opened = ask(OpenPage(session.session_id, shared, interactive, control, page_options.lesson))[0]
    address = target.address if target is not None else None
    url = page_url(opened, address)
    forward = forward_command(opened, os.environ, address)
    if page_options.as_json:
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
        name = session.name or session.session_id
        option = f" {target.option}" if target is not None else ""
        style.say(
            f"good {use}; revoke it: codeexec-tui page {name} --revoke{option}", file=sys.stderr
        )
        if control:
            operators = "All who have it operate" if shared else "It operates"
            style.say(f"{operators} the session's widgets, which run code.", file=sys.stderr)
        if forward:
            style.say(f"on the machine of the browser: {forward}", file=sys.stderr)
    if page_options.is_opened and forward:
        raise Unavailable(
            "The address leads to another machine.",
            f"Run this where the browser is, and open the address there: {forward}",
        )
    if page_options.is_opened:
        open_in_browser(url)


def _read_lesson(file: Path) -> PageLesson:
    """What the audience may see of a lesson. CodeexecError, with file and line."""
    from codeexec.documents.lessons.files import open_lesson  # not at the start
    from codeexec.documents.lessons.to_page import page_lesson
    from codeexec.languages.catalog import running_language

    return page_lesson(open_lesson(file, running_language)[1], str(file.absolute()))


def _read_document(file: Path) -> PageLesson:
    """The cells of a file. CodeexecError."""
    from codeexec.documents.export.forms import as_notebook
    from codeexec.documents.export.to_page import page_document
    from codeexec.documents.formats import open_document
    from codeexec.languages.catalog import by_file, running_language

    language = by_file(file.name)
    path = file.absolute()
    document = open_document(path, (language.comment if language is not None else "") or "#")
    name = language.name if language is not None else "python"
    notebook = as_notebook(document, name, running_language)
    return page_document(
        *(notebook.cells, str(path), path.name, path.parent),
        attachments_of=lambda cell: notebook.attachments(cell.index),
    )


def _find(name: str, target: ServerTarget | None) -> SessionSummary:
    """The open session of this name; without one that of this folder, or of the folder that --ssh
    names, or the only one."""
    sessions = ask(ListSessions(ended=False))[0].sessions
    if name:
        return pick_open(sessions, name)
    folder = _folder(target)
    in_folder = [session for session in sessions if session.cwd == folder]
    candidates = in_folder or (sessions if len(sessions) == 1 else ())
    if not candidates:
        names = ", ".join(session.name or session.session_id for session in sessions)
        option = f" {target.option}" if target is not None else ""
        raise NotFound(
            "No session of this folder is open."
            if not option
            else "No such session is open there.",
            f"Name one of: {names}." if names else f"Open one first: codeexec-tui{option} FILE",
        )
    return max(candidates, key=lambda session: session.changed_at)


def _folder(target: ServerTarget | None) -> str:
    """The folder whose session is meant; empty where a folder says nothing."""
    if target is None:
        return str(Path.cwd())
    if not target.address.folder:
        return ""
    home = ask(GetHostInfo())[0].home
    return str(PurePosixPath(home, target.address.folder))
