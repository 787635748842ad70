"""Signals as a readable descriptor, with the information whether the terminal sent them."""

from __future__ import annotations

import os
import signal
import threading

SI_KERNEL = 0x80
"""`si_code` of a signal that the kernel sent, as the terminal's driver does: sigaction(2)."""

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def watched() -> tuple[signal.Signals, ...]:
    """The signals of WATCHED that are not ignored, as nohup ignores SIGHUP."""
    return tuple(number for number in WATCHED if signal.getsignal(number) is not signal.SIG_IGN)


class SignalPipe:
    """A descriptor that becomes readable when a signal of WATCHED arrives.

    Create it after the program was started: it blocks the signals, and a child process would
    inherit that. Without sigwaitinfo (macOS) the sender is unknown; each SIGINT counts as sent
    by the terminal, which sends it to the program as well.
    """

    def __init__(self) -> None:
        self.fd, self._write_end = os.pipe()
        os.set_blocking(self.fd, False)
        self._watched = watched()
        if not self._watched:
            return
        if hasattr(signal, "sigwaitinfo"):
            signal.pthread_sigmask(signal.SIG_BLOCK, self._watched)
            threading.Thread(target=self._wait, name="signals", daemon=True).start()
        else:
            for number in self._watched:
                signal.signal(number, lambda number, frame: self._put(number, True))

    def _wait(self) -> None:
        while True:
            received = signal.sigwaitinfo(self._watched)
            self._put(received.si_signo, received.si_code == SI_KERNEL)

    def _put(self, number: int, is_from_terminal: bool) -> None:
        os.write(self._write_end, bytes((number, is_from_terminal)))

    def read(self) -> list[tuple[int, bool]]:
        """Signals since the last call, each with whether the terminal sent it."""
        try:
            data = os.read(self.fd, 1024)
        except BlockingIOError:
            return []
        return [(data[at], bool(data[at + 1])) for at in range(0, len(data), 2)]
