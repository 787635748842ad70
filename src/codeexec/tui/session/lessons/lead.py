"""Which of several terminals gives a lesson: the one in which a key was pressed last."""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace
from pathlib import Path

from codeexec.domain.content.digests import sha256
from codeexec.domain.ids import new_id
from codeexec.tui.session.views import LessonView

_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW


class LessonLead:
    """The part of one terminal. As long as it has not left the lesson, it holds a lock on a file of
    its own in `folder`, which the system releases however the program ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.own_id = new_id("terminal")
        self.leads = False
        self._lock: int | None = None

    def _file(self, terminal_id: str) -> Path:
        name = sha256(terminal_id.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        return self._folder / f"{name}.lead"

    def claim(self, view: LessonView, newest: LessonView | None) -> LessonView:
        """Lead from now on: the view with this terminal in it. `newest` is the last one known."""
        self._hold()
        self.leads = True
        last = max(view.claim, newest.claim if newest is not None else 0)
        return replace(view, leader=self.own_id, claim=last + 1)

    def _hold(self) -> None:
        """Lock the file of this terminal. Where its folder cannot be written no lock is needed:
        views are kept there too, so no other terminal sees that of this one.
        """
        if self._lock is not None:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self._file(self.own_id), _FLAGS | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()

    def is_given_elsewhere(self, view: LessonView) -> bool:
        """Whether the terminal that leads is another one, and has not ended. One that has ended
        leaves no file."""
        if view.leader in ("", self.own_id):
            return False
        file = self._file(view.leader)
        try:
            lock = os.open(file, _FLAGS)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            file.unlink(missing_ok=True)
        except BlockingIOError:
            return True
        except OSError:
            pass  # it is looked at again
        finally:
            os.close(lock)
        return False

    def close(self) -> None:
        """Leave the lesson to the other terminals."""
        self.leads = False
        if self._lock is not None:
            self._file(self.own_id).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None


def is_newer(view: LessonView, other: LessonView) -> bool:
    """Whether the terminal of `view` has claimed the lesson after that of `other`. Two that claim
    it at once have the same number: all agree on one of them."""
    return (view.claim, view.leader) > (other.claim, other.leader)
