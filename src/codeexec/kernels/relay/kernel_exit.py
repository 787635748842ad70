"""Why a kernel in a container ended, in words and with what to do: pure functions."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import Death
from codeexec.environments.docker.policy import size
from codeexec.environments.relay.processes import Exit


@dataclass(frozen=True, slots=True)
class KernelEnd:
    """`code` is the exit code, negative for a signal; `peak` and `limit` are bytes, 0 unknown."""

    message: str
    next_step: str
    code: int
    out_of_memory: bool = False
    peak: int = 0
    limit: int = 0

    @property
    def death(self) -> Death:
        return Death(
            message=f"{self.message} {self.next_step}".strip(),
            exit_code=self.code if self.code >= 0 else None,
            signal=-self.code if self.code < 0 else None,
            out_of_memory=self.out_of_memory,
            rss=self.peak or None,
        )


def kernel_ended(exit: Exit, last_words: str, image: str) -> KernelEnd:
    """The kernel process ended while its container went on."""
    if exit.code == -signal.SIGKILL and exit.kills > 0:
        limit = (
            f"the limit is {size(exit.limit)}" if 0 < exit.limit < 1 << 60 else "no limit is set"
        )
        return KernelEnd(
            f"The kernel ran out of memory: {limit}, the peak was {size(exit.peak)}.",
            "Use less at a time, or raise the setting `memory`.",
            exit.code,
            True,
            exit.peak,
            exit.limit,
        )
    message, step = _plainly(exit.code, last_words, image)
    return KernelEnd(message, step, exit.code, False, exit.peak, exit.limit)


def container_ended(error: CodeexecError | None, code: int) -> KernelEnd:
    """The container ended, and the kernel with it."""
    if error is None:
        return KernelEnd("The container has ended.", "Restart the kernel.", code)
    return KernelEnd(error.message, error.next_step, code)


def _plainly(code: int, last_words: str, image: str) -> tuple[str, str]:
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        why = {
            signal.SIGKILL: "was killed",
            signal.SIGSEGV: "crashed (segmentation fault)",
            signal.SIGABRT: "aborted",
            signal.SIGTERM: "was terminated",
        }.get(signal.Signals(-code) if -code in signal.valid_signals() else signal.SIGUSR1)
        return f"The kernel {why or 'was ended'} by {name}.", "Restart the kernel."
    if code and "No module named" in last_words and "ipykernel" in last_words:
        return (
            f"The image {image} has no ipykernel.",
            "Add it (pip install ipykernel), or make ours: codeexec-tui docker build",
        )
    output = f" It said: {last_words.strip()[-300:]}" if code and last_words.strip() else ""
    return f"The kernel exited with code {code}.{output}", "Restart the kernel."
