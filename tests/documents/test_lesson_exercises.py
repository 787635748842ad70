"""Exercises are read from Markdown, each fault with file and line; runs are told in sentences."""

from __future__ import annotations

import pytest

from codeexec.documents.lessons.exercise import (
    check_code,
    check_sentence,
    error_sentence,
    output_sentence,
)
from codeexec.documents.lessons.expectation import BlockOutput
from codeexec.documents.lessons.model import (
    CodeBlock,
    ExerciseCheck,
    ExerciseHint,
    Expectation,
    Lesson,
)
from codeexec.documents.lessons.reading import read_lesson
from codeexec.documents.lessons.schema import front_matter_schema
from codeexec.domain.errors import DocumentError
from codeexec.domain.events import ExecutionFinished
from codeexec.domain.outputs import ErrorInfo
from codeexec.languages.catalog import running_language

LESSON = """\
---
check_timeout: 2
---
# Squares

Make `squares`.

```python
squares = []
```

```check timeout=0.5
assert len(squares) == 5, "Five numbers."
assert squares
```

```check
assert "1" in output
```

```hint 2
Use **a loop**.
```

```hint 4
Really.
```

```solution include="done.py" lines="2"
```

After it.

# Only shown

```python
print(1)
```
"""


def read(text: str) -> Lesson:
    return read_lesson(text, "a.md", lambda _: "one\ntwo\nthree\n", running_language)


def test_an_exercise_is_read() -> None:
    lesson = read(LESSON)
    assert lesson.front.check_timeout == 2
    (block,) = lesson.steps[0].blocks
    assert block.is_exercise and block.code == "squares = []\n" and block.given == "two\n"
    assert block.checks == (
        ExerciseCheck('assert len(squares) == 5, "Five numbers."\nassert squares\n', 12, 0.5),
        ExerciseCheck('assert "1" in output\n', 17),
    )
    assert block.hints == (
        ExerciseHint(2, "Use **a loop**.\n", 21),
        ExerciseHint(4, "Really.\n", 25),
    )
    assert lesson.steps[0].texts == ("# Squares\n\nMake `squares`.", "After it.")
    (shown,) = lesson.steps[1].blocks
    assert not shown.is_exercise and shown.given == shown.code


CODE = "# A\n\n```python\na = 1\n```\n\n"
CHECK = "```check\nassert a\n```\n\n"

FAULTS: list[tuple[str, int, str]] = [
    ("# A\n\n```check\nassert a\n```\n" + CODE, 3, "No code stands before this check"),
    (CODE + "# B\n\n```hint 1\nx\n```\n", 9, "No code stands before this hint"),
    (CODE + CHECK + "```hint\nx\n```\n", 11, "no number of tries"),
    (CODE + CHECK + "```hint soon\nx\n```\n", 11, "no number of tries"),
    (CODE + CHECK + "```hint 0\nx\n```\n", 11, "no number of tries"),
    (CODE + CHECK + "```hint 99999999\nx\n```\n", 11, "no number of tries"),
    (CODE + "```check\nassert a\nassert (\n```\n", 9, "The check is not Python"),
    (CODE + "```check\n# nothing\n```\n", 7, "no statement"),
    (CODE + "```check\nassert a\0\n```\n", 8, "The check is not Python"),
    (CODE + "```check timeout=soon\nassert a\n```\n", 7, "timeout=soon"),
    (CODE + "```solution\na = 2\n```\n", 3, "neither a check nor an output"),
    (CODE + "```hint 1\nx\n```\n", 7, "neither a check nor an output"),
    (CODE + CHECK + "```solution\na\n```\n\n```solution\nb\n```\n", 15, "two solutions"),
    (CODE + CHECK + '```solution include="a.py" lines="7-9"\n```\n', 11, "has no lines"),
    ("---\ncheck_timeout: 0\n---\n" + CODE, 2, "check_timeout"),
]


@pytest.mark.parametrize(("text", "line", "reason"), FAULTS)
def test_a_fault_has_its_file_and_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read(text)
    assert raised.value.message.startswith(f"a.md:{line}:"), raised.value.message
    assert reason in raised.value.message


def test_a_check_in_another_language_is_not_parsed_as_python() -> None:
    lesson = read('# A\n\n```bash\nx=1\n```\n\n```check\n[ -n "$x" ] || echo no\n```\n')
    assert lesson.steps[0].blocks[0].checks[0].line == 7


def test_the_schema_has_the_time_of_checks() -> None:
    properties = front_matter_schema()["properties"]
    assert isinstance(properties, dict)
    assert properties["check_timeout"]["default"] == 10.0


def _namespace_after(check: str, output: BlockOutput, **names: object) -> dict[str, object]:
    """Run the code of a check as a kernel does."""
    namespace: dict[str, object] = dict(names)
    exec(check_code(ExerciseCheck(check, 1), output), namespace)
    namespace.pop("__builtins__", None)
    return namespace


def test_a_check_leaves_the_names_of_the_learner_alone() -> None:
    output = BlockOutput("it is 3\n")
    check = "b = a + 1\nassert b == 4 and output == 'it is 3' and error == ''"
    # A name that hides a builtin one is the learner's; the check runs all the same.
    assert _namespace_after(check, output, a=3, exec=1, globals=2) == {
        "a": 3,
        "exec": 1,
        "globals": 2,
    }


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        ("assert a == 4, f'It is {a}.'", "It is 3."),
        ("assert a == 4", "This does not hold yet: a == 4"),
        ("def f():\n    assert a > 3\nf()", "This does not hold yet: a > 3"),
        ("raise SystemExit(3)", "The check has called exit()."),
    ],
)
def test_an_assertion_that_fails_has_a_sentence(check: str, sentence: str) -> None:
    with pytest.raises(AssertionError) as raised:
        _namespace_after(check, BlockOutput(""), a=3)
    assert str(raised.value) == sentence


CHECKED = ExerciseCheck("assert a", 7)


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (ExecutionFinished("x", "ok"), ""),
        (
            ExecutionFinished("x", "timed_out"),
            "The check in line 7 was stopped: it ran longer than 2 s.",
        ),
        (ExecutionFinished("x", "error", error=ErrorInfo("AssertionError", "a\nb", ())), "a b"),
        (
            ExecutionFinished(
                "x", "error", error=ErrorInfo("NameError", "name 'a' is not defined", ())
            ),
            "Not there yet: name 'a' is not defined.",
        ),
        (
            ExecutionFinished("x", "error", error=ErrorInfo("TypeError", "no", ())),
            "The check failed with TypeError: no",
        ),
        (ExecutionFinished("x", "cancelled"), "The check was stopped; run the code again."),
        (
            ExecutionFinished("x", "lost", "The kernel died."),
            "The check did not end: The kernel died.",
        ),
    ],
)
def test_the_end_of_a_check_is_a_sentence(end: ExecutionFinished, sentence: str) -> None:
    assert check_sentence(CHECKED, end, 2.0) == sentence


def _missing(mode: str, text: str, got: str, error: str = "") -> str:
    expectation = Expectation(mode, text, 1)  # type: ignore[arg-type]
    return output_sentence(expectation, BlockOutput(got, error))


def test_a_difference_of_output_is_a_sentence() -> None:
    assert _missing("exact", "one\ntwo\n", "one\ntwo") == ""
    assert _missing("exact", "one\ntwo\n", "one\n2") == (
        "Line 2 of the output is “2”, and should be “two”."
    )
    assert _missing("exact", "one", "eins") == "The output is “eins”, and should be “one”."
    assert _missing("exact", "one\ntwo", "one") == "The output ends too early: “two” should follow."
    assert _missing("exact", "one", "one\ntwo") == (
        "The output goes on too long: “two” should not be there."
    )
    assert _missing("exact", "one", "") == "The code put out nothing."
    assert _missing("exact", "o...e", "two") == "The output is not what is expected yet."
    assert _missing("contains", "one", "two") == "The output does not contain “one” yet."
    assert _missing("regex", "^o", "two") == "The output does not match the pattern “^o” yet."
    assert _missing("raises", "KeyError: ...", "") == "The code should raise KeyError: ...."
    assert _missing("raises", "KeyError: ...", "", "OSError: 3") == (
        "The code should raise KeyError: ..., and raised OSError: 3."
    )
    assert _missing("exact", "a\x1b[31m", "b" * 90).count("\x1b") == 0


def test_an_exception_that_is_not_asked_for_is_told() -> None:
    block = CodeBlock("python", "a", 1, 3)
    output = BlockOutput("", "NameError: name 'a' is\nnot defined")
    assert error_sentence(block, output, "error") == (
        "The code ended with NameError: name 'a' is not defined"
    )
    wrong = BlockOutput("", "SyntaxError: invalid syntax (685465526.py, line 3)")
    assert error_sentence(block, wrong, "error") == (
        "The code ended with SyntaxError: invalid syntax in line 3"
    )
    lost = BlockOutput("", "The kernel exited with code 7.")
    assert error_sentence(block, lost, "lost") == (
        "The code did not run to its end: The kernel exited with code 7."
    )
    raising = block._replace(expectations=(Expectation("raises", "", 1),))
    assert error_sentence(raising, output, "error") == ""
