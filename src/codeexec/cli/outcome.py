"""Maps the end of an execution to the exit code of a run and a message."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from codeexec.cli import exit_codes as exits
from codeexec.domain import errors
from codeexec.domain.events import PASSED_OVER, Death, ExecutionFinished
from codeexec.domain.outputs import ErrorInfo

EXIT = "SystemExit"
SILENT = ("SIGINT", "SIGPIPE")
"""Signals about which a shell prints nothing."""
PROGRAM_FAILED = "ProgramFailed"
"""Error that `%program` raises: see `guest/program_magic.py`."""


class OutOfTime(errors.CodeexecError):
    """`--timeout` expired."""

    code = "timed_out"
    title = "Out of time"


class NoInput(errors.CodeexecError):
    """The code requests input, but standard input has ended."""

    code = "no_input"
    title = "No input"


class PassedOver(errors.CodeexecError):
    """The kernel answered that it did not run the code."""

    code = "passed_over"
    title = "Not run"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an execution for the run.

    `error` and `remark` are printed after the output, which shows errors of user code already.
    `ends`: no later piece is run. `is_programs`: the code is the exit status of a program.
    """

    code: int
    error: errors.CodeexecError | None = None
    remark: str = ""
    ends: bool = False
    is_programs: bool = False


def judge(
    end: ExecutionFinished,
    *,
    death: Death | None,
    interrupted: bool,
    no_input: bool,
    is_script: bool = False,
) -> Outcome:
    """The outcome of an execution on a kernel.

    `death`: the kernel died. `interrupted`: the user interrupted the run. `no_input`: the code
    was interrupted because standard input has ended. `is_script`: a whole script ran on the
    kernel, so its exit status is passed through.
    """
    kernel = exits.OWN_FAILURE if is_script else exits.KERNEL
    match end.status:
        case "ok":
            return Outcome(exits.OK)
        case "error":
            if end.error is not None and end.error.name == EXIT:
                return _judge_exit(end.error.value, passes_status=is_script)
            if end.error is not None and end.error.name == PROGRAM_FAILED and is_script:
                return Outcome(int(end.error.value), ends=True)
            return Outcome(exits.FAILED)
        case "timed_out":
            return Outcome(exits.TIMED_OUT, OutOfTime(end.reason), ends=True)
        case "lost":
            step = ""
            if death is not None and death.out_of_memory:
                step = "Reduce its memory use, or give the machine (or the container) more memory."
            return Outcome(kernel, errors.KernelDied(end.reason, step), ends=True)
        case "cancelled" if no_input:
            error = NoInput(
                "The code requests input, but standard input has ended.",
                "Run it in a terminal, or pipe in one line for each prompt.",
            )
            return Outcome(exits.FAILED, error, ends=True)
        case "cancelled" if interrupted:
            return Outcome(exits.INTERRUPTED, ends=True)
        case "cancelled" if end.reason == PASSED_OVER and death is None:
            step = "Some kernels pass over what follows an error closely: run it again."
            return Outcome(kernel, PassedOver(end.reason, step), ends=True)
        case "cancelled":
            reason = death.message if death is not None else end.reason
            return Outcome(kernel, errors.KernelUnavailable(reason), ends=True)


def judge_program(end: ExecutionFinished, status: int) -> Outcome:
    """The outcome of a program that exited with `status`, which is passed through."""
    if end.status == "timed_out":
        return Outcome(exits.TIMED_OUT, OutOfTime(end.reason), ends=True)
    remark = ""
    if end.error is not None and end.error.name == "Signal" and end.error.value not in SILENT:
        remark = f"The program was ended by {end.error.value}."
    return Outcome(status, remark=remark, ends=status != exits.OK)


def judge_built(error: ErrorInfo | None) -> Outcome:
    """The outcome of a program that a kernel of programs has built and run: its exit status is
    passed through, as a shell has it; 1 if the build failed, 127 if a tool is missing."""
    if error is None:
        return Outcome(exits.OK, is_programs=True)
    match error.name:
        case "SystemExit":
            return Outcome(int(error.value) & 0xFF, ends=True, is_programs=True)
        case "Signal":
            number = getattr(signal, error.value, 0)
            remark = "" if error.value in SILENT else f"The program was ended by {error.value}."
            return Outcome(128 + number, remark=remark, ends=True, is_programs=True)
        case "BuildFailed":
            return Outcome(exits.FAILED, remark=f"{error.value} Nothing was run.", ends=True)
        case name:
            status = exits.NOT_FOUND if name == "Not installed" else exits.OWN_FAILURE
            return Outcome(status, remark=f"{name}: {error.value}", ends=True)


def _judge_exit(value: str, *, passes_status: bool) -> Outcome:
    """The outcome of `sys.exit(value)`: empty and 0 are success, other numbers are reported,
    text is printed as the reason."""
    if value in ("", "0", "None", "False"):
        return Outcome(exits.OK, ends=True)
    is_number = value.lstrip("-").isdigit() or value == "True"
    if not is_number:
        return Outcome(exits.FAILED, remark=value, ends=True)
    number = 1 if value == "True" else int(value)
    if passes_status:
        return Outcome(number & 0xFF, ends=True)
    return Outcome(
        exits.FAILED, remark=f"The program ended itself with exit code {number}.", ends=True
    )
