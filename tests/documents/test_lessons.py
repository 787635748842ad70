"""Lessons are read from Markdown, each fault with its file and line; outputs are compared."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from codeexec.cli.lessons.correcting import corrected
from codeexec.cli.lessons.verify import Correction
from codeexec.documents.lessons.expectation import BlockOutput, matches, mismatch
from codeexec.documents.lessons.model import (
    Deed,
    Expectation,
    ExpectationMode,
    FrontMatter,
    Lesson,
    Task,
)
from codeexec.documents.lessons.reading import read_lesson
from codeexec.documents.lessons.schema import front_matter_schema
from codeexec.documents.lessons.tasks import with_own_keys
from codeexec.documents.lessons.to_script import script_of_tour
from codeexec.domain.errors import DocumentError, NotFound
from codeexec.languages.catalog import running_language

LESSON = """\
---
title: Of names
packages: [numpy]
timeout: 5
---
Before the first heading.

# Numbers *and* names
<!-- say: slowly -->

```python
name = input()
```

```input
Ada
```

```output
Hello
...
```

```output contains
Ada
```

---

```{bash} hidden timeout=2.5
ls
```

```console
$ only shown
```

## Files

~~~python include="a.py" lines="2-3"
~~~

```python norun
never()
```
"""


def include(name: str) -> str:
    if name != "a.py":
        raise NotFound(f"{name} does not exist.")
    return "one\ntwo\nthree\nfour\n"


def read(text: str) -> Lesson:
    return read_lesson(text, "a.md", include, running_language)


TOUR = """\
---
screen: workbench
---
# One

Press [F5](key:run.cell).

```python
print(1)
```

```do
run
go console
```

It *ran*.

# Two

The end, by [F5](key:run.cell).
"""


def test_a_tour_has_tasks() -> None:
    one, two = read(TOUR).steps
    task = one.task
    assert task is not None
    assert task.text == "Press [F5](key:run.cell)."
    assert task.praise == "It *ran*."
    assert task.deeds == (Deed("run", "One", 13), Deed("go", "console", 14))
    assert one.text == "# One\n\nPress F5.\n\nIt *ran*."
    assert two.task == Task((), "The end, by [F5](key:run.cell).", "")
    assert with_own_keys("[F5](key:run.cell) [X](key:no)", ["run.cell"]) == "{run.cell} X"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("go console", "jump console", "a.md:14: The task has no such line: jump console"),
        ("go console", "open door", "a.md:14: The task has no such line: open door"),
        ("go console", "return now", "a.md:14: The task has no such line: return now"),
        ("go console", "go", "a.md:14: The task has no such line: go"),
        ("go console", "run Two", "a.md:14: There is not one step with code and the title 'Two'."),
        ("run\ngo console\n", "", "a.md:12: The fence has nothing to do."),
        ("```do", "```do soon", "a.md:12: A fence `do` has no soon."),
        ("It *ran*.", "```do\nrun\n```", "a.md:17: The step has two fences `do`."),
    ],
)
def test_a_task_that_nobody_can_do_is_refused(old: str, new: str, words: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(words)):
        read(TOUR.replace(old, new, 1))


def test_the_script_of_a_tour_has_a_cell_for_each_block() -> None:
    text = TOUR.replace("```do", "```bash\nls\n```\n\n```python hidden\n2\n```\n\n```do", 1)
    script = script_of_tour(read(text))
    assert "# %% One\nprint(1)" in script
    assert "# ls" in script
    assert "\n2" not in script


def test_a_lesson_is_read() -> None:
    lesson = read(LESSON)
    assert lesson.front == FrontMatter(title="Of names", packages=("numpy",), timeout=5.0)
    assert [(step.title, step.line, len(step.blocks)) for step in lesson.steps] == [
        ("", 6, 0),
        ("Numbers and names", 8, 1),
        ("", 28, 1),
        ("Files", 38, 1),
    ]
    assert (lesson.where("packages"), lesson.where("kernel")) == ("a.md:3", "a.md")
    first, second, third = (block for _, block in lesson.blocks())
    assert lesson.steps[1].notes == ("say: slowly",)
    assert (first.language, first.code, first.line) == ("python", "name = input()\n", 11)
    assert first.answers == ("Ada",)
    assert [(one.mode, one.text, one.line) for one in first.expectations] == [
        ("exact", "Hello\n...\n", 19),
        ("contains", "Ada\n", 24),
    ]
    assert (second.language, second.is_hidden, second.timeout) == ("bash", True, 2.5)
    assert third.code == "two\nthree\n"


def test_the_text_of_a_step_is_without_what_runs_what_is_expected_and_notes() -> None:
    lesson = read(LESSON + '\n```python norun include="a.py" lines="1"\n```\n')
    assert [step.text.split("\n") for step in lesson.steps] == [
        ["Before the first heading."],
        ["# Numbers *and* names"],
        ["```console", "$ only shown", "```"],
        ["## Files", "", "```python norun", "never()", "```", "", "```python", "one", "```"],
    ]
    assert [step.label for step in lesson.steps] == [
        "Before the first heading.",
        "Numbers and names",
        "```console",
        "Files",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\ntitle: a\n", "a.md:1: The front matter does not end."),
        ("---\ntitle: [\n---\n", "a.md:2: The front matter is not YAML"),
        ("---\ntitle: 3\n---\n", "a.md:2: Front matter: title: Expected `str`, got `int`."),
        ("---\nauthor: a\ntime: 3\n---\n", "a.md:3: Front matter: there is no field 'time'."),
        ("---\ntimeout: 0\n---\n", "a.md:2: Front matter: timeout: Expected `float` > 0.0."),
        ("---\nsize: big\n---\n", "a.md:2: Front matter: size: "),
        ("---\ntyping: slow\n---\n", "a.md:2: Front matter: typing: "),
        ('---\npackages: ["a; rm"]\n---\n', "a.md:2: Front matter: packages: "),
        ("---\nkernel: ../python\n---\n", "a.md:2: Front matter: kernel: "),
        ("---\n- a\n---\n", "a.md:1: Front matter: Expected `object`, got `array`."),
        ("---\na: &a [1]\nb: *a\n---\n", "a.md:1: The front matter has an alias"),
        ("---\n\x01\n---\n", "a.md:1: The front matter is not YAML"),
        ("# Only prose\n", "a.md: The lesson has no code."),
        ("a\n\n```\nx\n```\n", "a.md:3: The fence has no language."),
        ("```python title='\nx\n```\n", "a.md:1: The words of the fence cannot be read"),
        ("```output\n1\n```\n", "a.md:1: No code stands before this output in its step."),
        ("```python\n1\n```\n# B\n```output\n1\n```\n", "a.md:5: No code stands before"),
        ("```input\n1\n```\n", "a.md:1: No code stands before this input in its step."),
        ("```python\n1\n```\n```output roughly\n1\n```\n", "a.md:4: An output is not expected so"),
        ("```python\n1\n```\n```output regex contains\n```\n", "a.md:4: An output is not expected"),
        ("```python\n1\n```\n```output regex\n(\n```\n", "a.md:4: The regular expression is wrong"),
        ("```python\n1\n```\n```output image\n```\n", "a.md:4: The picture has no file."),
        ('```python include="b.py"\n```\n', "a.md:1: include b.py: b.py does not exist."),
        ('```python include="a.py"\n1\n```\n', "a.md:1: A fence that includes a file has code."),
        ('```python include="a.py" lines="3-9"\n```\n', "a.md:1: a.py has no lines 3-9; it has 4."),
        ('```python include="a.py" lines="x"\n```\n', "a.md:1: a.py has no lines x"),
        ("```python timeout=soon\n1\n```\n", "a.md:1: timeout=soon is no number"),
    ],
)
def test_what_is_no_lesson_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(text)
    assert caught.value.message.startswith(message)
    assert caught.value.next_step or "include" in message


@pytest.mark.parametrize(
    ("wanted", "got", "holds"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("...", "", True),
        ("...", "a\nb", True),
        ("a...", "ab", True),
        ("a...b", "ab", True),
        ("a...b", "a", False),
        ("ab...b", "ab", False),
        ("a...b...c", "a b b c", True),
        ("a...c...b", "a b c", False),
        ("0x...>", "<0x12>", False),
        ("<0x...>", "<0x12>", True),
    ],
)
def test_three_dots_stand_for_any_text(wanted: str, got: str, holds: bool) -> None:
    assert matches(wanted, got) is holds


@pytest.mark.parametrize(
    ("mode", "text", "output", "reason"),
    [
        ("exact", "a  \nb\n", BlockOutput("\na\nb\n\n"), ""),
        (
            "exact",
            "a\nb\n",
            BlockOutput("a\nc"),
            "--- expected\n+++ got\n@@ -1,2 +1,2 @@\n a\n-b\n+c",
        ),
        ("contains", "b\n", BlockOutput("a\nbc\n"), ""),
        ("contains", "b\n", BlockOutput("a"), "The output does not contain this:\n-b\nIt is:\n+a"),
        ("regex", "^b.$\n", BlockOutput("a\nbc\n"), ""),
        ("regex", "^b$\n", BlockOutput("a"), "The output does not match the regular expression:"),
        pytest.param(
            *("regex", "(a|a)*$\n", BlockOutput("a" * 60 + "!")),
            "The regular expression takes longer",
            marks=pytest.mark.slow,
        ),
        ("raises", "KeyError: ...\n", BlockOutput("", "KeyError: 'x'"), ""),
        ("raises", "", BlockOutput("", "KeyError: 'x'"), ""),
        ("raises", "", BlockOutput("x"), "It was expected to fail, and it did not."),
        (
            "raises",
            "OSError\n",
            BlockOutput("", "KeyError: 'x'"),
            "Another error:\n-OSError\n+KeyEr",
        ),
    ],
)
def test_outputs_are_compared(
    mode: ExpectationMode, text: str, output: BlockOutput, reason: str
) -> None:
    told = mismatch(Expectation(mode, text, 1), output)
    assert told.startswith(reason)
    assert bool(told) is bool(reason)


def picture(size: tuple[int, int] = (40, 30), color: str = "white") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("wanted", "got", "reason"),
    [
        (picture(), picture(), ""),
        (picture(), picture((80, 60)), ""),
        (picture(), picture(color="#f8f8f8"), ""),
        (picture(), picture(color="black"), "Its picture differs by 100.0%; 5.0% is allowed."),
        (picture(), picture((30, 40)), "Its picture is 30 x 40; expected was 40 x 30."),
        (b"no picture", picture(), "A picture cannot be read."),
        (None, picture(), "There is no picture plot.png; --update writes it."),
        (picture(), None, "It was expected to show a picture, and it did not."),
    ],
)
def test_pictures_are_compared(wanted: bytes | None, got: bytes | None, reason: str) -> None:
    output = BlockOutput("", images=() if got is None else (got,))
    assert mismatch(Expectation("image", "", 1, "plot.png"), output, wanted) == reason


def test_what_came_is_written_into_its_fence_and_nothing_else_changes() -> None:
    text = "a\n```output\nold\n```\n~~~output\n~~~\n  ```output\n  x\n"
    written = corrected(
        text, [Correction(2, "new\n```\nline"), Correction(5, "second"), Correction(7, "")]
    )
    assert written == (
        "a\n````output\nnew\n```\nline\n````\n~~~output\nsecond\n~~~\n  ```output\n  ```"
    )


def test_the_schema_names_each_field() -> None:
    schema = front_matter_schema()
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert set(properties) == set(FrontMatter.__struct_fields__)
    assert schema["additionalProperties"] is False


def test_lines_of_code_are_emphasised() -> None:
    lesson = read("```python {1, 3-4} timeout=5\na\nb\nc\nd\n```\n\n```{bash} {2}\na\nb\n```\n")
    first, second = lesson.steps[0].blocks
    assert (first.language, first.marks, first.timeout) == ("python", ((1, 1), (3, 4)), 5.0)
    assert (second.language, second.marks) == ("bash", ((2, 2),))


@pytest.mark.parametrize("marks", ["{0}", "{3}", "{2-1}", "{1,2-3}", "{99999999999999}"])
def test_lines_that_the_code_does_not_have_are_told(marks: str) -> None:
    with pytest.raises(DocumentError, match=r"^a.md:2: The code has no lines .*; it has 2"):
        read(f"# A\n```python {marks}\na\nb\n```\n")
