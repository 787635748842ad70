"""Exercises of lessons: solutions are verified on real kernels, learners are listed."""

from __future__ import annotations

import csv
import io
import json

import pytest

from codeexec.cli.lessons.class_list import (
    as_csv,
    exercise_rows,
    handed_in,
    learner_rows,
    newest,
    to_json,
)
from codeexec.domain.errors import DocumentError
from codeexec.domain.learning import ExerciseRecord, LearnerRecord
from support.programs import Desk

LESSON = """\
---
title: Exercises
check_timeout: 2
setup: import sys
---

# A list

```python
helper = 3
squares = []
```

```check
assert len(squares) == 5, "Five numbers."
assert squares[-1] == 25
```

```hint 2
A loop.
```

```solution
squares = [n * n for n in range(1, 6)]
print(squares)
```

# What it prints

```python
print("?")
```

```output
squares: [1, 4, 9, 16, 25]
```

```check
assert output.startswith("squares")
assert "tries" not in globals()
```

```solution
print("squares:", squares)
```

# A shell

```bash
true
```

```check
[ "$answer" = 42 ] || { echo "answer should be 42"; false; }
```

```solution
answer=42
```

# An error

```python
squares[0]
```

```output raises
IndexError: ...
```

```solution
squares[99]
```

# Afterwards

```python
print(sum(squares))
```

```output
55
```
"""

BROKEN: list[tuple[str, str, int, str]] = [
    ("range(1, 6)", "range(1, 5)", 0, "The solution does not pass this check: Five numbers."),
    ("squares = []\n", "squares = [1, 4, 9, 16, 25]\n", 0, "passes already"),
    # What the learner begins with must not help the solution.
    ("[n * n for", "[n * n + helper - 3 for", 0, "NameError"),
    ("squares[-1] == 25", "(lambda: [1 for _ in iter(int, 1)])()", 0, "ran longer than 2 s"),
    ('print("squares:", squares)', 'print("squares", squares)', 1, "+squares ["),
    ("answer=42", "answer=41", 2, "answer should be 42"),
    ("squares[99]", "squares[1]", 3, "expected to fail"),
    ("\n```solution\nsquares[99]\n```\n", "", 3, ""),
]
"""What is replaced, by what; the step (from 0) that fails, and a part of why."""


@pytest.mark.slow
def test_solutions_pass_and_what_one_begins_with_does_not(desk: Desk) -> None:
    (desk.folder / "a.md").write_text(LESSON)
    finished = desk.run("lesson", "verify", "a.md")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "5 steps: 5 passed" in finished.stdout
    exported = desk.run("lesson", "export", "a.md", "--to", "ipynb", "--run")
    assert exported.returncode == 0, exported.stderr
    cells = json.loads((desk.folder / "a.ipynb").read_text())["cells"]
    codes = {"".join(cell["source"]): cell for cell in cells if cell["cell_type"] == "code"}
    assert codes["helper = 3\nsquares = []"]["outputs"] == []
    assert "n * n" not in json.dumps(cells)


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "step", "reason"), BROKEN)
def test_a_broken_exercise_fails_at_its_step_and_says_why(
    desk: Desk, old: str, new: str, step: int, reason: str
) -> None:
    assert old in LESSON
    text = LESSON.replace(old, new, 1)
    if not new:
        text = text.replace("```output raises\nIndexError: ...", "```check\nassert False")
        reason = "has no solution"
    (desk.folder / "a.md").write_text(text)
    finished = desk.run("lesson", "verify", "a.md", "--json")
    assert finished.returncode == 1, finished.stdout
    (report,) = json.loads(finished.stdout)
    failed = [n for n, one in enumerate(report["steps"]) if one["status"] == "failed"]
    assert failed[:1] == [step], report
    reasons = [failure["reason"] for failure in report["steps"][step]["failures"]]
    assert any(reason in told for told in reasons), reasons


def test_a_lesson_without_an_exercise_is_not_learnt(desk: Desk) -> None:
    (desk.folder / "a.md").write_text("# A\n\n```python\nprint(1)\n```\n")
    refused = desk.run("lesson", "learn", "a.md", "--learner", "Ada")
    assert refused.returncode == 2
    assert "a.md has no exercise." in refused.stderr


def test_a_name_is_given_where_it_cannot_be_asked_for(desk: Desk) -> None:
    (desk.folder / "a.md").write_text(LESSON)
    for name in ((), ("--learner", "a\x1bb")):
        refused = desk.run("lesson", "learn", "a.md", *name)
        assert refused.returncode == 2
        assert "name" in refused.stderr and "--learner NAME" in refused.stderr
        assert "\x1b" not in refused.stderr


# -- the class list ----------------------------------------------------------------------


def learner(name: str, *exercises: ExerciseRecord, at: float = 1.0, step: int = 2) -> LearnerRecord:
    return LearnerRecord(name, f"/home/{name}/practice.md", "Practice", step, 3, exercises, at)


DONE = ExerciseRecord("lesson 0.0", 1, "A list", tries=3, is_done=True, code="a", at=100.0)
OPEN = ExerciseRecord(
    "lesson 1.0", 2, "=cmd()", tries=1, has_seen_solution=True, verdict="Not yet.", at=200.0
)


def test_the_newest_record_of_each_learner_is_listed() -> None:
    old, new = learner("Ada", OPEN, at=1.0), learner("Ada", DONE, OPEN, at=2.0)
    other = learner("Bob", OPEN)
    assert newest([new, other, old]) == [new, other]
    assert newest([new, other], "bo") == [other]
    assert newest([new, other], "PRACT") == [new, other]
    assert newest([new, other], "nothing") == []
    rows, _ = learner_rows([new])
    assert rows[0][:5] == ("Ada", "practice.md", "2/3 =cmd()", "1/2", "4")
    rows, _ = exercise_rows([new])
    assert [row[2:5] for row in rows] == [
        ("1 A list", "yes", "3"),
        ("2 =cmd()", "no, solution seen", "1"),
    ]


def test_a_spreadsheet_runs_nothing_of_a_class_list() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv([learner("@Ada, B", DONE, OPEN)]))))
    assert [(row["learner"], row["title"], row["tries"], row["done"]) for row in rows] == [
        ("'@Ada, B", "A list", "3", "yes"),
        ("'@Ada, B", "'=cmd()", "1", "no"),
    ]
    assert rows[1]["solution_seen"] == "yes"
    assert rows[0]["last_activity"][:3] in ("197", "196")


@pytest.mark.slow
def test_files_that_are_handed_in_join_the_list(desk: Desk) -> None:
    folder = desk.folder / "in"
    folder.mkdir()
    (folder / "ada.json").write_text(json.dumps(to_json([learner("Ada", DONE)])))
    (record,) = handed_in(folder)
    assert (record.learner, record.exercises[0].tries, record.exercises[0].code) == ("Ada", 3, "")
    listed = desk.run("lesson", "class", "--from", "in", "--csv", "class.csv")
    assert listed.returncode == 0, listed.stderr
    assert "Ada,practice.md,1,A list,3,yes,no," in (desk.folder / "class.csv").read_text()
    table = desk.run("lesson", "class", "practice", "--from", "in")
    assert "Ada" in table.stdout and "1/1" in table.stdout
    assert json.loads(desk.run("lesson", "class", "--json", "--from", "in").stdout)[0]["learner"]
    assert "No learners." in desk.run("lesson", "class").stdout
    for content in ("{", "[3]", '[{"learner": "", "lesson": ""}]', '{"learner": "a"}'):
        (folder / "bad.json").write_text(content)
        with pytest.raises(DocumentError, match=r"bad\.json: It is no list of learners"):
            handed_in(folder)
