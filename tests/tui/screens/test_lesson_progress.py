"""Where a lesson is: what comes next, what has to run to come to a step, and what is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codeexec.documents.lessons.model import Lesson
from codeexec.documents.lessons.reading import read_lesson
from codeexec.documents.lessons.to_page import page_lesson
from codeexec.domain.learning import ExerciseRecord, LearnerRecord
from codeexec.languages.catalog import running_language
from codeexec.tui.screens.lesson.speaker import speaker_markdown
from codeexec.tui.session.lessons.progress import LessonProgress
from codeexec.tui.session.views import LessonRun, LessonView, SessionView, SessionViews

TEXT = """\
Welcome.

# One

```python hidden
secret = 1
```

```python
a = 1
```

```python
b = 2
```

```python hidden
after = 1
```

# Two

```python
c = input()
```

```input
Ada
```

# Three
"""


@pytest.fixture
def lesson() -> Lesson:
    return read_lesson(TEXT, "a.md", lambda name: name, running_language)


@pytest.fixture
def progress(lesson: Lesson) -> LessonProgress:
    return LessonProgress(lesson, LessonView("a.md"))


def run(progress: LessonProgress) -> None:
    """Run the block in front, and what is due around it."""
    view = progress.view
    for at in progress.hidden_due:
        code = progress.step.blocks[at].code.rstrip("\n")
        progress.begin_run(LessonRun(view.step, at, code, f"h{at}"))
    progress.begin_run(LessonRun(view.step, view.block, progress.code, f"{view.step}.{view.block}"))


def test_next_types_runs_and_goes_on_to_the_end(progress: LessonProgress) -> None:
    things = []
    while (thing := progress.next_thing) != "end":
        things.append(thing)
        match thing:
            case "type":
                progress.type_all()
            case "run":
                run(progress)
            case "block":
                progress.go_to_block()
            case _:
                progress.go_to_step(progress.view.step + 1)
    assert things == [
        *("step", "type", "run", "block", "type", "run"),
        *("step", "type", "run", "step"),
    ]


def test_hidden_blocks_are_due_before_and_behind_what_is_seen(progress: LessonProgress) -> None:
    progress.go_to_step(1)
    assert (progress.view.block, progress.hidden_due) == (1, [0])
    run(progress)
    assert progress.hidden_due == []
    progress.go_to_block()
    progress.type_all()
    run(progress)
    assert progress.hidden_due == [3]


def test_what_runs_before_a_step_is_what_was_run_or_else_the_lesson(
    progress: LessonProgress,
) -> None:
    progress.go_to_step(1)
    progress.edit("a = 100")
    run(progress)
    due = [(each.step, each.block, each.code) for each, _ in progress.before(3)]
    assert due == [
        (1, 0, "secret = 1"),
        (1, 1, "a = 100"),
        (2, 0, "c = input()"),
    ]
    assert progress.before(3)[-1][0].answers == ("Ada",)


def test_going_back_forgets_what_was_run_from_there_on(progress: LessonProgress) -> None:
    progress.go_to_step(1)
    progress.type_all()
    run(progress)
    progress.go_to_step(2)
    progress.type_all()
    run(progress)
    progress.end_run("2.0", ("Eve",), stopped_after=1.5)
    assert progress.view.runs[-1] == LessonRun(2, 0, "c = input()", "2.0", ("Eve",), 1.5)
    progress.go_to_step(2)
    assert [each.step for each in progress.view.runs] == [1, 1]
    assert (progress.view.typed, progress.view.execution_id, progress.has_run) == (0, "", False)


def test_edited_code_is_what_runs_and_is_kept(progress: LessonProgress) -> None:
    progress.go_to_step(2)
    progress.edit("c = 3")
    assert (progress.code, progress.is_typed, progress.view.edited) == ("c = 3", True, "c = 3")
    progress.edit("c = input()")
    assert progress.view.edited is None


def test_the_speaker_is_told_notes_what_the_key_does_and_the_next_step(
    progress: LessonProgress,
) -> None:
    progress.view = replace(progress.view, began=1000.0)
    words = speaker_markdown(progress, 1000.0 + 150)
    assert "2 min · 1 of 4" in words.split("\n")[0]
    assert "*No notes for this step.*" in words
    assert "goes to the next step" in words
    assert "**Next step: One**" in words
    assert "a = 1" in words and "secret" not in words
    progress.go_to_step(1)
    progress.show(blank=True)
    words = speaker_markdown(progress, 1150.0)
    assert "types the code" in words and "screen is blank" in words
    progress.go_to_step(3)
    assert "This is the end." in speaker_markdown(progress, 1150.0)


def test_a_lesson_that_became_shorter_is_taken_up_at_its_end(lesson: Lesson) -> None:
    view = LessonView("a.md", 9, 5, 3, runs=(LessonRun(1, 1, "a = 1"), LessonRun(9, 0, "x")))
    progress = LessonProgress(lesson, view)
    assert (progress.view.step, progress.view.block, progress.view.typed) == (3, 0, 0)
    assert progress.view.runs == (LessonRun(1, 1, "a = 1"),)


def test_a_place_is_taken_up_as_it_was_kept(
    lesson: Lesson, tmp_path_factory: pytest.TempPathFactory
) -> None:
    view = LessonView("a.md", 1, 2, 3, edited="b = 4", execution_id="x", is_zoomed=True)
    view = replace(view, began=5.0, runs=(LessonRun(1, 1, "a = 1", "y", ("z",), 2.0),))
    views = SessionViews(tmp_path_factory.mktemp("views"))
    views.save("session", SessionView(lesson=view))
    kept = views.load("session")
    assert kept is not None and kept.lesson == view
    assert LessonProgress(lesson, view).view == view


EXERCISES = """\
# One

```python
a = ...
```

```check
assert a == 1
```

```solution
a = 1
```

```python hidden
after = a
```

# Two

```python
b = a
```

```output
nothing
```

```hint 1
None.
```

# Three
"""


def _exercises(learner: str) -> LessonProgress:
    lesson = read_lesson(EXERCISES, "a.md", lambda name: name, running_language)
    return LessonProgress(lesson, LessonView("a.md", learner=learner))


def test_a_speaker_is_given_the_solution_and_a_learner_what_to_begin_with() -> None:
    assert _exercises("").code == "a = 1"
    assert _exercises("Ada").code == "a = ..."
    page = page_lesson(_exercises("").lesson, "/a.md")
    assert [part.text for part in page.parts if part.cell] == ["a = ...\n", "b = a\n"]
    assert "a = 1" not in repr(page) and "assert" not in repr(page)


def test_a_learner_goes_on_from_an_exercise_that_is_done() -> None:
    progress = _exercises("Ada")
    progress.type_all()
    progress.begin_run(LessonRun(0, 0, "a = ...", "x1"))
    assert (progress.next_thing, progress.hidden_due) == ("run", [])
    progress.edit("a = 2 - 1")
    progress.begin_run(LessonRun(0, 0, "a = 2 - 1", "x2"))
    progress.pass_run("x2")
    assert (progress.next_thing, progress.hidden_due) == ("step", [1])


def test_what_a_learner_has_not_done_the_solution_does_quietly() -> None:
    progress = _exercises("Ada")
    progress.begin_run(LessonRun(0, 0, "a = ...", "x1"))
    due = [run for run, _ in progress.before(2)]
    assert [(run.code, run.execution_id, run.has_failed) for run in due] == [
        ("a = 1", "", False),
        ("after = a", "", False),
        ("b = a", "", True),  # it has no solution, and may fail
    ]
    # What was done on kernels that are gone is done again, with the learner's code.
    done = ExerciseRecord("lesson 0.0", 1, is_done=True, code="a = 2 - 1")
    progress.record = LearnerRecord("Ada", "a.md", exercises=(done,))
    assert progress.before(1)[0][0].code == "a = 2 - 1"
    assert progress.next_thing == "step"
    progress.go_to_step(1)
    assert progress.before_block() == progress.before(1)
