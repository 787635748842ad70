"""Has Python documents checked by the ruff of the session's environment while typing pauses."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from codeexec.domain.snapshot import KernelView
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.host import TimedHost
from codeexec.tui.panes.editor.marks import LINT
from codeexec.tui.session.feed import Frame
from codeexec.tui.textual_ext.timers import call_after

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView
    from codeexec.tui.panes.documents.linting.checker import RuffChecker

_QUIET = 1.0
"""Seconds without a key before a document is checked."""

_IDLE = 30.0
"""Seconds without a check after which the server is ended; it starts in a few milliseconds."""


class Linter:
    """Where the environment of a document's kernel has no ruff, nothing is done and nothing said.
    What checks is loaded with the first check."""

    def __init__(self, host: TimedHost, context: PaneContext, documents: DocumentList) -> None:
        self._host = host
        self._context = context
        self._documents = documents
        self.checker: RuffChecker | None = None
        self._requests: WeakKeyDictionary[DocumentView, float] = WeakKeyDictionary()
        """When documents were last asked to be checked, on the monotonic clock."""

    def check_soon(self, sheet: DocumentView) -> None:
        """Check a document when typing pauses."""
        is_waiting = sheet in self._requests
        self._requests[sheet] = time.monotonic()
        if not is_waiting:
            call_after(self._host, _QUIET, lambda: self._check_when_quiet(sheet))

    def _check_when_quiet(self, sheet: DocumentView) -> None:
        seconds = self._requests[sheet] + _QUIET - time.monotonic()
        if seconds > 0:
            call_after(self._host, seconds, lambda: self._check_when_quiet(sheet))
            return
        del self._requests[sheet]
        if sheet in self._documents.sheets:
            self._host.run_worker(self.check(sheet), group="lint")

    async def check(self, sheet: DocumentView) -> None:
        """Check a document now, and mark what is found."""
        program = self._program(sheet)
        if not program:
            self._clear(sheet)
            return
        if self.checker is None:
            from codeexec.tui.panes.documents.linting.checker import RuffChecker  # not at the start

            self.checker = RuffChecker()
        checker = self.checker
        marks = await checker.check(sheet, program)
        if marks is not None and sheet.is_attached:
            sheet.diagnostics.show_findings(marks)
            self._leave_out_defined(sheet)
        checks = checker.checks
        call_after(self._host, _IDLE, lambda: self._close_if_idle(checks))

    def _close_if_idle(self, checks: int) -> None:
        if self.checker is not None:
            self._host.run_worker(self.checker.close_if_idle(checks), group="lint")

    async def close(self) -> None:
        """End the server."""
        if self.checker is not None:
            await self.checker.close()

    def adopt(self) -> None:
        """The settings have changed."""
        for sheet in self._documents:
            self.check_soon(sheet)

    # -- the kernel -----------------------------------------------------------------------------

    def show_frame(self, frame: Frame) -> None:
        """A kernel has come, whose environment may have ruff, or names were defined in it."""
        before, now = frame.before, frame.snapshot
        if before.kernels is now.kernels:
            return
        for sheet in self._documents:
            name = self._context.kernel_of(sheet)
            old, new = before.kernel_named(name), now.kernel_named(name)
            if (old.kernel, old.pid) != (new.kernel, new.pid):
                self.check_soon(sheet)
            elif old.variables is not new.variables:
                self._leave_out_defined(sheet)

    def _kernel_of(self, sheet: DocumentView) -> KernelView:
        return self._context.snapshot.kernel_named(self._context.kernel_of(sheet))

    def _program(self, sheet: DocumentView) -> str:
        """The ruff that checks a document; empty where it is not to be checked."""
        is_python = sheet.language.name == "python"
        if not (self._context.habits.lint and is_python) or self._context.watch_only:
            return ""
        return self.ruff_for(sheet)

    def ruff_for(self, sheet: DocumentView) -> str:
        """The ruff in the environment of the kernel that runs a document; empty without one."""
        return ruff_of(self._kernel_of(sheet))

    def _leave_out_defined(self, sheet: DocumentView) -> None:
        """Take marks away that say that a name is undefined, where running code has defined it."""
        entries = [entry for entry in sheet.diagnostics.entries if entry.program == LINT]
        if not entries:
            return
        from codeexec.tui.panes.documents.linting.findings import without_defined  # as above

        kernel = self._kernel_of(sheet)
        names = {variable.name for variable in kernel.variables}
        remaining = without_defined(entries, names)
        if len(remaining) < len(entries):
            sheet.diagnostics.show_findings(remaining)

    @staticmethod
    def _clear(sheet: DocumentView) -> None:
        if any(entry.program == LINT for entry in sheet.diagnostics.entries):
            sheet.diagnostics.show_findings(())


def ruff_of(kernel: KernelView) -> str:
    """The ruff in the environment of a kernel on this machine; empty without one.

    Only of a kernel that runs: code of its environment was executed by then, so it is one that
    was trusted.
    """
    if kernel.kernel is None or kernel.pid is None:
        return ""
    interpreter = kernel.kernel.path
    if kernel.kernel.backend != "local" or not interpreter.startswith("/"):
        return ""
    program = Path(interpreter).parent / "ruff"
    return str(program) if program.is_file() else ""
