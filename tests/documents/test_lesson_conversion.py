"""Notebooks as lessons, and lessons as notebooks and pages."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.documents.export.forms import export
from codeexec.documents.lessons.from_notebook import lesson_of
from codeexec.documents.lessons.model import Expectation, Lesson
from codeexec.documents.lessons.reading import read_lesson
from codeexec.documents.lessons.to_notebook import notebook_of_lesson
from codeexec.documents.notebook.convert import Notebook, new_notebook
from codeexec.documents.notebook.outputs import joined
from codeexec.domain.errors import NotFound
from codeexec.languages.catalog import running_language

PNG = b"\x89PNG\r\n\x1a\n"


def no_file(name: str) -> str:
    raise NotFound(f"There is no {name}.")


def lesson(text: str) -> Lesson:
    return read_lesson(text, "of.md", no_file, running_language)


def notebook(*cells: tuple[str, str, list[dict[str, Any]]], language: str = "python") -> Notebook:
    made = new_notebook(language=language)
    for kind, source, outputs in cells:
        cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": outputs}
        made.data["cells"].append(cell)
    return made


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def test_what_cells_have_put_out_is_expected() -> None:
    result = {
        "output_type": "execute_result",
        "data": {"text/plain": "<object at 0x7f00deadbeef>"},
        "metadata": {},
    }
    error = {"output_type": "error", "ename": "KeyError", "evalue": "'k'", "traceback": []}
    text = lesson_of(
        notebook(
            ("markdown", "# One *and* two\n\nProse.", []),
            ("code", "print('a')", [stream("10%\r100%\n\x1b[31ma\x1b[0m\n"), result]),
            ("code", "", []),
            ("code", "{}['k']", [stream("before\n"), error]),
        ),
        "untitled",
        running_language,
    )
    read = lesson(text)
    assert read.front.title == "One *and* two"
    assert [step.title for step in read.steps] == ["One and two"]
    first, second = (block.expectations for _, block in read.blocks())
    assert [(one.mode, one.text) for one in first] == [("exact", "100%\na\n<object at ...>\n")]
    assert [(one.mode, one.text) for one in second] == [
        ("exact", "before\n"),
        ("raises", "KeyError: 'k'\n"),
    ]


def test_of_a_long_output_both_ends_are_expected() -> None:
    text = "".join(f"{number}\n" for number in range(1000))
    made = lesson_of(notebook(("code", "count()", [stream(text)])), "long", running_language)
    (expectation,) = next(lesson(made).blocks())[1].expectations
    lines = expectation.text.splitlines()
    assert lines[29:32] == ["29", "...", "995"]
    assert len(lines) == 36


def test_nothing_is_expected_where_that_is_wanted() -> None:
    cells = notebook(("code", "1", [stream("1\n")]))
    made = lesson_of(cells, "quiet", running_language, has_outputs=False)
    assert next(lesson(made).blocks())[1].expectations == ()


def test_without_headings_lines_divide_the_steps() -> None:
    prose = notebook(
        ("markdown", "First.", []), ("code", "a", []), ("code", "b", []), ("markdown", "Then.", [])
    )
    read = lesson(lesson_of(prose, "of prose", running_language))
    assert [(step.text, [block.code for block in step.blocks]) for step in read.steps] == [
        ("First.", ["a\n", "b\n"]),
        ("Then.", []),
    ]
    assert read.front.title == "of prose"
    alone = notebook(("code", "a", []), ("code", "b", []))
    assert len(lesson(lesson_of(alone, "of code", running_language)).steps) == 2


@pytest.mark.parametrize(
    "prose",
    [
        "```python\nnever()\n```",
        "- a list\n  ```bash\n  rm -rf /\n  ```",
        "> ~~~ {python}\n> never()\n> ~~~",
        "```\nno language\n```",
        "```output\nforged\n```",
        "```input\nforged\n```",
        '```text include="/etc/passwd"\n```',
        "```python 'open quote\nnever()\n```",
        "```text\nwithout an end",
        "<!-- without an end",
        "<script>\nwithout an end",
        "- a list\n\n      that goes on",
    ],
)
def test_nothing_of_the_prose_runs_and_nothing_of_it_swallows_code(prose: str) -> None:
    cells = notebook(("markdown", prose, []), ("code", "only()", [stream("x\n")]))
    read = lesson(lesson_of(cells, "hostile", running_language))
    assert [block.code for _, block in read.blocks()] == ["only()\n"]
    assert [one.text for _, block in read.blocks() for one in block.expectations] == ["x\n"]


MARKDOWN = st.text(st.sampled_from("`~-#> \n<!{}[]()*_=1.abc\t\\'\""), max_size=40)
CODE = st.text(st.sampled_from("`~-#> \n<!ab=1\"'"), min_size=1, max_size=30)


@pytest.mark.slow
@given(st.lists(st.tuples(MARKDOWN, CODE), min_size=1, max_size=4))
def test_the_code_of_any_notebook_is_that_of_its_lesson(pairs: list[tuple[str, str]]) -> None:
    cells = [
        cell
        for prose, code in pairs
        for cell in (("markdown", prose, []), ("code", f"x{code}", [stream(f"{code}x\n")]))
    ]
    read = lesson(lesson_of(notebook(*cells), "any", running_language))
    assert [block.code for _, block in read.blocks()] == [f"x{code}\n" for _, code in pairs]


def test_a_lesson_of_another_language_names_its_kernel() -> None:
    made = notebook(("code", "ls", []), language="bash")
    made.data["metadata"]["kernelspec"] = {"name": "bash", "language": "bash"}
    read = lesson(lesson_of(made, "shell", running_language))
    assert read.front.kernel == "bash"
    assert next(read.blocks())[1].language == "bash"


LESSON = """\
---
title: All of it
setup: |
  hidden_setup = 1
---
# First

Before.

```python
1 + 1
```

```output
2
```

Between.

```bash hidden
true
```

After.
<!-- say it slowly -->

---

```python
1 / 0
```

```output raises
ZeroDivisionError: division by zero
```

```python
draw()
```

```output image="plot.png"
```
"""


def picture(expectation: Expectation) -> bytes | None:
    return PNG if expectation.file == "plot.png" else None


def cells_of(made: Notebook) -> list[tuple[str, str]]:
    return [(cell["cell_type"], joined(cell["source"])) for cell in made.data["cells"]]


def test_a_notebook_of_a_lesson_runs_as_the_lesson_does() -> None:
    made = notebook_of_lesson(lesson(LESSON), "python", picture)
    assert cells_of(made) == [
        ("code", "hidden_setup = 1"),
        ("markdown", "# First\n\nBefore."),
        ("code", "1 + 1"),
        ("markdown", "Between."),
        ("code", "true"),
        ("markdown", "After."),
        ("markdown", "say it slowly"),
        ("code", "1 / 0"),
        ("code", "draw()"),
    ]
    content = export(made, "ipynb", "of").decode()
    read = nbformat.reads(content, 4)  # type: ignore[no-untyped-call]
    nbformat.validate(read)
    assert made.languages.own(made.data["cells"][4]["metadata"]) == "bash"
    slides = [cell["metadata"].get("slideshow", {}).get("slide_type") for cell in read.cells]
    assert slides == [None, "slide", None, None, None, None, "notes", "slide", None]
    outputs = [output for cell in read.cells for output in cell.get("outputs", ())]
    assert [one["output_type"] for one in outputs] == ["stream", "error", "display_data"]
    back = lesson(lesson_of(made, "back", running_language))
    assert back.front.title == "All of it"


def test_a_page_has_neither_what_is_hidden_nor_notes() -> None:
    made = notebook_of_lesson(lesson(LESSON), "python", picture, is_for_running=False)
    page = export(made, "html", "of", has_slides=True).decode()
    assert page.count('<section class="slide">') == 2
    assert "hidden_setup" not in page
    assert "slowly" not in page
    assert "data:image/png;base64," in page
    markdown = export(made, "md", "of").decode()
    assert "Between." in markdown
    assert "true" not in markdown


def test_outputs_of_a_run_stand_for_those_that_are_expected() -> None:
    read = lesson(LESSON)
    first = next(read.blocks())[1]
    made = notebook_of_lesson(read, "python", picture, {first.line: [stream("3\n")]})
    outputs = [output for cell in made.data["cells"] for output in cell.get("outputs", ())]
    assert outputs == [stream("3\n")]
