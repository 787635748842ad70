"""`codeexec-tui lesson`: lessons are run from nothing on real kernels, and checked."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from support.containers import require_engine
from support.programs import Desk

LESSON = """\
---
title: A walk
packages: [pillow]
setup: |
  import random
  random.seed(3)
---

# Names

```python
name = input("Who? ")
print("Hello", name)
```

```input
Ada
```

```output
Who? ...
Hello Ada
```

# A shell and a program

```bash
echo "$((6 * 7))"
```

```output regex
^4.$
```

```cpp
#include <cstdio>
int twice(int n) { return 2 * n; }
```

```cpp
std::printf("%d", twice(21));
```

```output contains
42
```

---

```python
from PIL import Image
Image.new("RGB", (60, 40), "navy")
```

```output image="navy.png"
```

# An error on purpose

```python
{}["key"]
```

```output raises
KeyError: ...
```

```python
random.randrange(1000), name
```

```output
(243, 'Ada')
```
"""

BROKEN: list[tuple[str, str, int, str]] = [
    ("Hello Ada\n", "Hello Bob\n", 0, "+Hello Ada"),
    ("\nAda\n", "\nEve\n", 0, "+Hello Eve"),
    ("```input\nAda\n```\n", "", 0, "asks for input"),
    ("^4.$", "^5.$", 1, "does not match the regular expression"),
    ("6 * 7", "6 * 7 / 0", 1, ""),
    ("contains\n42", "contains\n43", 1, "does not contain"),
    ("return 2 * n", "return 2 * m", 1, "was not declared"),
    ("navy", "white", 2, "differs by"),
    ('{}["key"]', "{}", 3, "expected to fail"),
    ("KeyError", "OSError", 3, "+KeyError: 'key'"),
    ("seed(3)", "seed(4)", 3, "+("),
    ("print(", "import time; time.sleep(600)\nprint(", 0, "It ran longer than 6 s"),
]
"""What is replaced, by what; the step (from 0) that fails, and a part of why."""


@pytest.fixture
def lessons(desk: Desk) -> Desk:
    Image.new("RGB", (120, 80), "navy").save(desk.folder / "navy.png")
    (desk.folder / "walk.md").write_text(LESSON)
    return desk


@pytest.mark.slow
def test_a_lesson_in_three_languages_passes(lessons: Desk) -> None:
    finished = lessons.run("lesson", "verify", "walk.md", "--json", "--junit", "walk.xml")
    (report,) = json.loads(finished.stdout)
    assert report["passed"], report
    assert [step["status"] for step in report["steps"]] == ["passed"] * 4
    assert finished.returncode == 0
    (suite,) = ET.parse(lessons.folder / "walk.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), len(suite)) == ("4", "0", 4)


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "step", "reason"), BROKEN)
def test_a_broken_copy_fails_at_its_step_and_says_why(
    lessons: Desk, old: str, new: str, step: int, reason: str
) -> None:
    assert old in LESSON
    broken = LESSON.replace(old, new, 1)
    if "sleep" in new:
        broken = broken.replace("title: A walk", "timeout: 6")
    (lessons.folder / "broken.md").write_text(broken)
    finished = lessons.run("lesson", "verify", "broken.md", "--json", "--junit", "broken.xml")
    assert finished.returncode == 1
    (report,) = json.loads(finished.stdout)
    failed = [n for n, one in enumerate(report["steps"]) if one["status"] == "failed"]
    assert failed[:1] == [step], report
    assert reason in report["steps"][step]["failures"][0]["reason"]
    (suite,) = ET.parse(lessons.folder / "broken.xml").getroot()
    assert suite.get("failures") == str(len(failed))


SHIPPED = sorted(Path(__file__).parents[2].glob("examples/lessons/*.md"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "lesson",
    [
        pytest.param(each, marks=[pytest.mark.docker] if each.stem == "containers" else [])
        for each in SHIPPED
    ],
    ids=lambda lesson: lesson.stem,
)
def test_a_shipped_lesson_passes(desk: Desk, lesson: Path) -> None:
    if lesson.stem == "containers":
        require_engine()
    # The walk runs the command itself.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    finished = desk.run("lesson", "verify", str(lesson), env={"PATH": path})
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_there_are_shipped_lessons() -> None:
    assert {"tour", "walk"} <= {each.stem for each in SHIPPED}
    assert len(SHIPPED) >= 8


def test_a_tour_that_cannot_be_given_is_told_with_its_line(desk: Desk) -> None:
    text = "---\nscreen: workbench\n---\n# A\n```python\n1\n```\n```do\ngo {}\n```\n"
    (desk.folder / "a.md").write_text(text.format("nowhere"))
    refused = desk.run("lesson", "verify", "a.md")
    assert (refused.returncode, "a.md:9: There is no pane nowhere." in refused.stderr) == (2, True)
    (desk.folder / "a.md").write_text(text.format("console"))
    speaker = desk.run("lesson", "a.md", "--speaker")
    assert (speaker.returncode, "a.md is a tour" in speaker.stderr) == (2, True)


@pytest.mark.slow
def test_nothing_in_a_lesson_acts_on_the_terminal(desk: Desk) -> None:
    act = "\x1b]52;c;YQ==\x07"
    code = f"# a{act}\n```python\nprint('{act}')\nraise ValueError('{act}')\n```\n"
    (desk.folder / "a.md").write_text(f"---\ntitle: a\n---\n{code}")
    finished = desk.run("lesson", "verify", "a.md", "--color", "always")
    assert finished.returncode == 1
    assert "ValueError" in finished.stdout
    assert "\x1b]" not in finished.stdout + finished.stderr
    assert "\x07" not in finished.stdout + finished.stderr


@pytest.mark.slow
def test_update_writes_what_the_code_puts_out(desk: Desk) -> None:
    text = LESSON.replace("Hello Ada\n```", "old\n```").replace("KeyError: ...", "OSError")
    (desk.folder / "walk.md").write_text(text)
    updated = desk.run("lesson", "verify", "walk.md", "--update")
    assert updated.returncode == 1
    assert "written: 3 outputs in walk.md" in updated.stdout
    written = (desk.folder / "walk.md").read_text()
    assert "```output\nWho? Ada\nHello Ada\n```" in written or "Hello Ada\n```" in written
    assert "```output raises\nKeyError: 'key'\n```" in written
    assert Image.open(desk.folder / "navy.png").size == (60, 40)
    assert desk.run("lesson", "verify", "walk.md").returncode == 0


@pytest.mark.slow
def test_what_prevents_a_lesson_is_told_in_words(desk: Desk) -> None:
    code = "```python\nprint(1)\n```\n"
    cases = {
        "---\npackages: [no-such-package]\n---\n": "a.md:2: It needs no-such-package",
        "---\nkernel: no-such-kernel\n---\n": "no-such-kernel",
        "---\nsetup: 1 / 0\n---\n": "a.md:2: setup: ZeroDivisionError: division by zero",
    }
    for front, words in cases.items():
        (desk.folder / "a.md").write_text(front + code)
        finished = desk.run("lesson", "verify", "a.md")
        assert finished.returncode == 1
        assert words in finished.stderr
        assert "1 not run" in finished.stdout
    (desk.folder / "a.md").write_text('```python include="../b.py"\n```\n')
    outside = desk.run("lesson", "verify", "a.md")
    assert (outside.returncode, "is not below the lesson" in outside.stderr) == (2, True)
    absent = desk.run("lesson", "verify", "no.md")
    assert (absent.returncode, "no.md" in absent.stderr) == (2, True)


@pytest.mark.slow
def test_a_new_lesson_passes(desk: Desk) -> None:
    assert desk.run("lesson", "new", "first.md").returncode == 0
    again = desk.run("lesson", "new", "first.md")
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    finished = desk.run("lesson", "verify", "first.md")
    assert (finished.returncode, "2 steps: 2 passed" in finished.stdout) == (0, True)
    schema = json.loads(desk.run("lesson", "schema").stdout)
    assert schema["title"] == "Front matter of a lesson"


@pytest.mark.slow
def test_a_lesson_is_exported_with_what_a_run_puts_out_and_comes_back(lessons: Desk) -> None:
    ran = lessons.run("lesson", "export", "walk.md", "-o", "walk.ipynb", "--run")
    assert ran.returncode == 0, ran.stderr
    cells = json.loads((lessons.folder / "walk.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    texts = "".join("".join(output.get("text", "")) for output in outputs)
    assert "Hello Ada\n" in texts
    assert "42" in texts
    assert any("image/png" in output.get("data", {}) for output in outputs)
    again = lessons.run("lesson", "from", "walk.ipynb", "-o", "back.md", "--json")
    assert json.loads(again.stdout) == {"written": "back.md"}
    back = (lessons.folder / "back.md").read_text()
    assert back.startswith('---\ntitle: "A walk"\n---\n')
    assert "```output raises\nKeyError: 'key'\n```" in back
    page = lessons.run("lesson", "export", "walk.md", "--to", "html")
    assert page.stdout == "written: walk.html\n"
    html = (lessons.folder / "walk.html").read_text()
    assert html.count('<section class="slide">') == 4
    assert "random.seed(3)" not in html


@pytest.mark.slow
def test_an_export_whose_run_fails_writes_nothing(lessons: Desk) -> None:
    text = LESSON.replace("6 * 7", "6 * 7 / 0")
    (lessons.folder / "broken.md").write_text(text)
    line = text.split("\n").index("```bash") + 1
    failed = lessons.run("lesson", "export", "broken.md", "-o", "out.html", "--run")
    assert failed.returncode != 0
    assert f"broken.md:{line}: " in failed.stderr
    assert "Nothing was written." in failed.stderr
    assert not (lessons.folder / "out.html").exists()


@pytest.mark.slow
def test_what_cannot_be_a_lesson_or_an_export_is_said(lessons: Desk) -> None:
    def refusal(*words: str) -> str:
        failed = lessons.run("lesson", *words)
        assert failed.returncode == 2
        return failed.stderr

    (lessons.folder / "cells.py").write_text("# %% One\nprint(1)\n")
    before = (lessons.folder / "walk.md").read_bytes()
    assert "The format is missing." in refusal("export", "walk.md")
    assert "docx is not a format" in refusal("export", "walk.md", "--to", "docx")
    assert "exists already" in refusal(
        "export", "walk.md", "-o", "walk.md", "--to", "md", "--force"
    )
    assert "exists already" in refusal("from", "cells.py", "-o", "walk.md")
    assert "is no name of a lesson" in refusal("from", "cells.py", "-o", "walk.txt")
    assert "no-such is no file and no session." in lessons.run("lesson", "from", "no-such").stderr
    assert (lessons.folder / "walk.md").read_bytes() == before
    assert lessons.run("lesson", "from", "cells.py").returncode == 0
    assert "## One" in (lessons.folder / "cells.md").read_text()


@pytest.mark.slow
def test_a_theme_that_is_not_there_is_said_with_its_line(lessons: Desk) -> None:
    text = LESSON.replace("title: A walk\n", "title: A walk\ntheme: no-such\n")
    (lessons.folder / "colours.md").write_text(text)
    failed = lessons.run("lesson", "colours.md")
    assert failed.returncode == 2
    assert "colours.md:3: There is no theme 'no-such'." in failed.stderr
    assert "paper" in failed.stderr
