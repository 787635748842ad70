"""Makes results of the code execution service from those of the engine."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeexec.ces.common import (
    ArtifactType,
    ExecutionArtifact,
    ExecutionResult,
    LogMessage,
)
from codeexec.ces.cut_offs import CutOffs

if TYPE_CHECKING:
    from codeexec.domain.plugins import ExecutionReport, ReportedArtifact
    from codeexec.domain.result import ExecutionResult as EngineResult
    from codeexec.domain.snapshot import ExecutionView

NO_END = "The execution did not end well."
"""The error of an execution for which no reason is known."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture that was displayed: `artifact` names the file that its content is to be written to,
    in the session's working folder."""

    artifact: ExecutionArtifact
    content: bytes


def make_result(
    engine_result: EngineResult,
    view: ExecutionView,
    execution_id: str,
    index: int,
    cut_offs: CutOffs,
) -> tuple[ExecutionResult, list[PictureFile]]:
    """The result, and the displayed pictures among its artifacts, which are not files yet.

    `execution_id` is the caller's; `index` counts the executions of the session from 1."""
    report = view.report
    artifacts = [_reported(artifact, cut_offs) for artifact in report.artifacts] if report else []
    pictures = list(_pictures(engine_result, index, len(artifacts), cut_offs))
    messages = [LogMessage(e.level, e.tag, e.message) for e in report.log] if report else []
    if view.reason:
        messages.append(
            LogMessage("error" if view.status != "ok" else "info", "Engine", view.reason)
        )
    is_success = view.status == "ok"
    result = ExecutionResult(
        execution_id=execution_id,
        code=view.code,
        is_success=is_success,
        error="" if is_success else engine_result.error or NO_END,
        output=_plain_text(engine_result.output)[: cut_offs.value_chars],
        stdout=engine_result.stdout,
        stderr=engine_result.stderr,
        log=[f"{message.level} {message.tag}: {message.message}" for message in messages],
        artifact=[*artifacts, *(picture.artifact for picture in pictures)],
        variables=_cut(report.variables, cut_offs) if report else {},
        output_pairs=_pairs(report, cut_offs),
        messages=messages,
    )
    return result, pictures


def _plain_text(output: str) -> str:
    """The text that a string literal stands for, as TaskWeaver shows it; other values as they
    are."""
    if output[:1] not in ("'", '"'):
        return output
    try:
        value = literal_eval(output)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return output
    return value if isinstance(value, str) else output


def _cut(values: Mapping[str, str], cut_offs: CutOffs) -> dict[str, str]:
    return {name: value[: cut_offs.value_chars] for name, value in values.items()}


def _pairs(report: ExecutionReport | None, cut_offs: CutOffs) -> list[tuple[str, str]]:
    pairs = report.output if report else ()
    return [(name[: cut_offs.value_chars], value[: cut_offs.value_chars]) for name, value in pairs]


def _reported(artifact: ReportedArtifact, cut_offs: CutOffs) -> ExecutionArtifact:
    return ExecutionArtifact(
        name=artifact.id,
        type=artifact.kind,
        mime_type=artifact.mime,
        original_name=artifact.original_name,
        file_name=artifact.file,
        preview=artifact.preview[: cut_offs.preview_chars],
    )


def _pictures(
    engine_result: EngineResult, index: int, first: int, cut_offs: CutOffs
) -> Iterable[PictureFile]:
    """Displayed pictures, numbered on from `first`."""
    import mimetypes
    from base64 import b64decode

    number = first
    for shown in engine_result.artifact:
        if not shown.mime_type.startswith("image/"):
            continue
        kind: ArtifactType = "svg" if shown.mime_type == "image/svg+xml" else "image"
        suffix = mimetypes.guess_extension(shown.mime_type) or ".bin"
        name = f"obj_{index}_{kind}_{number:04x}"
        number += 1
        is_text = shown.file_content_encoding == "str"
        content = shown.file_content.encode() if is_text else b64decode(shown.file_content)
        original_name = f"display{suffix}"
        yield PictureFile(
            ExecutionArtifact(
                name=name,
                type=kind,
                mime_type=shown.mime_type,
                original_name=original_name,
                file_name=f"{name}_{original_name}",
                file_content=shown.file_content,
                file_content_encoding="str" if is_text else "base64",
                preview=shown.preview[: cut_offs.preview_chars],
            ),
            content,
        )
