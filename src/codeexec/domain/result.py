"""What an execution came to, for programs: derived from the snapshot and its rows."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass, field

from codeexec.domain.content.mime import is_base64
from codeexec.domain.events import Variable
from codeexec.domain.outputs import Display, ErrorInfo, MimePart, Run, plain
from codeexec.domain.programs import StepResult
from codeexec.domain.snapshot import ExecutionView

_TYPES = {
    "image/svg+xml": "svg",
    "text/html": "html",
    "text/plain": "txt",
    "application/vnd.dataresource+json": "df",
}
_PREVIEW_CHARS = 100


@dataclass(frozen=True, slots=True)
class ExecutionArtifact:
    """Something that an execution made. `type` is chart, image, df, file, txt, svg or html.

    `file_content` is text when `file_content_encoding` is `str`, base64 when it is `base64`.
    """

    name: str
    type: str
    mime_type: str
    original_name: str
    file_name: str
    file_content: str
    file_content_encoding: str
    preview: str


class StepOutput(StepResult, frozen=True, omit_defaults=True):
    """A step with what it wrote: rows without styles."""

    stdout: tuple[str, ...] = ()
    stderr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """`stdout` and `stderr` hold their rows without styles, one string a row; `output` is the
    value of the last expression as text; `log` what else was told (notices, reasons). `steps` are
    those of a program (build, run), with output, exit status, time, memory and diagnostics of each.
    """

    execution_id: str
    code: str
    is_success: bool
    error: str
    output: str
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    artifact: list[ExecutionArtifact] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    steps: list[StepOutput] = field(default_factory=list)


def error_text(error: ErrorInfo | None) -> str:
    """The traceback without styles, or `Name: value` where there is none."""
    if error is None:
        return ""
    if error.traceback:
        return plain("\n".join(error.traceback))
    return f"{error.name}: {error.value}" if error.value else error.name


def make_result(
    variables: Iterable[Variable], view: ExecutionView, rows: Iterable[Run], blobs: dict[str, str]
) -> ExecutionResult:
    """The result of `view`, given the kernel's variables after it, all its rows (`view` has only
    the end of them) and the text of their blobs by digest."""
    texts = _Texts(step.rows for step in view.steps)
    displays: list[Display] = []
    for run in rows:
        texts.take(run)
        if run.display is not None:
            displays.append(run.display)
    results = [display for display in displays if display.role == "result"]
    output = _text(results[-1].part("text/plain"), blobs) if results else ""
    artifacts = [
        artifact
        for number, display in enumerate(displays)
        if (artifact := _artifact(number, view, display, blobs)) is not None
    ]
    return ExecutionResult(
        execution_id=view.execution_id,
        code=view.code,
        is_success=view.status == "ok",
        error=error_text(view.error) or (view.reason if view.status != "ok" else ""),
        output=output,
        stdout=texts.stdout,
        stderr=texts.stderr,
        log=[view.reason] if view.reason else [],
        artifact=artifacts,
        variables={variable.name: variable.preview for variable in variables},
        steps=_steps(view.steps, texts),
    )


class _Texts:
    """The rows of stdout and stderr, run by run: a program may print millions."""

    def __init__(self, ends: Iterable[int]) -> None:
        """`ends`: at how many rows each step of the program ended, in order."""
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self.marks: list[tuple[int, int]] = []
        """How many rows of stdout and of stderr there were at each of `ends`."""
        self._ends = list(ends)
        self._at = 0

    def take(self, run: Run) -> None:
        kind = {"stdout": self.stdout, "stderr": self.stderr}.get(run.kind)
        own = plain(run.text).split("\n") if kind is not None else []
        count = len(own) if kind is not None else run.rows
        while len(self.marks) < len(self._ends):
            before = self._ends[len(self.marks)] - self._at
            if before > count:
                break
            self._mark(max(before, 0), kind)
        if kind is not None:
            kind += own
        self._at += count

    def _mark(self, before: int, kind: list[str] | None) -> None:
        """A step ended `before` rows into those of `kind` that come next."""
        self.marks.append((
            len(self.stdout) + before * (kind is self.stdout),
            len(self.stderr) + before * (kind is self.stderr),
        ))  # fmt: skip


def _steps(steps: Iterable[StepResult], texts: _Texts) -> list[StepOutput]:
    outputs: list[StepOutput] = []
    start = (0, 0)
    end = (len(texts.stdout), len(texts.stderr))
    for number, step in enumerate(steps):
        stop = texts.marks[number] if number < len(texts.marks) else end
        fields = {name: getattr(step, name) for name in step.__struct_fields__}
        stdout = tuple(texts.stdout[start[0] : stop[0]])
        stderr = tuple(texts.stderr[start[1] : stop[1]])
        outputs.append(StepOutput(**fields, stdout=stdout, stderr=stderr))
        start = stop
    return outputs


def _text(part: MimePart | None, blobs: dict[str, str]) -> str:
    if part is None:
        return ""
    return part.text if part.text is not None else blobs.get(part.blob or "", "")


def _artifact(
    number: int, view: ExecutionView, display: Display, blobs: dict[str, str]
) -> ExecutionArtifact | None:
    part = next((p for p in display.parts if p.mime.startswith("image/")), None)
    part = part or display.part("text/html") or display.part("application/json")
    if part is None:
        return None
    kind = _TYPES.get(part.mime) or ("chart" if part.mime.startswith("image/") else "file")
    if kind == "html" and "dataframe" in _text(part, blobs):
        kind = "df"
    binary = is_base64(part.mime)
    name = f"obj_{number}_{kind}_{(view.count or 0):04x}"
    suffix = mimetypes.guess_extension(part.mime) or ".bin"
    return ExecutionArtifact(
        name=name,
        type=kind,
        mime_type=part.mime,
        original_name=name + suffix,
        file_name=name + suffix,
        file_content=_text(part, blobs),
        file_content_encoding="base64" if binary else "str",
        preview=_text(display.part("text/plain"), blobs)[:_PREVIEW_CHARS],
    )
