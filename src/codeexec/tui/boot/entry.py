"""Entry point of the workbench. Imports only light modules, so that the first frame is early."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.tui.options import OpenOptions


def run(options: OpenOptions) -> int:
    """The workbench, until the person leaves; returns the exit code.

    The order is what makes the start quick: paint, start the server (whose first act is to
    start the kernel), and only then import what draws. Raises CodeexecError.
    """
    import gc
    import signal

    from codeexec.domain.text.printable import printable
    from codeexec.tui.boot.first_frame import first_frame

    def leave(number: int, _: object) -> None:
        # Nothing is raised here: modules that are just being loaded do not all stand that.
        if frame is not None:
            frame.restore()
        os._exit(128 + number)

    # Looking for garbage of imports takes a tenth of their time; the program turns it on again.
    gc.disable()

    # A change that follows a paint waits for the next frame. More frames than there are is no
    # waste: they are painted on need, and those of output come at most thirty times a second.
    os.environ.setdefault("TEXTUAL_FPS", "1000")
    # Colours are limited to those of the terminal by our own filter, not by the renderer.
    os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "truecolor")
    # Where they are exported, Textual would take them for the size, and follow no resize.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    frame = first_frame(options.files)
    # Until the program does so itself: whatever ends us puts the terminal back.
    # SIGINT too, which as an exception may meet any line, or get lost in one that ends tasks.
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, leave)
    try:
        if frame is not None:
            frame.begin()
        from codeexec.tui.boot.start import start

        last_message = start(options, frame)
    finally:
        if frame is not None:
            frame.leave()
    if last_message:
        print(printable(last_message, lines=True))  # noqa: T201 (the terminal is the shell's again)
    return 0
