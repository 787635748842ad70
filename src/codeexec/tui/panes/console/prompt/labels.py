"""Prompt state per kernel: number and unfinished text."""

from __future__ import annotations

from codeexec.domain.snapshot import Snapshot
from codeexec.tui.panes.console.prompt.prompt import Prompt
from codeexec.tui.render.plain import one_line
from codeexec.tui.session.feed import Frame

_LONGEST_NAME = 16
"""Characters of a kernel's name before the number."""


class Prompts:
    """One widget shows the prompt of the kernel in focus."""

    def __init__(self) -> None:
        self._kernel = ""
        self._numbers: dict[str, tuple[int, int]] = {}
        """By kernel: the generation that the number is of, and the number."""
        self._drafts: dict[str, str] = {}

    def follow(self, frame: Frame, prompt: Prompt) -> None:
        """Count what was run; when another kernel has the focus, show what was typed for it."""
        for key in frame.changed:
            view = frame.view(key)
            if view is not None and view.count is not None:
                generation, number = self._numbers.get(view.kernel, (0, 1))
                if view.generation > generation:
                    number = 1
                if view.generation >= generation:
                    counted = view.generation, max(number, view.count + 1)
                    self._numbers[view.kernel] = counted
        name = frame.snapshot.default_kernel
        if self._kernel and name != self._kernel:
            self._drafts[self._kernel] = prompt.text
            draft = self._drafts.pop(name, "")
            if draft != prompt.text:
                prompt.put(draft)
        self._kernel = name

    def label(self, snapshot: Snapshot) -> str:
        """What stands before the prompt: the kernel's name where there are several."""
        generation, number = self._numbers.get(snapshot.default_kernel, (0, 1))
        if generation != snapshot.kernel.generation:
            number = 1
        name = one_line(snapshot.default_kernel)[:_LONGEST_NAME]
        return f"{name} [{number}] " if len(snapshot.kernels) > 1 else f"[{number}] "
