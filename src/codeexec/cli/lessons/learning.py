"""`codeexec-tui lesson learn` and `lesson class`: learners do exercises, teachers see how far."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from codeexec.cli import messages as style
from codeexec.cli.completion_names import complete_theme
from codeexec.cli.options import SERVER, TOKEN_FILE, URL
from codeexec.domain.errors import UsageError


@click.command("learn")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--learner", default="", metavar="NAME", help="Your name; without it you are asked.")
@click.option("--new", is_flag=True, help="Begin anew, even if you have begun it before.")
@click.option("--kernel", default="", metavar="NAME", help="For a lesson that names no kernel.")
@click.option(
    "--theme",
    default="",
    metavar="NAME",
    shell_complete=complete_theme,
    help="Colour theme for this run.",
)
@URL
@TOKEN_FILE
@SERVER
def learn(
    file: Path,
    learner: str,
    new: bool,
    kernel: str,
    theme: str,
    url: str,
    token_file: Path | None,
    server: str,
) -> int:
    """Do the exercises of the lesson FILE: you write the code, and each run is checked.

    A sentence says what is still missing; hints come after some tries. The session goes on when
    you leave: the same command comes back to the same step, with your code. With --url or --server
    the session is one of that server: the code runs there, and a teacher can list how far you are.
    """
    from codeexec.cli.launch import open_workbench
    from codeexec.cli.lessons.opening import lesson_options, read_for_command
    from codeexec.cli.servers.remote import chosen_target
    from codeexec.domain.learning import check_learner

    _, read = read_for_command(file)
    if not any(block.is_exercise for _, block in read.blocks()):
        raise UsageError(f"{file} has no exercise.", "Write a fence ```check after its code.")
    options = lesson_options(read, file, kernel, theme, new=new)
    options = options._replace(server=chosen_target("lesson learn", url, token_file, server))
    name = check_learner(learner or _asked_name())
    return open_workbench(options._replace(learner=name, typing="once"))


def _asked_name() -> str:
    """The name that the user types; without a word, the name of the account."""
    import getpass

    if not sys.stdin.isatty():
        raise UsageError("The name of the learner is missing.", "Give it: --learner NAME")
    try:
        account = getpass.getuser()
    except (KeyError, OSError):
        account = None
    return str(click.prompt("Your name", default=account))


@click.command("class")
@click.argument("name", default="")
@click.option("--steps", is_flag=True, help="A line for each exercise, not for each learner.")
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Also read the files that learners have handed in: *.json of `lesson class --json`.",
)
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a table with a row for each exercise.",
)
@click.option("--watch", is_flag=True, help="Show it again with each change. Ctrl+C ends.")
@URL
@TOKEN_FILE
@SERVER
@click.option("--json", "as_json", is_flag=True, help="For programs, and to hand in.")
def class_list(
    name: str,
    steps: bool,
    folder: Path | None,
    csv_file: Path | None,
    watch: bool,
    url: str,
    token_file: Path | None,
    server: str,
    as_json: bool,
) -> None:
    """List the learners: where each is, what is done, after how many tries, and when.

    They are those of the sessions of this machine, or of the server that --url or --server names;
    users of a service see their own, its operator all. NAME is a part of the name of a lesson, a
    learner or a user. With --watch and --json there is a line for each learner that has changed.
    """
    from codeexec.cli.lessons.class_list import (
        as_csv,
        exercise_rows,
        handed_in,
        learner_rows,
        learners_of_sessions,
        newest,
        to_json,
    )
    from codeexec.cli.servers.local import use_server
    from codeexec.cli.servers.remote import chosen_target
    from codeexec.documents.files import write_atomic

    if watch and csv_file is not None:
        raise UsageError("--watch writes no file.", "Leave out --csv, or --watch.")
    target = chosen_target("lesson class", url, token_file, server)
    use_server(target.address if target is not None else None)
    learners = learners_of_sessions()
    if folder is not None:
        learners += handed_in(folder)
    make_rows = exercise_rows if steps else learner_rows
    if watch:
        from codeexec.cli.lessons.class_watch import watch_learners

        watch_learners(learners, name, make_rows, as_json=as_json)
        return
    learners = newest(learners, name)
    if csv_file is not None:
        write_atomic(csv_file.absolute(), as_csv(learners).encode())
    if as_json:
        style.say_json(to_json(learners))
        return
    if csv_file is not None:
        style.say(f"written: {csv_file}")
        return
    if not learners:
        style.say("No learners. `codeexec-tui lesson learn FILE` begins a lesson.")
        return
    rows, head = make_rows(learners)
    style.say_lines(style.table(rows, head, style.wants_color(sys.stdout)))
