"""Kernels of other projects that are known to lack something: what, and what is done about it.

A kernel is recognised by the command of its kernelspec before it is started, and by the
`implementation` of its `kernel_info_reply` after that. This table is the only place that names
such kernels. Kernels that are not in it are taken at their word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from codeexec.kernels.capabilities import AbsentAbility

RESTART = "Restart the kernel to end the code; its variables are lost then."


@dataclass(frozen=True, slots=True)
class KnownKernel:
    """What is special about one kernel of another project."""

    title: str
    implementations: tuple[str, ...]
    """The `implementation` of its `kernel_info_reply`, in lower case."""
    commands: tuple[str, ...]
    """Words of its kernelspec's `argv`, one of which it has; of a path the last part."""
    absent: tuple[AbsentAbility, ...] = ()
    """Abilities that it lacks, or claims and does not have."""
    interrupted_by_message: bool = False
    """A signal ends its process, whatever its kernelspec says."""
    is_primed_before_code: bool = False
    """Our helper code has to run before the user's: it installs the handler of interrupts."""
    has_subshells: bool = True
    """False: it announces subshells, and requests there disturb the code that runs."""
    aborts_next: bool = False
    """After an error or an interrupt it refuses requests that have come by then."""
    helper: Literal["", "bash", "r", "python", "javascript"] = ""
    """The helper code that tells its variables, and what else it does not say itself."""
    refuses_input: bool = True
    """False: it asks for input also where the request says that nobody answers."""
    error_prefix: str = ""
    """Its errors have the status `ok`: a last line of output with this prefix is one."""

    @property
    def has_stdin(self) -> bool:
        """Whether code can ask for input."""
        return all(absent.ability != "stdin" for absent in self.absent)

    @property
    def limits(self) -> tuple[str, ...]:
        """The absent abilities, a sentence each."""
        return tuple(ability.reason for ability in self.absent)


def _floods(title: str) -> AbsentAbility:
    """Its ZeroMQ socket drops messages when some 1,000 wait to be read, and does not tell. (tslab:
    487 of 2,000 lines have come.)"""
    reason = f"{title} may lose lines when code prints thousands at once."
    return AbsentAbility("floods", reason, "Print few large pieces, or write to a file.")


BASH = KnownKernel(
    "bash_kernel",
    ("bash_kernel",),
    ("bash_kernel",),
    (
        AbsentAbility(
            "stdin",
            "bash_kernel does not pass questions on: `read` waits until it is interrupted.",
            "Give the input in the code: read name <<< Ada",
        ),
        AbsentAbility("stderr", "bash_kernel sends stderr as stdout."),
        AbsentAbility(
            "exit", "bash_kernel goes on after `exit`, with a new bash that has no variables."
        ),
        AbsentAbility(
            "recovery",
            "bash_kernel may be one command behind after an interrupt.",
            "Restart the kernel where an answer is that of the command before.",
        ),
        _floods("bash_kernel"),
    ),
    has_subshells=False,
    helper="bash",
)
DENO = KnownKernel(
    "deno",
    ("deno kernel", "deno"),
    ("deno",),
    (
        AbsentAbility("interruption", "The Deno kernel cannot be interrupted.", RESTART),
        AbsentAbility("inspection", "The Deno kernel has no help for code."),
        AbsentAbility("variables", "The Deno kernel does not tell its variables."),
    ),
    interrupted_by_message=True,
    helper="javascript",
)
XPYTHON = KnownKernel(
    "xeus-python",
    ("xeus-python", "xpython"),
    ("xpython_launcher", "xpython"),
    (_floods("xeus-python"),),
    is_primed_before_code=True,
    helper="python",
)
XPYTHON_RAW = KnownKernel(
    "xeus-python --raw",
    (),
    ("--raw",),
    (
        AbsentAbility("interruption", "xeus-python without IPython ignores interrupts.", RESTART),
        AbsentAbility("variables", "xeus-python without IPython does not tell its variables."),
        _floods("xeus-python"),
    ),
    interrupted_by_message=True,
)
IR = KnownKernel(
    "IRkernel",
    ("irkernel",),
    ("IRkernel::main()",),
    (
        AbsentAbility(
            "stderr",
            "IRkernel does not send what R writes to stderr() directly; message() and warning() "
            "it does.",
        ),
        AbsentAbility("exit", "IRkernel goes on after `quit()`.", "Restart the kernel instead."),
        _floods("IRkernel"),
    ),
    aborts_next=True,
    helper="r",
    refuses_input=False,
)
OCTAVE = KnownKernel(
    "octave_kernel",
    ("octave kernel", "octave_kernel"),
    ("octave_kernel",),
    (
        AbsentAbility("variables", "octave_kernel does not tell its variables: `whos` lists them."),
        _floods("octave_kernel"),
    ),
    error_prefix="error: ",
)
TSLAB = KnownKernel(
    "tslab",
    ("tslab", "jslab"),
    ("tslab",),
    (
        AbsentAbility("stdin", "tslab has no input."),
        AbsentAbility("variables", "tslab does not tell its variables."),
        AbsentAbility(
            "recovery",
            "tslab may pass over the first code after an interrupt.",
            "Run that code again.",
        ),
        _floods("tslab"),
    ),
    aborts_next=True,
    helper="javascript",
)
KNOWN = (BASH, DENO, XPYTHON_RAW, XPYTHON, IR, OCTAVE, TSLAB)
PLAIN = KnownKernel("", (), ())
"""A kernel of which nothing special is known."""


def known_by_command(argv: Sequence[str]) -> KnownKernel:
    """The kernel that a kernelspec starts; `PLAIN` for one that is not in the table."""
    words = {PurePath(word).name for word in argv[:1]} | set(argv[1:])
    is_xpython = bool(words & set(XPYTHON.commands))
    for kernel in KNOWN:
        if kernel is XPYTHON_RAW and not is_xpython:
            continue
        if words & set(kernel.commands):
            return kernel
    return PLAIN


def known_by_implementation(implementation: str) -> KnownKernel:
    """The kernel that announces itself so; `PLAIN` for one that is not in the table."""
    name = implementation.lower()
    return next((kernel for kernel in KNOWN if name in kernel.implementations), PLAIN)
