"""`codeexec-tui doctor`: checks this machine and prints a fix for each problem."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from codeexec.cli import exit_codes as exits
from codeexec.cli import messages as style
from codeexec.cli.commands.doctor.checks import all_checks
from codeexec.cli.options import JUPYTER

MARKS = {"ok": ("✓", "good"), "warn": ("!", "warn"), "fail": ("✗", "bad")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One check a line, for programs.")
@JUPYTER
def doctor(as_json: bool, server: str) -> int:
    """Check this machine: Python, kernels, terminal, folders, log-out behaviour, containers.
    With --server, a Jupyter server in place of it: each step of the way to a kernel there.

    Each problem comes with its fix. The exit code is 1 when a check fails.
    """
    color = style.wants_color(sys.stdout)
    broken = False
    checks = all_checks(Path.cwd(), os.environ, sys.stdout.isatty())
    if server:
        from codeexec.cli.commands.doctor.server_checks import server_checks

        checks = server_checks(server)
    for check in checks:
        broken |= check.grade == "fail"
        if as_json:
            style.say_json(asdict(check), flush=True)
            continue
        mark, look = MARKS[check.grade]
        line = f" {check.name:<15} {check.told}"
        style.say(style.paint(mark, look, color), line, flush=True)
        if check.fix:
            style.say("    ", style.paint("→", "accent", color), f" {check.fix}")
    return exits.FAILED if broken else exits.OK
