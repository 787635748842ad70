"""Where the user is in tours, and what was done of a step."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from codeexec.documents.files import write_atomic
from codeexec.documents.lessons.model import Deed, Step
from codeexec.domain.content.digests import blake2s
from codeexec.domain.errors import CodeexecError
from codeexec.domain.plain_files import read_plain_text
from codeexec.tui.session.lessons.progress import LessonProgress

Sign = tuple[str, str]
"""Kind and target of a deed, as something that can be seen."""

TOURS = "tours"
"""Folder below the state folder with the scripts of tours and the steps where they were left."""


def tour_folder(state: Path, file: str) -> Path:
    """Folder of a tour below the state folder; `file` is the absolute path of its lesson."""
    name = blake2s(file.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return state / TOURS / name


class TourSteps:
    """Steps of one tour. They are in the view of the session, as those of each lesson, and beside
    it in a file, from which a new session goes on."""

    def __init__(self, progress: LessonProgress, state: Path) -> None:
        """`state` is the state folder."""
        self._progress = progress
        self._file = tour_folder(state, progress.view.file) / "step"
        self._met = 0
        self.praise = ""

    @property
    def step(self) -> Step:
        return self._progress.step

    def begin(self, *, is_new_session: bool) -> None:
        """Be at the step where the tour was left; one that was taken to its end begins anew."""
        at = self._stored() if is_new_session else self._progress.view.step
        last = self._progress.count - 1
        if not 0 <= at < last:
            at = 0
        task = self._progress.lesson.steps[at].task
        is_made_before = is_new_session and task is not None and task.needs_step_before
        self._be_at(at - 1 if is_made_before and at else at)

    def look(self, signs: Container[Sign]) -> bool:
        """Take note of what can be seen; whether the step was done by it."""
        task = self.step.task
        if task is None or not task.deeds:
            return False
        while self._met < len(task.deeds) and _sign(task.deeds[self._met]) in signs:
            self._met += 1
        if self._met < len(task.deeds):
            return False
        self.go(1)
        self.praise = task.praise
        return True

    def go(self, by: int) -> None:
        """To another step, whether this one was done or not."""
        self._be_at(self._progress.view.step + by)
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomic(self._file, str(self._progress.view.step).encode())
        except (OSError, CodeexecError):
            return  # then a new session begins at the first step

    @property
    def cell(self) -> str:
        """Title of the cell that is to be run now or next; empty if there is none."""
        steps = self._progress.lesson.steps[self._progress.view.step :]
        deeds = (deed for step in steps if step.task is not None for deed in step.task.deeds)
        return next((deed.target for deed in deeds if deed.kind in ("run", "succeed")), "")

    def _be_at(self, step: int) -> None:
        self._progress.go_to_step(min(max(step, 0), self._progress.count - 1))
        self._met = 0
        self.praise = ""

    def _stored(self) -> int:
        try:
            return int(read_plain_text(self._file))
        except (OSError, ValueError):
            return 0


def _sign(deed: Deed) -> Sign:
    return deed.kind, deed.target
