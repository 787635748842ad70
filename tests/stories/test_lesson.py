"""A lesson is given: typed, run, stopped, taken back, followed, and taken up where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain.requests import ClientInfo
from codeexec.tui.options import OpenOptions
from codeexec.tui.screens.lesson.screen import LessonScreen
from codeexec.tui.session.views import LessonView
from codeexec.tui.workbench.lessons.conductor import Conductor
from support.bench import Bench, engine_in, open_bench

pytestmark = pytest.mark.slow

LESSON = """\
---
title: A walk
setup: base = 40
---

# Numbers

```python
answer = base + 2
print("it is", answer)
```

# A question

```python
name = input("Who? ")
print("Hello", name)
```

# It never ends

```python
n = 0
while True:
    n += 1
```

# Afterwards

<!-- Say goodbye. -->

```python
print(answer, name, n > 0)
```
"""


def _lesson(bench: Bench) -> LessonScreen:
    screen = bench.program.screen
    assert isinstance(screen, LessonScreen)
    return screen


def _view(bench: Bench) -> LessonView:
    return _lesson(bench).progress.view


async def _is_at(bench: Bench, step: int, code: str) -> None:
    """The lesson is at this step, with this on its screen."""
    await bench.until(
        lambda: isinstance(bench.program.screen, LessonScreen) and _view(bench).step == step,
        f"step {step}",
    )
    await bench.sees(code)


async def _is_free(bench: Bench) -> None:
    """What the lesson was doing has ended: until then keys that go on are refused."""
    stage = bench.workbench.lessons._stage
    assert isinstance(stage, Conductor)
    await bench.until(lambda: not stage._busy, "the lesson takes keys")


def _options(folder: Path) -> OpenOptions:
    file = folder / "work" / "walk.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text(LESSON)
    return OpenOptions(files=(str(file.parent),), lesson=str(file), typing="once")


async def test_a_lesson_is_given_followed_and_taken_up_again(tmp_path: Path) -> None:
    state, options = tmp_path / "state", _options(tmp_path)
    host = engine_in(state)
    try:
        async with open_bench(
            tmp_path, state=state, host=host, options=options, size=(80, 24)
        ) as bench:
            await _is_at(bench, 0, "Numbers")
            await bench.is_idle(2)
            await _is_free(bench)
            await bench.press("space", "right")
            await bench.sees("it is 42")
            await _is_free(bench)
            await bench.press("pagedown", "pagedown", "enter")
            await bench.sees("⌨ Who?")
            await bench.write("Ada")
            await bench.press("enter")
            await bench.sees("Hello Ada")
            await _is_free(bench)
            await bench.press("right", "right", "right")
            await bench.until(lambda: bench.snapshot.is_running, "the loop runs")
            await bench.press("escape")
            await bench.sees("KeyboardInterrupt")
            await bench.until(lambda: _view(bench).runs[-1].seconds > 0, "the run has ended")
            await _is_free(bench)
            await bench.sees_no_more("stopping")
            await bench.press("right", "right", "right")
            await bench.sees("42 Ada True")
            await _is_free(bench)

            watching = options._replace(watch=True, speaker=True)
            async with open_bench(
                tmp_path, state=state, host=host, options=watching, size=(120, 35)
            ) as watcher:
                await _is_at(watcher, 3, "42 Ada True")
                await watcher.sees("Say goodbye.")
                await watcher.sees("the keys steer the lesson")
                await watcher.press("b")
                await bench.until(lambda: _view(bench).is_blank, "the screen is blank")
                await watcher.sees("The audience's screen is blank.")
                await watcher.press("b")
                await bench.until(lambda: not _view(bench).is_blank, "the screen is back")
                await watcher.press("e")
                await watcher.sees("Code is edited in the terminal")
                # Two steps back: the first time to the beginning of this one.
                await bench.press("left")
                await bench.sees("steps 1 to 3 were run quietly")
                await _is_free(bench)
                await bench.press("left", "left")
                await _is_at(bench, 1, "A question")
                await bench.sees("step 1 was run quietly")
                await _is_free(bench)
                await _is_at(watcher, 1, "A question")
            await bench.press("right", "right")
            await bench.sees("⌨ Who?")
            await bench.write("Eve")
            await bench.press("enter")
            await bench.sees("Hello Eve")
            await _is_free(bench)
            bench.workbench.sharing.save()

        async with open_bench(tmp_path, state=state, host=host, options=options) as again:
            await _is_at(again, 1, "Hello Eve")
            assert [each.answers for each in _view(again).runs] == [(), ("Eve",)]
            await again.press("e")
            await again.sees("editing")
            await again.press("ctrl+a")
            await again.write("print(name, answer)")
            await again.press("f5")
            await again.sees("Eve 42")
            await _is_free(again)
            await again.press("b")
            await again.sees_no_more("Eve 42")
            await again.press("b", "z")
            await again.sees_no_more("A question")
            await again.sees("Eve 42")
            await again.press("w")
            await again.sees("Console")
    finally:
        await host.close()


async def test_the_speakers_view_steers_and_the_audience_does_not(tmp_path: Path) -> None:
    state, options = tmp_path / "state", _options(tmp_path)
    host = engine_in(state)
    client = ClientInfo("speaker", watch_only=OpenOptions(watch=True, speaker=True).only_watches)
    assert not client.watch_only
    try:
        async with (
            open_bench(tmp_path, state=state, host=host, options=options) as bench,
            open_bench(
                tmp_path, state=state, host=host,
                options=options._replace(watch=True, speaker=True), size=(120, 35),
            ) as speaker,
            open_bench(
                tmp_path, state=state, host=host, options=options._replace(watch=True)
            ) as audience,
        ):  # fmt: skip
            await _is_at(bench, 0, "Numbers")
            await bench.is_idle(2)
            await _is_free(bench)
            await _is_at(speaker, 0, "Numbers")
            await _is_at(audience, 0, "Numbers")
            await audience.press("right", "enter")
            await audience.sees("the keys are the speaker's")
            await speaker.press("right")
            await bench.sees("answer = base + 2")
            await speaker.press("enter")
            for one in (bench, speaker, audience):
                await one.sees("it is 42")
            await _is_free(bench)
            assert len(_view(bench).runs) == 1
            # Over the workbench, which the speaker of the first terminal looks at.
            await bench.press("w")
            await bench.sees("Console")
            await speaker.press("o")
            await speaker.sees("It never ends")
            await speaker.press("down", "enter")
            await _is_at(bench, 1, "A question")
            await _is_free(bench)
            await speaker.press("right", "right")
            await bench.sees("⌨ Who?")
            await speaker.sees("answered in the first terminal: Who?")
            await audience.sees("the speaker is asked: Who?")
            await bench.write("Ada")
            await bench.press("enter")
            await bench.sees("Hello Ada")
            await audience.sees_no_more("the speaker is asked")
            await _is_free(bench)
            await speaker.press("right")
            await _is_at(bench, 2, "It never ends")
            await _is_free(bench)
            await speaker.press("right", "right")
            await bench.until(lambda: bench.snapshot.is_running, "the loop runs")
            await speaker.press("escape")
            await bench.sees("KeyboardInterrupt")
            await _is_free(bench)
            await speaker.press("left")
            await bench.sees("steps 1 to 2 were run quietly")
            await _is_free(bench)
            assert _view(bench).step == 2
            await speaker.press("home")
            await _is_at(bench, 0, "Numbers")
            await _is_at(audience, 0, "Numbers")
            bench.workbench.sharing.save()
        # Keys that were pressed before are not pressed again.
        async with open_bench(tmp_path, state=state, host=host, options=options) as again:
            await _is_at(again, 0, "Numbers")
            await again.is_idle()
            await _is_free(again)
            assert _view(again).step == 0
            assert len(again.snapshot.steering_keys) > 5
    finally:
        await host.close()


async def test_of_two_terminals_the_one_with_the_last_key_gives_the_lesson(tmp_path: Path) -> None:
    state, options = tmp_path / "state", _options(tmp_path)
    host = engine_in(state)
    speaks = options._replace(watch=True, speaker=True)
    elsewhere = "given in another terminal"
    try:
        async with (
            open_bench(tmp_path, state=state, host=host, options=options) as first,
            open_bench(tmp_path, state=state, host=host, options=speaks, size=(120, 35)) as speaker,
        ):
            await _is_at(first, 0, "Numbers")
            await first.is_idle(2)
            await _is_free(first)
            await _is_at(speaker, 0, "Numbers")
            async with open_bench(tmp_path, state=state, host=host, options=options) as second:
                await _is_at(second, 0, "Numbers")
                await second.sees(elsewhere)
                await speaker.press("right", "enter")
                for one in (first, second, speaker):
                    await one.sees("it is 42")
                await _is_free(first)
                await second.until(lambda: _view(second).runs == _view(first).runs, "one run")
                assert len(_view(first).runs) == 1 and len(first.snapshot.executions) == 3

                # The key goes on from where the first terminal is, and it is followed there.
                await second.press("pagedown")
                await _is_at(first, 1, "A question")
                await first.sees(elsewhere)
                await second.sees_no_more(elsewhere)
                await _is_free(second)
                await second.until(lambda: _view(speaker) == _view(second), "the speaker follows")
                await speaker.press("right", "enter")
                for one in (first, second):
                    await one.sees("⌨ Who?")
                await first.write("Ada")
                await first.press("enter")
                for one in (first, second, speaker):
                    await one.sees("Hello Ada")
                await _is_free(second)
                assert len(first.snapshot.executions) == 4

                # What it refuses is told where the key was pressed.
                await speaker.press("right", "right", "right")
                await second.until(lambda: second.snapshot.is_running, "the loop runs")
                await speaker.press("home")
                await speaker.sees("running · Esc stops it")
                # What runs is taken over as well.
                await first.press("escape")
                await first.sees("KeyboardInterrupt")
                await second.sees(elsewhere)
                await first.until(lambda: _view(first).runs[-1].seconds > 0, "the run has ended")
                await _is_free(first)
                await second.press("b")
                await first.until(lambda: _view(first).is_blank, "the screen is blank")
            # The terminal that gave it has ended.
            await first.sees_no_more(elsewhere)
            await first.press("b")
            await _is_free(first)
            await first.until(lambda: _view(speaker) == _view(first), "the speaker follows")
            await speaker.press("home")
            await _is_at(first, 0, "Numbers")
            await _is_at(speaker, 0, "Numbers")
            await _is_free(first)
    finally:
        await host.close()
    assert not list((state / "views").glob("*.lead"))
