"""`codeexec-tui trust`: trusts folders, so that their environments and settings apply."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from codeexec.cli import messages as style
from codeexec.config import trust as trusted
from codeexec.domain.errors import UsageError
from codeexec.environments.trust.store import TrustStore


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--list", "as_list", is_flag=True, help="List decisions; trust nothing.")
@click.option("--remove", is_flag=True, help="Revoke the decision about FOLDER.")
@click.option("--restrict", is_flag=True, help="Do not trust FOLDER, and do not ask again.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def trust(folder: Path | None, as_list: bool, remove: bool, restrict: bool, as_json: bool) -> None:
    """Trust FOLDER (default: the current folder) and all folders below it.

    Until a folder is trusted, its environments (.venv, venv) are not run, and settings of its
    .codeexec.toml that choose what runs are ignored. Trust ends when the folder gets another
    owner or is replaced, and after code in a container could change it.
    """
    if sum((as_list, remove, restrict)) > 1 or (as_list and folder is not None):
        raise UsageError("--list, --remove and --restrict do not go together.", "Give one of them.")
    if as_list:
        _show(as_json)
        return
    place = (folder or Path.cwd()).absolute()
    if not place.is_dir() and not remove:
        raise UsageError(f"{place} is not a folder.", "Name an existing folder.")
    if restrict:
        trusted.restrict(place)
        message = f"{place} is not trusted; you will not be asked again."
    elif remove:
        was = trusted.forget(place)
        message = f"{place} is not trusted any more." if was else f"{place} was not trusted."
    else:
        trusted.grant(place)
        message = f"{place} is trusted."
        if containers := TrustStore().running_in(str(place)):
            style.say(
                f"Code in a container ({', '.join(containers)}) can change files there now: its "
                "interpreters are used once it has ended and you trust the folder again.",
                file=sys.stderr,
            )
    if as_json:
        style.say_json({"folder": str(place), "trusted": not (restrict or remove)})
    else:
        style.say(message)


def _show(as_json: bool) -> None:
    rows = list(_rows())
    if as_json:
        for row in rows:
            style.say_json(row)
        return
    if not rows:
        style.say("No folder is trusted. `codeexec-tui trust FOLDER` trusts one.")
    for row in rows:
        notes = [note for note in (row["scope"], row["note"]) if note]
        style.say(f"{row['decision']:<11} {row['folder']}{'  ' if notes else ''}{', '.join(notes)}")


def _rows() -> Iterator[dict[str, str]]:
    """The decisions, then folders that were mounted into containers."""
    book = TrustStore().read()
    for decision in sorted(book.decisions.values(), key=lambda entry: entry.folder):
        note = ""
        if not decision.fits:
            note = "no longer: the folder was replaced, removed or given away"
        elif decision.is_trusted and book.last_mount([decision.folder], decision.folder) > (
            decision.number
        ):
            note = "asked again: code in a container could change files there since"
        yield {
            "folder": decision.folder,
            "decision": "trusted" if decision.is_trusted else "restricted",
            "scope": "" if decision.whole else "this folder alone",
            "note": note,
        }
    for folder in sorted(book.mounts):
        note = "code in a container could change files there"
        yield {"folder": folder, "decision": "mounted", "scope": "", "note": note}
