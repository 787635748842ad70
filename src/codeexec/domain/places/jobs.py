"""Machines whose kernels run in a job of a batch system: how the job is started."""

from __future__ import annotations

import shlex

from codeexec.domain.errors import UsageError

COMMAND = "{command}"
"""Stands in a template for what the job runs."""

_EXAMPLE = f'Write launch = "srun --time=1:00:00 {COMMAND}".'


def check_launch(template: str) -> str:
    """The template, a line for the shell of the machine. UsageError for what is none."""
    if template.count(COMMAND) != 1:
        raise UsageError(f"launch must have {COMMAND} once, where the job's program is.", _EXAMPLE)
    try:
        shlex.split(template)
    except ValueError as error:
        raise UsageError(f"launch is no command line: {error}.", _EXAMPLE) from None
    if not template.isprintable():
        raise UsageError("launch is not one printable line.", _EXAMPLE)
    return template


def seconds_left(words: str) -> float | None:
    """Of a time as Slurm writes it: `[[DAYS-]HOURS:]MINUTES:SECONDS`. None for UNLIMITED and for
    all else."""
    days, dash, clock = words.strip().rpartition("-")
    parts = clock.split(":")
    if not 2 <= len(parts) <= 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    if dash and not (days.isascii() and days.isdigit()):
        return None
    seconds = 0
    for part in parts:
        seconds = seconds * 60 + int(part)
    return float(seconds + 86400 * int(days or 0))
