"""Search, copying, a kernel that has ended, and what only a browser shows, in the console."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.tui.options import OpenOptions
from support.bench import open_bench

pytestmark = pytest.mark.slow

PAGE = "from IPython.display import IFrame; IFrame('https://www.youtube.com/embed/a', 4, 3)"


async def test_search_follows_what_is_typed_and_speaks_of_that_alone(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.console.run("for n in range(40): print('alpha' if n % 2 else 'beta', n)")
        await bench.is_idle(1)
        await bench.press("escape", "slash")
        await bench.write("zzz")
        await bench.sees("nothing found")
        await bench.press("backspace", "backspace", "backspace")
        await bench.sees_no_more("nothing found")
        await bench.write("beta")
        await bench.sees("21 of 21")
        view = bench.workbench.console_pane.view
        assert view.cursor.marked_row is not None and view.cursor.marked_row[1] == 38
        await bench.press("enter")  # takes what was found
        await bench.press("enter")  # and goes back from match to match
        await bench.sees("20 of 21")
        await bench.write(" 3")
        await bench.sees("5 of 5")
        await bench.write("x")
        await bench.sees("nothing found")
        await bench.press(*["backspace"] * 7)
        await bench.write("IN RANGE(40)")
        await bench.sees("1 of 1")
        assert (view.cursor.marked_row[1], view.cursor.marked_part) == (0, "code")
        await bench.until(lambda: view.scroll_offset.y == 0, "the code in view")
        await bench.press("escape")
        await bench.sees_no_more("nothing found")
        await bench.until(lambda: view.has_focus, "the cards have the keys")
        assert view.cursor.marked_row is None
        # Of a copy it is said how much it was.
        await bench.press("y")
        await bench.is_told("40 rows copied.")
        await bench.console.run("print('one')")
        await bench.is_idle(2)
        await bench.press("escape", "y")
        await bench.is_told("1 row copied.")
        await bench.console.run(PAGE)
        await bench.console.card(3).shows(
            "[page https://www.youtube.com/embed/a: a browser shows it] · O opens it"
        )
        opened: list[Path] = []
        await bench.until(lambda: bench.workbench.panes.are_complete, "the artifacts")
        artifacts = bench.workbench.panes.artifacts
        assert artifacts is not None

        async def note(item: object) -> None:
            opened.append(Path(str(item)))

        artifacts.store.open_outside = note  # no browser here
        await bench.press("escape", "O")
        await bench.until(lambda: opened, "opened outside")


async def test_enter_starts_a_kernel_where_one_has_ended(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.console.run("import os; os._exit(3)")
        await bench.sees("Kernel ended. Enter starts a new one · F12 another · Ctrl+Q leaves")
        await bench.press("enter")
        await bench.until(lambda: bench.snapshot.kernel.state == "idle", "another kernel")
        await bench.sees("── kernel restarted · ")
        assert len(bench.snapshot.executions) == 1


async def test_a_kernel_that_is_not_there_says_which_key_chooses_another(tmp_path: Path) -> None:
    options = OpenOptions(kernel="nope")
    async with open_bench(tmp_path, options=options, size=(80, 24)) as bench:
        await bench.until(lambda: bench.snapshot.kernel.state == "dead", "no kernel")
        await bench.sees("nope is no kernel that is installed.")
        await bench.sees("Enter or F12 chooses a kernel · Ctrl+Q leaves")
        await bench.sees("F12 choose a kernel")  # in the status line
        await bench.press("alt+2", "enter")
        await bench.sees("a kernel, the path of a Python")


async def test_an_interrupt_without_a_run_is_no_failure_and_covers_no_words(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.console.run("1")
        await bench.is_idle(1)
        await bench.press("f9")
        await bench.is_told("Nothing runs that could be interrupted.")
        assert all(one.severity == "information" for one in bench.program._notifications)
        bench.program.clear_notifications()
        await bench.console.run("import os; os._exit(3)")
        await bench.sees("Kernel ended. Enter starts a new one")
        await bench.press("f9", "f9")
        await bench.until(
            lambda: all(one.group != "tell" for one in bench.workbench.workers), "the replies"
        )
        assert not list(bench.program._notifications)


async def test_documentation_that_is_not_there_says_so(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"a.py": "unknown_name"}) as bench:
        await bench.until(lambda: bench.snapshot.kernel.state == "idle", "a kernel")
        await bench.press("alt+1", "end", "alt+i")
        await bench.is_told("No documentation here")
