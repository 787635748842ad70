"""Messages of the console pane to the workbench, and between its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from codeexec.domain.events import StdinRequested
from codeexec.domain.outputs import Display
from codeexec.domain.snapshot import ExecutionView

if TYPE_CHECKING:
    from codeexec.tui.render.traceback import TracebackFrame


class ConsoleMessages:
    """Base of the console pane, as a namespace: its parts post these too."""

    @dataclass
    class SourceRequested(Message):
        """Show where a frame of a traceback is."""

        frame: TracebackFrame

    @dataclass
    class DisplayOpened(Message):
        """Show this display; `outside`: in another program, such as a browser."""

        display: Display
        outside: bool = False

    @dataclass
    class TerminalRequested(Message):
        """Open the program of this execution, which uses the whole screen, in a terminal."""

        view: ExecutionView

    @dataclass
    class BrowserRequested(Message):
        """Show this execution on the page of the session, in a browser."""

        execution_id: str

    @dataclass
    class EditRequested(Message):
        """Put this code into the editor."""

        code: str

    @dataclass
    class InterruptRequested(Message):
        """Interrupt the kernel."""

    @dataclass
    class HistoryRequested(Message):
        """Let the user search what was run before; the choice goes into the prompt."""

    @dataclass
    class AnswerAwaited(Message):
        """A cell waits for input; `origin` is the client that ran it."""

        request: StdinRequested
        origin: str

    @dataclass
    class AnswerOver(Message):
        """The input has been given: the keys go back to the pane that they came from."""

    class OutputResized(Message):
        """The view of the output has another size: programs that run have to know."""
