"""How code is run: options that a client chooses, carried whole from a request to the kernel."""

from __future__ import annotations

from msgspec import Struct

DEFAULT_KERNEL = "python"
"""The name of a session's first kernel where nothing else names it, and of the only kernel that
a session of schema 1 had."""


class ExecuteOptions(Struct, frozen=True, omit_defaults=True):
    """`timeout` limits the run in seconds, from its start. `columns` is the width in cells of the
    screen that shows the output, which Python kernels tell to pandas and others; 0: none.

    `kernel` names a kernel of the session, which is started on need; without it `language` chooses
    one, and without both the session's default kernel runs the code. Of an execution, `kernel` is
    the one that runs it. `stop_on_error`: when this execution does not end well, those that wait
    behind it in the same document are skipped; without a document, those without one that wait for
    the same kernel."""

    silent: bool = False
    store_history: bool = True
    allow_stdin: bool = True
    stop_on_error: bool = True
    timeout: float | None = None
    columns: int = 0
    language: str = ""
    kernel: str = ""


NO_OPTIONS = ExecuteOptions()
