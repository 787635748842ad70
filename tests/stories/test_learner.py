"""A learner does the exercises of a lesson by keys: checked, hinted, stopped, killed, taken up."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from codeexec.domain.learning import ExerciseRecord
from codeexec.domain.requests import ListSessions
from codeexec.tui.options import OpenOptions
from codeexec.tui.screens.lesson.screen import LessonScreen
from codeexec.tui.workbench.lessons.learner import LearnerConductor
from support.bench import Bench, engine_in, open_bench
from support.servers import user
from support.tty import Tty

pytestmark = pytest.mark.slow

LESSON = """\
---
title: Practice
check_timeout: 2
---

# Begin

```python
numbers = [3, 1, 2]
print("three numbers")
```

# The largest

```python
largest = ...
```

```check
assert largest == 3, f"It is {largest}, and should be 3."
while largest == 3 and output == "endless": pass
```

```hint 1
Python has a function for it.
```

```hint 2
It is `max`.
```

```solution
largest = max(numbers)
```

# Sorted

```python
print(numbers)
```

```output
[1, 2, 3]
```

```solution
print(sorted(numbers))
```

# The end

```python
print("largest", largest)
```
"""


def _lesson(bench: Bench) -> LessonScreen:
    screen = bench.program.screen
    assert isinstance(screen, LessonScreen)
    return screen


def _exercise(bench: Bench) -> ExerciseRecord:
    exercise = _lesson(bench).progress.exercise
    assert exercise is not None
    return exercise


async def _is_at(bench: Bench, step: int) -> None:
    await bench.until(
        lambda: (
            isinstance(bench.program.screen, LessonScreen)
            and _lesson(bench).progress.view.step == step
        ),
        f"step {step}",
    )
    await _is_free(bench)


async def _is_free(bench: Bench) -> None:
    stage = bench.workbench.lessons._stage
    assert isinstance(stage, LearnerConductor)
    await bench.until(lambda: not stage._busy, "the lesson takes keys")


async def _writes(bench: Bench) -> None:
    await bench.until(lambda: _lesson(bench).is_editing, "the editor has the keys")


async def _replace(bench: Bench, code: str) -> None:
    """Write this in place of all code, and run it."""
    await _writes(bench)
    await bench.press("ctrl+a")
    await bench.write(code)
    await bench.until(lambda: _lesson(bench).progress.code == code, code)
    await bench.press("f5")


def _options(folder: Path) -> OpenOptions:
    file = folder / "work" / "practice.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text(LESSON)
    return OpenOptions(files=(str(file.parent),), lesson=str(file), learner="Ada", typing="once")


async def test_exercises_are_checked_hinted_solved_and_taken_up_again(tmp_path: Path) -> None:
    state, options = tmp_path / "state", _options(tmp_path)
    host = engine_in(state)
    try:
        async with open_bench(
            tmp_path, state=state, host=host, options=options, size=(80, 24)
        ) as bench:
            await _is_at(bench, 0)
            await bench.sees("Ada · 0 of 2 done")
            await bench.press("space")
            await bench.sees("three numbers")
            await _is_free(bench)
            await bench.press("space")
            await _is_at(bench, 1)
            await _writes(bench)
            await bench.press("f2")
            await bench.sees("Not done yet")
            await bench.press("f5")
            await bench.sees("✗ It is Ellipsis, and should be 3. · 1 try")
            await bench.sees("Hint 1. Python has a function for it.")
            await bench.sees_no_more("Hint 2.")
            await _is_free(bench)
            await _replace(bench, "largest = nothing")
            await bench.sees("✗ The code ended with NameError: name 'nothing' is not defined")
            await bench.sees("Hint 2. It is max.")
            await _is_free(bench)
            await _replace(bench, "while True: pass")
            await bench.until(lambda: bench.snapshot.is_running, "the loop runs")
            await bench.press("f9")
            await bench.sees("✗ The code was stopped before its end.")
            await _is_free(bench)
            assert _exercise(bench).tries == 2
            await _replace(bench, "largest = 3; print('endless')")
            await bench.sees("was stopped: it ran longer than 2 s.")
            await _is_free(bench)
            await bench.press("f12")
            await bench.sees("The same key again shows it")
            await bench.press("f12")
            await bench.sees("largest = max(numbers)")
            assert _exercise(bench).has_seen_solution
            await _replace(bench, "largest = max(numbers)")
            await bench.sees("✓ Done · 4 tries, the solution was seen · F2 goes on")
            await _is_free(bench)
            await bench.press("space")
            await _is_at(bench, 2)
            await _replace(bench, "import os; os._exit(7)")
            await bench.sees("✗ The code did not run to its end: The kernel exited with code 7")
            await _is_free(bench)
            # The next run brings a fresh kernel to where that one was.
            await _replace(bench, "print(numbers[::-1])")
            await bench.sees("✗ The output is “[2, 1, 3]”, and should be “[1, 2, 3]”.")
            await _is_free(bench)
            # On to the end without it: its solution makes what the last step needs.
            await bench.press("escape", "o", "down", "enter")
            await _is_at(bench, 3)
            await bench.press("space")
            await bench.sees("largest 3")
            await _is_free(bench)
            # Back: the code that was written is there.
            await bench.press("left")
            await _is_at(bench, 2)
            await bench.sees("print(numbers[::-1])")
            await _writes(bench)
            await bench.press("escape", "x")
            await bench.until(
                lambda: _lesson(bench).code.text == "print(numbers)", "the first code"
            )
            await _writes(bench)
            await bench.press("end")
            await bench.write("  # draft")
            await bench.until(
                lambda: _lesson(bench).progress.code == "print(numbers)  # draft", "the draft"
            )
            bench.workbench.sharing.save()

        watching = options._replace(watch=True, learner="Ada")
        async with (
            open_bench(tmp_path, state=state, host=host, options=options) as again,
            open_bench(tmp_path, state=state, host=host, options=watching) as watcher,
        ):
            await _is_at(again, 2)
            await again.sees("print(numbers)  # draft")
            await again.sees("Ada · 1 of 2 done")
            await watcher.sees("✗ The output is")
            await _replace(again, "print(sorted(numbers))")
            await again.sees("✓ Done · 3 tries")
            await watcher.sees("✓ Done · 3 tries")
        (session,) = (await host.call(ListSessions())).sessions
        assert session.name == "learn-practice-ada"
        record = session.learner
        assert record is not None
        assert [(each.title, each.tries, each.is_done) for each in record.exercises] == [
            ("The largest", 4, True),
            ("Sorted", 3, True),
        ]
    finally:
        await host.close()


def test_a_terminal_is_killed_and_the_next_one_is_at_the_same_step_with_the_code() -> None:
    words = ("lesson", "learn", "practice.md", "--learner", "Ada")
    with user() as apart:
        (apart.work / "practice.md").write_text(LESSON)

        def terminal() -> Tty:
            return Tty(
                words, home=apart.folder, cwd=apart.work, columns=80, lines=24, env=apart.environ
            )

        with terminal() as tty:
            tty.shows("0 of 2 done")
            tty.press(" ")
            tty.shows("✓")
            tty.press("\x1bOQ")  # F2
            tty.shows("largest = ...")
            tty.press("\x1b[15~")  # F5
            tty.shows("1 try")
            tty.press(" # mine")
            tty.shows("largest = ... # mine")
            views = apart.paths.state / "views"
            tty.until(lambda: any(b"# mine" in view.read_bytes() for view in views.glob("*.json")))
            os.kill(tty.pid, signal.SIGKILL)
        with terminal() as again:
            again.shows("largest = ... # mine")
            again.shows("1 try")
            again.press("\x01largest = max(numbers)")  # Ctrl+A
            again.shows("largest = max(numbers)")
            again.press("\x1b[15~")
            again.shows("✓ Done")
