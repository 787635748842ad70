"""`codeexec-tui disk`: shows what sessions and caches use on disk, and frees it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from msgspec.structs import asdict

from codeexec.cli import messages as style
from codeexec.cli.servers.local import ask, is_running, sessions_folder
from codeexec.domain.errors import UsageError
from codeexec.domain.requests import ListSessions, RemoveSession, SessionSummary
from codeexec.domain.text.words import size_words
from codeexec.session.directory import SessionDirectory
from codeexec.session.storage.disk_usage import KINDS, DiskUsage, KindUsage

_MEANINGS: dict[str, str] = {
    "sessions": "closed sessions, with their output and artifacts",
    "workspaces": "folders of the service's sessions that are removed, with the files in them",
    "builds": "programs and headers that are built again when they are needed",
    "other": "history, logs, unsaved text; never freed here",
}


@click.command()
@click.option(
    "--free",
    "kinds",
    multiple=True,
    type=click.Choice(["all", *KINDS]),
    help="Remove what is not in use of this kind, after asking; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def disk(kinds: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Show what sessions, their folders and caches use on disk, and free it.

    Nothing of a session that is open is removed. Images of containers are shown by
    `docker system df`.
    """
    usage = _usage()
    usages = usage.measure()
    chosen = [kind for kind in KINDS if kind in kinds or "all" in kinds]
    if not chosen:
        _show(usages, as_json)
        return
    to_free = [entry for entry in usages if entry.kind in chosen and entry.free_count]
    if not yes and to_free:
        _confirm(to_free)
    results = {kind: usage.free(kind) for kind in chosen}
    if as_json:
        style.say_json(
            {"freed": {kind: {"count": n, "bytes": size} for kind, (n, size) in results.items()}}
        )
        return
    for kind, (count, size) in results.items():
        style.say(f"freed: {size_words(size)} of {kind} ({count})")


def _usage() -> DiskUsage:
    from codeexec.hostfiles.state import cache_folder

    directory = SessionDirectory(sessions_folder())

    def all_sessions() -> Sequence[SessionSummary]:
        if is_running():
            return ask(ListSessions())[0].sessions
        return _sessions_on_disk(directory)

    def remove(session_id: str) -> None:
        if is_running():  # it may have the session at hand for those who read it
            ask(RemoveSession(session_id))
        else:
            directory.remove(session_id)

    return DiskUsage(sessions_folder().parent, Path(cache_folder()), all_sessions, remove)


def _sessions_on_disk(directory: SessionDirectory) -> list[SessionSummary]:
    """All sessions while no server runs; those that were left open are taken for open."""
    left_open = set(directory.left_open())
    summaries = {summary.session_id: summary for summary in directory.summaries()}
    for session_id in left_open - set(summaries):
        # Its summary was not written yet, and its folder must be known.
        from codeexec.session.storage.journal import Journal

        journal = Journal.open(directory.root / session_id / "journal.db", read_only=True)
        snapshot = journal.restore()
        journal.close()
        summaries[session_id] = SessionSummary(session_id, snapshot.name, snapshot.cwd, "lost")
    return list(summaries.values())


def _show(usages: Sequence[KindUsage], as_json: bool) -> None:
    if as_json:
        for entry in usages:
            style.say_json(asdict(entry))
        return
    rows = [
        (
            entry.kind,
            size_words(entry.bytes),
            size_words(entry.free_bytes) if entry.kind != "other" else "-",
            str(entry.count),
            entry.path,
        )
        for entry in usages
    ]
    head = ("KIND", "SIZE", "CAN GO", "COUNT", "FOLDER")
    style.say_lines(style.table(rows, head, style.wants_color(sys.stdout)))
    if any(entry.free_bytes for entry in usages):
        style.say("Free it: codeexec-tui disk --free sessions (or workspaces, builds, all)")


def _confirm(usages: Sequence[KindUsage]) -> None:
    if not sys.stdin.isatty():
        raise UsageError("Nobody can be asked here.", "Say --yes to remove without asking.")
    for entry in usages:
        meaning = _MEANINGS[entry.kind]
        style.say(f"{size_words(entry.free_bytes):>9}  {entry.free_count} {entry.kind}: {meaning}")
    click.confirm("Remove them?", abort=True)
