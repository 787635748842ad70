"""Files of other languages in the workbench: F5 builds and runs them, and their problems stand on
their lines."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from codeexec.tui.panes.console.prompt.prompt import Prompt
from codeexec.tui.panes.editor.marks import LineDiagnostic
from support.bench import Bench, open_bench
from support.mouse import Mouse
from support.shells import Shell

pytestmark = pytest.mark.slow

ASK = """\
#include <iostream>
int main() {
  int n;
  std::cout << "n? " << std::flush;
  std::cin >> n;
  std::cout << 2 * n << std::endl;
  while (true) {}
}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def marks(bench: Bench) -> list[LineDiagnostic]:
    sheet = bench.workbench.documents.sheet
    assert sheet is not None
    return list(sheet.editor.painter.diagnostics.values())


async def test_an_error_of_the_compiler_stands_on_its_line(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"main.cpp": "int main(){ return x; }\n"}) as bench:
        await bench.editor.at("int main(){ return x; }").run()
        await bench.console.card(1).shows("main.cpp:1:20: error:")
        await bench.until(lambda: marks(bench), "the mark")
        (mark,) = marks(bench)
        assert (mark.line, mark.start, mark.end) == (0, 19, 20)
        assert "declared in this scope" in mark.message
        # Corrected, it is saved, built and run.
        bench.editor.at("int main(){ return x; }")
        await bench.press("end", "left", "left", "left", "backspace", "0")
        await bench.press("f5")
        await bench.console.card(2).ends("ok")
        assert (tmp_path / "work" / "main.cpp").read_text() == "int main(){ return 0; }\n"
        await bench.until(lambda: not marks(bench), "no mark")


async def test_a_program_is_answered_and_interrupted(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"ask.cpp": ASK}) as bench:
        await bench.editor.at("int main() {").run()
        await bench.until(lambda: bench.snapshot.asking is not None, "the question")
        bench.workbench.console_pane.focus_prompt()
        await bench.write("21")
        await bench.press("enter")
        await bench.console.card(1).shows("42")
        await bench.press("f9")
        await bench.console.card(1).ends("cancelled")
        view = bench.console.card(1).view
        assert view is not None
        assert [(step.name, step.signal) for step in view.steps] == [
            ("build", ""),
            ("run", "SIGINT"),
        ]


async def test_ctrl_d_ends_the_input_of_a_program(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"count.sh": "wc -l\n"}) as bench:
        await bench.editor.at("wc -l").run()
        await bench.until(lambda: bench.snapshot.asking is not None, "the question")
        bench.workbench.console_pane.focus_prompt()
        await bench.sees("Ctrl+D ends the input")
        await bench.write("one")
        await bench.press("enter")
        await bench.console.card(1).shows("one")
        await bench.until(lambda: bench.snapshot.asking is not None, "the next question")
        bench.workbench.console_pane.focus_prompt()
        await bench.press("ctrl+d")
        await bench.console.card(1).shows("1")
        await bench.console.card(1).ends("ok")


async def test_what_runs_is_listed_and_stopped(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"wait.sh": "echo begun\nsleep 600\n"}) as bench:
        await bench.editor.at("sleep 600").run()
        await bench.console.card(1).shows("begun")
        await bench.press("ctrl+f12")
        await bench.sees("What runs")
        await bench.until(lambda: " Shell " in bench.screen(), "its row")
        await bench.press("s")
        await bench.console.card(1).ends("cancelled")
        await bench.sees("Nothing runs, and nothing waits.")


async def test_a_program_is_stopped_by_the_bar_over_it(tmp_path: Path) -> None:
    code = "trap 'echo not yet' INT\necho begun\nwhile :; do sleep 0.1; done\n"
    async with open_bench(tmp_path, {"wait.sh": code}, size=(120, 36)) as bench:
        mouse = Mouse(bench)
        await mouse.click("▷ Run")
        await bench.console.card(1).shows("begun")
        await mouse.menu("echo begun", "Stop the program")
        await bench.console.card(1).shows("not yet")
        # It goes on: the next clicks interrupt it again, terminate it, and kill it.
        while (view := bench.console.card(1).view) is not None and view.is_open:
            if mouse.find("■ Stop"):
                await mouse.click("■ Stop")
            await bench.pilot.pause(0.1)
        await bench.console.card(1).ends("cancelled")
        await bench.sees_no_more("■ Stop")


async def test_why_a_program_cannot_be_run_is_on_screen(tmp_path: Path) -> None:
    code = "int main() { return 0; }\n"
    async with open_bench(tmp_path, {"a.cpp": code}, size=(120, 36)) as bench:
        mouse = Mouse(bench)
        await mouse.click("Build  ")
        await bench.console.card(1).ends("ok")
        shutil.rmtree(tmp_path / "cache")
        await mouse.click("▷ Run a")
        await bench.sees("a.cpp was not built yet. Build it first.")
        # Below the editor as well, where the console is hidden.
        await bench.press("alt+1", "f11")
        await mouse.click("▷ Run a")
        await bench.sees("F2 console")
        await bench.sees("a.cpp was not built yet. Build it first.")
        assert "no output" not in bench.screen()


async def test_a_crash_of_a_script_stands_on_its_line(tmp_path: Path) -> None:
    code = "console.log(6 * 7)\nthrow new Error('boom')\n"
    async with open_bench(tmp_path, {"a.js": code}) as bench:
        await bench.editor.at("console.log(6 * 7)").run()
        await bench.console.card(1).shows("Error: boom")
        await bench.console.card(1).ends("error")
        await bench.until(lambda: marks(bench), "the mark")
        assert [(mark.line, mark.message) for mark in marks(bench)] == [(1, "Error: boom")]


async def test_problems_are_counted_visited_listed_and_fixed(tmp_path: Path) -> None:
    files = {
        "main.cpp": '#include "lib.hpp"\nint main() {\n  int count = f();\n  return cuont;\n}\n',
        "lib.hpp": "inline int f() { int unused; return 1; }\n",
    }
    async with open_bench(tmp_path, files) as bench:
        await bench.editor.at("int main() {").run()
        await bench.console.card(1).ends("error")
        await bench.sees("● 1 · ▲ 2")
        documents = bench.workbench.documents

        def place() -> tuple[str, int, int] | None:
            sheet = documents.sheet
            return (sheet.title, *sheet.editor.model.cursor) if sheet is not None else None

        await bench.press("alt+q")
        await bench.until(lambda: place() == ("main.cpp", 2, 6), "the unused variable")
        await bench.press("alt+q")
        await bench.until(lambda: place() == ("main.cpp", 3, 9), "the error")
        # The fix of the compiler, and one undo.
        sheet = documents.sheet
        assert sheet is not None
        lines = sheet.editor.model.lines
        await bench.press("alt+shift+i")
        await bench.until(lambda: lines[3] == "  return count;", "the fix")
        assert any(problem.is_stale for problem in documents.problems.all())
        await bench.press("ctrl+z")
        await bench.until(lambda: lines[3] == "  return cuont;", "the undo")
        await bench.press("alt+q")
        await bench.until(lambda: place() == ("lib.hpp", 0, 21), "the warning of the header")
        await bench.press("alt+shift+q")
        await bench.until(lambda: place() == ("main.cpp", 3, 9), "the error before it")
        # The list; its field narrows it down.
        await bench.press("alt+shift+m")
        await bench.sees("type to narrow down: words")
        await bench.write("lib")
        await bench.sees_no_more("3:7 ")
        await bench.press("enter")
        await bench.until(lambda: place() == ("lib.hpp", 0, 21), "the chosen problem")


async def test_build_and_run_are_commands_of_their_own(tmp_path: Path) -> None:
    code = (
        '#include <cstdio>\nint main(int n, char** v) { std::printf("%d %s\\n", n, v[n - 1]); }\n'
    )
    async with open_bench(tmp_path, {"say.cpp": code}) as bench:
        bench.editor.at("#include <cstdio>")
        await bench.sees("▷ Build & Run   Build ")
        await bench.press("alt+shift+u")
        await bench.console.card(1).ends("ok")
        await bench.sees("▷ Run say")
        view = bench.console.card(1).view
        assert view is not None
        assert [step.name for step in view.steps] == ["build"]
        # Its arguments, by key.
        await bench.press("alt+shift+g")
        await bench.sees("How say.cpp is built and run")
        await bench.write("'a b'")
        await bench.press("enter")
        await bench.sees_no_more("How say.cpp is built and run")
        await bench.press("alt+shift+y")
        await bench.console.card(2).shows("2 a b")
        await bench.console.card(2).ends("ok")
        view = bench.console.card(2).view
        assert view is not None
        assert [step.name for step in view.steps] == ["run"]
        # Another profile is another binary, which was not built.
        await bench.press("alt+shift+l")
        await bench.sees("release")
        await bench.sees_no_more("▷ Run say")
        bar = bench.workbench.documents.sheets[0].program_bar
        await bench.click(bar, 3)
        await bench.console.card(3).shows("2 a b")
        await bench.press("alt+shift+j")
        await bench.sees("-O2")


USED_AFTER = """\
#include <cstdio>
#include <vector>
int use(int* p) { return p[1]; }
int main() {
  auto* v = new std::vector<int>{1, 2};
  int* p = v->data();
  delete v;
  std::printf("%d\\n", use(p));
}
"""


async def test_frames_of_a_sanitizer_are_folded_and_lead_to_their_lines(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"uaf.cpp": USED_AFTER}) as bench:
        editor = bench.editor.at("#include <cstdio>")
        await bench.press("alt+shift+l", "alt+shift+l")
        await bench.sees("sanitize")
        await editor.run()
        card = bench.console.card(1)
        await card.ends("error")
        await card.shows("heap-use-after-free")
        bench.workbench.pane_layout.go("console")
        pane = bench.workbench.console_pane
        await bench.press("escape")
        await bench.until(lambda: pane.view.has_focus, "the cards")
        await bench.press("alt+m", "home")
        await bench.sees("frames of libraries")
        await bench.until(lambda: "__libc_start_main" not in bench.screen(), "the fold")
        rows = bench.screen().split("\n")
        y = next(at for at, row in enumerate(rows) if "#1 0x" in row and "uaf.cpp:8" in row)
        await bench.pilot.click(offset=(rows[y].index("#1 0x"), y))
        sheet = bench.workbench.documents.sheets[0]
        await bench.until(lambda: sheet.editor.model.cursor.line == 7, "the line of the frame")
        # By key, the place of the error.
        bench.workbench.pane_layout.go("console")
        await bench.press("escape")
        await bench.until(lambda: pane.view.has_focus, "the cards")
        await bench.press("s")
        await bench.until(lambda: sheet.editor.model.cursor.line == 2, "the line of the error")


async def test_a_header_is_refused_in_words(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"a.hpp": "struct A {};\n"}) as bench:
        await bench.editor.at("struct A {};").run()
        await bench.is_told("a.hpp is a header")


async def test_a_program_is_told_when_the_window_is_resized(tmp_path: Path) -> None:
    script = "trap 'stty size' WINCH\necho wa''iting\nwhile :; do sleep 0.02; done\n"
    async with open_bench(tmp_path, {"size.sh": script}) as bench:
        await bench.editor.at("echo wa''iting").run()
        card = bench.console.card(1)
        await card.shows("waiting")
        layout, size = bench.workbench.pane_layout, bench.workbench.size
        before = layout.output_columns()
        await bench.pilot.resize_terminal(size.width - 15, size.height)
        await bench.until(lambda: layout.output_columns() < before, "a narrower console")
        await bench.until(
            lambda: f"{layout.output_rows()} {layout.output_columns()}" in card.text(), "its size"
        )
        rows = layout.output_rows()
        await bench.pilot.resize_terminal(size.width - 15, size.height - 4)
        await bench.until(lambda: layout.output_rows() < rows, "a lower console")
        await bench.until(
            lambda: f"{layout.output_rows()} {layout.output_columns()}" in card.text(), "its size"
        )
        await bench.press("f9")
        await card.ends("cancelled")


async def test_a_program_that_uses_the_whole_screen_is_opened_in_a_terminal(
    tmp_path: Path,
) -> None:
    script = (
        "echo before\n"
        'printf "before\\\\n\\\\033[?1049h\\\\033[5;9Hdrawn $(tty | cut -c1-5)"\n'
        'while read -r line; do echo "got $line"; done\n'
    )
    async with open_bench(tmp_path, {"full.sh": script}) as bench:
        await bench.editor.at("echo before").run()
        card = bench.console.card(1)
        await card.shows("before")
        await bench.sees("This program uses the whole screen: Enter opens it in a terminal")
        assert "drawn /dev/" not in card.text()
        # The prompt is empty, so Enter means the card.
        await bench.press("alt+2")
        await bench.until(lambda: isinstance(bench.workbench.focused, Prompt), "the prompt")
        await bench.press("enter")
        await card.ends("cancelled")
        await bench.sees("drawn /dev/")
        shell = Shell(bench)
        await bench.until(lambda: shell.pane.input.is_inside, "keys go to the program")
        await bench.press(*"word", "enter")
        await bench.sees("got word")


WRONG = """\
#include <iostream>
int main() {
  int number;
  std::cin >> number;
  std::cout << 2 * numbr << std::endl;
}
"""
PROJECT = """\
cmake_minimum_required(VERSION 3.20)
project(demo NONE)
enable_testing()
add_test(NAME good COMMAND true)
add_test(NAME bad COMMAND false)
"""
BY_MOUSE = {
    "main.cpp": WRONG,
    "a.sh": "echo from-sh $((6 * 7))\n",
    "a.js": "console.log('from-js', 6 * 7)\n",
    "CMakeLists.txt": PROJECT,
}


async def test_programs_and_tests_by_the_mouse_alone(tmp_path: Path) -> None:
    async with open_bench(tmp_path, BY_MOUSE) as bench:
        mouse = Mouse(bench)

        def is_in_front(name: str) -> bool:
            sheet = bench.workbench.documents.sheet
            return sheet is not None and sheet.title == name

        async def choose(words: str, row: str) -> None:
            await mouse.click("^P commands")
            await bench.sees("what do you want to do?")
            await bench.write(words)
            await bench.sees_no_more("Open a file")
            await mouse.click(row)

        await bench.until(lambda: bench.workbench.panes.are_complete, "the panes")
        # An error: its mark, the list of problems, its line and column, its fix.
        await mouse.click("Build & Run")
        await bench.console.card(1).ends("error")
        await mouse.click("● 1")
        await bench.sees("words of a message")  # the card names the place as well
        await mouse.click("5:20", right=10)
        await bench.until(lambda: bench.editor.place == (4, 19), "the column of the problem")
        await mouse.click("● 1")
        await mouse.click("apply its fix")
        await bench.until(lambda: bench.editor.text == WRONG.replace("numbr", "number"), "the fix")
        # Input in its card.
        await mouse.click("Build & Run")
        await bench.until(lambda: bench.snapshot.asking is not None, "the question")
        await mouse.click("⌨ input")
        await bench.write("21")
        await mouse.click("⏎")
        await bench.console.card(2).ends("ok")
        await bench.console.card(2).shows("42")
        # Files of other languages.
        for number, name in ((3, "sh"), (4, "js")):
            await mouse.click(f"a.{name}", 1)
            await bench.until(partial(is_in_front, f"a.{name}"), name)
            await bench.sees_no_more("Build & Run")
            await mouse.click("▷ Run")
            await bench.console.card(number).shows(f"from-{name} 42")
        # Tests, as a list that leads to the line of one.
        await choose("run the tests", "Run the tests of the project")
        await bench.console.card(5).ends("error")
        await choose("tests", "Tests…")
        await bench.sees("1 failed")
        await mouse.click("run failed")
        await bench.console.card(6).ends("error")
        await mouse.click("✗ bad")
        await bench.until(partial(is_in_front, "CMakeLists.txt"), "its file")
        await bench.until(lambda: bench.editor.line == "add_test(NAME bad COMMAND false)", "line")
