"""`codeexec-tui sessions`: lists, shows, stops, removes and exports sessions."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec
from msgspec.structs import replace

from codeexec.cli import messages as style
from codeexec.cli.completion_names import complete_session
from codeexec.cli.options import SERVER
from codeexec.cli.servers.local import (
    ask,
    ask_session,
    find_open_session,
    find_session,
    is_running,
    session_summaries,
    sessions_folder,
    use_server,
)
from codeexec.cli.servers.stored_session import open_stored
from codeexec.cli.text_width import TAB
from codeexec.domain.errors import NotFound, UsageError
from codeexec.domain.events import Recorded
from codeexec.domain.requests import (
    PauseKernel,
    RemoveSession,
    SessionSummary,
    StopSession,
    UnpauseKernel,
)
from codeexec.domain.result import error_text
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.domain.text.glyphs import EXECUTIONS
from codeexec.domain.text.words import duration, size_words
from codeexec.domain.wire.codec import encode
from codeexec.session.directory import SessionDirectory
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.output.display_text import display_text
from codeexec.session.storage.journal import Journal

BATCH = 2000

JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group(invoke_without_command=True)
@SERVER
@JSON
@click.pass_context
def sessions(ctx: click.Context, server: str, as_json: bool) -> None:
    """List, show, stop, remove and export sessions. NAME may be a prefix of an id.

    With --server, those of another machine: `sessions --server NAME logs SESSION`.
    """
    if server:
        from codeexec.cli.servers.remote import named_target

        use_server(named_target(server).address)
    if ctx.invoked_subcommand is None:
        _list(running=False, as_json=as_json)


def _read(journal: Journal) -> Iterator[list[Recorded]]:
    last_seq = 0
    while records := journal.read(last_seq, BATCH, "tail"):
        yield records
        last_seq = records[-1].seq


def _whole(journal: Journal, snapshot: Snapshot) -> Iterator[bytes]:
    """The snapshot as JSON with all executions of the journal, in chunks of bytes."""
    head, key, tail = encode(replace(snapshot, executions={})).partition(b'"executions":{')
    yield head + key
    between = b""
    for light in journal.runs.iter_views(silent=True):
        view = journal.runs.view(light.execution_id) or light
        yield between + msgspec.json.encode(view.execution_id) + b":" + msgspec.json.encode(view)
        between = b","
    yield tail


def _ago(at: float) -> str:
    seconds = max(time.time() - at, 0)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "now"


@sessions.command("list")
@click.option("--running", is_flag=True, help="Only open sessions.")
@JSON
def list_command(running: bool, as_json: bool) -> None:
    """List all sessions, the newest first."""
    _list(running, as_json)


def _list(running: bool, as_json: bool) -> None:
    summaries = session_summaries(ended=not running)
    if as_json:
        for session in summaries:
            style.say_json(encode(session))
        return
    if not summaries:
        style.say("No sessions. `codeexec-tui FILE` opens one.")
        return
    rows = [
        (
            session.name,
            session.state,
            session.kernel or "-",
            str(session.pid or "-"),
            str(session.executions),
            _ago(session.changed_at),
            size_words(session.bytes),
            session.session_id,
            session.cwd,
        )
        for session in summaries
    ]
    head = ("NAME", "STATE", "KERNEL", "PID", "RUNS", "CHANGED", "SIZE", "ID", "FOLDER")
    style.say_lines(style.table(rows, head, style.wants_color(sys.stdout)))


@sessions.command()
@click.argument("name", shell_complete=complete_session)
@JSON
def show(name: str, as_json: bool) -> None:
    """Show one session: its kernels and executions."""
    journal = open_stored(name, with_output=False).journal
    snapshot = journal.restore()
    if as_json:
        style.say_json(b"".join(_whole(journal, snapshot)))
        journal.close()
        return
    color = style.wants_color(sys.stdout)
    default = snapshot.kernel
    state = "closed" if snapshot.closed else "paused" if default.paused else default.state
    name = style.paint(snapshot.name, "strong", color)
    style.say(name, " ", style.paint(state, "accent", color))
    style.say(f"  id       {snapshot.session_id}")
    style.say(f"  folder   {snapshot.cwd}")
    style.say(f"  opened   {time.strftime('%Y-%m-%d %H:%M', time.localtime(snapshot.opened_at))}")
    for kernel_name, kernel in snapshot.kernels.items():
        named = f"{kernel_name}: " if len(snapshot.kernels) > 1 else ""
        ref = kernel.kernel
        label = (ref.display_name or ref.name) if ref is not None else "not found"
        pid = f", pid {kernel.pid}" if kernel.pid is not None else ""
        ends = f", {kernel.state}" if named else ""
        chosen = ", default" if named and kernel_name == snapshot.default_kernel else ""
        if ref is not None or named:
            style.say(f"  kernel   {named}{label}{pid}{ends}{chosen}")
        if kernel.death is not None:
            style.say_lines(f"  died     {named}{kernel.death.message}")
    for view in journal.runs.iter_views():
        style.say(*_line_of(view, color))
    journal.close()


def _line_of(view: ExecutionView, color: bool) -> tuple[str, ...]:
    looks = {"ok": "good", "running": "accent", "queued": "dim", "cancelled": "dim"}
    mark, look = EXECUTIONS[view.status], looks.get(view.status, "bad")
    first = next(iter(view.code.strip().splitlines()), "")
    took = ""
    if view.started_at and view.finished_at:
        took = f"  {duration(view.finished_at - view.started_at)}"
    number = f"[{view.count}]" if view.count else "[ ]"
    summary = f" {number:>5} {first[:70]}{took}  {view.execution_id}"
    return "  ", style.paint(mark, look, color), summary


@sessions.command()
@click.argument("names", nargs=-1, required=True, shell_complete=complete_session)
@JSON
def stop(names: tuple[str, ...], as_json: bool) -> None:
    """Stop sessions: their kernels end, their output is kept."""
    if not is_running() and not SessionDirectory(sessions_folder()).left_open():
        raise NotFound(
            f"No session is running, so none is called {names[0]}.",
            "`codeexec-tui sessions list` lists closed sessions.",
        )
    open_sessions = [find_open_session(name) for name in names]
    ask(*(StopSession(session.session_id) for session in open_sessions))
    _say_done("stopped", [session.name for session in open_sessions], as_json)


def _snapshot_of(session: SessionSummary) -> Snapshot:
    journal = open_stored(session.session_id, with_output=False).journal
    snapshot = journal.restore()
    journal.close()
    return snapshot


def kernels_to_pause(snapshot: Snapshot) -> tuple[str, ...]:
    """Names of the kernels in containers that run and are not paused; of a session without such a
    kernel the default kernel, whose answer says why it cannot be paused."""
    running = [
        name
        for name, kernel in snapshot.kernels.items()
        if kernel.kernel is not None and kernel.kernel.engine and kernel.state in ("idle", "busy")
    ]
    if not running:
        return (snapshot.default_kernel,)
    return tuple(name for name in running if not snapshot.kernels[name].paused)


def kernels_to_unpause(snapshot: Snapshot) -> tuple[str, ...]:
    """Names of the paused kernels."""
    return tuple(name for name, kernel in snapshot.kernels.items() if kernel.paused)


@sessions.command()
@click.argument("names", nargs=-1, required=True, shell_complete=complete_session)
@JSON
def pause(names: tuple[str, ...], as_json: bool) -> None:
    """Pause the containers of these sessions; their memory is kept."""
    open_sessions = [find_open_session(name) for name in names]
    for session in open_sessions:
        for kernel in kernels_to_pause(_snapshot_of(session)):
            ask_session(session.session_id, PauseKernel(kernel))
    _say_done("paused", [session.name for session in open_sessions], as_json)


@sessions.command()
@click.argument("names", nargs=-1, required=True, shell_complete=complete_session)
@JSON
def unpause(names: tuple[str, ...], as_json: bool) -> None:
    """Resume paused containers."""
    open_sessions = [find_open_session(name) for name in names]
    for session in open_sessions:
        for kernel in kernels_to_unpause(_snapshot_of(session)):
            ask_session(session.session_id, UnpauseKernel(kernel))
    _say_done("unpaused", [session.name for session in open_sessions], as_json)


@sessions.command()
@click.argument("names", nargs=-1, required=True, shell_complete=complete_session)
@click.option("--stop", "stop_first", is_flag=True, help="Stop running sessions first.")
@JSON
def rm(names: tuple[str, ...], stop_first: bool, as_json: bool) -> None:
    """Delete closed sessions with their output, artifacts and history."""
    ids = [find_session(name) for name in names]
    if is_running():
        open_ones = {summary.session_id for summary in session_summaries(ended=False)}
        if stop_first:
            ask(*(StopSession(session_id) for session_id in ids if session_id in open_ones))
        ask(*(RemoveSession(session_id) for session_id in ids))
    else:
        for session_id in ids:
            SessionDirectory(sessions_folder()).remove(session_id)
    _say_done("removed", names, as_json)


def _say_done(action: str, names: Sequence[str], as_json: bool) -> None:
    if as_json:
        style.say_json({action: list(names)})
    else:
        style.say(f"{action}: {', '.join(names)}")


@sessions.command()
@click.argument("name", shell_complete=complete_session)
@click.option("--execution", default="", metavar="ID", help="Only this execution.")
@click.option("--code/--no-code", default=True, help="Show the code above its output.")
@JSON
def logs(name: str, execution: str, code: bool, as_json: bool) -> None:
    """Print the whole output of a session; with --json its events, one per line."""
    stored = open_stored(name, with_output=True)
    journal, blobs = stored.journal, stored.blobs
    if as_json:
        for records in _read(journal):
            for record in records:
                style.say_json(encode(record))
        return
    views = journal.runs.iter_views()
    if execution:
        # An id is always valid Unicode, and SQLite rejects other text.
        view = journal.runs.view(execution.encode("utf-8", "replace").decode())
        views = iter([view] if view is not None and not view.options.silent else [])
        if view is None or view.options.silent:
            raise NotFound(
                f"There is no execution {execution} in {name}.",
                f"`codeexec-tui sessions show {name}` lists them.",
            )
    color = style.wants_color(sys.stdout)
    for view in views:
        if code:
            for number, line in enumerate(view.code.rstrip("\n").split("\n")):
                prompt = f"In [{view.count or ' '}]: " if number == 0 else "   ...: "
                style.say(style.paint(prompt + line.expandtabs(TAB), "dim", color))
        _print_output(journal, view, blobs, color)
    journal.close()


def _print_output(journal: Journal, view: ExecutionView, blobs: BlobStore, color: bool) -> None:
    for run in journal.iter_rows(view.execution_id):
        if run.is_text:
            style.say_row(run.text, color)
        elif run.error is not None:
            traceback = "\n".join(run.error.traceback)
            style.say_row(traceback if color and traceback else error_text(run.error), color)
        elif run.display is not None:
            style.say_row(display_text(run.display, blobs), color)
    if view.reason:
        style.say_lines(style.paint(view.reason, "bad", color, lines=True))


@sessions.command()
@click.argument("name", shell_complete=complete_session)
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@JSON
def export(name: str, out: Path, force: bool, as_json: bool) -> None:
    """Write a session to OUT: a notebook (.ipynb), a script of cells (.py), a page (.html), .md,
    .pdf, text (.txt) or events (.jsonl)."""
    from codeexec.documents.export.forms import FORMS as PAGES
    from codeexec.documents.export.forms import export as exported
    from codeexec.documents.files import write_atomic
    from codeexec.documents.notebook.convert import parse_notebook
    from codeexec.session.output.export import FORMS
    from codeexec.session.output.export import export as pieces

    form = out.suffix.lower().removeprefix(".")
    if form not in FORMS and form not in PAGES:
        suffixes = ", ".join(f".{suffix}" for suffix in dict.fromkeys((*FORMS, *PAGES)))
        raise UsageError(f"{out.suffix or out} is not a known format.", f"Use {suffixes}.")
    if out.exists() and not force:
        raise UsageError(f"{out} exists already.", "Give another name, or --force.")
    stored = open_stored(name, with_output=True)
    journal, blobs = stored.journal, stored.blobs
    is_page = form not in FORMS
    content = b"".join(pieces("ipynb" if is_page else form, journal, journal.restore(), blobs))
    if is_page:
        content = exported(parse_notebook(content), form, name)
    write_atomic(out.absolute(), content)
    journal.close()
    if as_json:
        style.say_json({"exported": str(out)})
    else:
        style.say(f"written: {out}")
