"""One execution's output as a document of rows: writes, displays and errors in, patches out.

Rows are counted through all streams and objects in the order in which they appear. Each stream
has a cursor of its own, which moves over that stream's rows among the last `LIVE_ROWS` of the
document; older rows are frozen, and let go with the next patch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from codeexec.domain.outputs import Display, ErrorInfo, MimePart, RowKind, Run, plain
from codeexec.session.output.rows import LiveRows, OutputPatch
from codeexec.session.output.stream import Stream, StreamName, StreamState
from codeexec.session.output.terminal import Row, is_plain


class DocumentState(Struct, frozen=True, omit_defaults=True):
    """What a document knows beside its rows."""

    stdout: StreamState = StreamState()
    stderr: StreamState = StreamState()
    claims: tuple[RowKind, ...] = ()
    clear_waits: bool = False


AT_REST = DocumentState()


class OutputDocument:
    """`first_row` counts the rows that the execution has already, which are all frozen."""

    def __init__(self, first_row: int = 0) -> None:
        self._rows = LiveRows(first_row)
        self._streams = {
            "stdout": Stream("stdout", self._rows),
            "stderr": Stream("stderr", self._rows),
        }
        self._clear_waits = False

    @classmethod
    def resumed(
        cls, total: int, last: Sequence[Run], state: DocumentState | None
    ) -> OutputDocument:
        """A document of `total` rows, of which the `last` (one in each run) can still change."""
        document = cls(total)
        rows = [Row.from_run(run, number) for number, run in enumerate(last, total - len(last))]
        document._rows.resume(rows)
        if state is not None:
            document._rows.claims = set(state.claims)
            document._clear_waits = state.clear_waits
            for name, stream_state in (("stdout", state.stdout), ("stderr", state.stderr)):
                document._streams[name].resume(stream_state)
        return document

    def state(self) -> DocumentState | None:
        """What `resumed` needs beside the rows; None where both streams are at rest."""
        state = DocumentState(
            self._streams["stdout"].state(),
            self._streams["stderr"].state(),
            tuple(sorted(self._rows.claims)),
            self._clear_waits,
        )
        return None if state == AT_REST else state

    @property
    def total(self) -> int:
        """Rows by now."""
        return self._rows.total

    def write(self, stream: StreamName, text: str) -> None:
        """Raw text of a stream, cut anywhere."""
        if text:
            self._clear_now_if_asked()
            self._streams[stream].write(text)

    def answer(self, prompt: str, text: str) -> None:
        """What input() asked and what was answered, as a terminal would have it in this place."""
        self._clear_now_if_asked()
        self._rows.add_text("stdin", safe_text(f"{prompt}{text}").rstrip("\n"))

    def show(self, display: Display) -> None:
        self._clear_now_if_asked()
        self._rows.add("display").display = display

    def fail(self, error: ErrorInfo) -> None:
        """An exception of the user's code; its text is made safe."""
        self._clear_now_if_asked()
        lines = tuple(safe_text(line) for line in error.traceback)
        self._rows.add("error").error = ErrorInfo(
            plain(safe_text(error.name)), plain(safe_text(error.value)), lines
        )

    def clear(self, wait: bool) -> None:
        """Take all rows away; with `wait`, only when the next output comes."""
        self._clear_waits = wait
        if not wait:
            self._rows.clear()
            for stream in self._streams.values():
                stream.reset()

    def _clear_now_if_asked(self) -> None:
        if self._clear_waits:
            self.clear(False)

    def update_display(
        self, display_id: str, parts: tuple[MimePart, ...], metadata: Mapping[str, object]
    ) -> None:
        """Displays that may be carried again show this from now on; a patch does not say so."""
        for row in self._rows.of("display"):
            if row.display is not None and row.display.display_id == display_id:
                row.display = replace(row.display, parts=parts, metadata=dict(metadata))

    def take_patch(self) -> OutputPatch | None:
        """All changes since the last patch, complete; None when there are none."""
        unfinished = any(stream.is_within_last for stream in self._streams.values())
        return self._rows.take_patch(unfinished=unfinished)


def safe_text(text: str) -> str:
    """Text of any origin as a terminal would leave it, safe to show, row by row."""
    if is_plain(text):
        return text
    document = OutputDocument()
    document.write("stdout", text)
    patch = document.take_patch()
    body = "\n".join(run.text for run in patch.runs) if patch else ""
    return body + "\n" if text.endswith("\n") else body
