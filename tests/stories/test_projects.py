"""Projects in the workbench: built, run and tested by keys, with their problems on their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.config.model import Editor, Settings
from support.bench import open_bench

pytestmark = pytest.mark.slow

MAIN = 'int main() { printf("%d\\n", twice(21)); }'
FILES = {
    "main.c": f"#include <stdio.h>\nint twice(int);\n{MAIN}\n",
    "twice.c": "int twice(int n) { return 2 * n; }\n",
    "checks.c": "#include <assert.h>\nint twice(int);\nint main() {\n  assert(twice(2) == 5);\n}\n",
    "CMakeLists.txt": """\
cmake_minimum_required(VERSION 3.20)
project(demo C)
enable_testing()
add_executable(app main.c twice.c)
add_executable(checks checks.c twice.c)
add_test(NAME twice COMMAND checks)
""",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


async def test_a_project_is_built_run_and_tested(tmp_path: Path) -> None:
    async with open_bench(tmp_path, FILES) as bench:
        problems = bench.workbench.documents.problems
        bench.editor.at(MAIN)
        await bench.press("end", "left", "x")
        await bench.press("ctrl+f7")
        await bench.console.card(1).ends("error")
        assert (tmp_path / "work/main.c").read_text().endswith("x}\n"), "saved before the build"
        await bench.until(lambda: len(problems.all()) > 0, "the problem")
        assert {Path(problem.document).name for problem in problems.all()} == {"main.c"}
        assert problems.all()[0].place[0] == 2

        await bench.press("backspace")
        await bench.press("ctrl+f9")
        await bench.sees("Run a target of the CMake project work")
        await bench.write("app")
        await bench.press("enter")
        await bench.console.card(2).ends("ok")
        await bench.console.card(2).shows("42")
        await bench.until(lambda: not problems.all(), "no problem")

        await bench.press("ctrl+f6")
        await bench.console.card(3).ends("error")
        view = bench.console.card(3).view
        assert view is not None
        assert view.error is not None
        assert view.error.value == "1 of 1 tests failed: twice."
        await bench.until(lambda: len(problems.all()) == 1, "the failed line")
        await bench.press("alt+e")
        await bench.sees("1 failed")
        await bench.press("r")
        await bench.console.card(4).ends("error")
        await bench.press("enter")
        sheet = bench.workbench.documents
        await bench.until(lambda: sheet.sheet and sheet.sheet.path.name == "checks.c", "checks.c")
        await bench.until(lambda: sheet.sheet and sheet.sheet.editor.model.cursor.line == 3, "line")


async def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"a.py": "1\n"}) as bench:
        await bench.press("ctrl+f7")
        await bench.is_told("There is no project in")


async def test_a_document_is_formatted_by_its_key_and_when_it_is_saved(tmp_path: Path) -> None:
    settings = Settings(editor=Editor(format_on_save=True))
    async with open_bench(
        tmp_path, {"a.c": "int main( ){return 0;}\n"}, settings=settings
    ) as bench:
        bench.editor.at("int main( ){return 0;}")
        await bench.press("ctrl+f3")
        sheet = bench.workbench.documents.sheet
        assert sheet is not None
        await bench.until(lambda: sheet.editor.text == "int main() { return 0; }\n", "the format")
        assert (tmp_path / "work/a.c").read_text() == "int main( ){return 0;}\n"
        await bench.press("ctrl+z", "ctrl+s")
        path = tmp_path / "work/a.c"
        await bench.until(lambda: path.read_text() == "int main() { return 0; }\n", "the file")
