"""Exercises of lessons: solutions are verified on real kernels, learners are listed."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import signal
from pathlib import Path

import pytest

from codeexec.cli.lessons.class_list import (
    Learner,
    as_csv,
    exercise_rows,
    handed_in,
    learner_rows,
    newest,
    to_json,
)
from codeexec.domain.errors import DocumentError
from codeexec.domain.learning import ExerciseRecord, LearnerRecord
from support.jwt_users import serving, token
from support.programs import Desk, run_piped
from support.servers import user
from support.tty import Tty

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


@pytest.mark.slow
def test_a_name_is_given_where_it_cannot_be_asked_for(desk: Desk) -> None:
    (desk.folder / "a.md").write_text(LESSON)
    for name in ((), ("--learner", "a\x1bb")):
        refused = desk.run("lesson", "learn", "a.md", *name)
        assert refused.returncode == 2
        assert "name" in refused.stderr and "--learner NAME" in refused.stderr
        assert "\x1b" not in refused.stderr


# -- the class list ----------------------------------------------------------------------


def learner(
    name: str, *exercises: ExerciseRecord, at: float = 1.0, step: int = 2, user: str = ""
) -> Learner:
    file = f"/home/{name}/practice.md"
    return Learner(LearnerRecord(name, file, "Practice", step, 3, exercises, at), user)


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
    theirs = learner("Ada", OPEN, user="anna")
    assert newest([theirs, old]) == [old, theirs]  # another Ada
    rows, head = learner_rows([new, theirs])
    assert (head[0], [row[0] for row in rows]) == ("USER", ["-", "anna"])
    assert newest([new, theirs], "anna") == [theirs]
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


PRACTICE = "# One\n```python\nx = 1\n```\n```check\nassert x == 2, 'Two.'\n```\n# Two\nEnd.\n"


@pytest.mark.slow
async def test_learners_of_a_service_are_watched_by_those_who_may_see_them(
    desk: Desk, tmp_path: Path
) -> None:
    desk.file("practice.md", PRACTICE)
    async with serving() as here:
        texts = {"anna": token("anna"), "ben": token("ben"), "operator": here.token}
        where = {}
        for name, text in texts.items():
            file = tmp_path / name
            file.touch(0o600)
            file.write_text(text)
            where[name] = ("--url", here.url, "--token-file", str(file))

        def terminal(user: str, *words: str) -> Tty:
            return Tty(
                ("lesson", *words, *where[user]), home=desk.home, cwd=desk.folder, columns=100,
            )  # fmt: skip

        def listed(user: str) -> list[dict[str, object]]:
            done = desk.run("lesson", "class", "--json", *where[user])
            assert done.returncode == 0, done.stderr
            return list(json.loads(done.stdout))

        def work() -> None:
            lines = desk.running("lesson", "class", "--watch", "--json", *where["operator"])
            with terminal("operator", "class", "--watch") as teacher, lines as (process, stdout):
                teacher.shows("No learners yet.")
                with terminal("anna", "learn", "practice.md", "--learner", "Ada") as pupil:
                    pupil.shows("0 of 1 done")
                    teacher.shows("anna  Ada      practice.md  1/2 One  0/1   0")
                    pupil.shows("x = 1")
                    pupil.press("\x1b[15~")  # F5
                    pupil.shows("Two.")
                    teacher.shows("1 learner · changed")
                    teacher.shows("0/1   1")
                    pupil.press("\x01x = 2\x1b[15~")
                    pupil.shows("1 of 1 done")
                    teacher.shows("1/1   2")
                    assert [one["user"] for one in listed("operator")] == ["anna"]
                    assert [one["learner"] for one in listed("anna")] == ["Ada"]
                    assert listed("ben") == []
                    assert pupil.press_until_end("\x11") == 0
                with terminal("anna", "learn", "practice.md", "--learner", "Ada") as again:
                    again.shows("x = 2")
                    again.shows("1 of 1 done")
                    assert again.press_until_end("\x11") == 0
                teacher.press("\x03")
                assert teacher.ends() == 0
                assert "1/1   2" in teacher.text  # the last list stays
                tries = 0
                while tries < 2:
                    record = json.loads(stdout.readline())
                    assert (record["learner"], record["user"]) == ("Ada", "anna")
                    (exercise,) = record["exercises"]
                    tries = exercise.get("tries", 0)
                    assert "code" not in exercise
                process.send_signal(signal.SIGINT)

        await asyncio.to_thread(work)


@pytest.mark.slow
def test_a_class_is_watched_before_there_is_a_server() -> None:
    with user() as apart:
        home, cwd = apart.folder, apart.work
        (cwd / "practice.md").write_text(PRACTICE)
        watching = ("lesson", "class", "--watch")
        with Tty(watching, home=home, cwd=cwd, env=apart.environ) as teacher:
            teacher.shows("No learners yet.")
            assert apart.pid is None
            words = ("lesson", "learn", "practice.md", "--learner", "Bo")
            with Tty(words, home=home, cwd=cwd, env=apart.environ) as pupil:
                pupil.shows("0 of 1 done")
                teacher.shows("Bo ")
                teacher.resize(50, 10)
                teacher.shows("Ctrl+C ends")
                assert pupil.press_until_end("\x11") == 0
            teacher.press("\x03")
            assert teacher.ends() == 0
        wrong = run_piped("lesson", "class", "--watch", "--csv", "a.csv", home=home, cwd=cwd)
        assert (wrong.returncode, "--watch writes no file." in wrong.stderr) == (2, True)


@pytest.mark.slow
def test_files_that_are_handed_in_join_the_list(desk: Desk) -> None:
    folder = desk.folder / "in"
    folder.mkdir()
    (folder / "ada.json").write_text(json.dumps(to_json([learner("Ada", DONE)])))
    ((record, _),) = handed_in(folder)
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
