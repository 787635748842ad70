"""The helper process that draws: reads jobs from its input, writes answers to its output.

Libraries that draw hold the interpreter, load what addresses name, and abort when memory runs out.
Here they have limits on memory and time, and no network where the system allows that.
"""

from __future__ import annotations

import re
import select
import sys

from codeexec.sandbox.limits import enter, limit_time
from codeexec.sandbox.messages import read_message, write_message

IDLE_SECONDS = 60
"""Time without a job after which the process ends."""

_TRACE = re.compile(r"\s*+(?:at \S.*)?$")
"""A line of a stack of JavaScript, or an empty one."""


def main() -> None:
    """Answer jobs until the input ends, or none comes for IDLE_SECONDS."""
    seconds = int(sys.argv[1])
    jobs, answers = enter()
    while select.select([jobs], [], [], IDLE_SECONDS)[0]:
        job = read_message(jobs)
        if job is None:
            return
        limit_time(seconds)
        name, payload = job
        fault, picture = _draw(name.decode(), payload)
        write_message(answers, fault.encode("utf-8", "replace"), picture)


def _draw(job: str, payload: bytes) -> tuple[str, bytes]:
    """Why there is no picture, or nothing; and the picture as PNG."""
    from codeexec.rendering.faults import Fault
    from codeexec.rendering.jobs import run

    try:
        return "", run(job, payload)
    except Fault as fault:
        return str(fault), b""
    except MemoryError:
        return "it needs too much memory", b""
    except Exception as error:
        # Faults of the libraries on damaged documents; they may quote the document.
        lines = [line for line in str(error).splitlines() if not _TRACE.match(line)]
        return (lines or [type(error).__name__])[-1][:300], b""
