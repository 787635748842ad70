"""Whether a learner has done an exercise: the code that checks it, and the sentence that says what
is still missing."""

from __future__ import annotations

import ast
import re

from codeexec.documents.lessons.expectation import (
    ELLIPSIS,
    BlockOutput,
    mismatch,
    normalized,
)
from codeexec.documents.lessons.model import CodeBlock, ExerciseCheck, Expectation
from codeexec.domain.events import ExecutionFinished, FinishStatus
from codeexec.domain.outputs import plain
from codeexec.domain.text.printable import printable

_SHOWN = 60
"""Characters of a line of output in a sentence."""

_PLACE = re.compile(r"\((?:\d+\.py|<[^<>]*>), line (\d+)\)$")
"""Where a SyntaxError is, at its end, as IPython says it."""

_FAILED_ASSERTION = "AssertionError"


def error_sentence(block: CodeBlock, output: BlockOutput, status: FinishStatus) -> str:
    """What is wrong where the code ended with an exception that the exercise does not ask for, or
    did not end by itself."""
    if status not in ("ok", "error"):
        return f"The code did not run to its end: {_line(output.error)}"
    if not output.error or block.may_raise:
        return ""
    # The name of the file is the kernel's own.
    error = _PLACE.sub(r"in line \1", _line(output.error))
    return f"The code ended with {error}"


def output_sentence(
    expectation: Expectation, output: BlockOutput, picture: bytes | None = None
) -> str:
    """What is missing of the output, in a sentence; empty where it is as expected. `picture` as for
    `mismatch`."""
    if not (reason := mismatch(expectation, output, picture)):
        return ""
    match expectation.mode:
        case "exact":
            return _line_sentence(normalized(expectation.text), normalized(output.text))
        case "contains":
            return f"The output does not contain {_quoted(expectation.text)} yet."
        case "regex":
            return f"The output does not match the pattern {_quoted(expectation.text)} yet."
        case "raises":
            error_name = expectation.text.strip()
            should = f"raise {_line(error_name)}" if error_name else "raise an exception"
            got = f", and raised {_line(output.error)}" if output.error else ""
            return f"The code should {should}{got}."
        case "image":
            return reason.replace("; --update writes it", "")


def check_code(check: ExerciseCheck, output: BlockOutput) -> str:
    """Python that runs a check in a copy of the namespace, in which `output` is what the learner's
    code has put out and `error` the exception with which it ended. Every assertion has a message.
    """
    tree = ast.parse(check.code)
    source = check.code
    if any(isinstance(node, ast.Assert) and node.msg is None for node in ast.walk(tree)):
        source = ast.unparse(ast.fix_missing_locations(_WithMessages().visit(tree)))
    names = {"output": normalized(output.text), "error": output.error}
    return _CHECK.format(source=source, names=names)


def check_sentence(
    check: ExerciseCheck, end: ExecutionFinished, timeout: float, last_line: str = ""
) -> str:
    """What a check says of the learner's code, by the end of its own run; empty where it passed.
    `last_line` is the last line that a check in another language than Python has put out."""
    match end.status:
        case "ok":
            return ""
        case "timed_out":
            return f"The check in line {check.line} was stopped: it ran longer than {timeout:g} s."
        case "error" if end.error is not None:
            value = _line(plain(end.error.value))
            if end.error.name == _FAILED_ASSERTION:
                return value or "It is not done yet."
            if end.error.name == "NameError":
                return f"Not there yet: {value}."
            return last_line or f"The check failed with {end.error.name}: {value}".rstrip(": ")
        case "error":
            return last_line or "The check failed."
        case "cancelled":
            return "The check was stopped; run the code again."
        case _:
            return f"The check did not end: {_line(end.reason or end.status)}"


class _WithMessages(ast.NodeTransformer):
    """An assertion without a message says what does not hold."""

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        if node.msg is None:
            node.msg = ast.Constant(f"This does not hold yet: {ast.unparse(node.test)}")
        return node


def _line_sentence(expected: str, got: str) -> str:
    """The first line in which the output is another."""
    if not got:
        return "The code put out nothing."
    wanted_lines, lines = expected.split("\n"), got.split("\n")
    if ELLIPSIS in expected:
        return "The output is not what is expected yet."
    for number, (expected_line, line) in enumerate(zip(wanted_lines, lines, strict=False), 1):
        if expected_line != line:
            where = f"Line {number} of the output" if len(wanted_lines) > 1 else "The output"
            return f"{where} is {_quoted(line)}, and should be {_quoted(expected_line)}."
    if len(lines) < len(wanted_lines):
        return f"The output ends too early: {_quoted(wanted_lines[len(lines)])} should follow."
    return f"The output goes on too long: {_quoted(lines[len(wanted_lines)])} should not be there."


def _quoted(text: str) -> str:
    first = next((line for line in text.split("\n") if line.strip()), "")
    line = printable(first)
    return f"“{line if len(line) <= _SHOWN else line[: _SHOWN - 1] + '…'}”"


def _line(text: str) -> str:
    """The text as one printable line."""
    return printable(" ".join(text.split()))


_CHECK = """\
def _codeexec_check(builtins, source, names):
    names = {{**builtins.globals(), **names}}
    names.pop("_codeexec_check", None)
    try:
        builtins.exec(builtins.compile(source, "<check>", "exec"), names)
    except builtins.SystemExit:
        raise builtins.AssertionError("The check has called exit().") from None
    finally:
        builtins.globals().pop("_codeexec_check", None)
_codeexec_check(__import__("builtins"), {source!r}, {names!r})
"""
